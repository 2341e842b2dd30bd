/* pipeline.c - submitting requests, moving bytes, and taking answers to what is in flight (slots.h). */
#include "pipeline.h"
#include "append.h"
#include "slots.h"

#define PUSH_BYTES (16u << 10) /* buffered bytes worth a system call */
#define OUT_MAX (64u << 20)    /* frames in flight beyond this wait for answers, whatever the window */

static uint32_t window(const struct varve_client *client)
{
    uint32_t own = client->pipeline.capacity, server = client->connection.server.max_requests;

    return client->connection.met && server < own ? server : own;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

/* Do all that wait for an answer wait for another server? */
static bool all_refused(struct pipeline *p)
{
    for (uint32_t i = 0; i < p->count; i++)
        if (!slot_at(p, i)->settled && !slot_at(p, i)->refused)
            return false;
    return true;
}

/* The server stops, and did nothing about this request: it goes to whoever comes after. Until then the others may still
 * get their answers. */
static enum varve_status refuse(struct varve_client *client, struct slot *slot, struct varve_error *error)
{
    slot->refused = true;
    if (!all_refused(&client->pipeline))
        return VARVE_OK;
    return connection_fail(&client->connection, error, VARVE_NOT_READY, "the server is starting or stopping");
}

static bool says_not_ready(struct varve_client *client, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_wire_error said;

    varve_wire_arena_reset(client->arena);
    return frame->opcode == VARVE_OP_ERROR && varve_decode_error(body, client->arena, &said, NULL) == VARVE_OK &&
           said.error.status == VARVE_NOT_READY;
}

static enum varve_status take_answer(struct varve_client *client, const struct varve_frame *frame,
                                     struct varve_view body, struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;
    struct connection *c = &client->connection;
    struct slot *slot = slots_find(p, frame->request_id);

    if (slot == NULL || slot->settled || slot->refused || slot->end > p->out_base + c->sent)
        return connection_fail(c, error, VARVE_PROTOCOL, "an answer to request %u, which is not in flight",
                               frame->request_id);
    if (frame->opcode != slot->kind->opcode && frame->opcode != VARVE_OP_ERROR)
        return client_refuse(client, frame->opcode, varve_opcode_name(slot->kind->opcode), error);
    if (says_not_ready(client, frame, body))
        return refuse(client, slot, error);
    patience_begin(&p->patience, client);
    if (slot != slot_at(p, 0))
        return slots_hold(client, slot, frame->opcode, body, error);

    slots_hand_over(client, &(struct ending){ NULL, frame->opcode, body });
    slots_hand_over_settled(client);
    if (c->state == CONNECTION_READY)
        return VARVE_OK;
    return varve_fail(error, VARVE_PROTOCOL, NULL, "%s: an answer that cannot be read", c->url->shown);
}

/* ---- losses ----------------------------------------------------------------------------------------------------- */

/* The connection was lost while requests were in flight. Says what the caller must know: nothing, if all go on. */
static enum varve_status repair(struct varve_client *client, enum varve_status cause, bool may_recover,
                                const struct varve_error *why, struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;

    p->patience.deadline_us = slots_next_deadline(p);
    bool again = may_recover && client_recover(client, &p->patience);
    enum varve_status first = slots_lose(client, cause, again, why);
    if (!again)
        patience_begin(&p->patience, client);
    if (first != VARVE_OK && error != NULL) {
        *error = *why;
        error->status = first;
    }
    return first;
}

/* ---- moving ----------------------------------------------------------------------------------------------------- */

static enum varve_status take_all(struct varve_client *client, bool *ret_some, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;
    bool taken = true;

    *ret_some = false;
    while (status == VARVE_OK && taken) {
        struct varve_frame frame;
        struct varve_view body;

        status = connection_take(&client->connection, &taken, &frame, &body, error);
        if (status == VARVE_OK && taken)
            status = take_answer(client, &frame, body, error);
        *ret_some |= taken;
    }
    return status;
}

/* Take what is here, or else wait for bytes to move. *ret_late: `until` came first. */
static enum varve_status try_step(struct varve_client *client, uint64_t until_us, uint64_t due_us, bool *ret_late,
                                  struct varve_error *error)
{
    bool some;
    enum varve_status status = take_all(client, &some, error);

    if (status != VARVE_OK || some)
        return status;
    status = connection_move(&client->connection, until_us < due_us ? until_us : due_us, error);
    if (status != VARVE_TIMEOUT)
        return status;
    if (until_us < due_us) {
        *ret_late = true;
        return VARVE_OK;
    }
    return connection_fail(&client->connection, error, VARVE_TIMEOUT, "no answer in time");
}

/* Connect if need be and go a step on; something must be in flight. Returns the fault with which requests ended, if any
 * did; all others go on. */
static enum varve_status step(struct varve_client *client, uint64_t until_us, bool *ret_late,
                              struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;
    struct varve_error why = { .status = VARVE_OK };
    uint64_t due_us = slot_at(p, 0)->deadline_us;

    p->patience.deadline_us = due_us;
    enum varve_status status = client_reach(client, &p->patience, &why);
    if (status != VARVE_OK)
        return repair(client, status, false, &why, error);
    status = try_step(client, until_us, due_us, ret_late, &why);
    if (status == VARVE_OK)
        return VARVE_OK;
    bool may_recover = status == VARVE_DISCONNECTED || status == VARVE_TIMEOUT || status == VARVE_NOT_READY;
    return repair(client, status, may_recover, &why, error);
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static enum varve_status check_idle(const struct varve_client *client, struct varve_error *error)
{
    if (client_is_reading(client))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "client", "a read is open on this client: close it first");
    if (client->pipeline.delivering)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "client", "only submit may be called from inside `done`");
    return VARVE_OK;
}

