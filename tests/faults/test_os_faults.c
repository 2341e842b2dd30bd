/* test_os_faults.c - the n-th call to the operating system fails, for every n until none is left to fail: whatever was
 * acknowledged is there afterwards, no append is there by half, and nothing hangs. */
#include "faults/ledger.h"
#include "support/check.h"
#include "support/effort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { HANG_S = 120, APPENDS = 6 };

/* How calls fail. */
static const struct mode {
    const char *label;
    int error;
    bool dead_from_there, tear;
} modes[] = {
    { "one call fails", EIO, false, false },
    { "the disk is full for one call", ENOSPC, false, false },
    { "all calls fail from there", EIO, true, false },
    { "all calls fail, the first write by half", EIO, true, true },
    { "the disk is read-only from there", EROFS, true, false },
};

/* What may happen in a store's life, each step going on as far as it can. */
static void live(struct store_fixture *f, struct ledger *ledger)
{
    for (int opening = 0; opening < 3; opening++) {
        enum varve_status status = fixture_try_open(f);
        if (!ledger_status_is_sane(status))
            fail_msg("opening gives %s: %s", varve_status_name(status), f->error.message);
        if (status != VARVE_OK) {
            assert_true(f->error.message[0] != '\0');
            continue;
        }
        for (int i = 0; i < APPENDS; i++)
            assert_true(ledger_status_is_sane(ledger_append(ledger, f)));
        if (opening < 2)
            assert_true(ledger_status_is_sane(varve_store_settle(f->store)));
        for (int i = 0; i < APPENDS; i++)
            assert_true(ledger_status_is_sane(ledger_append(ledger, f)));
        if (varve_store_fault(f->store, NULL) != VARVE_OK)
            assert_int_not_equal(ledger_append(ledger, f), VARVE_OK); /* After a fault nothing is acknowledged. */
        assert_true(ledger_status_is_sane(varve_store_close(f->store)));
        f->store = NULL;
    }
}

static void check_afterwards(struct store_fixture *f, struct ledger *ledger, const char *label, unsigned nth)
{
    fault_os_arm(&f->fault, 0, 0, false);
    if (fixture_try_open(f) != VARVE_OK)
        fail_msg("%s, call %u: the healthy store does not open: %s", label, nth, f->error.message);
    if (!ledger_holds(ledger, f))
        fail_msg("%s, call %u: %s", label, nth, ledger->violation);
    fixture_close(f);
    fixture_open(f);
    struct ledger all = *ledger;
    for (size_t i = 0; i < all.count; i++)
        all.entries[i].fate = UNKNOWN; /* All are there by now; only that the store is whole counts. */
    if (!ledger_holds(&all, f))
        fail_msg("%s, call %u, opened again: %s", label, nth, all.violation);
}

static unsigned sweep(const struct mode *mode)
{
    bool fired = true;
    unsigned nth;

    for (nth = 1; fired; nth += TESTS_SANITIZED ? 3 : 1) {
        struct store_fixture f;
        struct ledger ledger = { .count = 0 };
        alarm(HANG_S);
        fixture_init(&f);
        f.options.settle_events = 20;
        atomic_store(&f.fault.tear, mode->tear);
        fault_os_arm(&f.fault, nth, mode->error, mode->dead_from_there);
        live(&f, &ledger);
        fired = atomic_load(&f.fault.fired);
        check_afterwards(&f, &ledger, mode->label, nth);
        fixture_free(&f);
    }
    alarm(0);
    return nth;
}

static void every_call_may_fail(void **ignored)
{
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        unsigned calls = sweep(&modes[i]);
        print_message("%s: %u calls\n", modes[i].label, calls - 1);
        assert_true(calls > 40); /* Else the sweep has missed the store's life. */
    }
}

