/* test_client_load.c - snapshots and loading of the C client against a real server: what a load brings is the whole
 * stream, snapshot or not, also while it grows and over restarts. */
#include "served.h"

#include "support/random.h"
#include "varve/load.h"

#include <stdlib.h>

#define STREAMS 40
#define ROUNDS 20

static const char *const options[] = { "--stop-timeout", "100ms", "--settle-events", "300", NULL };
static const struct varve_view account = { "account", 7 };
static uint64_t seed = 20261122;

/* Each event of the tests adds its version + 1, so after version v the sum is known. */
static uint64_t sum_after(int64_t version)
{
    return (uint64_t)(version + 1) * (uint64_t)(version + 2) / 2;
}

static int begin(void **state)
{
    static struct served served;
    const char *text = getenv("VARVE_SEED");

    seed = text != NULL ? strtoull(text, NULL, 10) : seed;
    printf("seed %llu (VARVE_SEED)\n", (unsigned long long)seed);
    served_begin(&served, options);
    *state = &served;
    return 0;
}

static int end(void **state)
{
    served_end(*state);
    return 0;
}

static void restart(struct served *served)
{
    if (random_below(&seed, 2) == 0)
        assert_int_equal(varved_process_stop(&served->varved), 0);
    else
        varved_process_kill(&served->varved);
    assert_true(varved_process_start(&served->varved, options));
}

static void must(enum varve_status status, const struct varve_error *error)
{
    if (status != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error->status), error->message);
}

/* So many events more, as one append. */
static void grow(struct served *served, const char *stream, uint32_t series, int64_t *version, uint32_t count)
{
    static struct varve_event events[1000];
    const struct varve_append_stream target = { varve_view_str(stream), *version };
    struct varve_append_outcome outcome;
    struct varve_error error;

    for (uint32_t i = 0; i < count; i++)
        events[i] = served_event("added", series, (uint32_t)(*version + 1) + i);
    must(varve_client_append(served->client, &(struct varve_append_request){ &target, 1, events, NULL, count },
                             &outcome, &error), &error);
    *version += count;
    assert_int_equal(outcome.results[0].last_version, *version);
}

static void put(struct served *served, const char *stream, int64_t version, uint32_t schema_version)
{
    struct varve_error error;
    char text[32];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)sum_after(version));
    must(varve_client_snapshot_put(served->client,
                                   &(struct varve_snapshot){ .stream = varve_view_str(stream), .version = version,
                                                             .type = account, .schema_version = schema_version,
                                                             .content_type = VARVE_CONTENT_JSON,
                                                             .data = varve_view_str(text) },
                                   0, NULL, NULL, &error), &error);
}

/* Folds the stream that the load is at: the sum must be that of its version. Returns how many events came. */
static uint64_t fold(struct served *served, const struct varve_loaded *loaded)
{
    const struct varve_event *event = NULL;
    struct varve_error error;
    uint64_t sum = 0, count = 0;
    char text[32] = "";

    if (loaded->snapshot != NULL) {
        snprintf(text, sizeof(text), "%.*s", (int)loaded->snapshot->data.size, loaded->snapshot->data.data);
        sum = strtoull(text, NULL, 10);
        assert_int_equal(loaded->snapshot->version + 1, loaded->first_version);
    }
    must(varve_client_load_event(served->client, &event, &error), &error);
    while (event != NULL) {
        sum += event->version + 1;
        count++;
        must(varve_client_load_event(served->client, &event, &error), &error);
    }
    assert_int_equal(sum, sum_after(loaded->version));
    return count;
}

static uint64_t load_one(struct served *served, const char *stream, const struct varve_load_wanted *wanted,
                         struct varve_loaded *ret)
{
    struct varve_view name = varve_view_str(stream);
    struct varve_error error;

    must(varve_client_load_open(served->client, &name, 1, wanted, &error), &error);
    must(varve_client_load_stream(served->client, ret, &error), &error);
    assert_true(ret->more);
    uint64_t count = ret->status == VARVE_OK ? fold(served, ret) : 0;
    varve_client_load_close(served->client);
    return count;
}

/* ---- one ----------------------------------------------------------------------------------------------------------*/

static void test_with_and_without_a_snapshot(void **state)
{
    struct served *served = *state;
    const struct varve_load_wanted first = { account, 1, false }, second = { account, 2, false };
    const struct varve_load_wanted none = { .no_snapshots = true };
    struct varve_loaded loaded;
    int64_t version = -1;

    assert_int_equal(load_one(served, "acc-1", NULL, &loaded), 0);
    assert_int_equal(loaded.status, VARVE_STREAM_NOT_FOUND);
    grow(served, "acc-1", 1, &version, 1000);
    assert_int_equal(load_one(served, "acc-1", NULL, &loaded), 1000);
    put(served, "acc-1", 899, 1);
    assert_int_equal(load_one(served, "acc-1", &first, &loaded), 100);
    assert_int_equal(loaded.version, 999);
    assert_int_equal(load_one(served, "acc-1", &second, &loaded), 1000); /* Of another schema: folded again. */
    assert_int_equal(load_one(served, "acc-1", &none, &loaded), 1000);
    put(served, "acc-1", 999, 1);
    assert_int_equal(load_one(served, "acc-1", &first, &loaded), 0);
}

