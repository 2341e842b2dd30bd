/* test_journal_pool.c - segments are made ahead, used again, given back; and what happens when there is no room. */
#include "engine/journal_segment.h"
#include "tests/support/check.h"
#include "tests/support/journal_fixture.h"
#include "tests/support/pause.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

static void append_blocks(struct journal_fixture *f, unsigned blocks)
{
    for (unsigned i = 0; i < blocks; i++)
        assert_int_equal(journal_fixture_append(f, 1, 2000, i), VARVE_OK);
}

static bool segments_are(const struct journal_fixture *f, uint64_t first, size_t count)
{
    uint64_t *numbers;
    size_t found;

    assert_int_equal(segment_list(&f->options, &numbers, &found, NULL), VARVE_OK);
    bool same = found == count && numbers[0] == first;
    free(numbers);
    return same;
}

static void wait_for_segments(const struct journal_fixture *f, uint64_t first, size_t count)
{
    for (int i = 0; i < 10000 && !segments_are(f, first, count); i++)
        pause_ms(1);
    assert_true(segments_are(f, first, count));
}

static void test_a_spare_is_made_once_the_first_is_used(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    pause_ms(20);
    assert_true(segments_are(&f, 1, 1)); /* An unused store takes one segment. */
    append_blocks(&f, 1);
    journal_fixture_wait_segments(&f, 2);
    append_blocks(&f, 2);
    assert_true(segments_are(&f, 1, 2));
    append_blocks(&f, 1);
    journal_fixture_wait_segments(&f, 3);
    journal_fixture_free(&f);
}

static void reopen(struct journal_fixture *f)
{
    journal_fixture_close(f);
    assert_int_equal(journal_fixture_open(f), VARVE_OK);
    assert_true(f->settled + f->seen == f->last && !f->odd);
}

static void test_settled_segments_become_spares(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    append_blocks(&f, 10); /* 1-3, 4-6, 7-9, 10 and a spare: five segments */
    journal_fixture_wait_segments(&f, 5);
    f.settled = 5;
    journal_recycle(f.journal, 5);
    wait_for_segments(&f, 2, 5); /* 1 became 6; 2 still holds position 6. */
    reopen(&f);
    append_blocks(&f, 20);
    reopen(&f);
    journal_fixture_free(&f);
}

static void test_the_newest_records_stay(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    append_blocks(&f, 3);
    journal_fixture_wait_segments(&f, 2);
    /* Segment 2 is current now, yet empty: 1 holds what proves how far the log went. */
    assert_int_equal(journal_frame_begin(f.journal, 1, 100, &f.error), VARVE_OK);
    f.settled = 3;
    journal_recycle(f.journal, 3);
    pause_ms(20);
    assert_true(segments_are(&f, 1, 2));
    reopen(&f);
    append_blocks(&f, 1);
    wait_for_segments(&f, 2, 2);
    reopen(&f);
    journal_fixture_free(&f);
}

static void test_too_many_spares_are_given_back(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    append_blocks(&f, 30);
    journal_fixture_wait_segments(&f, 11);
    f.settled = 30;
    journal_recycle(f.journal, 30);
    journal_fixture_wait_segments(&f, 5); /* The current one and four. */
    reopen(&f);
    append_blocks(&f, 30);
    reopen(&f);
    journal_fixture_free(&f);
}

static void test_segments_of_another_size(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    append_blocks(&f, 7); /* 1-3, 4-6, 7 and a spare */
    journal_fixture_wait_segments(&f, 4);
    f.options.segment_size_bytes = 2 * FIXTURE_SEGMENT;
    reopen(&f);
    assert_int_equal(journal_fixture_append(&f, 1, 20000, 5), VARVE_OK); /* Fits neither the third nor the spare. */
    reopen(&f);
    f.settled = f.last - 1;
    journal_recycle(f.journal, f.settled); /* Small ones are not used again. */
    for (int i = 0; i < 6; i++)
        assert_int_equal(journal_fixture_append(&f, 1, 20000, 5), VARVE_OK);
    reopen(&f);
    journal_fixture_free(&f);
}

static enum varve_status append_until_refused(struct journal_fixture *f)
{
    enum varve_status status = VARVE_OK;

    for (unsigned i = 0; i < 20 && status == VARVE_OK; i++)
        status = journal_fixture_append(f, 1, 2000, i);
    return status;
}

static bool says_full(struct journal_fixture *f)
{
    struct journal_stats stats;

    journal_get_stats(f->journal, &stats);
    return stats.disk_full;
}