/* Random bytes are needed at creation and for ids that clients left out. */
static void randomness_may_fail(void **ignored)
{
    struct store_fixture f;
    struct ledger ledger = { .count = 0 };

    fixture_init(&f);
    atomic_store(&f.random_error, EIO);
    assert_int_equal(fixture_try_open(&f), VARVE_IO);
    atomic_store(&f.random_error, 0);
    fixture_open(&f);
    atomic_store(&f.random_error, EIO);
    assert_int_equal(ledger_append(&ledger, &f), VARVE_IO);
    atomic_store(&f.random_error, 0);
    assert_int_equal(ledger_append(&ledger, &f), VARVE_OK);
    assert_true(ledger_holds(&ledger, &f));
    fixture_free(&f);
}

/* The disk fills up at any moment, and has room again later. */
static void the_disk_may_fill_up_at_any_append(void **ignored)
{
    for (int full_at = 0; full_at < 8; full_at++) {
        struct store_fixture f;
        struct ledger ledger = { .count = 0 };
        alarm(HANG_S);
        fixture_init(&f);
        f.options.settle_events = 6;
        fixture_open(&f);
        for (int i = 0; i < 60; i++) {
            if (i == full_at)
                atomic_store(&f.fault.free_bytes, full_at % 2 ? 1000 : 2 << 20);
            if (i == 50)
                atomic_store(&f.fault.free_bytes, -1);
            enum varve_status status = ledger_append(&ledger, &f);
            assert_true(status == VARVE_OK || status == VARVE_DISK_FULL);
        }
        while (ledger_append(&ledger, &f) != VARVE_OK && ledger.count < LEDGER_ROOM)
            usleep(50000);
        assert_int_equal(varve_store_fault(f.store, NULL), VARVE_OK);
        if (!ledger_holds(&ledger, &f))
            fail_msg("full at append %d: %s", full_at, ledger.violation);
        fixture_free(&f);
    }
    alarm(0);
}

/* ---- does the sweep see anything at all? ---- */

/* Zero the frame that holds the last append, as if its sync had been a lie. */
static void forget_last_frame(struct store_fixture *f)
{
    char path[TEMP_DIR_PATH + 64];
    size_t room = f->options.segment_size_bytes;
    uint8_t *bytes = malloc(room);

    assert_non_null(bytes);
    snprintf(path, sizeof(path), "%s/journal/00000001", f->path);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, bytes, room, 0), room);
    size_t last = 0;
    for (size_t at = 0; at < room; at += 4096)
        if (memmem(bytes + at, 4096, "turn-", 5) != NULL)
            last = at;
    assert_true(last > 4096);
    memset(bytes + last, 0, room - last);
    assert_int_equal(pwrite(fd, bytes, room, 0), room);
    close(fd);
    free(bytes);
}

static void a_lost_append_is_noticed(void **ignored)
{
    struct store_fixture f, copy;
    struct ledger ledger = { .count = 0 };

    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ledger_append(&ledger, &f), VARVE_OK);
    fixture_copy(&f, &copy);
    fixture_free(&f);
    forget_last_frame(&copy);
    fixture_open(&copy);
    assert_false(ledger_holds(&ledger, &copy));
    assert_non_null(strstr(ledger.violation, "lost"));
    fixture_free(&copy);
}

static void an_append_that_should_not_be_there_is_noticed(void **ignored)
{
    struct store_fixture f;
    struct ledger ledger = { .count = 0 };

    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(ledger_append(&ledger, &f), VARVE_OK);
    ledger.entries[1].fate = REFUSED;
    assert_false(ledger_holds(&ledger, &f));
    assert_non_null(strstr(ledger.violation, "was refused and is there"));
    ledger.entries[1].fate = ACKNOWLEDGED;
    ledger.entries[1].results[0].first_position++;
    assert_false(ledger_holds(&ledger, &f));
    ledger.entries[1].results[0].first_position--;
    assert_true(ledger_holds(&ledger, &f));
    assert_string_equal(fixture_append(&f, "shared:any=a"), "ok shared@6-6/10-10");
    assert_false(ledger_holds(&ledger, &f)); /* An event of nobody. */
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_append_is_noticed),
        cmocka_unit_test(an_append_that_should_not_be_there_is_noticed),
        cmocka_unit_test(every_call_may_fail),
        cmocka_unit_test(randomness_may_fail),
        cmocka_unit_test(the_disk_may_fill_up_at_any_append),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
