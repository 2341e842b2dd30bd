/* test_db_faults.c - the n-th write or sync of store.mdb fails, for every n: a commit that fails stops the store, which
 * then acknowledges nothing more; what was acknowledged before is there after opening again.
 *
 * LMDB does its own file work, so the calls themselves are replaced in this program. */
#include "faults/ledger.h"
#include "support/check.h"
#include "support/effort.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

enum { HANG_S = 120 };

/* ---- the failing calls ---- */

static atomic_int countdown;   /* calls until the failing one; 0 = none fails */
static atomic_bool fired, dead_from_there, tear;
static atomic_int fail_with;

static bool is_store_mdb(int fd)
{
    char link[64], path[512];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path));
    return size > 9 && memcmp(path + size - 9, "store.mdb", 9) == 0;
}

/* Must this call fail? */
static bool must_fail(int fd)
{
    if (atomic_load(&countdown) == 0 && !(atomic_load(&fired) && atomic_load(&dead_from_there)))
        return false;
    if (!is_store_mdb(fd))
        return false;
    if (atomic_load(&fired))
        return atomic_load(&dead_from_there);
    if (atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    atomic_store(&fired, true);
    return true;
}

static int refuse(void)
{
    errno = atomic_load(&fail_with);
    return -1;
}

typedef ssize_t (*pwrite_call)(int fd, const void *bytes, size_t size, off_t offset);
typedef ssize_t (*writev_call)(int fd, const struct iovec *pieces, int count);
typedef int (*sync_call)(int fd);

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    pwrite_call real = (pwrite_call)dlsym(RTLD_NEXT, "pwrite");

    if (!must_fail(fd))
        return real(fd, bytes, size, offset);
    if (atomic_load(&tear) && size > 1)
        (void)!real(fd, bytes, size / 2, offset);
    return refuse();
}

ssize_t writev(int fd, const struct iovec *pieces, int count)
{
    writev_call real = (writev_call)dlsym(RTLD_NEXT, "writev");

    if (!must_fail(fd))
        return real(fd, pieces, count);
    if (atomic_load(&tear))
        (void)!real(fd, pieces, 1);
    return refuse();
}

int fdatasync(int fd)
{
    sync_call real = (sync_call)dlsym(RTLD_NEXT, "fdatasync");
    return must_fail(fd) ? refuse() : real(fd);
}

int fsync(int fd)
{
    sync_call real = (sync_call)dlsym(RTLD_NEXT, "fsync");
    return must_fail(fd) ? refuse() : real(fd);
}

static const struct mode {
    const char *label;
    int error;
    bool dead_from_there, tear;
} modes[] = {
    { "one call fails", EIO, false, false },
    { "one call fails half done", EIO, false, true },
    { "the disk is full for one call", ENOSPC, false, false },
    { "all calls fail from there", EIO, true, true },
};

static void arm(int nth, const struct mode *mode)
{
    atomic_store(&fired, false);
    atomic_store(&fail_with, mode->error);
    atomic_store(&dead_from_there, mode->dead_from_there);
    atomic_store(&tear, mode->tear);
    atomic_store(&countdown, nth);
}

static bool disarm(void)
{
    bool did_fire = atomic_load(&fired);

    atomic_store(&dead_from_there, false);
    atomic_store(&countdown, 0);
    return did_fire;
}

/* ---- sweeps ---- */

/* A store with settled events and a tail. */
static void setup(struct store_fixture *f, struct ledger *ledger)
{
    memset(ledger, 0, sizeof(*ledger));
    fixture_init(f);
    f->options.settle_events = 100;
    fixture_open(f);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ledger_append(ledger, f), VARVE_OK);
    fixture_settle(f);
    for (int i = 0; i < 20; i++)
        assert_int_equal(ledger_append(ledger, f), VARVE_OK);
}

/* What was acknowledged is still read, or, when LMDB takes its environment for lost, reading is refused. */
static bool reads_are_sound(struct store_fixture *f, const struct ledger *ledger)
{
    struct varve_stream_info info;
    enum varve_status status = varve_stream_info(f->store, varve_view_str("shared"), &info, &f->error);

    if (status != VARVE_OK)
        return status == VARVE_IO;
    uint64_t acknowledged = 0;
    for (size_t i = 0; i < ledger->count; i++)
        acknowledged += ledger->entries[i].fate == ACKNOWLEDGED;
    const char *seen = fixture_read_stream(f, "shared"); /* Fails the test when a record is damaged. */
    return (uint64_t)info.version + 1 >= 2 * acknowledged && strncmp(seen, "shared@0 shared@1", 17) == 0;
}

static void check_afterwards(struct store_fixture *f, struct ledger *ledger, const char *label, int nth)
{
    if (fixture_try_open(f) != VARVE_OK)
        fail_msg("%s, call %d: the healthy store does not open: %s", label, nth, f->error.message);
    if (!ledger_holds(ledger, f))
        fail_msg("%s, call %d: %s", label, nth, ledger->violation);
    for (size_t i = 0; i < ledger->count; i++)
        ledger->entries[i].fate = UNKNOWN; /* All are there by now. */
    fixture_reopen(f);
    if (!ledger_holds(ledger, f))
        fail_msg("%s, call %d, opened again: %s", label, nth, ledger->violation);
}

