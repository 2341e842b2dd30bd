/* test_outbox_memory_park.c - what a batch sets aside: within the store's limits, in order, and all or a beginning. */
#include "memory_fixture.h"

#include "support/check.h"
#include "support/fail_alloc.h"

#include <errno.h>
#include <stdlib.h>

enum { MANY = 20000 };

static void one_append_has_letters_and_what_waits(void **state)
{
    struct memory_fixture *f = *state;
    const struct varve_dead_letter letters[] = { memory_letter("b", 100), memory_letter("a", 101) };
    const struct outbox_waiting waiting[] = { { letters[0].stream, 104 }, { letters[1].stream, 103 },
                                              { letters[0].stream, 102 }, { letters[1].stream, 105 } };
    uint64_t appends = fixture_stats(&f->store).appends;

    assert_int_equal(outbox_memory_park(&f->memory, letters, 2, waiting, 4, &f->error), VARVE_OK);
    assert_int_equal(fixture_stats(&f->store).appends, appends + 1);
    assert_int_equal(f->memory.next_version, 4); /* Two letters, and what waits of each stream. */
    assert_string_equal(memory_waiting(&f->memory, "a"), "101 103 105");
    assert_string_equal(memory_waiting(&f->memory, "b"), "100 102 104");
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_park(&f->memory, NULL, 0, waiting, 4, &f->error), VARVE_OK); /* Again. */
    assert_string_equal(memory_waiting(&f->memory, "a"), "101 103 105");
    memory_check_reopened(f);
    assert_int_equal(outbox_memory_park(&f->memory, NULL, 0, NULL, 0, &f->error), VARVE_OK);
    assert_int_equal(f->memory.next_version, 6);
}

static void several_skipped_events_of_a_stream_are_all_there(void **state)
{
    struct memory_fixture *f = *state;
    struct varve_dead_letter letters[5];

    for (size_t i = 0; i < COUNT_OF(letters); i++) {
        letters[i] = memory_letter("a", 100 + i);
        letters[i].skipped = true;
    }
    assert_int_equal(outbox_memory_park(&f->memory, letters, COUNT_OF(letters), NULL, 0, &f->error), VARVE_OK);
    assert_string_equal(memory_waiting(&f->memory, "a"), "100 101 102 103 104");
    assert_false(outbox_dead_blocks(f->memory.dead, letters[0].stream));
    assert_int_equal(outbox_dead_gap(f->memory.dead, letters[0].stream), 104);
    memory_check_reopened(f);
}

/* Of 20 streams in turns, so that every event of the log has some of each. */
static struct outbox_waiting *many_waiting(void)
{
    static char names[20][16];
    struct outbox_waiting *waiting = calloc(MANY, sizeof(*waiting));

    assert_non_null(waiting);
    for (size_t i = 0; i < 20; i++)
        snprintf(names[i], sizeof(names[i]), "stream-%zu", i);
    for (size_t i = 0; i < MANY; i++)
        waiting[i] = (struct outbox_waiting){ varve_view_str(names[i % 20]), UINT64_C(1000000000000) + i };
    return waiting;
}

static void make_letters(const struct outbox_waiting *waiting, struct varve_dead_letter letters[20])
{
    for (size_t i = 0; i < 20; i++) {
        letters[i] = memory_letter("x", 100 + i);
        letters[i].stream = waiting[i].stream;
    }
}

static uint64_t positions_of(const struct outbox_memory *memory)
{
    struct outbox_dead_counts counts;

    outbox_dead_count(memory->dead, &counts);
    return counts.positions;
}

static void a_batch_may_be_larger_than_an_append(void **state)
{
    struct memory_fixture *f = *state;
    struct outbox_waiting *waiting = many_waiting();
    struct varve_dead_letter letters[20];
    uint64_t appends = fixture_stats(&f->store).appends;

    make_letters(waiting, letters);
    assert_int_equal(outbox_memory_park(&f->memory, letters, 20, waiting, MANY, &f->error), VARVE_OK);
    assert_in_range(fixture_stats(&f->store).appends - appends, 2, 10); /* 280 kB; 128 KiB fit one. */
    assert_int_equal(positions_of(&f->memory), MANY + 20);
    memory_check_reopened(f);
    free(waiting);
}

