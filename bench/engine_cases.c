/* engine_cases.c - the engine alone, in this process: appends against the raw disk, reads, and growth. */
#include "engine_load.h"
#include "raw_disk.h"
#include "varve/record.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DATA_BYTES = 256, RECORD_BYTES = 345, RAW_FILE_BYTES = 64 << 20, STREAM_LENGTH = 100,
       CRASH_EVENTS = 380000 /* of 345 bytes: just below the 128 MiB that begin a settle */ };

/* ---- appends ---- */

struct append_case {
    uint32_t batch, in_flight, streams;
    double goal;
};

static const struct append_case append_cases[] = {
    { 1, 1, 10000, 0.9 },    { 10, 1, 10000, 0 },     { 100, 1, 10000, 0.9 },  { 1000, 1, 10000, 0.9 },
    { 1, 8, 10000, 0 },      { 10, 8, 10000, 0 },     { 100, 8, 10000, 0 },    { 1000, 8, 10000, 0 },
    { 1, 64, 10000, 0 },     { 10, 64, 10000, 0 },    { 100, 64, 10000, 0 },   { 1, 1, 1000000, 0.9 },
    { 1, 64, 1000000, 0 },   { 10, 64, 1000000, 0 },  { 100, 8, 1000000, 0 },
};

static void run_append_case(const struct settings *settings, struct report *report, const struct append_case *c)
{
    struct row row = { .section = "append, engine alone", .unit = "events", .rounds = settings->rounds,
                       .has_raw = true, .raw_name = "pwrite + fdatasync of the same batches", .goal = c->goal };
    struct load load = { c->batch, c->in_flight, c->streams, DATA_BYTES };

    snprintf(row.name, sizeof(row.name), "%u events/append, %u in flight, %u k streams", c->batch, c->in_flight,
             c->streams / 1000);
    if (!is_chosen(settings, row.name))
        return;
    struct raw_disk *raw = raw_disk_open(scratch_path(settings, "raw"), RAW_FILE_BYTES);
    struct varve_store *store = bench_store_open(fresh_path(settings, "engine"));
    struct engine_load *run = engine_load_create(store, &load);

    for (uint32_t i = 0; i < row.rounds; i++) {
        /* What one group commit may hold: all that is in flight. */
        raw_disk_measure(raw, c->batch * c->in_flight, RECORD_BYTES, settings->seconds, &row.raw[i]);
        engine_load_run(run, settings->seconds, 0, &row.ours[i]);
    }
    report_row(report, &row);
    engine_load_free(run);
    varve_store_close(store);
    raw_disk_close(raw);
    remove_tree(scratch_path(settings, "engine"));
}

void bench_engine_append(const struct settings *settings, struct report *report)
{
    size_t count = settings->quick ? 2 : sizeof(append_cases) / sizeof(append_cases[0]);

    for (size_t i = 0; i < count; i++)
        run_append_case(settings, report, &append_cases[i]);
}

/* ---- reads ---- */

static uint64_t read_all(struct varve_store *store, const struct varve_read *read)
{
    struct varve_reader *reader;
    struct varve_batch batch = { .end = false };
    struct varve_error error;
    uint64_t count = 0;

    enum varve_status status = varve_reader_open(store, read, &reader, &error);
    if (status == VARVE_STREAM_NOT_FOUND)
        return 0; /* Streams are filled at random: with few events some have none yet. */
    if (status != VARVE_OK)
        die("cannot read: %s", error.message);
    while (!batch.end) {
        if (varve_reader_next(reader, 256 << 10, 0, &batch, &error) != VARVE_OK)
            die("cannot read: %s", error.message);
        count += batch.count;
    }
    varve_reader_close(reader);
    return count;
}

static void fill(struct varve_store *store, uint32_t streams, uint64_t events)
{
    struct load load = { 1, 1024, streams, DATA_BYTES };
    struct engine_load *run = engine_load_create(store, &load);
    struct measurement ignored;

    engine_load_run(run, 0, events, &ignored);
    engine_load_free(run);
    if (varve_store_settle(store) != VARVE_OK)
        die("cannot settle");
}

static void measure_rebuild(struct varve_store *store, uint32_t streams, uint32_t seconds, struct measurement *ret)
{
    static struct histogram histogram;
    uint64_t began = now_ns(), ends = began + seconds * 1000000000ull, now = began, count = 0;
    uint32_t stream = 0;

    histogram_reset(&histogram);
    while (now < ends) {
        char name[32];
        struct varve_read read;
        varve_read_init(&read);
        read.kind = VARVE_READ_STREAM;
        stream = (stream + 7919) % streams;
        read.name = varve_view_of(name, bench_stream_name(name, stream));
        read_all(store, &read);
        uint64_t after = now_ns();
        histogram_add(&histogram, after - now);
        now = after;
        count++;
    }
    measure_histogram(&histogram, count, now - began, ret);
}

static void measure_scan(struct varve_store *store, struct measurement *ret)
{
    struct varve_read read;
    uint64_t began = now_ns();

    varve_read_init(&read);
    uint64_t count = read_all(store, &read);
    *ret = (struct measurement){ .per_second = (double)count * 1e9 / (double)(now_ns() - began) };
}

