/* http_cases.c - JSON over HTTP against the binary port, on one server in one run: appends, and reads. */
#include "http_cases.h"

#include "http_load.h"
#include "raw_server.h"
#include "server_load.h"

#include <stdlib.h>

enum { DATA_BYTES = 256, STREAMS = 10000, STREAM_LENGTH = 100, READERS = 16, QUICK_MS = 200 };

uint32_t http_case_ms(const struct settings *settings)
{
    return settings->quick ? QUICK_MS : settings->seconds * 1000;
}

/* What the raw side's latencies are; the table has ours alone. */
static void note_raw(struct report *report, const struct row *row, const char *of)
{
    double p50 = 0, p99 = 0;

    for (uint32_t i = 0; i < row->rounds; i++) {
        p50 += row->raw[i].p50_us / row->rounds;
        p99 += row->raw[i].p99_us / row->rounds;
    }
    report_note(report, "%s: p50 %.0f us, p99 %.0f us (means of the rounds)", of, p50, p99);
}

/* ---- appends ---- */

static void run_append(const struct settings *settings, struct report *report, uint32_t in_flight, uint32_t batch)
{
    struct row row = { .section = "append over HTTP", .unit = "events", .rounds = settings->rounds, .has_raw = true,
                       .raw_name = "APPEND over the binary port, as many in flight" };
    char url[64];
    int port;

    snprintf(row.name, sizeof(row.name), "HTTP %u conn x 1, %u/append, %u k streams", in_flight, batch, STREAMS / 1000);
    if (!is_chosen(settings, row.name))
        return;
    int64_t *versions = server_load_fresh_versions(STREAMS), *raw_versions = server_load_fresh_versions(STREAMS);
    pid_t varved = varved_start_with_http(settings, fresh_path(settings, "server"), url, &port);
    pid_t other = varved_start(settings, fresh_path(settings, "other"), url);
    uint32_t connections = in_flight < 8 ? 1 : 8;
    struct http_load load = { port, in_flight, batch, STREAMS, DATA_BYTES, http_case_ms(settings) };
    struct server_load raw = { url, connections, in_flight / connections, batch, STREAMS, DATA_BYTES,
                               settings->seconds, true };

    for (uint32_t i = 0; i < row.rounds; i++) {
        server_load_append(&raw, raw_versions, &row.raw[i]);
        http_load_append(&load, versions, &row.ours[i]);
    }
    report_row(report, &row);
    note_raw(report, &row, connections == 1 ? "binary, 1 connection" : "binary, 8 connections x 8");
    server_stop(varved);
    server_stop(other);
    free(versions);
    free(raw_versions);
    remove_tree(scratch_path(settings, "server"));
    remove_tree(scratch_path(settings, "other"));
}

/* ---- reads ---- */

static void run_reads(const struct settings *settings, struct report *report)
{
    uint32_t streams = settings->quick ? 1000 : 5000;
    struct row rebuild = { .section = "read over HTTP", .unit = "streams", .rounds = settings->rounds, .has_raw = true,
                           .raw_name = "READ over the binary port", .name = "a stream of 100 or more, 16 connections" };
    struct row all = { .section = "read over HTTP", .unit = "events", .rounds = settings->rounds, .has_raw = true,
                       .raw_name = "READ of the whole log", .name = "/v1/all, pages of 1,000, 1 connection" };
    char url[64];
    int port;
    pid_t varved = varved_start_with_http(settings, fresh_path(settings, "server"), url, &port);
    struct server_load raw = { url, READERS, 1, 1, streams, DATA_BYTES, settings->seconds, true };
    struct http_load load = { port, READERS, 1, streams, DATA_BYTES, http_case_ms(settings) };
    struct http_load pages = { port, 1, 1, streams, DATA_BYTES, http_case_ms(settings) };

    server_load_fill_json(url, streams, STREAM_LENGTH);
    for (uint32_t i = 0; i < settings->rounds; i++) {
        server_load_streams(&raw, &rebuild.raw[i]);
        http_load_streams(&load, &rebuild.ours[i]);
        server_load_all(url, &all.raw[i]);
        http_load_all(&pages, &all.ours[i]);
    }
    report_row(report, &rebuild);
    note_raw(report, &rebuild, "binary");
    report_row(report, &all);
    report_note(report, "times of /v1/all are those of a page");
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}

void bench_http(const struct settings *settings, struct report *report)
{
    static const uint32_t in_flight[] = { 1, 64, 1, 64 }, batch[] = { 1, 1, 10, 10 };

    for (int i = 0; i < (settings->quick ? 1 : 4); i++)
        run_append(settings, report, in_flight[i], batch[i]);
    if (is_chosen(settings, "read"))
        run_reads(settings, report);
    push_cases(settings, report);
}
