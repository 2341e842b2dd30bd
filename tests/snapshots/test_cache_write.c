/* test_cache_write.c - many threads put at once; a full file refuses and goes on; what was acknowledged survives a
 * kill. */
#include "fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/effort.h"
#include "support/random.h"

enum { THREADS = 6 };

struct putter {
    struct fixture *fixture;
    struct model model; /* of its own streams */
    uint64_t random;
    unsigned number;
    bool failed;
};

static struct varve_snapshot item_of(struct putter *putter, struct model_snapshot *item, char **ret_data)
{
    *item = random_item(&putter->random, 5, 9, 5000);
    snprintf(item->stream, sizeof(item->stream), "t%u-%u", putter->number, (unsigned)random_below(&putter->random, 5));
    return model_snapshot_of(item, ret_data);
}

/* cmocka's asserts are for the main thread: here failures are remembered. */
static void *put_and_get(void *user)
{
    struct putter *putter = user;
    struct varve_snapshots *cache = putter->fixture->cache;

    for (unsigned i = 0; i < TEST_EFFORT(300) && !putter->failed; i++) {
        struct model_snapshot item;
        struct varve_snapshot *got;
        char *data;
        struct varve_snapshot snapshot = item_of(putter, &item, &data);
        struct varve_snapshot_query query = { .stream = snapshot.stream, .at_or_below = item.version };
        uint32_t removed;

        if (varve_snapshots_put(cache, &snapshot, 3, NULL, &removed, NULL) != VARVE_OK)
            putter->failed = true;
        else if (removed != model_put(&putter->model, &item, 3))
            putter->failed = true;
        const struct model_snapshot *expected = model_get(&putter->model, item.stream, item.version, "", 0);
        if (varve_snapshots_get(cache, &query, &got, NULL) != VARVE_OK) {
            putter->failed |= expected != NULL;
        } else {
            putter->failed |= expected == NULL || got->version != expected->version || got->size != expected->size;
            free(got);
        }
        free(data);
    }
    return NULL;
}

