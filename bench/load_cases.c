/* load_cases.c - loading an aggregate with a snapshot and without, and folding every stream anew. */
#include "bench_client.h"
#include "raw_server.h"
#include "server_load.h"
#include "varve/load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BATCH = 100, DATA_BYTES = 256, BEHIND = 5 /* events after the snapshot */ };

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static void fill_stream(struct varve_client *client, struct varve_view name, uint32_t length)
{
    static char data[DATA_BYTES];
    struct varve_event events[BATCH];
    struct varve_error error;

    memset(data, 'v', sizeof(data));
    for (uint32_t i = 0; i < BATCH; i++)
        events[i] = (struct varve_event){ .type = varve_view_str("order.changed"), .time_us = VARVE_TIME_NONE,
                                          .schema_version = 1, .content_type = VARVE_CONTENT_OCTET_STREAM,
                                          .data = { data, sizeof(data) } };
    for (uint32_t done = 0; done < length;) {
        uint32_t count = length - done < BATCH ? length - done : BATCH;
        struct varve_append_stream stream = { name, VARVE_EXPECTED_ANY };
        struct varve_append_request request = { &stream, 1, events, NULL, count };
        if (varve_client_append(client, &request, NULL, &error) != VARVE_OK)
            die("cannot append: %s", error.message);
        done += count;
    }
}

static void put_snapshot(struct varve_client *client, struct varve_view name, uint32_t length)
{
    static char data[1024];
    struct varve_snapshot snapshot = {
        .stream = name, .version = length - 1 - BEHIND, .type = varve_view_str("order"), .schema_version = 1,
        .content_type = VARVE_CONTENT_OCTET_STREAM, .data = { data, sizeof(data) }, .size = sizeof(data),
    };
    struct varve_error error;

    memset(data, 's', sizeof(data));
    if (varve_client_snapshot_put(client, &snapshot, 0, NULL, NULL, &error) != VARVE_OK)
        die("cannot put a snapshot: %s", error.message);
}

/* Returns how many events came. */
static uint32_t load(struct varve_client *client, struct varve_view name, bool no_snapshots)
{
    struct varve_load_wanted wanted = { .no_snapshots = no_snapshots };
    struct varve_loaded loaded;
    const struct varve_event *event;
    struct varve_error error;
    uint32_t count = 0;

    if (varve_client_load_open(client, &name, 1, &wanted, &error) != VARVE_OK ||
        varve_client_load_stream(client, &loaded, &error) != VARVE_OK || !loaded.more || loaded.status != VARVE_OK)
        die("cannot load: %s", error.message);
    if ((loaded.snapshot == NULL) != no_snapshots)
        die("a snapshot is missing, or there is one that was not asked for");
    while (varve_client_load_event(client, &event, &error) == VARVE_OK && event != NULL)
        count++;
    varve_client_load_close(client);
    return count;
}

static void measure_loads(struct varve_client *client, struct varve_view name, uint32_t expected, bool no_snapshots,
                          uint32_t seconds, struct measurement *ret)
{
    static struct histogram histogram;
    uint64_t began = now_ns(), count = 0;

    histogram_reset(&histogram);
    while (now_ns() - began < seconds * 1000000000ull) {
        uint64_t at = now_ns();
        if (load(client, name, no_snapshots) != expected)
            die("a load has not the events it should have");
        histogram_add(&histogram, now_ns() - at);
        count++;
    }
    measure_histogram(&histogram, count, now_ns() - began, ret);
}