static void test_a_full_disk_refuses_until_there_is_room(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    f.options.disk_reserve_bytes = 1 << 20;
    reopen(&f);
    atomic_store(&f.fault.free_bytes, (1 << 20) + FIXTURE_SEGMENT - 1);
    assert_int_equal(append_until_refused(&f), VARVE_DISK_FULL);
    assert_int_equal(f.last, 3);
    assert_true(says_full(&f));
    assert_int_equal(append_until_refused(&f), VARVE_DISK_FULL);
    reopen(&f); /* All acknowledged is there, and it is still full. */
    assert_int_equal(append_until_refused(&f), VARVE_DISK_FULL);

    atomic_store(&f.fault.free_bytes, (1 << 20) + FIXTURE_SEGMENT);
    for (int i = 0; i < 5000 && journal_fixture_append(&f, 1, 2000, 7) == VARVE_DISK_FULL; i++)
        pause_ms(1);
    assert_int_equal(f.last, 4);
    assert_false(says_full(&f));
    reopen(&f);
    journal_fixture_free(&f);
}

/* Settling makes room without taking any from the disk. */
static void test_a_full_disk_goes_on_with_recycled_segments(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    append_blocks(&f, 4);
    journal_fixture_wait_segments(&f, 3);
    atomic_store(&f.fault.free_bytes, 0);
    assert_int_equal(append_until_refused(&f), VARVE_DISK_FULL);
    assert_int_equal(f.last, 9);
    f.settled = 6;
    journal_recycle(f.journal, 6);
    for (int i = 0; i < 5000 && journal_fixture_append(&f, 1, 2000, 7) == VARVE_DISK_FULL; i++)
        pause_ms(1);
    assert_int_equal(f.last, 10);
    reopen(&f);
    journal_fixture_free(&f);
}

/* A fault of the thread is told by the append that would need its work, and is not taken for a full disk. */
static void test_a_fault_of_the_thread_is_told(void **state)
{
    for (unsigned nth = 1; nth <= 6; nth++) {
        struct journal_fixture f;
        journal_fixture_init(&f);
        append_blocks(&f, 1);
        journal_fixture_wait_segments(&f, 2);
        append_blocks(&f, 2);
        assert_int_equal(journal_frame_begin(f.journal, 1, 100, &f.error), VARVE_OK);
        fault_os_arm(&f.fault, nth + 2, EIO, false); /* Behind the write and sync of the frame that asks for a spare. */
        append_blocks(&f, 1);
        for (int i = 0; i < 5000 && !atomic_load(&f.fault.fired); i++)
            pause_ms(1);
        assert_int_equal(append_until_refused(&f), VARVE_IO);
        assert_int_equal(f.last, 6);
        assert_int_equal(append_until_refused(&f), VARVE_IO);
        reopen(&f);
        append_blocks(&f, 4);
        journal_fixture_free(&f);
    }
}

struct bystander {
    struct journal_fixture *f;
    atomic_ullong settled;
    atomic_bool stop;
};

static void *settle_and_look(void *argument)
{
    struct bystander *b = argument;
    struct journal_stats stats;

    while (!atomic_load(&b->stop)) {
        journal_recycle(b->f->journal, atomic_load(&b->settled));
        journal_get_stats(b->f->journal, &stats);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct journal_fixture f;
    pthread_t thread;

    journal_fixture_init(&f);
    struct bystander b = { .f = &f };
    assert_int_equal(pthread_create(&thread, NULL, settle_and_look, &b), 0);
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(journal_fixture_append(&f, 1, 1000 + 700 * (i % 9), i), VARVE_OK);
        f.settled = f.last > 8 ? f.last - 8 : 0;
        atomic_store(&b.settled, f.settled);
        if (i % 16 == 0)
            assert_int_equal(journal_seal(f.journal, &f.error), VARVE_OK);
    }
    atomic_store(&b.stop, true);
    pthread_join(thread, NULL);
    reopen(&f);
    journal_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_spare_is_made_once_the_first_is_used),
        cmocka_unit_test(test_settled_segments_become_spares),
        cmocka_unit_test(test_the_newest_records_stay),
        cmocka_unit_test(test_too_many_spares_are_given_back),
        cmocka_unit_test(test_segments_of_another_size),
        cmocka_unit_test(test_a_full_disk_refuses_until_there_is_room),
        cmocka_unit_test(test_a_full_disk_goes_on_with_recycled_segments),
        cmocka_unit_test(test_a_fault_of_the_thread_is_told),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