static void settle_with_fault(struct store_fixture *f, struct ledger *ledger, const struct mode *mode, int nth)
{
    enum varve_status status = varve_store_settle(f->store);

    if (!atomic_load(&fired)) {
        assert_int_equal(status, VARVE_OK);
        return;
    }
    if (status == VARVE_OK) /* The call was one that LMDB did not need for this commit. */
        return;
    if (status != VARVE_IO && status != VARVE_DISK_FULL)
        fail_msg("%s, call %d: settling gives %s", mode->label, nth, varve_status_name(status));
    assert_int_equal(varve_store_fault(f->store, &f->error), status);
    assert_true(f->error.message[0] != '\0');
    assert_int_not_equal(ledger_append(ledger, f), VARVE_OK); /* Nothing is acknowledged any more. */
    if (!reads_are_sound(f, ledger))
        fail_msg("%s, call %d: reads are not what they were: %s", mode->label, nth, f->error.message);
}

static int sweep_settle(const struct mode *mode)
{
    bool did_fire = true;
    int nth;

    for (nth = 1; did_fire; nth += TESTS_SANITIZED ? 2 : 1) {
        struct store_fixture f;
        struct ledger ledger;
        alarm(HANG_S);
        setup(&f, &ledger);
        arm(nth, mode);
        settle_with_fault(&f, &ledger, mode, nth);
        enum varve_status closed = varve_store_close(f.store);
        f.store = NULL;
        did_fire = disarm();
        if (!did_fire)
            assert_int_equal(closed, VARVE_OK);
        check_afterwards(&f, &ledger, mode->label, nth);
        fixture_free(&f);
    }
    alarm(0);
    return nth;
}

static void every_call_of_a_settle_may_fail(void **ignored)
{
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        int calls = sweep_settle(&modes[i]);
        print_message("%s: %d calls\n", modes[i].label, calls - 2);
        assert_true(calls > 5); /* Pages, their sync, the meta page at least. */
    }
}

/* While the settler works on its own, beside appends. */
static void every_call_beside_appends_may_fail(void **ignored)
{
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        bool did_fire = true;
        for (int nth = 1; did_fire; nth += TESTS_SANITIZED ? 4 : 2) {
            struct store_fixture f;
            struct ledger ledger;
            bool failed = false;
            alarm(HANG_S);
            setup(&f, &ledger);
            arm(nth, &modes[i]);
            for (int k = 0; k < 60; k++) {
                enum varve_status status = ledger_append(&ledger, &f);
                assert_true(ledger_status_is_sane(status));
                assert_false(failed && status == VARVE_OK); /* Once stopped, it stays so. */
                failed = failed || varve_store_fault(f.store, NULL) != VARVE_OK;
            }
            varve_store_close(f.store);
            f.store = NULL;
            did_fire = disarm();
            check_afterwards(&f, &ledger, modes[i].label, nth);
            fixture_free(&f);
        }
    }
    alarm(0);
}

static void every_call_of_opening_may_fail(void **ignored)
{
    for (int existing = 0; existing < 2; existing++)
        for (size_t i = 0; i < COUNT_OF(modes); i++) {
            bool did_fire = true;
            for (int nth = 1; did_fire; nth++) {
                struct store_fixture f;
                struct ledger ledger = { .count = 0 };
                alarm(HANG_S);
                if (existing) {
                    setup(&f, &ledger);
                    fixture_close(&f);
                } else {
                    fixture_init(&f);
                }
                arm(nth, &modes[i]);
                enum varve_status status = fixture_try_open(&f);
                did_fire = disarm();
                if (status != VARVE_OK && status != VARVE_IO && status != VARVE_DISK_FULL)
                    fail_msg("%s, call %d: opening gives %s (%s)", modes[i].label, nth, varve_status_name(status),
                             f.error.message);
                if (!did_fire)
                    assert_int_equal(status, VARVE_OK);
                if (status == VARVE_OK)
                    fixture_close(&f);
                check_afterwards(&f, &ledger, modes[i].label, nth);
                fixture_free(&f);
            }
        }
    alarm(0);
}

/* ---- does the sweep see anything at all? ---- */

/* A store.mdb of before a settle whose journal has been used again since: what a lying disk could leave. */
static void a_store_from_the_past_is_noticed(void **ignored)
{
    struct store_fixture f, past, mixed;
    struct ledger ledger = { .count = 0 };
    char command[2 * TEMP_DIR_PATH + 64];

    fixture_init(&f);
    f.options.settle_events = 100000;
    fixture_open(&f);
    for (int i = 0; i < 10; i++)
        assert_int_equal(ledger_append(&ledger, &f), VARVE_OK);
    fixture_copy(&f, &past);
    for (int round = 0; round < 4; round++) {
        fixture_fill(&f, "filling", 300, 1, 3000);
        fixture_settle(&f);
    }
    fixture_copy(&f, &mixed);
    fixture_free(&f);
    snprintf(command, sizeof(command), "cp '%s/store.mdb' '%s/store.mdb'", past.path, mixed.path);
    assert_int_equal(system(command), 0);
    assert_int_equal(fixture_try_open(&mixed), VARVE_CORRUPT);
    fixture_free(&past);
    fixture_free(&mixed);
}

static void a_failing_sync_is_seen(void **ignored)
{
    struct store_fixture f;
    struct ledger ledger;

    setup(&f, &ledger);
    arm(1, &modes[0]);
    assert_int_not_equal(varve_store_settle(f.store), VARVE_OK);
    assert_true(disarm());
    assert_int_equal(varve_store_close(f.store), VARVE_IO);
    f.store = NULL;
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_from_the_past_is_noticed),
        cmocka_unit_test(a_failing_sync_is_seen),
        cmocka_unit_test(every_call_of_a_settle_may_fail),
        cmocka_unit_test(every_call_beside_appends_may_fail),
        cmocka_unit_test(every_call_of_opening_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
