/* test_journal.c - the journal as its owner sees it: what was acknowledged is there, whatever fails. */
#include "tests/support/check.h"
#include "tests/support/journal_fixture.h"
#include "tests/support/random.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void test_what_was_committed_comes_back_in_order(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    assert_int_equal(journal_fixture_append(&f, 1, 100, 1), VARVE_OK);
    assert_int_equal(journal_fixture_append(&f, 3, 1000, 2), VARVE_OK);
    assert_int_equal(journal_fixture_append(&f, 1, 8000, 3), VARVE_OK);
    for (int i = 0; i < 5; i++) {
        journal_fixture_close(&f);
        assert_int_equal(journal_fixture_open(&f), VARVE_OK);
        assert_int_equal(f.seen, f.last);
        assert_false(f.odd);
        assert_int_equal(journal_fixture_append(&f, 2, 50, 4), VARVE_OK);
    }
    journal_fixture_free(&f);
}

static void test_only_unsettled_records_are_handed_over(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    for (uint64_t i = 0; i < 5; i++)
        assert_int_equal(journal_fixture_append(&f, 2, 300, i), VARVE_OK);
    for (f.settled = 0; f.settled <= f.last; f.settled++) { /* Also in the middle of a frame. */
        journal_fixture_close(&f);
        assert_int_equal(journal_fixture_open(&f), VARVE_OK);
        assert_int_equal(f.seen, f.last - f.settled);
        assert_false(f.odd);
    }
    journal_fixture_close(&f);
    assert_int_equal(journal_fixture_open(&f), VARVE_CORRUPT); /* Settled what was never written? */
    journal_fixture_free(&f);
}

static void test_a_commit_is_one_write_and_one_sync(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    assert_int_equal(journal_fixture_append(&f, 1, 100, 1), VARVE_OK);
    journal_fixture_wait_segments(&f, 2); /* Its thread is quiet from here. */
    unsigned calls = atomic_load(&f.fault.calls), syncs = atomic_load(&f.fault.syncs);
    assert_int_equal(journal_fixture_append(&f, 1, 100, 2), VARVE_OK);
    assert_int_equal(atomic_load(&f.fault.calls), calls + 2);
    assert_int_equal(atomic_load(&f.fault.syncs), syncs + 1);
    journal_fixture_free(&f);
}

static void test_a_begun_frame_may_be_forgotten(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    assert_int_equal(journal_frame_begin(f.journal, 4, 12000, &f.error), VARVE_OK);
    memset(journal_frame_add(f.journal, 9000), 0xff, 9000);
    assert_int_equal(journal_fixture_append(&f, 1, 100, 1), VARVE_OK);
    journal_fixture_close(&f);
    assert_int_equal(journal_fixture_open(&f), VARVE_OK);
    assert_int_equal(f.seen, 1);
    assert_false(f.odd);
    journal_fixture_free(&f);
}

static void test_a_frame_has_a_largest_size(void **state)
{
    struct journal_fixture f;
    uint64_t room = journal_frame_room(FIXTURE_SEGMENT);

    journal_fixture_init(&f);
    assert_int_equal(journal_frame_begin(f.journal, 1, room - 3, &f.error), VARVE_APPEND_TOO_LARGE);
    assert_int_equal(journal_fixture_append(&f, 1, (uint32_t)room - 4, 1), VARVE_OK);
    assert_int_equal(journal_fixture_append(&f, 1, (uint32_t)room - 4, 2), VARVE_OK);
    journal_fixture_close(&f);
    assert_int_equal(journal_fixture_open(&f), VARVE_OK);
    assert_int_equal(f.seen, 2);
    journal_fixture_free(&f);
}

static void test_a_seal_is_replaced_by_the_next_frame(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    assert_int_equal(journal_seal(f.journal, &f.error), VARVE_OK); /* Nothing to seal yet. */
    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(journal_fixture_append(&f, 1, 100 + 500 * (i % 8), i), VARVE_OK);
        journal_fixture_wait_segments(&f, 2 + i / 3); /* Three blocks each. */
        unsigned calls = atomic_load(&f.fault.calls), syncs = atomic_load(&f.fault.syncs);
        for (int again = 0; again < 2; again++)
            assert_int_equal(journal_seal(f.journal, &f.error), VARVE_OK);
        assert_int_equal(atomic_load(&f.fault.calls), calls + (i % 3 < 2)); /* None at a segment's very end. */
        assert_int_equal(atomic_load(&f.fault.syncs), syncs);
        if (i % 3 == 0) {
            journal_fixture_close(&f);
            assert_int_equal(journal_fixture_open(&f), VARVE_OK);
            assert_int_equal(f.seen, f.last);
            assert_false(f.odd);
        }
    }
    journal_fixture_free(&f);
}

