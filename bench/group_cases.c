/* group_cases.c - consumer groups through the server: how fast 1, 4 and 16 consumers get through the log. */
#include "raw_server.h"
#include "server_load.h"
#include "varve/subscription.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { STREAM_LENGTH = 100, MOST_CONSUMERS = 16, ACKS_AT_ONCE = 100 };

struct crew {
    const char *url;
    struct varve_view group;
    uint64_t wanted;
    _Atomic uint64_t acked;
};

static void ack(struct crew *crew, struct varve_consumer *consumer, const uint64_t *positions, size_t count)
{
    struct varve_error error;

    if (count > 0 && varve_consumer_ack_many(consumer, positions, count, &error) != VARVE_OK)
        die("cannot ack: %s", error.message);
    atomic_fetch_add(&crew->acked, count);
}

static void wait_until_durable(struct varve_consumer *consumer)
{
    const struct varve_refused_ack *refused;
    struct varve_error error;
    size_t count = 0;

    if (varve_consumer_flush(consumer, UINT32_MAX, &refused, &count, &error) != VARVE_OK)
        die("acks were lost: %s", error.message);
    if (count > 0)
        die("%zu acks were refused", count);
}

static void work(struct crew *crew, struct varve_consumer *consumer)
{
    uint64_t positions[ACKS_AT_ONCE];
    struct varve_error error;
    size_t count = 0;

    while (atomic_load(&crew->acked) + count < crew->wanted) {
        struct varve_work work;
        enum varve_status status = varve_consumer_next(consumer, count == 0 ? 100 : 0, &work, &error);
        if (status == VARVE_OK)
            positions[count++] = work.event->position;
        else if (status != VARVE_TIMEOUT)
            die("cannot consume: %s", error.message);
        if (count == ACKS_AT_ONCE || status == VARVE_TIMEOUT) {
            ack(crew, consumer, positions, count);
            count = 0;
        }
    }
    ack(crew, consumer, positions, count);
    wait_until_durable(consumer);
}

static void *consume(void *argument)
{
    static atomic_uint names;
    struct crew *crew = argument;
    struct varve_consumer *consumer = NULL;
    struct varve_error error;
    char name[32];

    snprintf(name, sizeof(name), "consumer-%u", atomic_fetch_add(&names, 1));
    if (varve_consumer_open(crew->url, NULL, crew->group, varve_view_str(name), 0, false, &consumer, &error) !=
        VARVE_OK)
        die("cannot join: %s", error.message);
    work(crew, consumer);
    varve_consumer_close(consumer);
    return NULL;
}

static void create_group(const char *url, struct varve_view name)
{
    struct varve_group_settings settings;
    struct varve_client *client;
    struct varve_error error;

    varve_group_settings_init(&settings);
    settings.max_in_flight = 10000;
    settings.consumer_max_in_flight = 500;
    if (varve_client_create(url, NULL, &client, &error) != VARVE_OK ||
        varve_client_group_create(client, name, &settings, 0, NULL, &error) != VARVE_OK)
        die("cannot create a group: %s", error.message);
    varve_client_free(client);
}

static uint64_t last_position(const char *url)
{
    struct varve_client *client;
    struct varve_error error;
    uint64_t position;
    int64_t now_us;

    if (varve_client_create(url, NULL, &client, &error) != VARVE_OK ||
        varve_client_ping(client, &now_us, &position, &error) != VARVE_OK)
        die("cannot ask the server: %s", error.message);
    varve_client_free(client);
    return position;
}

static void measure_group(const char *url, uint64_t events, const char *name, uint32_t consumers,
                          struct measurement *ret)
{
    struct crew crew = { .url = url, .group = varve_view_str(name), .wanted = events };
    pthread_t threads[MOST_CONSUMERS];

    create_group(url, crew.group);
    uint64_t began = now_ns();
    for (uint32_t i = 0; i < consumers; i++)
        if (pthread_create(&threads[i], NULL, consume, &crew) != 0)
            die("cannot start a thread");
    for (uint32_t i = 0; i < consumers; i++)
        pthread_join(threads[i], NULL);
    *ret = (struct measurement){ .per_second = (double)events * 1e9 / (double)(now_ns() - began) };
}

void bench_groups(const struct settings *settings, struct report *report)
{
    static const uint32_t crews[] = { 1, 4, MOST_CONSUMERS };
    char url[64], name[32];
    pid_t varved = varved_start(settings, fresh_path(settings, "server"), url);

    server_load_fill(url, settings->quick ? 100 : 2000, STREAM_LENGTH);
    uint64_t events = last_position(url);
    for (size_t i = 0; i < sizeof(crews) / sizeof(crews[0]); i++) {
        struct row row = { .section = "consumer groups", .unit = "events", .rounds = settings->rounds };
        snprintf(row.name, sizeof(row.name), "%u consumer%s, acks of up to %d", crews[i], crews[i] == 1 ? "" : "s",
                 ACKS_AT_ONCE);
        for (uint32_t round = 0; round < row.rounds; round++) {
            snprintf(name, sizeof(name), "bench-%u-%u", crews[i], round);
            measure_group(url, events, name, crews[i], &row.ours[round]);
        }
        report_row(report, &row);
    }
    server_stop(varved);
    remove_tree(scratch_path(settings, "server"));
}