static bool is_full(const struct varve_client *client)
{
    const struct pipeline *p = &client->pipeline;

    return p->count >= window(client) || (p->count > 0 && client->connection.out.size >= OUT_MAX);
}

/* Room in the window and a server whose limits are known. Losses on the way are told to the `done`s they hit. */
static enum varve_status make_way(struct varve_client *client, struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;
    bool late = false;

    if (p->delivering)
        return p->count < window(client) ? VARVE_OK
                                         : varve_fail(error, VARVE_INVALID_ARGUMENT, "client",
                                                      "inside `done` only what fits the window may be submitted");
    while (is_full(client))
        step(client, DEADLINE_NONE, &late, NULL);
    if (p->count > 0)
        return VARVE_OK;
    enum varve_status status = client_begin(client, error);
    patience_begin(&p->patience, client);
    return status == VARVE_OK ? client_reach(client, &p->patience, error) : status;
}

enum varve_status pipeline_begin(struct varve_client *client, struct slot **ret_slot, struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;
    enum varve_status status = client_is_reading(client) ? check_idle(client, error) : slots_make(client, error);

    if (status == VARVE_OK)
        status = make_way(client, error);
    if (status != VARVE_OK)
        return status;
    struct slot *slot = slot_at(p, p->count);
    *slot = (struct slot){
        .request_id = connection_next_id(&client->connection),
        .begin = p->out_base + client->connection.out.size,
        .deadline_us = deadline_after(client->options.request_timeout_ms),
        .answer = slot->answer, /* Its memory serves again. */
        .answer_capacity = slot->answer_capacity,
    };
    *ret_slot = slot;
    return VARVE_OK;
}

void pipeline_add(struct varve_client *client, struct slot *slot)
{
    struct pipeline *p = &client->pipeline;
    struct connection *c = &client->connection;

    slot->end = p->out_base + c->out.size;
    p->count++;
    if (!p->delivering && (p->count == 1 || c->out.size - c->sent >= PUSH_BYTES))
        connection_push(c); /* The first goes at once, so that the server works while we gather the next. */
}

enum varve_status varve_client_submit(struct varve_client *client, const struct varve_append_request *request,
                                      varve_client_done done, void *user, struct varve_error *error)
{
    struct slot *slot;
    enum varve_status status = pipeline_begin(client, &slot, error);

    if (status == VARVE_OK)
        status = append_check(client, request, error);
    if (status == VARVE_OK)
        status = append_encode(client, slot->request_id, request, error);
    if (status != VARVE_OK)
        return status;
    slot->kind = &append_kind;
    slot->counts[VARVE_PART_STREAM] = (uint32_t)request->stream_count;
    slot->repeatable = append_is_repeatable(request);
    slot->done.append = done;
    slot->user = user;
    pipeline_add(client, slot);
    return VARVE_OK;
}

enum varve_status varve_client_poll(struct varve_client *client, uint32_t timeout_ms, struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;
    uint64_t before = p->delivered, until_us = clock_now_us() + (uint64_t)timeout_ms * 1000u;
    enum varve_status status = check_idle(client, error);
    bool late = false;

    while (status == VARVE_OK && !late && p->count > 0 && p->delivered == before)
        status = step(client, until_us, &late, error);
    return status;
}

enum varve_status varve_client_drain(struct varve_client *client, struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;
    enum varve_status first = check_idle(client, error);
    bool late = false, refused = first != VARVE_OK;

    while (!refused && p->count > 0) {
        enum varve_status status = step(client, DEADLINE_NONE, &late, first == VARVE_OK ? error : NULL);

        first = first == VARVE_OK ? status : first;
    }
    return first;
}

uint32_t varve_client_in_flight(const struct varve_client *client)
{
    return client->pipeline.count;
}