static void test_snapshots(void **state)
{
    struct served *served = *state;
    const struct varve_snapshot_query query = { .stream = varve_view_str("acc-1"), .at_or_below = 950 };
    const struct varve_snapshot_list_request request = { .after_version = -1, .limit = 10 };
    const struct varve_snapshot *snapshots;
    struct varve_snapshot snapshot;
    struct varve_error error;
    uint64_t deleted;
    size_t count;
    bool over;

    must(varve_client_snapshot_get(served->client, &query, &snapshot, &error), &error);
    assert_int_equal(snapshot.version, 899);
    must(varve_client_snapshot_list(served->client, &request, &snapshots, &count, &over, &error), &error);
    assert_true(count == 2 && over && snapshots[1].version == 999);
    snapshot = (struct varve_snapshot){ .stream = query.stream, .version = 1000, .type = account, .schema_version = 1,
                                        .content_type = VARVE_CONTENT_JSON, .data = varve_view_str("1") };
    assert_int_equal(varve_client_snapshot_put(served->client, &snapshot, 0, NULL, NULL, &error), VARVE_SNAPSHOT_AHEAD);
    must(varve_client_snapshot_delete(served->client, query.stream, 0, 950, &deleted, &error), &error);
    assert_int_equal(deleted, 1);
    assert_int_equal(varve_client_snapshot_get(served->client, &query, &snapshot, &error), VARVE_SNAPSHOT_NOT_FOUND);
}

/* ---- many, growing, over restarts -------------------------------------------------------------------------------- */

static void count_puts(void *user, enum varve_status status, const struct varve_error *error)
{
    if (status != VARVE_OK)
        fail_msg("put: %s: %s", varve_status_name(status), error->message);
    ++*(unsigned *)user;
}

/* Snapshots of some of them, pipelined, while the server goes away. */
static void put_some(struct served *served, char names[STREAMS][16], const int64_t versions[STREAMS])
{
    unsigned submitted = 0, done = 0;
    struct varve_error error;
    char text[32];

    for (unsigned i = 0; i < STREAMS; i++) {
        if (versions[i] < 0 || random_below(&seed, 3) != 0)
            continue;
        int64_t version = (int64_t)random_below(&seed, (uint64_t)versions[i] + 1);

        snprintf(text, sizeof(text), "%llu", (unsigned long long)sum_after(version));
        must(varve_client_submit_snapshot(served->client,
                                          &(struct varve_snapshot){ .stream = varve_view_str(names[i]),
                                                                    .version = version, .type = account,
                                                                    .schema_version = 1,
                                                                    .content_type = VARVE_CONTENT_JSON,
                                                                    .data = varve_view_str(text) },
                                          0, count_puts, &done, &error), &error);
        submitted++;
        if (random_below(&seed, 20) == 0)
            restart(served);
    }
    must(varve_client_drain(served->client, &error), &error);
    assert_int_equal(done, submitted);
}

/* All of them; the server goes away between two streams. */
static void load_all(struct served *served, const struct varve_view names[STREAMS], const int64_t versions[STREAMS])
{
    uint64_t when = random_below(&seed, STREAMS * 2);
    struct varve_loaded loaded = { .more = true };
    struct varve_error error;
    uint32_t seen = 0;

    must(varve_client_load_open(served->client, names, STREAMS, NULL, &error), &error);
    while (loaded.more) {
        must(varve_client_load_stream(served->client, &loaded, &error), &error);
        if (!loaded.more)
            break;
        assert_int_equal(loaded.index, seen);
        assert_int_equal(loaded.status, versions[seen] < 0 ? VARVE_STREAM_NOT_FOUND : VARVE_OK);
        if (loaded.status == VARVE_OK) {
            assert_int_equal(loaded.version, versions[seen]);
            fold(served, &loaded);
        }
        if (seen == when)
            restart(served);
        seen++;
    }
    assert_int_equal(seen, STREAMS);
    varve_client_load_close(served->client);
}

static void test_many_that_grow_over_restarts(void **state)
{
    struct served *served = *state;
    struct varve_view views[STREAMS];
    char names[STREAMS][16];
    int64_t versions[STREAMS];

    for (unsigned i = 0; i < STREAMS; i++) {
        snprintf(names[i], sizeof(names[i]), "many-%u", i);
        views[i] = varve_view_str(names[i]);
        versions[i] = -1;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < STREAMS; i++)
            if (random_below(&seed, 2) == 0)
                grow(served, names[i], 100 + i, &versions[i], 1 + (uint32_t)random_below(&seed, 30));
        put_some(served, names, versions);
        load_all(served, views, versions);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_with_and_without_a_snapshot),
        cmocka_unit_test(test_snapshots),
        cmocka_unit_test(test_many_that_grow_over_restarts),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
