/* test_outbox_memory_load.c - what a start reads, and what it makes of events of other versions and of damage. */
#include "memory_fixture.h"

#include "support/check.h"

#include <stdlib.h>

enum { HINTS = 200000, AT_ONCE = 250 };

/* As if it had run for days. */
static void write_hints(struct memory_fixture *f, uint64_t count, uint64_t fold_from)
{
    const struct varve_append_stream target = { varve_view_str(MEMORY_HINTS), VARVE_EXPECTED_ANY };
    static char data[AT_ONCE][120];
    struct varve_event events[AT_ONCE];

    for (uint64_t i = 0; i < count; i += AT_ONCE) {
        const struct varve_append_request request = { .streams = &target, .stream_count = 1, .events = events,
                                                      .event_count = AT_ONCE };
        struct varve_append *append = NULL;

        for (uint64_t at = 0; at < AT_ONCE; at++) {
            int size = snprintf(data[at], sizeof(data[at]), "{\"position\":%llu,\"generation\":3,\"fold_from\":%llu,"
                                "\"replays\":0}", (unsigned long long)(i + at + 1), (unsigned long long)fold_from);
            events[at] = (struct varve_event){ .type = varve_view_str("$outbox.published"),
                                               .data = varve_view_of(data[at], (size_t)size),
                                               .time_us = VARVE_TIME_NONE, .content_type = VARVE_CONTENT_JSON };
        }
        assert_int_equal(varve_append_create_system(f->store.store, &request, &append, &f->error), VARVE_OK);
        assert_int_equal(varve_append_wait(append, &f->error), VARVE_OK);
        varve_append_free(append);
    }
}

static void of_many_hints_one_is_read(void **state)
{
    struct memory_fixture *f = *state;

    memory_park(f, "old", 3, UINT64_C(4), UINT64_C(0));
    assert_int_equal(outbox_memory_retried(&f->memory, varve_view_str("old"), 4, &f->error), VARVE_OK);
    memory_park(f, "a", 5, UINT64_C(6), UINT64_C(0)); /* It waits all these days. */
    write_hints(f, HINTS, 3);
    memory_park(f, "b", 7, UINT64_C(0));
    memory_reopen(f);
    assert_int_equal(f->memory.events_read, 4); /* The newest hint; the letter, what waits behind it, the second one. */
    assert_true(f->memory.position == HINTS && f->memory.generation == 3);
    assert_string_equal(memory_waiting(&f->memory, "a"), "5 6");
    assert_string_equal(memory_waiting(&f->memory, "b"), "7");
    assert_string_equal(memory_waiting(&f->memory, "old"), "");
}

