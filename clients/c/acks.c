/* acks.c - what a consumer says about its works. Done: sent, and answered when that is durable, while more is worked on
 * and acked. Not done, more time: one request and its answer, while events go on arriving. */
#include "consumer.h"

#include <stdlib.h>

#define OUT_MAX (1u << 20) /* the server takes our bytes so slowly that we wait for its answers first */

/* What one call says; its positions are filled in when it is sent. */
struct call {
    uint8_t opcode;
    struct varve_group_ack ack;
};

static bool is_connected(const struct varve_consumer *c)
{
    return c->feed.client->connection.state == CONNECTION_READY;
}

/* ---- what needs no asking --------------------------------------------------------------------------------------- */

/* What was handed over by an earlier membership is fenced, even if the same event is on its way to us again; what was
 * not handed over at all cannot be done. The rest is asked. */
enum varve_status acks_look(struct varve_consumer *c, uint64_t position)
{
    enum varve_status status = deliveries_look(&c->deliveries, position, c->epoch);

    return status == VARVE_OK && !feed_is_running(&c->feed) ? VARVE_FENCED : status;
}

enum varve_status acks_say_refused(uint64_t position, enum varve_status status, struct varve_error *error)
{
    return varve_fail(error, status, NULL, "position %llu: %s", (unsigned long long)position,
                      varve_status_meaning(status));
}

/* May something be said of this work? */
static enum varve_status check_out(struct varve_consumer *c, uint64_t position, const struct call *call,
                                   struct varve_error *error)
{
    enum varve_status status = acks_look(c, position);

    if (status == VARVE_FENCED && call->opcode != VARVE_OP_GROUP_EXTEND)
        deliveries_finish(&c->deliveries, position);
    return status == VARVE_OK ? VARVE_OK : acks_say_refused(position, status, error);
}

static enum varve_status check_reason(struct varve_view reason, struct varve_error *error)
{
    if (reason.size <= VARVE_MAX_REASON)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "reason", "reason: expected at most %u bytes, are %zu",
                      VARVE_MAX_REASON, reason.size);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static enum varve_status post(struct varve_consumer *c, struct call *call, const uint64_t *positions, size_t count,
                              uint32_t *ret_id, struct varve_error *error)
{
    struct connection *connection = &c->feed.client->connection;
    uint32_t id = connection_next_id(connection);
    size_t begin = connection_begin_post(connection);

    call->ack.group = varve_view_str(c->group);
    call->ack.epoch = c->epoch;
    call->ack.positions = positions;
    call->ack.count = count;
    varve_encode_group_ack(&connection->out, id, call->opcode, &call->ack);
    if (!connection_post(connection, begin))
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the request");
    *ret_id = id;
    return VARVE_OK;
}

enum varve_status acks_say_lost(struct varve_consumer *c, enum varve_status status, struct varve_error *error)
{
    struct varve_error why = *error;

    ledger_lose(&c->ledger);
    feed_fail(&c->feed, status, error);
    if (!varve_status_retryable(status) || status == VARVE_NO_MEMORY || status == VARVE_TIMEOUT)
        return status;
    return varve_fail(error, VARVE_DISCONNECTED, NULL, "the membership was lost before the answer: %.300s",
                      why.message);
}

/* The next frame: *ret_ours, it is the answer to `id`; otherwise it was taken in. The membership may end by it; answers
 * still come. TIMEOUT: nothing came, and nothing is lost; after all else the connection is. */
static enum varve_status take_in(struct varve_consumer *c, uint32_t id, uint64_t deadline_us, bool *ret_ours,
                                 struct varve_frame *ret_frame, struct varve_view *ret_body,
                                 struct varve_error *error)
{
    const struct connection *connection = &c->feed.client->connection;
    enum varve_status status = feed_receive(&c->feed, deadline_us, ret_frame, ret_body, error);

    if (status == VARVE_TIMEOUT && connection->state == CONNECTION_READY)
        return status;
    *ret_ours = status == VARVE_OK && ret_frame->request_id == id;
    if (status == VARVE_OK && !*ret_ours)
        status = consumer_take(c, ret_frame, *ret_body, error);
    if (connection->state != CONNECTION_READY)
        return acks_say_lost(c, status, error);
    feed_fail(&c->feed, status, error);
    return VARVE_OK;
}

enum varve_status acks_await(struct varve_consumer *c, uint32_t id, struct varve_frame *ret_frame,
                             struct varve_view *ret_body, struct varve_error *error)
{
    uint64_t deadline_us = deadline_after(c->feed.client->options.request_timeout_ms);
    enum varve_status status = VARVE_OK;
    bool ours = false;

    while (status == VARVE_OK && !ours)
        status = take_in(c, id, deadline_us, &ours, ret_frame, ret_body, error);
    if (status != VARVE_TIMEOUT || !is_connected(c))
        return status;
    status = connection_fail(&c->feed.client->connection, error, VARVE_TIMEOUT, "no answer in time");
    return acks_say_lost(c, status, error);
}

