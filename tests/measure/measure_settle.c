/* measure_settle.c - how fast layers are settled, without committer and journal. The figures in
 * docs/decisions/0004-lmdb-layout.md: measure_settle DIRECTORY EVENTS STREAMS [LAYER]. */
#include "support/random.h"

#include "engine/settle.h"
#include "engine/tables.h"
#include "varve/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { DATA_BYTES = 256, HASH_SEED = 7 };

struct run {
    struct db *db;
    struct db_txn *reader; /* for streams that the tail does not know */
    struct tail *tail;
    uint64_t events, streams, layer, random;
    double cpu, user, wall;
};

static void require(enum varve_status status, const struct varve_error *error)
{
    if (status == VARVE_OK)
        return;
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

static void add_event(struct run *run, uint64_t position)
{
    static char data[DATA_BYTES];
    uint8_t record[DATA_BYTES + VARVE_RECORD_MAX_OVERHEAD];
    uint64_t random[2] = { random_next(&run->random), random_next(&run->random) };
    uint64_t correlation = random_below(&run->random, run->events);
    struct stream_state before;
    char name[64];

    snprintf(name, sizeof(name), "order-%012llu", (unsigned long long)random_below(&run->random, run->streams));
    if (!tail_find_state(run->tail, varve_view_str(name), &before) &&
        tables_get_stream(run->reader, varve_view_str(name), &before) != VARVE_OK)
        stream_state_init(&before);
    struct varve_event event = {
        .stream = varve_view_str(name), .type = varve_view_str(position % 3 == 0 ? "order.paid" : "order.placed"),
        .time_us = VARVE_TIME_NONE, .schema_version = 1, .content_type = VARVE_CONTENT_OCTET_STREAM,
        .data = varve_view_of(data, DATA_BYTES), .position = position, .version = (uint64_t)(before.version + 1),
        .recorded_at_us = (int64_t)position,
    };
    memcpy(event.id.bytes, random, 16);
    event.correlation_id.bytes[0] = 1;
    memcpy(event.correlation_id.bytes + 8, &correlation, 8);
    struct tail_event added = { .record = record, .correlation_id = event.correlation_id, .before = &before };
    added.size = (uint32_t)varve_record_encode(&event, record);
    require(tail_add(run->tail, &added), &(struct varve_error){ .message = "no memory for the tail" });
}

static double seconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double user_seconds(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6;
}

static void settle(struct run *run, uint64_t position, uint64_t count)
{
    struct varve_error error;

    tail_publish(run->tail);
    require(tail_freeze(run->tail), &(struct varve_error){ .message = "no memory for a layer" });
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), user = user_seconds(), wall = seconds(CLOCK_MONOTONIC);
    require(settle_layer(run->db, tail_frozen(run->tail), &error), &error);
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    user = user_seconds() - user;
    wall = seconds(CLOCK_MONOTONIC) - wall;
    tail_drop_frozen(run->tail);
    require(db_renew(run->reader, &error), &error);
    run->cpu += cpu;
    run->user += user;
    run->wall += wall;
    printf("%12llu events: %7.0f k/s of CPU, %7.0f of user CPU, %7.0f of wall clock, %6.1f bytes per event\n",
           (unsigned long long)position, (double)count / cpu / 1e3, (double)count / user / 1e3,
           (double)count / wall / 1e3, (double)db_size_bytes(run->db) / (double)position);
}

static void open_all(struct run *run, const char *directory)
{
    struct tables_meta meta = { .next_stream_id = 1, .indexes = VARVE_INDEX_ALL, .hash_seed = HASH_SEED };
    struct tail_options options = { .seed = 5, .next_position = 1, .recent_ids = 1000, .indexes = VARVE_INDEX_ALL };
    struct varve_error error;
    struct db_txn *txn;
    char path[4096];

    snprintf(path, sizeof(path), "%s/store.mdb", directory);
    require(db_open(path, varve_os_default(), UINT64_C(1) << 40, false, &run->db, &error), &error);
    require(db_begin_write(run->db, &txn, &error), &error);
    require(tables_put_meta(txn, &meta), &error);
    require(db_commit(txn, &error), &error);
    require(db_begin_read(run->db, &run->reader, &error), &error);
    require(tail_create(&options, &run->tail), &(struct varve_error){ .message = "no memory for the tail" });
}

int main(int count, char **words)
{
    struct run run = { .random = 1 };

    if (count < 4) {
        fprintf(stderr, "usage: measure_settle DIRECTORY EVENTS STREAMS [LAYER]\n");
        return 2;
    }
    run.events = strtoull(words[2], NULL, 10);
    run.streams = strtoull(words[3], NULL, 10);
    run.layer = count > 4 ? strtoull(words[4], NULL, 10) : 500000;
    open_all(&run, words[1]);
    for (uint64_t position = 0; position < run.events;) {
        uint64_t left = run.events - position, size = left < run.layer ? left : run.layer;

        for (uint64_t i = 1; i <= size; i++)
            add_event(&run, position + i);
        position += size;
        settle(&run, position, size);
    }
    printf("all: %.0f k/s of CPU, %.0f of user CPU, %.0f of wall clock\n", (double)run.events / run.cpu / 1e3,
           (double)run.events / run.user / 1e3, (double)run.events / run.wall / 1e3);
    db_abort(run.reader);
    tail_destroy(run.tail);
    db_close(run.db);
    return 0;
}