static void what_is_settled_is_not_read(void **state)
{
    struct memory_fixture *f = *state;
    struct outbox_dead_counts counts;

    for (uint64_t i = 1; i <= 100; i++) {
        memory_park(f, "a", i, UINT64_C(0));
        assert_int_equal(outbox_memory_retried(&f->memory, varve_view_str("a"), i, &f->error), VARVE_OK);
    }
    assert_int_equal(outbox_memory_publish(&f->memory, 100, 1, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 1);
    memory_park(f, "b", 200, UINT64_C(0));
    outbox_dead_count(f->memory.dead, &counts);
    assert_int_equal(counts.fold_from, 200);
    assert_int_equal(outbox_memory_publish(&f->memory, 200, 1, &f->error), VARVE_OK);
    memory_park(f, "a", 300, UINT64_C(0));
    assert_int_equal(outbox_memory_retried(&f->memory, varve_view_str("a"), 300, &f->error), VARVE_OK);
    memory_check_reopened(f);
    assert_int_equal(f->memory.events_read, 4);
}

static void types_of_a_later_version_are_not_looked_at(void **state)
{
    struct memory_fixture *f = *state;

    memory_park(f, "a", 100, UINT64_C(0));
    memory_write(f, MEMORY_STREAM, "$outbox.later", "not even JSON");
    memory_write(f, MEMORY_STREAM, "something", "");
    assert_int_equal(outbox_memory_publish(&f->memory, 100, 1, &f->error), VARVE_OK);
    memory_write(f, MEMORY_HINTS, "$outbox.later", "");
    memory_reopen(f);
    assert_int_equal(f->memory.next_version, 3);
    assert_true(f->memory.position == 100);
    assert_string_equal(memory_waiting(&f->memory, "a"), "100");
    memory_park(f, "b", 101, UINT64_C(0));
    memory_check_reopened(f);
}

static void fields_of_another_version_are_borne(void **state)
{
    struct memory_fixture *f = *state;
    struct varve_dead_letter *letter;

    memory_write(f, MEMORY_STREAM, "$outbox.parked", "{\"stream\":\"a\",\"position\":9}");
    memory_write(f, MEMORY_STREAM, "$outbox.waiting", "{\"stream\":\"a\",\"positions\":[12,11],\"later\":1}");
    memory_write(f, MEMORY_HINTS, "$outbox.published", "{\"position\":20,\"later\":{}}");
    memory_reopen(f);
    assert_string_equal(memory_waiting(&f->memory, "a"), "9 11 12");
    assert_true(outbox_dead_find(f->memory.dead, varve_view_str("a"), &letter));
    assert_true(letter->position == 9 && letter->version == UINT64_MAX && letter->retry_count == 0);
    free(letter);
    assert_int_equal(f->memory.position, 20);
    memory_check_reopened(f);
}

static void damage_is_told_with_its_place(void **state)
{
    static const struct {
        const char *stream, *type, *data;
    } cases[] = {
        { MEMORY_STREAM, "$outbox.parked", "" },
        { MEMORY_STREAM, "$outbox.parked", "{\"stream\":\"a\"}" },
        { MEMORY_STREAM, "$outbox.waiting", "{\"stream\":\"a\",\"positions\":[0]}" },
        { MEMORY_STREAM, "$outbox.retried", "nonsense" },
        { MEMORY_STREAM, "$outbox.topics", "{\"topics\":{\"t\":\"x\"}}" },
        { MEMORY_HINTS, "$outbox.published", "{\"position\":-1}" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct memory_fixture *f = NULL;
        char place[64];

        memory_setup((void **)&f);
        memory_park(f, "a", 100, UINT64_C(0));
        assert_int_equal(outbox_memory_publish(&f->memory, 100, 1, &f->error), VARVE_OK);
        memory_write(f, cases[i].stream, cases[i].type, cases[i].data);
        outbox_memory_close(&f->memory);
        CHECK_CASE(outbox_memory_open(&f->memory, f->store.store, MEMORY_NAME, &f->error) == VARVE_CORRUPT,
                   cases[i].data);
        snprintf(place, sizeof(place), "event 1 of %s, at position 3", cases[i].stream);
        CHECK_CASE(strstr(f->error.message, place) != NULL, f->error.message);
        memory_teardown((void **)&f);
    }
}

static void a_hint_that_speaks_of_what_is_not_there_is_damage(void **state)
{
    static const char *const hints[] = {
        "{\"position\":1,\"fold_from\":2}", "{\"position\":1,\"fold_from\":1,\"topics_at\":1}",
        "{\"position\":1,\"fold_from\":1,\"topics_at\":0}", "{\"position\":1,\"fold_from\":1,\"topics_at\":77}",
    };

    for (size_t i = 0; i < COUNT_OF(hints); i++) {
        struct memory_fixture *f = NULL;

        memory_setup((void **)&f);
        memory_write(f, MEMORY_STREAM, "$outbox.paused", "{}");
        memory_write(f, MEMORY_HINTS, "$outbox.published", hints[i]);
        outbox_memory_close(&f->memory);
        CHECK_CASE(outbox_memory_open(&f->memory, f->store.store, MEMORY_NAME, &f->error) == VARVE_CORRUPT, hints[i]);
        memory_teardown((void **)&f);
    }
}

static void each_outbox_has_a_memory_of_its_own(void **state)
{
    struct memory_fixture *f = *state;
    struct outbox_memory other;

    assert_int_equal(outbox_memory_open(&other, f->store.store, "kafka-2", &f->error), VARVE_OK);
    memory_park(f, "a", 100, UINT64_C(0));
    assert_int_equal(outbox_memory_publish(&other, 7, 1, &f->error), VARVE_OK);
    memory_check_reopened(f);
    outbox_memory_close(&other);
    assert_int_equal(outbox_memory_open(&other, f->store.store, "kafka-2", &f->error), VARVE_OK);
    assert_true(other.position == 7 && f->memory.position == 0);
    assert_false(outbox_dead_blocks(other.dead, varve_view_str("a")));
    outbox_memory_close(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(of_many_hints_one_is_read),
        TEST(what_is_settled_is_not_read),
        TEST(types_of_a_later_version_are_not_looked_at),
        TEST(fields_of_another_version_are_borne),
        cmocka_unit_test(damage_is_told_with_its_place),
        cmocka_unit_test(a_hint_that_speaks_of_what_is_not_there_is_damage),
        TEST(each_outbox_has_a_memory_of_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
