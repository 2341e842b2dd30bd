/* outbox_cases.c - the outbox: how long from an append to a consumer of Kafka, how fast a backlog gets there beside a
 * plain producer, and what it costs those who append. */
#include "kafka_bench.h"
#include "outbox_load.h"
#include "raw_server.h"
#include "server_load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STREAMS = 10000, DATA_BYTES = 256, WARM_UP = 50, WARM_RATE = 100, QUICK_RATE = 1000, MOCK_RATE = 20000,
       RARE = 100 /* events per second: measured for longer */, FILL_BATCH = 100, LOOK_US = 10000 };
#define STUCK_NS 60000000000ull

static const char *const modes[] = { "exactly_once", "at_least_once" };
enum { MODES = 2 };

static const struct {
    uint32_t rate, per_append, mode;
} rates[] = { { 20, 1, 0 }, { 1000, 1, 0 }, { 1000, 1, 1 }, { 20000, 1, 0 }, { 200000, 10, 0 } };
enum { RATES = sizeof(rates) / sizeof(rates[0]) };

struct bench {
    const struct settings *settings;
    struct report *report;
    struct kafka_bench *kafka;
    char section[96];
    uint32_t topics;      /* made so far; their names differ, also from those of other runs */
    char topic[64];       /* of the server that was started last */
};

static void tell(const char *what, uint32_t round)
{
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%-60s round %u \r", what, round + 1);
}

/* ---- a server with an outbox ---- */

/* Everything goes to one new topic. */
static void write_config(struct bench *bench, const char *mode, const char *path)
{
    FILE *file = fopen(path, "w");

    if (file == NULL)
        die("cannot write %s", path);
    fprintf(file, "[outbox bench%u]\nbrokers = %s\nmode = %s\nroute = category=* -> topic=%s\n", bench->topics,
            kafka_bench_brokers(bench->kafka), mode, bench->topic);
    if (kafka_bench_is_mock(bench->kafka))
        fprintf(file, "mock = yes\nrdkafka.log_level = 3\n"); /* It says that topics make themselves. */
    fclose(file);
}

static void new_topic(struct bench *bench)
{
    snprintf(bench->topic, sizeof(bench->topic), "varve-bench.%llx.%u", (unsigned long long)now_ns(), ++bench->topics);
}

/* On a directory that may hold something already. `mode` NULL: no outbox. */
static pid_t start(struct bench *bench, const char *directory, const char *mode, char ret_url[64])
{
    char config[4200];

    if (mode == NULL)
        return varved_start(bench->settings, directory, ret_url);
    snprintf(config, sizeof(config), "%s.conf", directory);
    write_config(bench, mode, config);
    pid_t varved = varved_start_with(bench->settings, directory, config, ret_url);
    unlink(config);
    return varved;
}

/* ---- latency ---- */

struct timing {
    uint64_t *sent, *acked, *arrived;
    struct kafka_arrivals *arrivals;
};

static uint64_t await_arrivals(const struct timing *timing, uint64_t count)
{
    uint64_t moved_ns = now_ns(), before = 0, here;

    while ((here = kafka_arrivals_count(timing->arrivals)) < count) {
        if (here != before)
            moved_ns = now_ns();
        before = here;
        if (now_ns() - moved_ns > STUCK_NS)
            die("%llu events of %llu did not arrive in Kafka", (unsigned long long)(count - here),
                (unsigned long long)count);
        usleep(LOOK_US);
    }
    return now_ns();
}

static void summarise(const uint64_t *from, const uint64_t *until, uint64_t count, uint64_t elapsed_ns,
                      struct measurement *ret)
{
    static struct histogram histogram;

    histogram_reset(&histogram);
    for (uint64_t i = 0; i < count; i++)
        histogram_add(&histogram, until[i] > from[i] ? until[i] - from[i] : 0); /* Kafka may be first. */
    measure_histogram(&histogram, count, elapsed_ns, ret);
}

/* A server of its own, started again after the first events, so that its figures know nothing of how all began. */
static pid_t start_warm(struct bench *bench, const char *directory, const char *mode, struct timing *timing,
                        uint64_t count, char ret_url[64])
{
    struct outbox_load warm_up = { ret_url, WARM_RATE, 1, WARM_UP, STREAMS, count };

    new_topic(bench);
    pid_t varved = start(bench, directory, mode, ret_url);
    outbox_load_run(&warm_up, NULL, NULL);
    outbox_load_await(ret_url);
    timing->arrivals = kafka_arrivals_start(bench->kafka, bench->topic, timing->arrived, count);
    server_stop(varved);
    varved = start(bench, directory, mode, ret_url);
    while ((mode == modes[0] && outbox_figure(ret_url, "takeover_us_count") == 0) ||
           kafka_arrivals_others(timing->arrivals) < WARM_UP)
        usleep(LOOK_US);
    return varved;
}

