/* test_outbox_dead_list.c - pages of dead letters, also while others change them. */
#include "support/check.h"
#include "support/fail_alloc.h"

#include <pthread.h>
#include <stdlib.h>

#include "server/outbox/outbox_dead.h"

static int setup(void **state)
{
    return outbox_dead_create((struct outbox_dead **)state) == VARVE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    outbox_dead_destroy(*state);
    return 0;
}

static struct varve_dead_letter letter_of(const char *stream, uint64_t position)
{
    return (struct varve_dead_letter){ .stream = varve_view_str(stream), .position = position,
                                       .error_code = varve_view_str("INVALID_RECORD"),
                                       .last_error = varve_view_str("Broker: refused") };
}

static void put(struct outbox_dead *dead, const char *stream, uint64_t position, bool skipped, uint64_t log_version)
{
    struct varve_dead_letter letter = letter_of(stream, position);

    letter.skipped = skipped;
    assert_int_equal(outbox_dead_put(dead, &letter, log_version), VARVE_OK);
}

static void pages_have_every_stream_once(void **state)
{
    struct outbox_dead *dead = *state;
    char name[16], after[16] = "";
    size_t seen = 0;
    bool end = false;

    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof(name), "s-%02d", i * 7 % 25);
        put(dead, name, 100 + (uint64_t)i, i % 3 == 0, (uint64_t)i);
    }
    assert_true(outbox_dead_discard(dead, varve_view_str("s-00"), 100)); /* Its gap is no letter. */
    while (!end) {
        struct varve_dead_letter *letters;
        size_t count;

        assert_int_equal(outbox_dead_list(dead, varve_view_str(after), 5, &letters, &count, &end), VARVE_OK);
        assert_true(count <= 5 && (count == 5 || end));
        for (size_t i = 0; i < count; i++, seen++) {
            snprintf(name, sizeof(name), "%.*s", (int)letters[i].stream.size, letters[i].stream.data);
            assert_true(strcmp(name, after) > 0);
            snprintf(after, sizeof(after), "%s", name);
        }
        free(letters);
    }
    assert_int_equal(seen, 24);
}

static void a_name_may_be_as_long_as_names_are(void **state)
{
    struct outbox_dead *dead = *state;
    char longest[VARVE_MAX_SYSTEM_STREAM_NAME + 1], room[VARVE_MAX_SYSTEM_STREAM_NAME + 1], text[1000];
    struct varve_dead_letter *found;

    memset(longest, 'n', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    memset(text, 't', sizeof(text));
    struct varve_dead_letter letter = letter_of(longest, 5);
    letter.last_error = varve_view_of(text, sizeof(text)); /* Cut. */
    assert_int_equal(outbox_dead_put(dead, &letter, 1), VARVE_OK);
    assert_true(outbox_dead_stream_of(dead, 5, room));
    assert_string_equal(room, longest);
    assert_true(outbox_dead_find(dead, letter.stream, &found));
    assert_int_equal(found->last_error.size, VARVE_MAX_OUTBOX_REASON);
    free(found);
}

static void a_list_without_memory_says_so(void **state)
{
    struct outbox_dead *dead = *state;
    struct varve_dead_letter *letters;
    size_t count;
    bool end;

    if (!FAIL_ALLOC_WORKS)
        skip();
    put(dead, "a", 100, false, 1);
    fail_alloc_arm(1);
    assert_int_equal(outbox_dead_list(dead, varve_view_of("", 0), 10, &letters, &count, &end), VARVE_NO_MEMORY);
    assert_true(fail_alloc_disarm());
}

struct looker {
    struct outbox_dead *dead;
    _Atomic bool stop;
};

static void *look(void *argument)
{
    struct looker *looker = argument;

    while (!looker->stop) {
        struct varve_dead_letter *letters;
        struct outbox_dead_counts counts;
        size_t count;
        bool end;

        assert_int_equal(outbox_dead_list(looker->dead, varve_view_of("", 0), 100, &letters, &count, &end), VARVE_OK);
        for (size_t i = 0; i < count; i++)
            assert_true(letters[i].waiting >= 1 && letters[i].stream.size > 0);
        free(letters);
        outbox_dead_count(looker->dead, &counts);
        assert_true(counts.positions >= counts.streams);
    }
    return NULL;
}

static void others_may_list_meanwhile(void **state)
{
    struct looker looker = { .dead = *state };
    pthread_t thread;
    char name[16];

    assert_int_equal(pthread_create(&thread, NULL, look, &looker), 0);
    for (uint64_t i = 1; i < 5000; i++) {
        snprintf(name, sizeof(name), "s-%llu", (unsigned long long)(i % 50));
        put(looker.dead, name, i, false, i);
        uint64_t behind = i + 10000;
        assert_int_equal(outbox_dead_add_waiting(looker.dead, varve_view_str(name), &behind, 1), VARVE_OK);
        if (i % 3 == 0)
            outbox_dead_delivered(looker.dead, varve_view_str(name), UINT64_MAX);
    }
    looker.stop = true;
    assert_int_equal(pthread_join(thread, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pages_have_every_stream_once),
        TEST(a_name_may_be_as_long_as_names_are),
        TEST(a_list_without_memory_says_so),
        TEST(others_may_list_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
