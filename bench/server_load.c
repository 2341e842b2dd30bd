/* server_load.c - see server_load.h. */
#include "server_load.h"

#include "bench_client.h"
#include "engine_load.h"
#include "random.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { FILL_DATA_BYTES = 256 };

struct worker;
struct ticket {
    struct worker *worker;
    uint64_t began_ns;
    struct ticket *next_free;
};

struct worker {
    const struct server_load *load;
    struct varve_client *client;
    int64_t *versions;
    uint32_t index;
    uint64_t ends_ns, count, random;
    struct varve_event *events;
    char *data;
    struct ticket *tickets, *free_tickets;
    struct histogram histogram;
    pthread_t thread;
};

/* Stream s belongs to the connection s % connections. */
static uint32_t next_stream(struct worker *worker)
{
    uint32_t mine = worker->load->streams / worker->load->connections;

    return (uint32_t)((random_next(&worker->random) >> 16) % mine) * worker->load->connections + worker->index;
}

/* ---- appends ---- */

static void on_outcome(void *user, const struct varve_append_outcome *outcome)
{
    struct ticket *ticket = user;
    struct worker *worker = ticket->worker;

    if (outcome->status != VARVE_OK)
        die("append failed: %s: %s", varve_status_name(outcome->status), outcome->error.message);
    histogram_add(&worker->histogram, now_ns() - ticket->began_ns);
    worker->count += worker->load->events_per_append;
    ticket->next_free = worker->free_tickets;
    worker->free_tickets = ticket;
}

static void submit(struct worker *worker)
{
    char name[32];
    uint32_t stream = next_stream(worker);
    struct varve_append_stream target = { { name, bench_stream_name(name, stream) }, worker->versions[stream] };
    struct varve_append_request request = { &target, 1, worker->events, NULL, worker->load->events_per_append };
    struct ticket *ticket = worker->free_tickets;
    struct varve_error error;

    worker->free_tickets = ticket->next_free;
    worker->versions[stream] += worker->load->events_per_append;
    ticket->began_ns = now_ns();
    if (varve_client_submit(worker->client, &request, on_outcome, ticket, &error) != VARVE_OK)
        die("append refused: %s", error.message);
}

static void *append_main(void *argument)
{
    struct worker *worker = argument;
    struct varve_error error;

    while (now_ns() < worker->ends_ns) {
        while (worker->free_tickets != NULL)
            submit(worker);
        if (varve_client_poll(worker->client, 30000, &error) != VARVE_OK)
            die("append failed: %s", error.message);
    }
    if (varve_client_drain(worker->client, &error) != VARVE_OK)
        die("append failed: %s", error.message);
    return NULL;
}

static void prepare_appends(struct worker *worker)
{
    const struct server_load *load = worker->load;

    worker->events = calloc(load->events_per_append, sizeof(*worker->events));
    worker->data = malloc(load->data_bytes);
    worker->tickets = calloc(load->in_flight, sizeof(*worker->tickets));
    if (worker->events == NULL || worker->data == NULL || worker->tickets == NULL)
        die("no memory");
    memset(worker->data, 'v', load->data_bytes);
    if (load->json)
        worker->data[0] = worker->data[load->data_bytes - 1] = '"';
    for (uint32_t i = 0; i < load->events_per_append; i++)
        worker->events[i] = (struct varve_event){
            .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
            .content_type = load->json ? VARVE_CONTENT_JSON : VARVE_CONTENT_OCTET_STREAM,
            .data = { worker->data, load->data_bytes },
        };
    for (uint32_t i = 0; i < load->in_flight; i++) {
        worker->tickets[i] = (struct ticket){ .worker = worker, .next_free = worker->free_tickets };
        worker->free_tickets = &worker->tickets[i];
    }
}

/* ---- reads ---- */

static uint64_t read_to_the_end(struct varve_client *client, const struct varve_read *read)
{
    const struct varve_event *event;
    struct varve_error error;
    uint64_t count = 0;

    if (varve_client_read_open(client, read, &error) != VARVE_OK)
        die("cannot read: %s", error.message);
    for (;;) {
        if (varve_client_read_next(client, &event, &error) != VARVE_OK)
            die("cannot read: %s", error.message);
        if (event == NULL)
            break;
        count++;
    }
    varve_client_read_close(client);
    return count;
}

