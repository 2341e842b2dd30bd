/* peer.c - see peer.h. */
#include "peer.h"
#include "varve/record.h"

#include <stdlib.h>

#define BATCH_MAX 64

struct varve_client *peer_client(const struct fake_server *server, const char *query)
{
    struct varve_client *client = NULL;
    char url[256];

    snprintf(url, sizeof(url), "%s?reconnect_delay_ms=1&request_timeout_ms=5000%s", server->url, query);
    assert_int_equal(varve_client_create(url, NULL, &client, NULL), VARVE_OK);
    return client;
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

uint32_t peer_batch(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint64_t next)
{
    uint8_t *records[BATCH_MAX];
    uint32_t sizes[BATCH_MAX], count = 0;
    uint64_t version = first;
    bool more = true;

    while (more) {
        struct varve_event event = peer_event(version, 10 * version + 5);

        fake_expect(server, count < BATCH_MAX, "the script's batch is too large");
        records[count] = malloc(varve_record_size(&event));
        fake_expect(server, records[count] != NULL, "no memory");
        sizes[count] = (uint32_t)varve_record_encode(&event, records[count]);
        count++;
        more = version != last;
        version += last < first ? UINT64_MAX : 1;
    }
    varve_encode_read_batch(&server->out, id, &(struct varve_batch){ (const uint8_t *const *)records, sizes, count,
                                                                     next == VARVE_FROM_EDGE, next });
    uint32_t body = (uint32_t)(server->out.size - VARVE_WIRE_HEADER);
    fake_send(server);
    while (count > 0)
        free(records[--count]);
    return body;
}

void peer_read_end(struct fake_server *server, uint32_t id)
{
    varve_encode_read_end(&server->out, id, 1000);
    fake_send(server);
}
