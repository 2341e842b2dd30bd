/* dispatch.c - from a frame's opcode to its handler. */
#include "dispatch.h"

#include "handlers.h"
#include "metrics.h"
#include "reply.h"
#include "request_end.h"

static const struct {
    request_handler handle;
    bool about_another; /* speaks about a request under way; has no reply of its own */
} operations[256] = {
    [VARVE_OP_HELLO] = { handle_hello, false },
    [VARVE_OP_PING] = { handle_ping, false },
    [VARVE_OP_APPEND] = { handle_append, false },
    [VARVE_OP_READ] = { handle_read, false },
    [VARVE_OP_CREDIT] = { handle_credit, true },
    [VARVE_OP_CANCEL] = { handle_cancel, true },
    [VARVE_OP_STREAM_INFO] = { handle_lookup, false },
    [VARVE_OP_STREAM_LIST] = { handle_lookup, false },
    [VARVE_OP_STREAM_CHANGE] = { handle_stream_change, false },
    [VARVE_OP_FIND] = { handle_lookup, false },
    [VARVE_OP_GET] = { handle_lookup, false },
    [VARVE_OP_STATS] = { handle_lookup, false },
    [VARVE_OP_CONFIG] = { handle_config, false },
    [VARVE_OP_HEALTH] = { handle_lookup, false },
    [VARVE_OP_SUBSCRIBE] = { handle_subscribe, false },
    [VARVE_OP_GROUP_CREATE] = { handle_group_change, false },
    [VARVE_OP_GROUP_UPDATE] = { handle_group_change, false },
    [VARVE_OP_GROUP_DELETE] = { handle_group_change, false },
    [VARVE_OP_GROUP_RESET] = { handle_group_change, false },
    [VARVE_OP_GROUP_INFO] = { handle_group_info, false },
    [VARVE_OP_GROUP_LIST] = { handle_group_list, false },
    [VARVE_OP_GROUP_JOIN] = { handle_group_join, false },
    [VARVE_OP_GROUP_ACK] = { handle_group_ack, false },
    [VARVE_OP_GROUP_NACK] = { handle_group_ack, false },
    [VARVE_OP_GROUP_EXTEND] = { handle_group_ack, false },
    [VARVE_OP_PARKED_LIST] = { handle_parked_list, false },
    [VARVE_OP_PARKED_REPLAY] = { handle_parked_replay, false },
    [VARVE_OP_SNAPSHOT_PUT] = { handle_snapshot_put, false },
    [VARVE_OP_SNAPSHOT_GET] = { handle_lookup, false },
    [VARVE_OP_SNAPSHOT_LIST] = { handle_lookup, false },
    [VARVE_OP_SNAPSHOT_DELETE] = { handle_snapshot_delete, false },
    [VARVE_OP_LOAD] = { handle_load, false },
    [VARVE_OP_PARKED_DISCARD] = { handle_parked_discard, false },
    [VARVE_OP_TRANSACT] = { handle_transact, false },
    [VARVE_OP_SAGA_GET] = { handle_lookup, false },
    [VARVE_OP_SAGA_LIST] = { handle_lookup, false },
    [VARVE_OP_SAGA_COUNTS] = { handle_lookup, false },
    [VARVE_OP_SAGA_CLAIM] = { handle_saga_claim, false },
    [VARVE_OP_OUTBOX_LIST] = { handle_lookup, false },
    [VARVE_OP_OUTBOX_ORDER] = { handle_outbox_order, false },
    [VARVE_OP_OUTBOX_DEAD] = { handle_lookup, false },
    [VARVE_OP_OUTBOX_HISTORY] = { handle_lookup, false },
    [VARVE_OP_OUTBOX_VERIFY] = { handle_outbox_verify, false },
};

void dispatch_stopping_error(struct varve_error *ret)
{
    *ret = (struct varve_error){ .status = VARVE_NOT_READY };
    varve_fail(ret, VARVE_NOT_READY, NULL, "the server is stopping");
}

/* Frames after which nothing on this connection can be trusted. */
static enum varve_status check_frame(const struct session *session, const struct varve_frame *frame,
                                     struct varve_error *error)
{
    if (frame->version != VARVE_WIRE_VERSION)
        return varve_fail(error, VARVE_UNSUPPORTED, NULL, "this server speaks version %d of the protocol, not %u",
                          VARVE_WIRE_VERSION, frame->version);
    if (frame->request_id == 0)
        return varve_fail(error, VARVE_PROTOCOL, NULL, "a request's id must not be 0");
    if (frame->opcode != VARVE_OP_HELLO && !session_is_greeted(session))
        return varve_fail(error, VARVE_PROTOCOL, NULL, "a connection begins with HELLO, not %s",
                          varve_opcode_name(frame->opcode));
    return VARVE_OK;
}

/* What became no request under way has been answered. */
static void handle(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    uint64_t started_us = server_now_us(server);

    server->handling.opcode = frame->opcode;
    server->handling.begun = false;
    server->handling.status = VARVE_OK;
    server->handling.started_us = started_us;
    operations[frame->opcode].handle(session, frame, body);
    server->handling.opcode = 0;
    if (!server->handling.begun && !operations[frame->opcode].about_another)
        request_answered(session, frame->opcode, server->handling.status, started_us);
}

void dispatch_frame(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct varve_error error = { .status = VARVE_OK };

    figure_add(&server->figures.requests, 1);
    if (check_frame(session, frame, &error) != VARVE_OK) {
        session_dismiss(session, frame->request_id, &error);
    } else if (operations[frame->opcode].handle == NULL) {
        varve_fail(&error, VARVE_UNSUPPORTED, NULL, "this server knows no operation 0x%02x", frame->opcode);
        reply_error(session, frame->request_id, &error);
    } else if (server->stopping && !operations[frame->opcode].about_another) {
        dispatch_stopping_error(&error);
        reply_error(session, frame->request_id, &error);
    } else {
        handle(session, frame, body);
    }
    if (error.status != VARVE_OK)
        metrics_request(server->metrics, frame->opcode, error.status, METRICS_NO_DURATION);
}
