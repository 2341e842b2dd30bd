/* peer.c - see peer.h. */
#include "peer.h"
#include "support/fail_alloc.h"
#include "varve/record.h"

#include <stdlib.h>

#define BATCH_MAX 64

struct varve_client *peer_client(const struct fake_server *server, const char *query)
{
    struct varve_client *client = NULL;
    char url[256];

    snprintf(url, sizeof(url), "%s?reconnect_delay_ms=1&connect_timeout_ms=60000&request_timeout_ms=60000%s",
             server->url, query);
    assert_int_equal(varve_client_create(url, NULL, &client, NULL), VARVE_OK);
    return client;
}

uint64_t peer_position(uint64_t version)
{
    return 10 * version + 5;
}

struct varve_event peer_event(uint64_t version, uint64_t position)
{
    return (struct varve_event){
        .stream = varve_view_str("order-1"),
        .type = varve_view_str("order.changed"),
        .id = { { 1, (uint8_t)version, (uint8_t)(version >> 8) } },
        .time_us = VARVE_TIME_NONE,
        .schema_version = 1,
        .data = varve_view_str("{\"a\":1}"),
        .position = position,
        .version = version,
        .recorded_at_us = 1700000000000000,
    };
}

void peer_pong(struct fake_server *server, uint32_t id)
{
    varve_encode_pong(&server->out, id, 1, 7);
    fake_send(server);
}

void peer_error(struct fake_server *server, uint32_t id, enum varve_status status, const char *message)
{
    struct varve_wire_error said = { .error = { .status = status } };

    snprintf(said.error.message, sizeof(said.error.message), "%s", message);
    varve_encode_error(&server->out, id, &said);
    fake_send(server);
}

void peer_append_ok(struct fake_server *server, uint32_t id, int64_t version, uint64_t position)
{
    struct varve_append_result result = { version, version, position, position };

    varve_encode_append_ok(&server->out, id, VARVE_OP_APPEND_OK,
                           &(struct varve_append_outcome){ .results = &result, .stream_count = 1 });
    fake_send(server);
}

/* The records of events of "order-1" whose versions run from `first` to `last`. */
struct records {
    uint8_t *bytes[BATCH_MAX];
    uint32_t sizes[BATCH_MAX], count;
};

static void make_records(struct fake_server *server, uint64_t first, uint64_t last, struct records *ret)
{
    uint64_t version = first;
    bool more = true;

    ret->count = 0;
    while (more) {
        struct varve_event event = peer_event(version, peer_position(version));
        uint32_t i = ret->count++;

        fake_expect(server, i < BATCH_MAX, "the script's batch is too large");
        ret->bytes[i] = malloc(varve_record_size(&event));
        fake_expect(server, ret->bytes[i] != NULL, "no memory");
        ret->sizes[i] = (uint32_t)varve_record_encode(&event, ret->bytes[i]);
        more = version != last;
        version += last < first ? UINT64_MAX : 1;
    }
}

static void free_records(struct records *records)
{
    while (records->count > 0)
        free(records->bytes[--records->count]);
}

uint32_t peer_batch(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint64_t next)
{
    struct records records;

    make_records(server, first, last, &records);
    varve_encode_read_batch(&server->out, id,
                            &(struct varve_batch){ (const uint8_t *const *)records.bytes, records.sizes, records.count,
                                                   next == VARVE_FROM_EDGE, next });
    uint32_t body = (uint32_t)(server->out.size - VARVE_WIRE_HEADER);
    fake_send(server);
    free_records(&records);
    return body;
}

uint32_t peer_write_events(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint64_t position)
{
    struct records records;
    size_t before = server->out.size;

    make_records(server, first, last, &records);
    varve_encode_events(&server->out, id, (const uint8_t *const *)records.bytes, records.sizes, records.count,
                        position == 0 ? peer_position(last) : position);
    free_records(&records);
    return (uint32_t)(server->out.size - before - VARVE_WIRE_HEADER);
}

uint32_t peer_write_deliveries(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint32_t attempt)
{
    struct varve_delivery deliveries[BATCH_MAX];
    struct records records;
    size_t before = server->out.size;

    make_records(server, first, last, &records);
    for (uint32_t i = 0; i < records.count; i++)
        deliveries[i] = (struct varve_delivery){ attempt, varve_view_of((char *)records.bytes[i], records.sizes[i]) };
    varve_encode_group_events(&server->out, id, deliveries, records.count);
    free_records(&records);
    return (uint32_t)(server->out.size - before - VARVE_WIRE_HEADER);
}

void peer_read_end(struct fake_server *server, uint32_t id)
{
    varve_encode_read_end(&server->out, id, 1000);
    fake_send(server);
}

/* ---- memory that cannot be had ----------------------------------------------------------------------------------- */

static void serve_one(struct fake_server *server, void (*answer)(struct fake_server *server))
{
    if (setjmp(server->end) != 0) {
        server->fault[0] = '\0'; /* It gave up half way: no memory. */
        return;
    }
    fake_begin(server);
    for (;;)
        answer(server);
}

void peer_serve_all(struct fake_server *server, void (*answer)(struct fake_server *server), const atomic_bool *over)
{
    while (!atomic_load(over))
        serve_one(server, answer);
}

void peer_sweep(struct fake_server *server, atomic_bool *over, const char *label,
                enum varve_status (*call)(struct varve_client *client, struct varve_error *error))
{
    struct varve_client *client;
    bool fired = FAIL_ALLOC_WORKS;

    for (unsigned nth = 1; fired; nth++) {
        struct varve_error error = { .status = VARVE_OK };

        client = peer_client(server, "");
        fail_alloc_arm(nth);
        enum varve_status status = call(client, &error);
        fired = fail_alloc_disarm();
        CHECK_CASE(status == (fired ? VARVE_NO_MEMORY : VARVE_OK) && error.status == status, label);
        CHECK_CASE(call(client, NULL) == VARVE_OK, label);
        varve_client_free(client);
    }
    atomic_store(over, true);
    client = peer_client(server, "");
    (void)varve_client_connect(client, NULL); /* Wakes the server up, should it still wait for somebody. */
    varve_client_free(client);
    fake_server_stop(server);
}