void bench_engine_read(const struct settings *settings, struct report *report)
{
    uint32_t streams = settings->quick ? 500 : 10000;
    struct varve_store *store = bench_store_open(fresh_path(settings, "engine"));
    struct row rebuild = { .section = "read, engine alone", .name = "rebuild a stream of about 100 events",
                           .unit = "streams", .rounds = settings->rounds };
    struct row scan = { .section = "read, engine alone", .name = "read the whole log", .unit = "events",
                        .rounds = settings->rounds, .goal = 8e6 };

    fill(store, streams, (uint64_t)streams * STREAM_LENGTH);
    for (uint32_t i = 0; i < settings->rounds; i++) {
        measure_rebuild(store, streams, settings->seconds, &rebuild.ours[i]);
        measure_scan(store, &scan.ours[i]);
    }
    report_row(report, &rebuild);
    report_row(report, &scan);
    varve_store_close(store);
    remove_tree(scratch_path(settings, "engine"));
}

/* ---- growth ---- */

static void measure_growth(const struct settings *settings, struct report *report, struct varve_store *store,
                           struct engine_load *bulk, struct engine_load *single, uint64_t size)
{
    struct row rows[3] = {
        { .section = "growth, engine alone, 1 M streams", .unit = "events", .rounds = 1 },
        { .section = "growth, engine alone, 1 M streams", .unit = "events", .rounds = 1 },
        { .section = "growth, engine alone, 1 M streams", .unit = "streams", .rounds = 1 },
    };
    struct varve_stats before, after;

    varve_store_stats(store, &before);
    snprintf(rows[0].name, sizeof(rows[0].name), "to %.0f M events, 100/append, 8 in flight", (double)size / 1e6);
    engine_load_run(bulk, 0, size - before.last_position, &rows[0].ours[0]);
    varve_store_stats(store, &after);
    snprintf(rows[1].name, sizeof(rows[1].name), "at %.0f M, 1/append, 64 in flight", (double)size / 1e6);
    engine_load_run(single, settings->seconds, 0, &rows[1].ours[0]);
    snprintf(rows[2].name, sizeof(rows[2].name), "at %.0f M, read a stream", (double)size / 1e6);
    measure_rebuild(store, 1000000, settings->seconds, &rows[2].ours[0]);
    for (int i = 0; i < 3; i++)
        report_row(report, &rows[i]);
    report_note(report, "settles %llu, each %.0f ms; the committer waited %.0f ms for them; store.mdb %.0f bytes/event",
                (unsigned long long)(after.settles - before.settles),
                after.settles == before.settles ? 0 : (double)(after.settle_us - before.settle_us) / 1e3 /
                                                          (double)(after.settles - before.settles),
                (double)(after.commit_waits_us - before.commit_waits_us) / 1e3,
                (double)after.store_bytes / (double)(after.settled_position == 0 ? 1 : after.settled_position));
}

/* A process that appends and ends without closing: what it appended last is in the journal only. */
static void append_and_crash(const char *path)
{
    struct load load = { 100, 8, 1000000, DATA_BYTES };
    struct measurement ignored;
    pid_t pid = fork();

    if (pid < 0)
        die("cannot fork");
    if (pid == 0) {
        engine_load_run(engine_load_create(bench_store_open(path), &load), 0, CRASH_EVENTS, &ignored);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
}

static void measure_reopen(const struct settings *settings, struct report *report, const char *name)
{
    struct row row = { .section = "growth, engine alone, 1 M streams", .unit = "opens", .rounds = 1 };
    uint64_t began = now_ns();
    struct varve_store *store = bench_store_open(scratch_path(settings, "growth"));
    double seconds = (double)(now_ns() - began) / 1e9;
    struct varve_stats stats;

    varve_store_stats(store, &stats);
    snprintf(row.name, sizeof(row.name), "%s", name);
    row.ours[0] = (struct measurement){ .per_second = 1 / seconds, .p50_us = seconds * 1e6 };
    report_row(report, &row);
    report_note(report, "%llu events, %llu of them replayed from the journal, open after %.2f s",
                (unsigned long long)stats.last_position, (unsigned long long)stats.recovered_events, seconds);
    varve_store_close(store);
}

void bench_growth(const struct settings *settings, struct report *report)
{
    uint64_t goal = settings->quick ? 200000 : settings->growth_events;
    struct varve_store *store = bench_store_open(fresh_path(settings, "growth"));
    struct load bulk_load = { 100, 8, 1000000, DATA_BYTES }, single_load = { 1, 64, 1000000, DATA_BYTES };
    struct engine_load *bulk = engine_load_create(store, &bulk_load);

    for (uint64_t size = goal < 1000000 ? goal : 1000000; size <= goal; size = size < 5000000 ? size + 4000000
                                                                                               : size + 5000000) {
        struct engine_load *single = engine_load_create(store, &single_load);
        measure_growth(settings, report, store, bulk, single, size);
        engine_load_free(single);
        engine_load_free(bulk); /* The single appends have moved versions on: ask again. */
        bulk = engine_load_create(store, &bulk_load);
    }
    engine_load_free(bulk);
    varve_store_close(store);
    measure_reopen(settings, report, "open after a clean stop");
    append_and_crash(scratch_path(settings, "growth"));
    measure_reopen(settings, report, "open after a crash");
    remove_tree(scratch_path(settings, "growth"));
}