static void test_a_failed_commit_poisons(void **state)
{
    struct journal_fixture f;

    for (unsigned nth = 1; nth <= 2; nth++) { /* The write, the sync. */
        journal_fixture_init(&f);
        assert_int_equal(journal_fixture_append(&f, 1, 100, 1), VARVE_OK);
        journal_fixture_wait_segments(&f, 2);
        fault_os_arm(&f.fault, nth, nth == 1 ? ENOSPC : EIO, false);
        assert_int_equal(journal_fixture_append(&f, 1, 100, 2), VARVE_IO);
        assert_non_null(strstr(f.error.message, "journal/00000001"));
        unsigned calls = atomic_load(&f.fault.calls);
        assert_int_equal(journal_frame_begin(f.journal, 1, 100, &f.error), VARVE_IO);
        assert_int_equal(journal_frame_commit(f.journal, 2, &f.error), VARVE_IO);
        assert_int_equal(journal_seal(f.journal, &f.error), VARVE_IO);
        assert_int_equal(atomic_load(&f.fault.calls), calls); /* A sync least of all is tried again. */
        journal_fixture_free(&f);
    }
}

static void test_open_writes_the_last_frame_once_more(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    assert_int_equal(journal_fixture_append(&f, 1, 5000, 1), VARVE_OK);
    journal_fixture_close(&f);
    for (unsigned nth = 1; nth <= 3; nth++) { /* Sync of the directory, write, sync. */
        fault_os_arm(&f.fault, nth, EIO, false);
        assert_int_equal(journal_fixture_open(&f), VARVE_IO);
        assert_true(atomic_load(&f.fault.fired));
    }
    fault_os_arm(&f.fault, 4, EIO, false);
    assert_int_equal(journal_fixture_open(&f), VARVE_OK);
    assert_false(atomic_load(&f.fault.fired));
    journal_fixture_free(&f);
}

static void test_creation(void **state)
{
    struct journal_fixture f;

    journal_fixture_init(&f);
    journal_fixture_close(&f);
    f.options.create = true; /* A creation that was broken off is taken up. */
    assert_int_equal(journal_fixture_open(&f), VARVE_OK);
    assert_int_equal(journal_fixture_append(&f, 1, 100, 1), VARVE_OK);
    journal_fixture_close(&f);
    assert_int_equal(journal_fixture_open(&f), VARVE_NOT_A_STORE); /* A journal with records is not. */
    f.options.create = false;
    char path[TEMP_DIR_PATH + 32];
    journal_fixture_path(&f, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_fixture_open(&f), VARVE_CORRUPT);
    assert_non_null(strstr(f.error.message, "journal is missing"));
    journal_fixture_path(&f, 2, path);
    unlink(path); /* It may have been made ahead. */
    assert_int_equal(rmdir(f.directory), 0);
    assert_int_equal(journal_fixture_open(&f), VARVE_CORRUPT);
    assert_non_null(strstr(f.error.message, "journal is missing"));
    f.options.create = true;
    f.options.disk_reserve_bytes = 1000;
    atomic_store(&f.fault.free_bytes, FIXTURE_SEGMENT + 999);
    assert_int_equal(journal_fixture_open(&f), VARVE_DISK_FULL);
    atomic_store(&f.fault.free_bytes, FIXTURE_SEGMENT + 1000);
    assert_int_equal(journal_fixture_open(&f), VARVE_OK);
    journal_fixture_free(&f);
}

/* The only file with records is gone; the empty one that was made ahead must not pass for a new journal. */
static void test_a_lost_beginning(void **state)
{
    struct journal_fixture f;
    struct journal_stats stats = { 0 };
    char path[TEMP_DIR_PATH + 32];

    journal_fixture_init(&f);
    while (stats.segments < 2) { /* The next one is made ahead by a thread. */
        if (f.last < 3) /* As many as the first file holds: a fourth would wait for the next one and go into it. */
            assert_int_equal(journal_fixture_append(&f, 1, 100, 1), VARVE_OK);
        usleep(1000);
        journal_get_stats(f.journal, &stats);
    }
    journal_fixture_close(&f);
    journal_fixture_path(&f, 1, path);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(journal_fixture_open(&f), VARVE_CORRUPT);
    assert_non_null(strstr(f.error.message, "beginning of the journal is missing"));
    journal_fixture_free(&f);
}

/* A little life: append, seal, settle, reopen. Ends at the first failure. */
static enum varve_status live(struct journal_fixture *f)
{
    enum varve_status status = VARVE_OK;

    for (uint64_t i = 0; i < 12 && status == VARVE_OK; i++) {
        status = journal_fixture_append(f, 1 + i % 3, 16 + 900 * (i % 4), i);
        if (status == VARVE_OK && i % 5 == 4)
            status = journal_seal(f->journal, &f->error);
        if (status == VARVE_OK && i % 4 == 3) {
            f->settled = f->last - 1;
            journal_recycle(f->journal, f->settled);
        }
        if (status == VARVE_OK && i == 7) {
            journal_fixture_close(f);
            status = journal_fixture_open(f);
        }
    }
    journal_fixture_close(f);
    return status;
}

