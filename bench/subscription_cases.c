/* subscription_cases.c - subscriptions through the server: latency from append to subscriber, catching up. */
#include "raw_server.h"
#include "server_load.h"
#include "subscription_latency.h"
#include "varve/subscription.h"

#include <pthread.h>
#include <stdlib.h>

enum { DATA_BYTES = 256, STREAM_LENGTH = 100, MOST_SUBSCRIBERS = 16 };

/* ---- latency ---- */

static void run_latency(const struct settings *settings, struct report *report, const char *url, uint32_t subscribers)
{
    struct row row = { .section = "append to subscriber", .unit = "1/p50", .rounds = settings->rounds, .has_raw = true,
                       .raw_name = "the append's own reply, nobody subscribed", .goal = subscribers == 1 ? 0.77 : 0 };
    struct latency_load load = { url, subscribers, subscribers < 100 ? subscribers : 100, DATA_BYTES,
                                 settings->seconds };
    struct latency_load alone = { url, 0, 0, DATA_BYTES, settings->seconds };
    struct measurement unused;

    snprintf(row.name, sizeof(row.name), "W6 %u subscriber%s, %u connection%s", subscribers,
             subscribers == 1 ? "" : "s", load.connections, load.connections == 1 ? "" : "s");
    for (uint32_t i = 0; i < row.rounds; i++) {
        latency_measure(&alone, &unused, &row.raw[i]);
        latency_measure(&load, &row.ours[i], &unused);
    }
    report_row(report, &row);
}

/* ---- catching up ---- */

struct reader {
    const char *url;
    const struct varve_filter *filter;
    uint64_t position;      /* where it had caught up */
    pthread_t thread;
};

static bool until_caught_up(void *user, const struct varve_notice *notice)
{
    struct reader *reader = user;

    reader->position = notice->position;
    return notice->kind != VARVE_NOTICE_CAUGHT_UP;
}

static void *catch_up(void *argument)
{
    struct reader *reader = argument;
    struct varve_subscription *subscription = NULL;
    struct varve_error error;

    if (varve_subscription_open(reader->url, NULL, reader->filter, 0, &subscription, &error) != VARVE_OK ||
        varve_subscription_run(subscription, until_caught_up, reader, &error) != VARVE_OK)
        die("cannot subscribe: %s", error.message);
    varve_subscription_close(subscription);
    return NULL;
}

static void measure_catch_up(const char *url, const struct varve_filter *filter, uint32_t subscribers,
                             struct measurement *ret)
{
    struct reader readers[MOST_SUBSCRIBERS];
    uint64_t began = now_ns(), positions = 0;

    for (uint32_t i = 0; i < subscribers; i++) {
        readers[i] = (struct reader){ .url = url, .filter = filter };
        if (pthread_create(&readers[i].thread, NULL, catch_up, &readers[i]) != 0)
            die("cannot start a thread");
    }
    for (uint32_t i = 0; i < subscribers; i++) {
        pthread_join(readers[i].thread, NULL);
        positions += readers[i].position;
    }
    *ret = (struct measurement){ .per_second = (double)positions * 1e9 / (double)(now_ns() - began) };
}

static void run_catch_up(const struct settings *settings, struct report *report, const char *url,
                         const struct varve_filter *filter, const char *what, uint32_t subscribers)
{
    struct row row = { .section = "catching up", .unit = "positions", .rounds = settings->rounds, .has_raw = true,
                       .raw_name = "READ of the whole log by one connection" };

    snprintf(row.name, sizeof(row.name), "%u subscriber%s, %s", subscribers, subscribers == 1 ? "" : "s", what);
    for (uint32_t i = 0; i < row.rounds; i++) {
        server_load_all(url, &row.raw[i]);
        measure_catch_up(url, filter, subscribers, &row.ours[i]);
    }
    report_row(report, &row);
}

void bench_subscriptions(const struct settings *settings, struct report *report)
{
    static const uint32_t live[] = { 1, 100, 1000 }, behind[] = { 1, MOST_SUBSCRIBERS };
    const struct varve_view prefix = varve_view_str("order-1"), stream = varve_view_str("order-77");
    const struct varve_filter by_prefix = { .prefixes = &prefix, .prefix_count = 1 };
    const struct varve_filter by_stream = { .streams = &stream, .stream_count = 1 };
    char url[64];
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);

    for (size_t i = 0; i < sizeof(live) / sizeof(live[0]); i++)
        run_latency(settings, report, url, live[i]);
    server_stop(varved);
    varved = varved_start(settings, fresh_path(settings, "server"), url);
    server_load_fill(url, settings->quick ? 500 : 10000, STREAM_LENGTH);
    for (size_t i = 0; i < sizeof(behind) / sizeof(behind[0]); i++) {
        run_catch_up(settings, report, url, NULL, "all events", behind[i]);
        run_catch_up(settings, report, url, &by_prefix, "prefix order-1 (a ninth of all)", behind[i]);
        run_catch_up(settings, report, url, &by_stream, "one stream, by its index", behind[i]);
    }
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}