static void run_loads(const struct settings *settings, struct report *report)
{
    static const uint32_t lengths[] = { 10, 100, 1000, 10000 };
    char url[64], name[32];
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);
    struct varve_client *client = bench_client_open(url, 0);

    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct row row = { .section = "loading an aggregate, 1 connection", .unit = "loads",
                           .rounds = settings->rounds, .has_raw = true, .raw_name = "the same without snapshots" };
        snprintf(row.name, sizeof(row.name), "%u events, snapshot %d behind", lengths[i], BEHIND);
        if (!is_chosen(settings, row.name))
            continue;
        struct varve_view stream = varve_view_of(name, (size_t)snprintf(name, sizeof(name), "order-%u", lengths[i]));
        fill_stream(client, stream, lengths[i]);
        put_snapshot(client, stream, lengths[i]);
        for (uint32_t r = 0; r < row.rounds; r++) {
            measure_loads(client, stream, lengths[i], true, settings->seconds, &row.raw[r]);
            measure_loads(client, stream, BEHIND, false, settings->seconds, &row.ours[r]);
        }
        report_row(report, &row);
    }
    varve_client_free(client);
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}

/* ---- folding ----------------------------------------------------------------------------------------------------- */

enum { FILL_STREAMS = 1000 /* of one append */ };

/* `length` events for each of the streams, JSON, one after the other. */
static uint64_t fill_streams(const char *url, uint32_t streams, uint32_t length)
{
    static char names[FILL_STREAMS][32], data[FILL_STREAMS][160];
    static struct varve_append_stream targets[FILL_STREAMS];
    static struct varve_event events[FILL_STREAMS];
    static uint32_t stream_of[FILL_STREAMS];
    struct varve_client *client = bench_client_open(url, 0);
    struct varve_error error;

    for (uint32_t n = 0; n < length; n++) {
        for (uint32_t first = 0; first < streams; first += FILL_STREAMS) {
            uint32_t count = streams - first < FILL_STREAMS ? streams - first : FILL_STREAMS;
            struct varve_append_request request = { targets, count, events, stream_of, count };
            for (uint32_t i = 0; i < count; i++) {
                targets[i] = (struct varve_append_stream){
                    { names[i], (size_t)snprintf(names[i], 32, "loan-%u", first + i) }, VARVE_EXPECTED_ANY };
                events[i] = (struct varve_event){
                    .type = varve_view_str("loan.changed"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                    .data = { data[i], (size_t)snprintf(data[i], 160, "{\"amount\":%u,\"step_%u\":{\"by\":\"user-%u\","
                                                        "\"done\":true}}", first + n, n % 8, i) } };
                stream_of[i] = i;
            }
            if (varve_client_append(client, &request, NULL, &error) != VARVE_OK)
                die("cannot append: %s", error.message);
        }
    }
    varve_client_free(client);
    return (uint64_t)streams * length;
}

/* `varve snapshot build`, as an operator runs it. */
static void measure_build(const struct settings *settings, const char *url, uint64_t events, const char *type,
                          struct measurement *ret)
{
    char command[8192];
    uint64_t began = now_ns();

    snprintf(command, sizeof(command), "%s/varve --server %s snapshot build --reducer merge --type %s -o json "
             "> /dev/null 2>&1", settings->bin, url, type);
    int status = system(command);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        die("failed: %s", command);
    *ret = (struct measurement){ .per_second = (double)events * 1e9 / (double)(now_ns() - began) };
}

static void run_build(const struct settings *settings, struct report *report, uint32_t streams, uint32_t length)
{
    struct row row = { .section = "snapshot build, merge patch, every stream from zero", .unit = "events",
                       .rounds = settings->rounds, .has_raw = true, .raw_name = "one READ of the whole log" };
    char url[64], type[32];

    snprintf(row.name, sizeof(row.name), "%u streams of %u events", streams, length);
    if (!is_chosen(settings, row.name))
        return;
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);
    uint64_t events = fill_streams(url, streams, length);
    for (uint32_t i = 0; i < row.rounds; i++) {
        snprintf(type, sizeof(type), "round-%u", i); /* none of an earlier round fits */
        server_load_all(url, &row.raw[i]);
        measure_build(settings, url, events, type, &row.ours[i]);
    }
    report_row(report, &row);
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}

void bench_loads(const struct settings *settings, struct report *report)
{
    run_loads(settings, report);
    if (settings->quick) {
        run_build(settings, report, 1000, 5);
        return;
    }
    run_build(settings, report, 13087, 20);
    run_build(settings, report, 1000000, 2);
}