static void small_limits_are_kept(void **state)
{
    struct memory_fixture *f = *state;
    struct outbox_waiting *waiting = many_waiting();
    struct varve_dead_letter letters[20];

    outbox_memory_close(&f->memory);
    fixture_close(&f->store);
    f->store.options.max_event_bytes = 1500;
    f->store.options.max_append_bytes = 8000;
    f->store.options.max_append_events = 3;
    fixture_open(&f->store);
    memory_open(f);
    make_letters(waiting, letters);
    assert_int_equal(outbox_memory_park(&f->memory, letters, 20, waiting, 2000, &f->error), VARVE_OK);
    assert_int_equal(positions_of(&f->memory), 2020);
    assert_int_equal(f->memory.next_version, 20 + 2000 / 20);
    memory_check_reopened(f);
    free(waiting);
}

/* The disk fills in the middle: what was appended is in memory, the rest is in neither, and no position is without the
 * letter that it waits behind. */
static void what_fails_in_the_middle_is_there_up_to_there(void **state)
{
    struct outbox_waiting *waiting = many_waiting();
    struct varve_dead_letter letters[20];

    make_letters(waiting, letters);
    for (unsigned nth = 1;; nth++) {
        struct memory_fixture *f = NULL;
        struct outbox_dead_counts counts;

        memory_setup((void **)&f);
        f->store.options.max_event_bytes = 4000;
        f->store.options.max_append_bytes = 8000;
        outbox_memory_close(&f->memory);
        fixture_reopen(&f->store);
        memory_open(f);
        fault_os_arm(&f->store.fault, nth, ENOSPC, true);
        enum varve_status status = outbox_memory_park(&f->memory, letters, 20, waiting, MANY / 4, &f->error);
        bool fired = atomic_load(&f->store.fault.fired);
        char *live = memory_picture(&f->memory);
        uint64_t positions = positions_of(&f->memory);
        memory_crash(f);
        char *after = memory_picture(&f->memory);
        assert_true(status == VARVE_OK || fired);
        assert_true(status != VARVE_OK || positions == MANY / 4 + 20);
        outbox_dead_count(f->memory.dead, &counts);
        assert_true(counts.positions >= positions); /* Perhaps one append more than anybody was told of. */
        assert_true(status != VARVE_OK || strcmp(live, after) == 0);
        assert_true(counts.streams == 20 || counts.positions == counts.streams);
        free(live);
        free(after);
        memory_teardown((void **)&f);
        if (!fired)
            break;
    }
    free(waiting);
}

static void without_memory_nothing_is_set_aside(void **state)
{
    struct memory_fixture *f = *state;
    struct varve_dead_letter letters[] = { memory_letter("b", 100), memory_letter("a", 101) };
    const struct outbox_waiting waiting[] = { { letters[0].stream, 104 }, { letters[1].stream, 103 },
                                              { letters[0].stream, 102 } };
    enum varve_status status = VARVE_NO_MEMORY;

    if (!FAIL_ALLOC_WORKS)
        skip();
    letters[0].error_code = letters[0].last_error = letters[1].error_code = letters[1].last_error =
        varve_view_of("", 0); /* Texts are left out when there is no memory; here are none. */
    for (unsigned nth = 1; status != VARVE_OK; nth++) {
        fail_alloc_arm(nth);
        status = outbox_memory_park(&f->memory, letters, 2, waiting, 3, &f->error);
        bool fired = fail_alloc_disarm();
        assert_true(status == VARVE_OK || fired);
        assert_int_equal(positions_of(&f->memory), status == VARVE_OK ? 5 : 0);
        assert_int_equal(outbox_dead_blocks(f->memory.dead, letters[0].stream), status == VARVE_OK);
        memory_check_reopened(f);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, memory_setup, memory_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_append_has_letters_and_what_waits),
        TEST(several_skipped_events_of_a_stream_are_all_there),
        TEST(a_batch_may_be_larger_than_an_append),
        TEST(small_limits_are_kept),
        cmocka_unit_test(what_fails_in_the_middle_is_there_up_to_there),
        TEST(without_memory_nothing_is_set_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
