/* acks.c - what a consumer says about its works: done, not done, more time. One request and its answer, while events go
 * on arriving. */
#include "consumer.h"

#include <stdlib.h>

/* What one call says; the positions of `ack` are those that are asked. */
struct call {
    uint8_t opcode;
    struct varve_group_ack ack;
    size_t refused_count;
};

/* ---- what needs no asking --------------------------------------------------------------------------------------- */

static enum varve_status make_room(struct varve_consumer *c, size_t count, struct varve_error *error)
{
    if (count <= c->room)
        return VARVE_OK;
    uint64_t *asked = realloc(c->asked, count * sizeof(*asked));
    c->asked = asked != NULL ? asked : c->asked;
    struct varve_refused_ack *refused = realloc(c->refused, count * sizeof(*refused));
    c->refused = refused != NULL ? refused : c->refused;
    if (asked == NULL || refused == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for %zu positions", count);
    c->room = count;
    return VARVE_OK;
}

/* What was handed over by an earlier membership is fenced, even if the same event is on its way to us again; what was
 * not handed over at all cannot be done. The rest is asked. */
static void sort_out(struct varve_consumer *c, const uint64_t *positions, size_t count, struct call *call)
{
    bool member = feed_is_running(&c->feed);

    call->ack.positions = c->asked;
    for (size_t i = 0; i < count; i++) {
        enum varve_status status = deliveries_look(&c->deliveries, positions[i], c->epoch);

        if (status == VARVE_OK && !member)
            status = VARVE_FENCED;
        if (status == VARVE_OK)
            c->asked[call->ack.count++] = positions[i];
        else
            c->refused[call->refused_count++] = (struct varve_refused_ack){ positions[i], status };
    }
}

static void finish_works(struct varve_consumer *c, const struct call *call)
{
    for (size_t i = 0; i < call->ack.count; i++)
        deliveries_finish(&c->deliveries, c->asked[i]);
    for (size_t i = 0; i < call->refused_count; i++)
        if (c->refused[i].status == VARVE_FENCED)
            deliveries_finish(&c->deliveries, c->refused[i].position);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

/* A lost connection: nobody knows whether the answer was on its way. */
static enum varve_status say_lost(struct varve_consumer *c, enum varve_status status, struct varve_error *error)
{
    struct varve_error why = *error;

    feed_fail(&c->feed, status, error);
    if (!varve_status_retryable(status) || status == VARVE_NO_MEMORY)
        return status;
    return varve_fail(error, VARVE_DISCONNECTED, NULL, "the membership was lost before the answer: %.300s",
                      why.message);
}

/* The frame with the answer to `id`. The membership may end meanwhile; its answer still comes. */
static enum varve_status await_answer(struct varve_consumer *c, uint32_t id, struct varve_frame *ret_frame,
                                      struct varve_view *ret_body, struct varve_error *error)
{
    struct connection *connection = &c->feed.client->connection;
    uint64_t deadline_us = deadline_after(c->feed.client->options.request_timeout_ms);

    for (;;) {
        enum varve_status status = feed_receive(&c->feed, deadline_us, ret_frame, ret_body, error);

        if (status == VARVE_OK && ret_frame->request_id == id)
            return VARVE_OK;
        if (status == VARVE_OK)
            status = consumer_take(c, ret_frame, *ret_body, error);
        else if (status == VARVE_TIMEOUT && connection->state == CONNECTION_READY)
            status = connection_fail(connection, error, VARVE_TIMEOUT, "no answer in time");
        if (connection->state != CONNECTION_READY)
            return status == VARVE_TIMEOUT ? feed_fail(&c->feed, status, error) : say_lost(c, status, error);
        feed_fail(&c->feed, status, error);
    }
}

/* Adds what the server refused to what is refused already. */
static enum varve_status take_answer(struct varve_consumer *c, struct call *call, const struct varve_frame *frame,
                                     struct varve_view body, struct varve_error *error)
{
    struct varve_client *client = c->feed.client;
    const struct varve_refused_ack *refused;
    struct varve_wire_error said;
    struct varve_error why = { .message = "it refuses more than was asked" };
    enum varve_status status;
    uint32_t done;
    size_t count = 0;

    if (frame->opcode == VARVE_OP_ERROR) {
        status = client_take_error(client, body, &said);
        *error = said.error;
        return status;
    }
    if (frame->opcode != VARVE_OP_GROUP_ACK_OK)
        return client_refuse(client, frame->opcode, "GROUP_ACK_OK", error);
    if (varve_decode_group_ack_ok(body, client->arena, &done, &refused, &count, &why) != VARVE_OK ||
        count > call->ack.count)
        return client_unreadable(client, frame->opcode, &why, error);
    for (size_t i = 0; i < count; i++)
        c->refused[call->refused_count++] = refused[i];
    return VARVE_OK;
}

static enum varve_status exchange(struct varve_consumer *c, struct call *call, struct varve_error *error)
{
    struct connection *connection = &c->feed.client->connection;
    uint32_t id = connection_next_id(connection);
    size_t begin = connection_begin_post(connection);
    struct varve_frame frame;
    struct varve_view body;

    varve_encode_group_ack(&connection->out, id, call->opcode, &call->ack);
    if (!connection_post(connection, begin))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the request");
    feed_heed_stop(&c->feed, false); /* Work that is done shall be told, stopped or not. */
    enum varve_status status = await_answer(c, id, &frame, &body, error);
    if (status == VARVE_OK) {
        status = take_answer(c, call, &frame, body, error);
        if (connection->state != CONNECTION_READY)
            feed_fail(&c->feed, status, error);
    }
    feed_heed_stop(&c->feed, true);
    return status;
}

static enum varve_status say(struct varve_consumer *c, const uint64_t *positions, size_t count, struct call *call,
                             struct varve_error *error)
{
    if (count > VARVE_MAX_ACKS)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "positions", "positions: expected at most %u, are %zu",
                          VARVE_MAX_ACKS, count);
    if (call->ack.reason.size > VARVE_MAX_REASON)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "reason", "reason: expected at most %u bytes, are %zu",
                          VARVE_MAX_REASON, call->ack.reason.size);
    enum varve_status status = make_room(c, count, error);
    if (status != VARVE_OK)
        return status;
    call->ack.group = varve_view_str(c->group);
    call->ack.epoch = c->epoch;
    sort_out(c, positions, count, call);
    if (call->ack.count > 0)
        status = exchange(c, call, error);
    if (call->opcode != VARVE_OP_GROUP_EXTEND && (status == VARVE_OK || status == VARVE_FENCED))
        finish_works(c, call);
    return status;
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static enum varve_status say_one(struct varve_consumer *c, uint64_t position, struct call *call,
                                 struct varve_error *error)
{
    struct varve_error own;