/* Of everything that comes meanwhile, nothing is ours. */
static enum varve_status take_in_one(struct varve_consumer *c, uint64_t deadline_us, struct varve_error *error)
{
    struct varve_frame frame;
    struct varve_view body;
    bool ours;

    return take_in(c, 0, deadline_us, &ours, &frame, &body, error);
}

/* ---- done ------------------------------------------------------------------------------------------------------- */

enum varve_status acks_take_answer(struct varve_consumer *c, struct ledger_request *request,
                                   const struct varve_frame *frame, struct varve_view body, struct varve_error *error)
{
    struct varve_client *client = c->feed.client;
    const struct varve_refused_ack *refused;
    struct varve_wire_error said;
    struct varve_error why = { .message = "it refuses more than was asked" };
    size_t count = 0;
    uint32_t done;

    if (frame->opcode == VARVE_OP_ERROR) {
        enum varve_status status = client_take_error(client, body, &said);
        if (client->connection.state != CONNECTION_READY) {
            *error = said.error;
            return status;
        }
        ledger_refuse_all(&c->ledger, request, status);
    } else if (frame->opcode != VARVE_OP_GROUP_ACK_OK) {
        return client_refuse(client, frame->opcode, "GROUP_ACK_OK", error);
    } else if (varve_decode_group_ack_ok(body, client->arena, &done, &refused, &count, &why) != VARVE_OK ||
               count > request->count) {
        return client_unreadable(client, frame->opcode, &why, error);
    }
    for (size_t i = 0; i < count; i++)
        ledger_refuse(&c->ledger, refused[i].position, refused[i].status);
    ledger_settle(&c->ledger, request);
    return VARVE_OK;
}

static bool is_full(const struct varve_consumer *c, size_t count)
{
    const struct connection *connection = &c->feed.client->connection;
    bool slow = connection->out.size >= OUT_MAX && connection->sent < connection->out.size;

    return c->ledger.request_count > 0 && (slow || ledger_is_full(&c->ledger, count));
}

enum varve_status acks_make_way(struct varve_consumer *c, size_t count, struct varve_error *error)
{
    uint64_t deadline_us = deadline_after(c->feed.client->options.request_timeout_ms);
    enum varve_status status = VARVE_OK;

    feed_heed_stop(&c->feed, false); /* Work that is done shall be told, stopped or not. */
    while (status == VARVE_OK && feed_is_running(&c->feed) && is_full(c, count))
        status = take_in_one(c, deadline_us, error);
    feed_heed_stop(&c->feed, true);
    return status;
}

static void refuse_and_finish(struct varve_consumer *c, const uint64_t *positions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum varve_status status = acks_look(c, positions[i]);

        if (status != VARVE_OK)
            ledger_refuse(&c->ledger, positions[i], status);
        if (status != VARVE_NOT_DELIVERED)
            deliveries_finish(&c->deliveries, positions[i]);
    }
}

static enum varve_status send_done(struct varve_consumer *c, const uint64_t *positions, size_t count,
                                   struct call *call, struct varve_error *error)
{
    enum varve_status status = acks_make_way(c, count, error);
    struct ledger_request *request = status == VARVE_OK ? ledger_begin(count) : NULL;

    if (status != VARVE_OK)
        return status;
    if (request == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for %zu positions", count);
    for (size_t i = 0; i < count; i++)
        if (acks_look(c, positions[i]) == VARVE_OK)
            request->positions[request->count++] = positions[i];
    if (request->count > 0)
        status = post(c, call, request->positions, request->count, &request->id, error);
    if (status == VARVE_OK)
        refuse_and_finish(c, positions, count);
    if (status == VARVE_OK && request->count > 0)
        ledger_add(&c->ledger, request);
    else
        free(request);
    return status;
}

/* ---- not done, more time ---------------------------------------------------------------------------------------- */

static enum varve_status read_answer(struct varve_consumer *c, uint64_t position, const struct varve_frame *frame,
                                     struct varve_view body, struct varve_error *error)
{
    struct varve_client *client = c->feed.client;
    const struct varve_refused_ack *refused;
    struct varve_wire_error said;
    struct varve_error why = { .message = "it refuses more than was asked" };
    enum varve_status status;
    size_t count = 0;
    uint32_t done;

    if (frame->opcode == VARVE_OP_ERROR) {
        status = client_take_error(client, body, &said);
        *error = said.error;
        return status;
    }
    if (frame->opcode != VARVE_OP_GROUP_ACK_OK)
        return client_refuse(client, frame->opcode, "GROUP_ACK_OK", error);
    if (varve_decode_group_ack_ok(body, client->arena, &done, &refused, &count, &why) != VARVE_OK || count > 1)
        return client_unreadable(client, frame->opcode, &why, error);
    return count == 0 ? VARVE_OK : acks_say_refused(position, refused[0].status, error);
}

static enum varve_status exchange(struct varve_consumer *c, uint64_t position, struct call *call,
                                  struct varve_error *error)
{
    struct varve_frame frame;
    struct varve_view body;
    uint32_t id;
    enum varve_status status = post(c, call, &position, 1, &id, error);