static void threads_share_commits_and_see_their_own(void **state)
{
    uint64_t seed = test_seed((uint64_t)getpid());
    struct putter putters[THREADS] = { { .failed = false } };
    struct model all = { .items = NULL };
    pthread_t threads[THREADS];
    struct fixture fixture;

    fixture_open(&fixture);
    for (unsigned i = 0; i < THREADS; i++) {
        putters[i] = (struct putter){ .fixture = &fixture, .random = seed + i, .number = i };
        assert_int_equal(pthread_create(&threads[i], NULL, put_and_get, &putters[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_false(putters[i].failed);
        for (size_t n = 0; n < putters[i].model.count; n++)
            model_put(&all, &putters[i].model.items[n], 1000);
        model_free(&putters[i].model);
    }
    check_same(&fixture, &all, 100);
    fixture_reopen(&fixture);
    check_same(&fixture, &all, 100);
    model_free(&all);
    fixture_close(&fixture);
}

static void many_are_put_in_one_go(void **state)
{
    static const struct {
        const char *stream;
        int64_t version;
        uint32_t keep, removed;
        enum varve_status status;
    } cases[] = {
        { "stream-1", 1, 0, 0, VARVE_OK }, { "stream-2", 1, 0, 0, VARVE_OK }, { "stream-1", 2, 0, 0, VARVE_OK },
        { "", 1, 0, 0, VARVE_INVALID_ARGUMENT }, { "stream-1", 3, 0, 1, VARVE_OK },
        { "stream-2", 1, 2000, 0, VARVE_INVALID_ARGUMENT }, { "stream-1", 4, 1, 2, VARVE_OK },
    };
    struct varve_snapshot_put puts[COUNT_OF(cases)];
    struct varve_snapshot snapshots[COUNT_OF(cases)];
    struct varve_snapshots_stats stats;
    struct fixture fixture;

    fixture_open(&fixture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        snapshots[i] = (struct varve_snapshot){ .stream = varve_view_str(cases[i].stream), .schema_version = 1,
                                                .version = cases[i].version, .type = varve_view_str("t"),
                                                .data = varve_view_str("{}") };
        puts[i] = (struct varve_snapshot_put){ .snapshot = &snapshots[i], .keep = cases[i].keep };
    }
    varve_snapshots_put_all(fixture.cache, puts, COUNT_OF(cases)); /* Those of one stream in their order. */
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(puts[i].status, cases[i].status);
        if (puts[i].status == VARVE_OK)
            assert_int_equal(puts[i].removed, cases[i].removed);
    }
    varve_snapshots_put_all(fixture.cache, puts, 0);
    varve_snapshots_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.count, 2);
    fixture_close(&fixture);
}

static void a_full_file_refuses_and_goes_on(void **state)
{
    struct fixture fixture;
    struct model model = { .items = NULL };
    struct model_snapshot item = { .schema_version = 1, .type = "t", .size = 300000 };
    enum varve_status status = VARVE_OK;
    struct varve_error error;
    unsigned count = 0;

    fixture_open(&fixture);
    fixture.options.map_size_bytes = 4 << 20;
    fixture_reopen(&fixture);
    while (status == VARVE_OK && count < 100) {
        char *data;

        snprintf(item.stream, sizeof(item.stream), "stream-%u", count);
        struct varve_snapshot snapshot = model_snapshot_of(&item, &data);
        status = varve_snapshots_put(fixture.cache, &snapshot, 0, NULL, NULL, &error);
        if (status == VARVE_OK)
            model_put(&model, &item, 2);
        free(data);
        count++;
    }
    assert_int_equal(status, VARVE_DISK_FULL);
    assert_true(count > 5);
    check_same(&fixture, &model, 10);
    uint64_t deleted;
    assert_int_equal(varve_snapshots_delete(fixture.cache, varve_view_str("stream-0"), 0, INT64_MAX, &deleted, NULL),
                     VARVE_OK);
    assert_int_equal(deleted, model_delete(&model, "stream-0", 0, INT64_MAX));
    item.size = 1000;
    for (unsigned i = 0; i < 5; i++) /* Pages that were freed are used again one commit later. */
        fixture_put(&fixture, &model, &item, 0);
    check_same(&fixture, &model, 10);
    assert_int_equal(fixture.told, 0);
    model_free(&model);
    fixture_close(&fixture);
}

/* ---- killed ---- */

static struct model_snapshot nth_item(uint64_t seed, unsigned n)
{
    uint64_t random = seed + n;
    struct model_snapshot item = random_item(&random, 30, 30, 20000);

    item.version = n; /* rising, so that each is the newest of its stream */
    return item;
}

/* Put one after the other, and tell of each that was acknowledged, until killed. */
static void put_until_killed(struct fixture *fixture, uint64_t seed, unsigned from, int told)
{
    for (unsigned n = from;; n++) {
        struct model_snapshot item = nth_item(seed, n);
        char *data;
        struct varve_snapshot snapshot = model_snapshot_of(&item, &data);

        if (varve_snapshots_put(fixture->cache, &snapshot, 2, NULL, NULL, NULL) != VARVE_OK ||
            write(told, &n, sizeof(n)) != sizeof(n))
            _exit(1);
        free(data);
    }
}

static unsigned run_and_kill(struct fixture *fixture, uint64_t seed, unsigned from, unsigned acks)
{
    unsigned n = from, last = from;
    int ends[2], outcome;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fixture_reopen(fixture);
        put_until_killed(fixture, seed, from, ends[1]);
    }
    close(ends[1]);
    for (; acks > 0; acks--)
        assert_int_equal(read(ends[0], &n, sizeof(n)), sizeof(n));
    kill(child, SIGKILL);
    while (read(ends[0], &n, sizeof(n)) == sizeof(n)) /* acknowledged before the kill came */
        continue;
    close(ends[0]);
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFSIGNALED(outcome));
    last = n + 1;
    return last;
}

static void what_was_acknowledged_survives_a_kill(void **state)
{
    uint64_t seed = test_seed((uint64_t)getpid()), random = seed;
    struct model model = { .items = NULL };
    struct fixture fixture;
    unsigned done = 0;

    fixture_open(&fixture);
    for (unsigned turn = 0; turn < TEST_EFFORT(16); turn++) {
        varve_snapshots_close(fixture.cache);
        fixture.cache = NULL;
        unsigned until = run_and_kill(&fixture, seed, done, 1 + (unsigned)random_below(&random, 40));
        for (; done < until; done++) {
            struct model_snapshot item = nth_item(seed, done);

            model_put(&model, &item, 2);
        }
        fixture_reopen(&fixture);
        /* The one after may have been stored, too: then it is put again by the next. */
        struct model_snapshot next = nth_item(seed, done);
        fixture.lossy = true;
        fixture_put(&fixture, &model, &next, 2);
        model_put(&model, &next, 2);
        done++;
        check_same(&fixture, &model, 100);
    }
    assert_int_equal(fixture.told, 0);
    model_free(&model);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_commits_and_see_their_own),
        cmocka_unit_test(many_are_put_in_one_go),
        cmocka_unit_test(a_full_file_refuses_and_goes_on),
        cmocka_unit_test(what_was_acknowledged_survives_a_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
