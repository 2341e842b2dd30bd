/* test_snapshot_faults.c - the n-th write or sync of snapshots.mdb fails, for every n: the put fails or not, nothing
 * wrong is ever read, a full disk loses nothing, and it goes on.
 *
 * LMDB does its own file work, so the calls themselves are replaced in this program. */
#include "fixture.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#include "support/random.h"

enum { STREAMS = 12, VERSIONS = 6 };

/* ---- the failing calls ---- */

static int countdown; /* calls until the failing one; 0 = none fails */
static bool fired, tear;
static int fail_with;

static bool is_cache(int fd)
{
    char link[64], path[512];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, path, sizeof(path) - 1);
    path[size > 0 ? size : 0] = '\0';
    return strstr(path, "snapshots.mdb") != NULL;
}

static bool must_fail(int fd)
{
    if (countdown == 0 || !is_cache(fd) || --countdown > 0)
        return false;
    fired = true;
    return true;
}

static int refuse(void)
{
    errno = fail_with;
    return -1;
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    ssize_t (*real)(int, const void *, size_t, off_t) = (ssize_t(*)(int, const void *, size_t, off_t))dlsym(
        RTLD_NEXT, "pwrite");

    if (!must_fail(fd))
        return real(fd, bytes, size, offset);
    if (tear && size > 1)
        (void)!real(fd, bytes, size / 2, offset);
    return refuse();
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    ssize_t (*real)(int, const struct iovec *, int) = (ssize_t(*)(int, const struct iovec *, int))dlsym(RTLD_NEXT,
                                                                                                      "writev");

    if (!must_fail(fd))
        return real(fd, parts, count);
    if (tear)
        (void)!real(fd, parts, 1);
    return refuse();
}

int fdatasync(int fd)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return must_fail(fd) ? refuse() : real(fd);
}

/* ---- the sweep ---- */

static const struct mode {
    const char *label;
    int error;
    bool tear, loses;
} modes[] = {
    { "one call fails", EIO, false, true },
    { "one call fails half done", EIO, true, true },
    { "the disk is full for one call", ENOSPC, false, false },
    { "the disk is full for one call, half done", ENOSPC, true, false },
};

static void fill(struct fixture *fixture, struct model *model, unsigned count)
{
    uint64_t random = 17;

    for (; count > 0; count--) {
        struct model_snapshot item = random_item(&random, STREAMS, VERSIONS, 20000);

        fixture_put(fixture, model, &item, 3);
    }
}

/* A put with the n-th call failing. False: there are not so many calls. */
static bool put_with_fault(struct fixture *fixture, struct model *model, const struct mode *mode, int nth)
{
    uint64_t random = 1000 + (uint64_t)nth;
    struct model_snapshot item = random_item(&random, STREAMS, VERSIONS, 60000);
    char *data;
    struct varve_snapshot snapshot = model_snapshot_of(&item, &data);

    fired = false;
    fail_with = mode->error;
    tear = mode->tear;
    countdown = nth;
    enum varve_status status = varve_snapshots_put(fixture->cache, &snapshot, 3, NULL, NULL, NULL);
    countdown = 0;
    free(data);
    CHECK_CASE(status == VARVE_OK || fired, mode->label);
    CHECK_CASE(mode->loses || status == VARVE_OK || status == VARVE_DISK_FULL, mode->label);
    if (status == VARVE_OK)
        model_put(model, &item, mode->loses ? VARVE_SNAPSHOT_MAX_KEEP : 3);
    return fired;
}

static void the_nth_call_fails_while_putting(void **state)
{
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct fixture fixture;
        struct model model = { .items = NULL };
        int nth = 1;

        fixture_open(&fixture);
        fill(&fixture, &model, 60);
        fixture.lossy = modes[i].loses;
        for (; put_with_fault(&fixture, &model, &modes[i], nth); nth++) {
            if (!modes[i].loses)
                check_same(&fixture, &model, 100);
            check_no_lies(&fixture, &model, STREAMS);
            fill(&fixture, &model, 3);
            fixture_reopen(&fixture);
            check_no_lies(&fixture, &model, STREAMS);
        }
        CHECK_CASE(nth > 3, modes[i].label);
        if (!modes[i].loses) {
            check_same(&fixture, &model, 100);
            assert_int_equal(fixture.told, 0);
        }
        model_free(&model);
        fixture_close(&fixture);
    }
}

static void the_nth_call_fails_while_opening(void **state)
{
    struct fixture fixture;
    struct model model = { .items = NULL };
    struct varve_error error;

    fixture_open(&fixture);
    fill(&fixture, &model, 60);
    fixture.lossy = true;
    for (int remove = 0; remove < 2; remove++) {
        fired = true;
        for (int nth = 1; fired; nth++) {
            varve_snapshots_close(fixture.cache);
            fixture.cache = NULL;
            if (remove == 1)
                unlink(fixture.path);
            fired = tear = false;
            fail_with = EIO;
            countdown = nth;
            enum varve_status status = varve_snapshots_open(fixture.directory, &fixture.database_id, &fixture.options,
                                                            &fixture.cache, &error);
            countdown = 0;
            assert_true(status == VARVE_OK || fired);
            if (status != VARVE_OK)
                fixture_reopen(&fixture);
            check_no_lies(&fixture, &model, STREAMS);
        }
    }
    fill(&fixture, &model, 3);
    model_free(&model);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_nth_call_fails_while_putting),
        cmocka_unit_test(the_nth_call_fails_while_opening),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
