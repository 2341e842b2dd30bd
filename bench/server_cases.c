/* server_cases.c - through the server, over loopback TCP: appends against the raw server, and reads. */
#include "raw_server.h"
#include "server_load.h"
#include "varve/client.h"

#include <stdlib.h>
#include <string.h>

enum { DATA_BYTES = 256, STREAM_LENGTH = 100 };

struct server_case {
    const char *name;
    uint32_t connections, in_flight, batch, streams;
    double goal;
};

static const struct server_case append_cases[] = {
    { "W1", 1, 1, 1, 10000, 0.9 },     { "W2", 8, 8, 1, 10000, 0.6 },    { "W3", 8, 8, 10, 10000, 0.5 },
    { "", 1, 8, 1, 10000, 0 },         { "", 1, 64, 1, 10000, 0 },       { "", 64, 1, 1, 10000, 0 },
    { "", 1, 1, 10, 10000, 0 },        { "", 1, 1, 100, 10000, 0 },      { "", 1, 1, 1000, 10000, 0 },
    { "", 8, 8, 100, 10000, 0 },       { "W2", 8, 8, 1, 1000000, 0.6 },  { "W3", 8, 8, 10, 1000000, 0.5 },
};

static void run_append_case(const struct settings *settings, struct report *report, const struct server_case *c)
{
    struct row row = { .section = "append, through the server", .unit = "events", .rounds = settings->rounds,
                       .has_raw = true, .raw_name = "libuv: read, group, pwrite, fdatasync, reply", .goal = c->goal };
    char raw_url[64], url[64];

    snprintf(row.name, sizeof(row.name), "%s%s%u conn x %u, %u/append, %u k streams", c->name,
             c->name[0] == '\0' ? "" : " ", c->connections, c->in_flight, c->batch, c->streams / 1000);
    if (!is_chosen(settings, row.name))
        return;
    int64_t *versions = server_load_fresh_versions(c->streams), *raw_versions = server_load_fresh_versions(c->streams);
    pid_t raw = raw_server_start(scratch_path(settings, "raw"), raw_url);
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);
    struct server_load load = { url, c->connections, c->in_flight, c->batch, c->streams, DATA_BYTES,
                                settings->seconds, false };
    struct server_load raw_load = load;

    raw_load.url = raw_url;
    for (uint32_t i = 0; i < row.rounds; i++) {
        server_load_append(&raw_load, raw_versions, &row.raw[i]);
        server_load_append(&load, versions, &row.ours[i]);
    }
    report_row(report, &row);
    server_stop(varved);
    server_stop(raw);
    free(versions);
    free(raw_versions);
    remove_tree(scratch_path(settings, "server"));
    remove_tree(scratch_path(settings, "raw"));
}

void bench_server_append(const struct settings *settings, struct report *report)
{
    size_t count = settings->quick ? 3 : sizeof(append_cases) / sizeof(append_cases[0]);

    for (size_t i = 0; i < count; i++)
        run_append_case(settings, report, &append_cases[i]);
}

void bench_server_read(const struct settings *settings, struct report *report)
{
    uint32_t streams = settings->quick ? 500 : 10000;
    struct row rebuild = { .section = "read, through the server", .unit = "streams", .rounds = settings->rounds,
                           .goal = 25000, .name = "W4 read a stream of 100 or more, 16 connections" };
    struct row all = { .section = "read, through the server", .unit = "events", .rounds = settings->rounds,
                       .goal = 2e6, .name = "W5 read the whole log, 1 connection" };
    char url[64];
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);
    struct server_load load = { url, 16, 1, 1, streams, DATA_BYTES, settings->seconds, false };

    server_load_fill(url, streams, STREAM_LENGTH);
    for (uint32_t i = 0; i < settings->rounds; i++) {
        server_load_streams(&load, &rebuild.ours[i]);
        server_load_all(url, &all.ours[i]);
    }
    report_row(report, &rebuild);
    report_row(report, &all);
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}
