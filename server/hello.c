/* hello.c - HELLO, with which a connection begins, and PING. */
#include "handlers.h"

#include <inttypes.h>
#include <time.h>

#include "reply.h"
#include "varve/version.h"

static uint32_t list_capabilities(const struct server *server, struct varve_view *ret)
{
    static const struct { unsigned index; const char *name; } kept[] = {
        { VARVE_INDEX_TYPE, "type" }, { VARVE_INDEX_CATEGORY, "category" },
        { VARVE_INDEX_CORRELATION, "correlation" }, { VARVE_INDEX_ID, "id" },
    };
    static const char *const always[] = { "append", "read", "subscribe", "group", "transact", "saga", "outbox" };
    uint32_t count = 0;

    for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
        ret[count++] = varve_view_str(always[i]);
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        if (server->limits.indexes & kept[i].index)
            ret[count++] = varve_view_str(kept[i].name);
    }
    if (server->snapshots != NULL)
        ret[count++] = varve_view_str("snapshot");
    return count;
}

static void send_hello_ok(struct session *session, uint32_t request_id)
{
    const struct server *server = session_server(session);
    struct varve_hello_ok hello = {
        .version = VARVE_WIRE_VERSION,
        .server_version = varve_view_str(VARVE_VERSION),
        .database_id = server->database_id,
        .max_frame_bytes = server->max_frame_bytes,
        .max_event_bytes = server->limits.max_event_bytes,
        .max_append_bytes = server->limits.max_append_bytes,
        .max_append_events = server->limits.max_append_events,
        .max_requests = server->config->max_requests,
        .max_credit_bytes = SERVER_MAX_CREDIT_BYTES,
        .last_position = varve_store_last_position(server->store),
    };

    hello.capability_count = list_capabilities(server, hello.capabilities);
    varve_encode_hello_ok(session_out(session), request_id, &hello);
    session_sent(session);
}

void handle_hello(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_error error = { .status = VARVE_OK };
    struct varve_hello hello;

    if (session_is_greeted(session)) {
        varve_fail(&error, VARVE_PROTOCOL, NULL, "HELLO was said before on this connection");
        reply_error(session, frame->request_id, &error);
        return;
    }
    if (varve_decode_hello(body, &hello, &error) == VARVE_OK &&
        (hello.min_version > VARVE_WIRE_VERSION || hello.max_version < VARVE_WIRE_VERSION))
        varve_fail(&error, VARVE_UNSUPPORTED, NULL,
                   "this server speaks version %d of the protocol, the client %" PRIu32 " to %" PRIu32,
                   VARVE_WIRE_VERSION, hello.min_version, hello.max_version);
    if (error.status != VARVE_OK) {
        session_dismiss(session, frame->request_id, &error);
        return;
    }
    session_opened(session, hello.client_name);
    send_hello_ok(session, frame->request_id);
}

static int64_t wall_clock_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

void handle_ping(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_error error;

    if (varve_decode_empty(body, VARVE_OP_PING, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    varve_encode_pong(session_out(session), frame->request_id, wall_clock_us(),
                      varve_store_last_position(session_server(session)->store));
    session_sent(session);
}