    if (status == VARVE_OK)
        status = acks_await(c, id, &frame, &body, error);
    if (status != VARVE_OK)
        return status;
    status = read_answer(c, position, &frame, body, error);
    return is_connected(c) ? status : acks_say_lost(c, status, error);
}

static enum varve_status ask(struct varve_consumer *c, uint64_t position, struct call *call, struct varve_error *error)
{
    feed_heed_stop(&c->feed, false);
    enum varve_status status = exchange(c, position, call, error);
    feed_heed_stop(&c->feed, true);
    bool over = status == VARVE_OK || status == VARVE_FENCED || status == VARVE_NOT_DELIVERED;
    if (over && call->opcode != VARVE_OP_GROUP_EXTEND)
        deliveries_finish(&c->deliveries, position);
    return status;
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

enum varve_status varve_consumer_ack(struct varve_consumer *c, uint64_t position, struct varve_error *error)
{
    struct call call = { .opcode = VARVE_OP_GROUP_ACK };
    struct varve_error own;

    error = error != NULL ? error : &own;
    enum varve_status status = check_out(c, position, &call, error);
    return status == VARVE_OK ? send_done(c, &position, 1, &call, error) : status;
}

enum varve_status varve_consumer_ack_many(struct varve_consumer *c, const uint64_t *positions, size_t count,
                                          struct varve_error *error)
{
    struct call call = { .opcode = VARVE_OP_GROUP_ACK };
    struct varve_error own;

    if (count > VARVE_MAX_ACKS)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "positions", "positions: expected at most %u, are %zu",
                          VARVE_MAX_ACKS, count);
    return send_done(c, positions, count, &call, error != NULL ? error : &own);
}

enum varve_status varve_consumer_nack(struct varve_consumer *c, uint64_t position, enum varve_nack action,
                                      uint32_t retry_after_ms, struct varve_view reason, struct varve_error *error)
{
    struct call call = {
        .opcode = VARVE_OP_GROUP_NACK,
        .ack = { .action = action, .wait_ms = retry_after_ms, .reason = reason },
    };
    struct varve_error own;

    error = error != NULL ? error : &own;
    enum varve_status status = check_reason(reason, error);
    if (status == VARVE_OK)
        status = check_out(c, position, &call, error);
    if (status != VARVE_OK)
        return status;
    return action == VARVE_NACK_SKIP ? send_done(c, &position, 1, &call, error) : ask(c, position, &call, error);
}

enum varve_status varve_consumer_extend(struct varve_consumer *c, uint64_t position, uint32_t by_ms,
                                        struct varve_error *error)
{
    struct call call = { .opcode = VARVE_OP_GROUP_EXTEND, .ack = { .wait_ms = by_ms } };
    struct varve_error own;

    error = error != NULL ? error : &own;
    enum varve_status status = check_out(c, position, &call, error);
    return status == VARVE_OK ? ask(c, position, &call, error) : status;
}

/* ---- confirmed -------------------------------------------------------------------------------------------------- */

enum varve_status varve_consumer_flush(struct varve_consumer *c, uint32_t timeout_ms,
                                       const struct varve_refused_ack **ret_refused, size_t *ret_count,
                                       struct varve_error *error)
{
    uint64_t deadline_us = timeout_ms == UINT32_MAX ? DEADLINE_NONE : clock_now_us() + (uint64_t)timeout_ms * 1000u;
    const struct varve_refused_ack *refused;
    enum varve_status status = VARVE_OK;
    struct varve_error own;

    error = error != NULL ? error : &own;
    feed_heed_stop(&c->feed, false);
    while (status == VARVE_OK && c->ledger.request_count > 0 && is_connected(c))
        status = take_in_one(c, deadline_us, error);
    feed_heed_stop(&c->feed, true);
    if (!is_connected(c))
        ledger_lose(&c->ledger);
    if (c->ledger.lost && (status == VARVE_OK || status == VARVE_TIMEOUT))
        status = varve_fail(error, VARVE_DISCONNECTED, NULL, "the connection was lost before all acks were answered");
    else if (status == VARVE_TIMEOUT)
        varve_fail(error, status, NULL, "%u acks are not answered yet", varve_consumer_unconfirmed(c));
    c->ledger.lost = false;
    size_t count = ledger_hand_over(&c->ledger, &refused);
    if (ret_refused != NULL)
        *ret_refused = refused;
    if (ret_count != NULL)
        *ret_count = count;
    return status;
}

uint32_t varve_consumer_unconfirmed(const struct varve_consumer *c)
{
    return is_connected(c) ? c->ledger.position_count : 0;
}
