/* client.c - talk to a running varved: append, meet a conflict, pipeline a thousand events, read them back.
 *
 *   cc client.c $(pkg-config --cflags --libs varve-client) -o client && ./client varve://127.0.0.1:8278 */
#include <varve/client.h>
#include <varve/uuid.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define READINGS 1000

static void fail(const char *doing, const struct varve_error *error)
{
    fprintf(stderr, "%s: %s: %s\n", doing, varve_status_name(error->status), error->message);
    exit(1);
}

/* An event with an id of its own: should the answer get lost, the client may send it again and it is stored once. */
static struct varve_event make_event(const char *type, const char *json)
{
    struct varve_event event = { .type = varve_view_str(type), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                 .content_type = VARVE_CONTENT_JSON, .data = varve_view_str(json) };
    struct timespec now;
    uint8_t random[10];

    clock_gettime(CLOCK_REALTIME, &now);
    if (getrandom(random, sizeof(random), 0) != sizeof(random))
        exit(1);
    varve_uuid_v7((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, random, &event.id);
    return event;
}

/* Waits for the answer: when this returns VARVE_OK, the event is on disk. */
static void append_one(struct varve_client *client, const char *stream, int64_t expected, const char *type,
                       const char *json)
{
    struct varve_event event = make_event(type, json);
    struct varve_append_stream target = { varve_view_str(stream), expected };
    struct varve_append_request request = { .streams = &target, .stream_count = 1, .events = &event,
                                            .event_count = 1 };
    struct varve_append_outcome outcome;
    struct varve_error error;

    enum varve_status status = varve_client_append(client, &request, &outcome, &error);
    if (status == VARVE_OK)
        printf("%s@%" PRId64 "\n", stream, outcome.results[0].last_version);
    else if (status == VARVE_WRONG_EXPECTED_VERSION)
        printf("conflict: expected %" PRId64 ", actual %" PRId64 "\n", outcome.conflicts[0].expected,
               outcome.conflicts[0].actual);
    else
        fail("append", &error);
}

/* Called once for each pipelined append, in their order. */
static void on_done(void *user, const struct varve_append_outcome *outcome)
{
    unsigned *stored = user;

    if (outcome->status != VARVE_OK)
        fail("pipelined append", &outcome->error);
    ++*stored;
}

static void append_many(struct varve_client *client, const char *stream)
{
    struct varve_append_stream target = { varve_view_str(stream), VARVE_EXPECTED_ANY };
    struct varve_error error;
    unsigned stored = 0;

    for (unsigned i = 0; i < READINGS; i++) {
        char json[64];
        snprintf(json, sizeof(json), "{\"celsius\":%u.%u}", 20 + i % 5, i % 10);
        struct varve_event event = make_event("sensor.read", json);
        struct varve_append_request request = { .streams = &target, .stream_count = 1, .events = &event,
                                                .event_count = 1 };
        if (varve_client_submit(client, &request, on_done, &stored, &error) != VARVE_OK)
            fail("submit", &error);
    }
    if (varve_client_drain(client, &error) != VARVE_OK)
        fail("drain", &error);
    printf("%u readings stored\n", stored);
}

static void read_last(struct varve_client *client, const char *stream, uint64_t count)
{
    const struct varve_event *event;
    struct varve_error error;
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(stream);
    read.backwards = true;
    read.limit = count;
    enum varve_status status = varve_client_read_open(client, &read, &error);
    if (status != VARVE_OK)
        fail("read", &error);
    while ((status = varve_client_read_next(client, &event, &error)) == VARVE_OK && event != NULL)
        printf("%s@%" PRIu64 " %.*s %.*s\n", stream, event->version, (int)event->type.size, event->type.data,
               (int)event->data.size, event->data.data);
    varve_client_read_close(client);
    if (status != VARVE_OK)
        fail("read", &error);
}

int main(int argc, char **argv)
{
    struct varve_client *client;
    struct varve_error error;

    if (varve_client_create(argc > 1 ? argv[1] : "varve://127.0.0.1:8278", NULL, &client, &error) != VARVE_OK)
        fail("url", &error);
    append_one(client, "order-42", VARVE_EXPECTED_NO_STREAM, "order.placed", "{\"total\":99}");
    append_one(client, "order-42", 0, "order.paid", "{}");
    append_one(client, "order-42", 0, "order.cancelled", "{}"); /* Somebody was faster: us. */
    append_many(client, "sensor-7");
    read_last(client, "order-42", 10);
    read_last(client, "sensor-7", 2);
    varve_client_free(client);
    return 0;
}