/* Fail the first call, then the second, until none is left to fail; with the process living on, or dead from there.
 * What was acknowledged is there afterwards, perhaps with the one frame whose fate was unknown, and the journal goes
 * on. */
static void sweep(int error, bool dead, bool tear)
{
    bool fired = true;

    for (unsigned nth = 1; fired; nth++) {
        struct journal_fixture f;
        journal_fixture_init(&f);
        atomic_store(&f.fault.tear, tear);
        fault_os_arm(&f.fault, nth, error, dead);
        enum varve_status status = live(&f);
        fired = atomic_load(&f.fault.fired);
        fault_os_arm(&f.fault, 0, 0, false);
        assert_true(status == VARVE_OK || fired);

        assert_int_equal(journal_fixture_open(&f), VARVE_OK);
        assert_true(f.settled + f.seen >= f.last && !f.odd);
        f.last = f.settled + f.seen;
        assert_int_equal(journal_fixture_append(&f, 2, 700, 99), VARVE_OK);
        journal_fixture_close(&f);
        assert_int_equal(journal_fixture_open(&f), VARVE_OK);
        assert_true(f.settled + f.seen == f.last && !f.odd);
        journal_fixture_free(&f);
    }
}

static void test_every_call_fails_once(void **state)
{
    sweep(EIO, false, false);
    sweep(EIO, false, true);
}

static void test_the_process_dies_at_every_call(void **state)
{
    sweep(EIO, true, false);
    sweep(EIO, true, true);
}

static void test_no_space_at_every_call(void **state)
{
    sweep(ENOSPC, false, false);
}

/* Against the naive model, a list of records: frames of random sizes, settles, seals, reopens, failures. */
static void run_random(uint64_t seed)
{
    struct journal_fixture f;
    uint64_t random = seed;
    bool armed = false;

    journal_fixture_init(&f);
    while (f.last < FIXTURE_MAX_RECORDS - 100) {
        enum varve_status status = VARVE_OK;
        uint64_t dice = random_below(&random, 100);
        if (dice < 80)
            status = journal_fixture_append(&f, 1 + (uint32_t)random_below(&random, 12),
                                            16 + (uint32_t)random_below(&random, 900), random_next(&random));
        else if (dice < 86)
            status = journal_seal(f.journal, &f.error);
        else if (dice < 92) {
            f.settled += random_below(&random, f.last - f.settled + 1);
            journal_recycle(f.journal, f.settled);
        } else if (dice < 96) {
            if (!armed) /* Else one may wait to be noticed. */
                fault_os_arm(&f.fault, 1 + (unsigned)random_below(&random, 20), EIO, random_below(&random, 2) == 0);
            armed = true;
        } else {
            journal_fixture_close(&f);
            f.options.segment_size_bytes = FIXTURE_SEGMENT * (1 + (uint32_t)random_below(&random, 3));
            status = journal_fixture_open(&f);
        }
        if (status == VARVE_OK)
            continue;
        CHECK_CASE(atomic_load(&f.fault.fired), f.error.message);
        fault_os_arm(&f.fault, 0, 0, false);
        armed = false;
        journal_fixture_close(&f);
        assert_int_equal(journal_fixture_open(&f), VARVE_OK);
        assert_true(f.settled + f.seen >= f.last && !f.odd);
        f.last = f.settled + f.seen;
    }
    journal_fixture_free(&f);
}

static void test_random_lives(void **state)
{
    const char *given = getenv("TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

    print_message("TEST_SEED=%llu\n", (unsigned long long)seed);
    for (uint64_t i = 0; i < 10; i++)
        run_random(seed + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_committed_comes_back_in_order),
        cmocka_unit_test(test_only_unsettled_records_are_handed_over),
        cmocka_unit_test(test_a_commit_is_one_write_and_one_sync),
        cmocka_unit_test(test_a_begun_frame_may_be_forgotten),
        cmocka_unit_test(test_a_frame_has_a_largest_size),
        cmocka_unit_test(test_a_seal_is_replaced_by_the_next_frame),
        cmocka_unit_test(test_a_failed_commit_poisons),
        cmocka_unit_test(test_open_writes_the_last_frame_once_more),
        cmocka_unit_test(test_creation),
        cmocka_unit_test(test_a_lost_beginning),
        cmocka_unit_test(test_every_call_fails_once),
        cmocka_unit_test(test_the_process_dies_at_every_call),
        cmocka_unit_test(test_no_space_at_every_call),
        cmocka_unit_test(test_random_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