static void measure_rate(struct bench *bench, size_t which, uint32_t seconds, struct measurement ret[3])
{
    char url[64], directory[4096];
    uint64_t count = (uint64_t)rates[which].rate * seconds;
    struct outbox_load load = { url, rates[which].rate, rates[which].per_append, count, STREAMS, 0 };
    struct timing timing = { calloc(count, 8), calloc(count, 8), calloc(count, 8), NULL };

    if (timing.sent == NULL || timing.acked == NULL || timing.arrived == NULL)
        die("no memory");
    snprintf(directory, sizeof(directory), "%s", fresh_path(bench->settings, "server"));
    pid_t varved = start_warm(bench, directory, modes[rates[which].mode], &timing, count, url);
    uint64_t began = now_ns(), elapsed = outbox_load_run(&load, timing.sent, timing.acked);
    uint64_t until_here = await_arrivals(&timing, count) - began;
    if (kafka_arrivals_stop(timing.arrivals) > 0)
        die("events arrived in Kafka twice");
    summarise(timing.sent, timing.arrived, count, until_here, &ret[0]);
    summarise(timing.acked, timing.arrived, count, elapsed, &ret[1]);
    ret[2] = (struct measurement){
        .per_second = ret[0].per_second,
        .p50_us = (double)outbox_figure(url, "publish_delay_us_p50"),
        .p99_us = (double)outbox_figure(url, "publish_delay_us_p99"),
        .p999_us = (double)outbox_figure(url, "publish_delay_us_max"),
    };
    ret[1].per_second = ret[0].per_second;
    server_stop(varved);
    kafka_bench_remove_topic(bench->kafka, bench->topic);
    remove_tree(directory);
    free(timing.sent);
    free(timing.acked);
    free(timing.arrived);
}

static void run_rate(struct bench *bench, size_t which)
{
    static const char *const what[] = { "sent -> consumer", "acknowledged -> consumer",
                                        "commit -> Kafka's commit (99.9: max)" };
    const struct settings *settings = bench->settings;
    uint32_t seconds = rates[which].rate < RARE && !settings->quick ? 3 * settings->seconds : settings->seconds;
    struct row rows[3];
    struct measurement measured[3];
    char name[40];

    snprintf(name, sizeof(name), "%u/s%s%s", rates[which].rate, rates[which].per_append > 1 ? " by tens" : "",
             rates[which].mode == 1 ? " at_least_once" : "");
    if (!is_chosen(settings, name))
        return;
    for (int i = 0; i < 3; i++) {
        rows[i] = (struct row){ .section = bench->section, .unit = "events", .rounds = settings->rounds };
        snprintf(rows[i].name, sizeof(rows[i].name), "%.38s, %s", name, what[i]);
    }
    for (uint32_t round = 0; round < settings->rounds; round++) {
        tell(name, round);
        measure_rate(bench, which, seconds, measured);
        for (int i = 0; i < 3; i++)
            rows[i].ours[round] = measured[i];
    }
    for (int i = 0; i < 3; i++)
        report_row(bench->report, &rows[i]);
}

/* ---- backlog ---- */

/* From the first transaction that is there to the last. */
static void measure_drain(struct bench *bench, const char *directory, const char *mode, uint64_t events,
                          struct measurement *ret)
{
    char url[64];
    uint64_t first = 0;

    new_topic(bench);
    pid_t varved = start(bench, directory, mode, url);
    while ((first = outbox_figure(url, "events_published")) == 0)
        usleep(LOOK_US);
    uint64_t began = now_ns();
    outbox_load_await(url);
    uint64_t elapsed = now_ns() - began;
    if (outbox_figure(url, "events_published") != events)
        die("the outbox published another number of events than there are");
    *ret = (struct measurement){
        .per_second = (double)(events - first) * 1e9 / (double)elapsed,
        .p50_us = (double)(outbox_figure(url, "ack_us_p50") + outbox_figure(url, "commit_us_p50")),
        .p99_us = (double)(outbox_figure(url, "ack_us_p99") + outbox_figure(url, "commit_us_p99")),
    };
    server_stop(varved);
}

static void measure_plain(struct bench *bench, uint64_t events, struct measurement *ret)
{
    char like[sizeof(bench->topic)];

    snprintf(like, sizeof(like), "%s", bench->topic);
    new_topic(bench);
    uint64_t elapsed = kafka_produce_plainly(bench->kafka, like, bench->topic, events);
    *ret = (struct measurement){ .per_second = (double)events * 1e9 / (double)elapsed };
    kafka_bench_remove_topic(bench->kafka, bench->topic);
    kafka_bench_remove_topic(bench->kafka, like);
}