    error = error != NULL ? error : &own;
    enum varve_status status = say(c, &position, 1, call, error);
    if (status != VARVE_OK || call->refused_count == 0)
        return status;
    return varve_fail(error, c->refused[0].status, NULL, "position %llu: %s", (unsigned long long)position,
                      varve_status_meaning(c->refused[0].status));
}

enum varve_status varve_consumer_ack(struct varve_consumer *c, uint64_t position, struct varve_error *error)
{
    struct call call = { .opcode = VARVE_OP_GROUP_ACK };

    return say_one(c, position, &call, error);
}

enum varve_status varve_consumer_nack(struct varve_consumer *c, uint64_t position, enum varve_nack action,
                                      uint32_t retry_after_ms, struct varve_view reason, struct varve_error *error)
{
    struct call call = {
        .opcode = VARVE_OP_GROUP_NACK,
        .ack = { .action = action, .wait_ms = retry_after_ms, .reason = reason },
    };

    return say_one(c, position, &call, error);
}

enum varve_status varve_consumer_extend(struct varve_consumer *c, uint64_t position, uint32_t by_ms,
                                        struct varve_error *error)
{
    struct call call = { .opcode = VARVE_OP_GROUP_EXTEND, .ack = { .wait_ms = by_ms } };

    return say_one(c, position, &call, error);
}

enum varve_status varve_consumer_ack_many(struct varve_consumer *c, const uint64_t *positions, size_t count,
                                          const struct varve_refused_ack **ret_refused, size_t *ret_refused_count,
                                          struct varve_error *error)
{
    struct call call = { .opcode = VARVE_OP_GROUP_ACK };
    struct varve_error own;
    enum varve_status status = say(c, positions, count, &call, error != NULL ? error : &own);

    if (status != VARVE_OK)
        return status;
    if (ret_refused != NULL)
        *ret_refused = c->refused;
    if (ret_refused_count != NULL)
        *ret_refused_count = call.refused_count;
    return VARVE_OK;
}
