/* bench.h - what the parts of varve-bench share: a measurement, the report it goes into, and the clock.
 *
 * Every figure of ours stands beside a raw limit measured in the same run, round by round, so that a slow disk or a
 * busy neighbour slows both; the report prints their ratio. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "histogram.h"

#include <stdbool.h>
#include <stdio.h>

struct settings {
    const char *directory;   /* scratch stores are made in it and removed */
    const char *bin;         /* where varved lies */
    const char *json_path;   /* NULL: no JSON */
    const char *only;        /* cases of appends whose name holds this text; NULL: all */
    uint32_t rounds;         /* of each case; medians are reported */
    uint32_t seconds;        /* of each round's measurement */
    uint64_t growth_events;  /* how far the growth case goes */
    uint64_t backlog_events; /* of the outbox's backlog */
    const char *baseline;    /* a varved that `metrics` compares with; NULL: this one, not scraped */
    const char *kafka;       /* HOST:PORT,...; NULL: librdkafka's mock */
    bool quick;              /* fewer cases, one short round: to see that it works */
};

struct measurement {
    double per_second;           /* events, streams or requests, as the case says */
    double p50_us, p99_us, p999_us;
};

enum { MAX_ROUNDS = 15 };

/* The rounds of one case. */
struct row {
    const char *section;         /* such as "append, engine alone" */
    char name[72];
    const char *unit;            /* of per_second */
    struct measurement ours[MAX_ROUNDS], raw[MAX_ROUNDS];
    uint32_t rounds;
    bool has_raw;
    const char *raw_name;
    double goal;                 /* of the ratio (has_raw) or of per_second; 0 = none */
};

/* Is the case with this name to be run? */
bool is_chosen(const struct settings *settings, const char *name);

struct report;
struct report *report_open(const struct settings *settings);
/* Prints the row's line at once and keeps it for the JSON. */
void report_row(struct report *report, const struct row *row);
void report_note(struct report *report, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Writes the JSON; false when that failed. */
bool report_close(struct report *report);

uint64_t now_ns(void);
void measure_histogram(const struct histogram *histogram, uint64_t items, uint64_t elapsed_ns, struct measurement *ret);
/* A message on stderr, and the end. Benchmarks go no further with half a result. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- scratch ---- */

/* DIRECTORY/name; the text lives until the next call. fresh_path() removes what an earlier run may have left there. */
const char *scratch_path(const struct settings *settings, const char *name);
const char *fresh_path(const struct settings *settings, const char *name);
void remove_tree(const char *path);

/* ---- cases ---- */

void bench_engine_append(const struct settings *settings, struct report *report);
void bench_engine_read(const struct settings *settings, struct report *report);
void bench_growth(const struct settings *settings, struct report *report);
void bench_server_append(const struct settings *settings, struct report *report);
void bench_server_read(const struct settings *settings, struct report *report);
void bench_subscriptions(const struct settings *settings, struct report *report);
void bench_groups(const struct settings *settings, struct report *report);
void bench_state(const struct settings *settings, struct report *report);
void bench_loads(const struct settings *settings, struct report *report);
void bench_metrics(const struct settings *settings, struct report *report);
void bench_http(const struct settings *settings, struct report *report);
void bench_outbox(const struct settings *settings, struct report *report);

#endif