static void run_backlog(struct bench *bench)
{
    const struct settings *settings = bench->settings;
    uint64_t events = settings->quick ? 20000 : settings->backlog_events;
    struct row rows[MODES];
    char url[64], directory[4096];

    if (!is_chosen(settings, "backlog"))
        return;
    for (int i = 0; i < MODES; i++) {
        rows[i] = (struct row){ .section = bench->section, .unit = "events", .rounds = settings->rounds,
                                .has_raw = true, .raw_name = "idempotent producer without transactions, same records" };
        snprintf(rows[i].name, sizeof(rows[i].name), "backlog of %.6g k, %s", (double)events / 1000, modes[i]);
    }
    snprintf(directory, sizeof(directory), "%s", fresh_path(settings, "server"));
    pid_t varved = start(bench, directory, NULL, url);
    struct outbox_load fill = { url, 0, FILL_BATCH, events / FILL_BATCH * FILL_BATCH, STREAMS, 0 };
    outbox_load_run(&fill, NULL, NULL);
    server_stop(varved);
    for (uint32_t round = 0; round < settings->rounds; round++) {
        for (int i = 0; i < MODES; i++) {
            tell(rows[i].name, round);
            measure_drain(bench, directory, modes[i], fill.count, &rows[i].ours[round]);
            measure_plain(bench, fill.count, &rows[i].raw[round]);
        }
    }
    for (int i = 0; i < MODES; i++)
        report_row(bench->report, &rows[i]);
    remove_tree(directory);
}

/* ---- what it costs appends ---- */

static void run_effect(struct bench *bench, const char *name, uint32_t connections, uint32_t in_flight)
{
    const struct settings *settings = bench->settings;
    struct row row = { .section = bench->section, .unit = "events", .rounds = settings->rounds, .has_raw = true,
                       .raw_name = "the same without an outbox" };
    char url[64], raw_url[64], directory[4096];

    snprintf(row.name, sizeof(row.name), "%s with outbox", name);
    if (!is_chosen(settings, row.name))
        return;
    new_topic(bench);
    snprintf(directory, sizeof(directory), "%s", fresh_path(settings, "server"));
    pid_t varved = start(bench, directory, modes[0], url);
    pid_t raw = start(bench, fresh_path(settings, "raw"), NULL, raw_url);
    struct server_load load = { url, connections, in_flight, 1, STREAMS, DATA_BYTES, settings->seconds, false };
    struct server_load raw_load = load;
    int64_t *versions = server_load_fresh_versions(STREAMS), *raw_versions = server_load_fresh_versions(STREAMS);

    raw_load.url = raw_url;
    for (uint32_t i = 0; i < row.rounds; i++) {
        tell(row.name, i);
        server_load_append(&raw_load, raw_versions, &row.raw[i]);
        server_load_append(&load, versions, &row.ours[i]);
        outbox_load_await(url);
    }
    report_row(bench->report, &row);
    report_note(bench->report, "without outbox: p50 %.0f us, p99 %.0f us (first round)", row.raw[0].p50_us,
                row.raw[0].p99_us);
    server_stop(varved);
    server_stop(raw);
    free(versions);
    free(raw_versions);
    kafka_bench_remove_topic(bench->kafka, bench->topic);
    remove_tree(directory);
    remove_tree(scratch_path(settings, "raw"));
}

/* Producer, broker and consumer share what the machine has left. */
static void note_load(struct report *report, const char *when)
{
    double load[1] = { 0 };

    if (getloadavg(load, 1) == 1)
        report_note(report, "%s, the machine's load was %.1f on %ld cores", when, load[0],
                    sysconf(_SC_NPROCESSORS_ONLN));
}

void bench_outbox(const struct settings *settings, struct report *report)
{
    struct bench bench = { .settings = settings, .report = report, .kafka = kafka_bench_open(settings->kafka) };
    bool is_mock = kafka_bench_is_mock(bench.kafka);

    snprintf(bench.section, sizeof(bench.section), "outbox, to %s", is_mock ? "a mock of Kafka" : "the Kafka at ");
    if (!is_mock)
        strncat(bench.section, kafka_bench_brokers(bench.kafka), sizeof(bench.section) - strlen(bench.section) - 1);
    note_load(report, "before the outbox's cases");
    for (size_t i = 0; i < RATES; i++)
        if (rates[i].rate <= (settings->quick ? QUICK_RATE : is_mock ? MOCK_RATE : UINT32_MAX))
            run_rate(&bench, i);
    run_backlog(&bench);
    run_effect(&bench, "W1 1 conn x 1, 1/append", 1, 1);
    run_effect(&bench, "W2 8 conn x 8, 1/append", 8, 8);
    note_load(report, "after them");
    kafka_bench_close(bench.kafka);
}
