/* slots.c - see slots.h. */
#include "slots.h"
#include "exchange.h"

#include <stdlib.h>
#include <string.h>

#define OUT_DEAD (64u << 10) /* answered bytes at the front of `out` worth moving the rest for */
#define HELD_MAX (32u << 20) /* answers kept for earlier ones */

enum varve_status slots_make(struct varve_client *client, struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;

    if (p->slots != NULL)
        return VARVE_OK;
    p->slots = calloc(client->options.max_in_flight, sizeof(*p->slots));
    if (p->slots == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for %u requests in flight",
                          client->options.max_in_flight);
    p->capacity = client->options.max_in_flight;
    return VARVE_OK;
}

void slots_free(struct pipeline *pipeline)
{
    if (pipeline->slots == NULL)
        return;
    for (uint32_t i = 0; i < pipeline->capacity; i++)
        free(pipeline->slots[i].answer);
    free(pipeline->slots);
    pipeline->slots = NULL;
}

struct slot *slots_find(struct pipeline *p, uint32_t request_id)
{
    uint32_t guess = p->count == 0 ? 0 : request_id - slot_at(p, 0)->request_id;

    if (guess < p->count && slot_at(p, guess)->request_id == request_id)
        return slot_at(p, guess);
    for (uint32_t i = 0; i < p->count; i++) /* The ids were interrupted, by wrapping round. */
        if (slot_at(p, i)->request_id == request_id)
            return slot_at(p, i);
    return NULL;
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

/* Lets go of the bytes in front of `out` that belong to no slot any more. */
static void trim_out(struct varve_client *client)
{
    struct pipeline *p = &client->pipeline;
    struct connection *c = &client->connection;

    if (p->count == 0) {
        p->out_base += c->out.size;
        connection_clear_out(c);
        return;
    }
    size_t dead = (size_t)(slot_at(p, 0)->begin - p->out_base);
    if (dead < OUT_DEAD || dead < c->out.size / 2)
        return;
    memmove(c->out.bytes, c->out.bytes + dead, c->out.size - dead);
    c->out.size -= dead;
    c->sent -= dead;
    p->out_base += dead;
}

void slots_hand_over(struct varve_client *client, const struct ending *ending)
{
    struct pipeline *p = &client->pipeline;
    const struct slot slot = *slot_at(p, 0);

    p->head = (p->head + 1) % p->capacity;
    p->count--;
    p->delivered++;
    trim_out(client);
    p->delivering = true;
    slot.kind->tell(client, &slot, ending);
    p->delivering = false;
}

void slots_hand_over_settled(struct varve_client *client)
{
    struct pipeline *p = &client->pipeline;

    while (p->count > 0 && slot_at(p, 0)->settled) {
        const struct slot *slot = slot_at(p, 0);
        struct varve_error why = p->why;

        p->held_bytes -= slot->answer_size;
        why.status = slot->fault;
        slots_hand_over(client, &(struct ending){ slot->fault == VARVE_OK ? NULL : &why, slot->opcode,
                                                  varve_view_of((char *)slot->answer, slot->answer_size) });
    }
}

enum varve_status slots_hold(struct varve_client *client, struct slot *slot, uint8_t opcode, struct varve_view body,
                             struct varve_error *error)
{
    struct pipeline *p = &client->pipeline;

    if (body.size > HELD_MAX - p->held_bytes)
        return connection_fail(&client->connection, error, VARVE_PROTOCOL,
                               "more than %u bytes of answers came out of order", HELD_MAX);
    if (body.size > slot->answer_capacity) {
        uint8_t *bytes = realloc(slot->answer, body.size);

        if (bytes == NULL)
            return connection_fail(&client->connection, error, VARVE_NO_MEMORY, "no memory for an answer");
        slot->answer = bytes;
        slot->answer_capacity = body.size;
    }
    if (body.size > 0)
        memcpy(slot->answer, body.data, body.size);
    slot->answer_size = body.size;
    p->held_bytes += body.size;
    slot->opcode = opcode;
    slot->settled = true;
    return VARVE_OK;
}

/* ---- losses ----------------------------------------------------------------------------------------------------- */

/* What becomes of a request whose connection is gone: VARVE_OK if it goes on. */
static enum varve_status fate(const struct slot *slot, enum varve_status cause, bool again, uint64_t now_us)
{
    if (cause == VARVE_PROTOCOL)
        return VARVE_PROTOCOL;
    if (slot->deadline_us <= now_us)
        return VARVE_TIMEOUT;
    if (again)
        return slot->heard && !slot->repeatable ? VARVE_DISCONNECTED : VARVE_OK;
    return slot->heard ? VARVE_DISCONNECTED : cause;
}

enum varve_status slots_lose(struct varve_client *client, enum varve_status cause, bool again,
                             const struct varve_error *why)
{
    struct pipeline *p = &client->pipeline;
    struct connection *c = &client->connection;
    enum varve_status first = VARVE_OK;
    uint64_t now_us = clock_now_us();
    size_t kept = 0;

    p->why = *why;
    for (uint32_t i = 0; i < p->count; i++) {
        struct slot *slot = slot_at(p, i);
        size_t offset = (size_t)(slot->begin - p->out_base), size = (size_t)(slot->end - slot->begin);

        slot->heard |= slot->end <= p->out_base + c->sent && !slot->refused;
        slot->refused = false;
        if (!slot->settled) {
            slot->fault = fate(slot, cause, again, now_us);
            slot->settled = slot->fault != VARVE_OK;
            first = first == VARVE_OK ? slot->fault : first;
        }
        size = slot->settled ? 0 : size;
        memmove(c->out.bytes + kept, c->out.bytes + offset, size);
        slot->begin = kept;
        kept += size;
        slot->end = kept;
    }
    p->out_base = 0;
    c->out.size = kept;
    c->sent = 0;
    slots_hand_over_settled(client);
    return first;
}

uint64_t slots_next_deadline(struct pipeline *p)
{
    uint64_t now_us = clock_now_us();

    for (uint32_t i = 0; i < p->count; i++)
        if (slot_at(p, i)->deadline_us > now_us)
            return slot_at(p, i)->deadline_us;
    return DEADLINE_NONE;
}