static void *streams_main(void *argument)
{
    struct worker *worker = argument;

    while (now_ns() < worker->ends_ns) {
        char name[32];
        struct varve_read read;
        varve_read_init(&read);
        read.kind = VARVE_READ_STREAM;
        read.name = varve_view_of(name, bench_stream_name(name, next_stream(worker)));
        uint64_t began = now_ns();
        read_to_the_end(worker->client, &read);
        histogram_add(&worker->histogram, now_ns() - began);
        worker->count++;
    }
    return NULL;
}

void server_load_all(const char *url, struct measurement *ret)
{
    struct varve_client *client = bench_client_open(url, 1);
    struct varve_read read;
    uint64_t began = now_ns();

    varve_read_init(&read);
    uint64_t count = read_to_the_end(client, &read);
    *ret = (struct measurement){ .per_second = (double)count * 1e9 / (double)(now_ns() - began) };
    varve_client_free(client);
}

/* ---- running ---- */

static void run(const struct server_load *load, int64_t *versions, void *(*main_of)(void *), struct measurement *ret)
{
    struct worker *workers = calloc(load->connections, sizeof(*workers));
    static struct histogram histogram;
    uint64_t count = 0;

    if (workers == NULL)
        die("no memory");
    histogram_reset(&histogram);
    for (uint32_t i = 0; i < load->connections; i++) {
        workers[i] = (struct worker){ .load = load, .versions = versions, .index = i,
                                      .random = random_seed(i) };
        workers[i].client = bench_client_open(load->url, load->in_flight);
        if (main_of == append_main)
            prepare_appends(&workers[i]);
    }
    uint64_t began = now_ns();
    for (uint32_t i = 0; i < load->connections; i++) {
        workers[i].ends_ns = began + load->seconds * 1000000000ull;
        if (pthread_create(&workers[i].thread, NULL, main_of, &workers[i]) != 0)
            die("cannot start a thread");
    }
    for (uint32_t i = 0; i < load->connections; i++)
        pthread_join(workers[i].thread, NULL);
    uint64_t elapsed = now_ns() - began;
    for (uint32_t i = 0; i < load->connections; i++) {
        histogram_merge(&histogram, &workers[i].histogram);
        count += workers[i].count;
        varve_client_free(workers[i].client);
        free(workers[i].events);
        free(workers[i].data);
        free(workers[i].tickets);
    }
    free(workers);
    measure_histogram(&histogram, count, elapsed, ret);
}

void server_load_append(const struct server_load *load, int64_t *versions, struct measurement *ret)
{
    run(load, versions, append_main, ret);
}

void server_load_streams(const struct server_load *load, struct measurement *ret)
{
    run(load, NULL, streams_main, ret);
}

int64_t *server_load_fresh_versions(uint32_t streams)
{
    int64_t *versions = malloc(streams * sizeof(*versions));

    if (versions == NULL)
        die("no memory");
    for (uint32_t i = 0; i < streams; i++)
        versions[i] = VARVE_EXPECTED_NO_STREAM;
    return versions;
}

static void fill(const char *url, uint32_t streams, uint32_t length, bool json)
{
    int64_t *versions = server_load_fresh_versions(streams);
    struct server_load load = { url, 1, 16, length / 10, streams, FILL_DATA_BYTES, 1, json };
    uint64_t have = 0, empty = streams;

    while (have < (uint64_t)streams * length || empty > 0) {
        struct measurement m;
        server_load_append(&load, versions, &m);
        have = empty = 0;
        for (uint32_t i = 0; i < streams; i++) {
            have += (uint64_t)(versions[i] + 1);
            empty += versions[i] < 0;
        }
    }
    free(versions);
}

void server_load_fill(const char *url, uint32_t streams, uint32_t length)
{
    fill(url, streams, length, false);
}

void server_load_fill_json(const char *url, uint32_t streams, uint32_t length)
{
    fill(url, streams, length, true);
}
