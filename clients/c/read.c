/* read.c - the streamed read: batches against credit, every record verified, going on after a lost connection. */
#include "exchange.h"
#include "varve/record.h"

#include <string.h>

static uint64_t number_of(const struct reading *r, const struct varve_event *event)
{
    return r->want.kind == VARVE_READ_STREAM ? event->version : event->position;
}

/* Does what was asked for end here, whatever the server would still say? */
static bool is_satisfied(const struct reading *r)
{
    return r->exhausted || (r->limited && r->want.limit == 0);
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

static enum varve_status send_read(struct varve_client *client, struct patience *patience, struct varve_error *error)
{
    struct reading *r = &client->reading;
    struct connection *c = &client->connection;

    if (c->state != CONNECTION_READY)
        connection_clear_out(c); /* Credit for a read that ended with its connection. */
    enum varve_status status = client_reach(client, patience, error);
    if (status != VARVE_OK)
        return status;
    size_t begin = connection_begin_post(c);
    credit_begin(&r->credit, client->options.read_credit_bytes, &c->server);
    r->request_id = connection_next_id(c);
    varve_encode_read(&c->out, r->request_id,
                      &(struct varve_read_request){ r->want, r->credit.window_bytes, r->credit.batch_bytes });
    if (connection_post(c, begin))
        return VARVE_OK;
    r->request_id = 0;
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the request");
}

/* ---- taking ----------------------------------------------------------------------------------------------------- */

static enum varve_status take_batch(struct varve_client *client, struct varve_view body, struct varve_error *error)
{
    struct reading *r = &client->reading;
    struct varve_error why;

    varve_wire_arena_reset(client->arena);
    r->index = r->count = 0;
    if (varve_decode_read_batch(body, client->arena, &r->records, &r->count, &r->next, &why) != VARVE_OK) {
        r->count = 0;
        return client_unreadable(client, VARVE_OP_READ_BATCH, &why, error);
    }
    r->batch_bytes = (uint32_t)body.size;
    return VARVE_OK;
}

static enum varve_status take_frame(struct varve_client *client, struct varve_error *error)
{
    struct reading *r = &client->reading;
    struct varve_frame frame;
    struct varve_view body;
    struct varve_wire_error said;
    uint64_t deadline_us = deadline_after(client->options.request_timeout_ms);
    enum varve_status status = client_await(client, r->request_id, deadline_us, &frame, &body, error);

    if (status != VARVE_OK)
        return status;
    if (frame.opcode == VARVE_OP_READ_BATCH)
        return take_batch(client, body, error);
    if (frame.opcode != VARVE_OP_READ_END && frame.opcode != VARVE_OP_ERROR)
        return client_refuse(client, frame.opcode, "READ_BATCH or READ_END", error);
    r->request_id = 0;
    r->ended = frame.opcode == VARVE_OP_READ_END;
    if (r->ended)
        return VARVE_OK;
    status = client_take_error(client, body, &said);
    if (error != NULL)
        *error = said.error;
    return status;
}

/* The batch in hand was handed over: behind it lies what `next` says, even if the rest was hidden. */
static void finish_batch(struct varve_client *client)
{
    struct reading *r = &client->reading;

    if (r->next != VARVE_FROM_EDGE && !is_satisfied(r))
        r->want.from = r->next;
    r->next = VARVE_FROM_EDGE;
    r->count = r->index = 0;
    credit_return(&r->credit, &client->connection, r->request_id, r->batch_bytes);
    r->batch_bytes = 0;
}

/* The next frame of the read, on a new connection if need be. */
static enum varve_status fetch(struct varve_client *client, struct varve_error *error)
{
    struct reading *r = &client->reading;
    struct patience patience;
    enum varve_status status = VARVE_OK;
    bool again = true;

    patience_begin(&patience, client);
    while (again && !r->ended) {
        if (client->connection.state != CONNECTION_READY)
            r->request_id = 0;
        r->ended = r->request_id == 0 && is_satisfied(r);
        if (r->ended)
            return VARVE_OK;
        status = r->request_id != 0 ? VARVE_OK : send_read(client, &patience, error);
        if (status != VARVE_OK)
            return status;
        status = take_frame(client, error);
        if (status == VARVE_NOT_READY)
            connection_drop(&client->connection); /* It stops; whoever comes after it goes on. */
        again = (status == VARVE_DISCONNECTED || status == VARVE_NOT_READY) && client_recover(client, &patience);
    }
    return status;
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

/* Is this an event that was asked for, in its order? Going on after a loss relies on it. */
static bool is_in_order(const struct reading *r, const struct varve_event *event)
{
    uint64_t number = number_of(r, event);

    if (is_satisfied(r))
        return false;
    if (r->want.kind == VARVE_READ_STREAM && !varve_view_equal(event->stream, r->want.name))
        return false;
    if (r->want.from == VARVE_FROM_EDGE)
        return true;
    return r->want.backwards ? number <= r->want.from : number >= r->want.from;
}

static void move_behind(struct reading *r, uint64_t number)
{
    uint64_t lowest = r->want.kind == VARVE_READ_STREAM ? 0 : 1;

    if (r->want.backwards)
        r->exhausted = number == lowest;
    r->want.from = r->want.backwards ? number - (r->exhausted ? 0 : 1) : number + 1;
    if (r->limited)
        r->want.limit--;
}

static enum varve_status hand_over(struct varve_client *client, const struct varve_event **ret_event,
                                   struct varve_error *error)
{
    struct reading *r = &client->reading;
    struct varve_view record = r->records[r->index];

    if (varve_record_decode(record.data, record.size, &r->event) != VARVE_OK)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: record %u of a batch does not verify", client->url.shown,
                          r->index);
    if (!is_in_order(r, &r->event))
        return connection_fail(&client->connection, error, VARVE_PROTOCOL,
                               "the read brought \"%.*s\"@%llu at position %llu, which was not asked for or not next",
                               (int)(r->event.stream.size < 100 ? r->event.stream.size : 100), r->event.stream.data,
                               (unsigned long long)r->event.version, (unsigned long long)r->event.position);
    r->index++;
    move_behind(r, number_of(r, &r->event));
    *ret_event = &r->event;
    return VARVE_OK;
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static enum varve_status start(struct reading *r, const struct varve_read *read, struct varve_error *error)
{
    if (read->name.size >= sizeof(r->name))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "name", "the name is longer than %u bytes",
                          VARVE_MAX_SYSTEM_STREAM_NAME);
    memset(r, 0, sizeof(*r));
    r->want = *read;
    r->next = VARVE_FROM_EDGE;
    if (read->name.data != NULL) {
        memcpy(r->name, read->name.data, read->name.size);
        r->want.name.data = r->name;
    }
    r->limited = read->limit > 0;
    r->active = true;
    return VARVE_OK;
}

enum varve_status varve_client_read_open(struct varve_client *client, const struct varve_read *read,
                                         struct varve_error *error)
{
    enum varve_status status = client_begin(client, error);

    if (status == VARVE_OK)
        status = start(&client->reading, read, error);
    if (status != VARVE_OK)
        return status;
    status = fetch(client, error); /* The server's opinion of the read comes with its first frame. */
    if (status != VARVE_OK)
        varve_client_read_close(client);
    return status;
}

/* What may pass is tried again by the next call; anything else stays. */
static enum varve_status remember(struct reading *r, enum varve_status status, struct varve_error *error)
{
    if (!varve_status_retryable(status)) {
        r->fault = status;
        r->why = *error;
    }
    return status;
}

enum varve_status varve_client_read_next(struct varve_client *client, const struct varve_event **ret_event,
                                         struct varve_error *error)
{
    struct reading *r = &client->reading;
    struct varve_error own;
    enum varve_status status = VARVE_OK;

    error = error != NULL ? error : &own;
    if (!r->active)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "client", "no read is open on this client");
    if (r->fault != VARVE_OK) {
        *error = r->why;
        return r->fault;
    }
    while (status == VARVE_OK && r->index == r->count && !r->ended) {
        finish_batch(client);
        status = fetch(client, error);
    }
    if (status == VARVE_OK && r->index < r->count)
        status = hand_over(client, ret_event, error);
    else if (status == VARVE_OK)
        *ret_event = NULL;
    return status == VARVE_OK ? VARVE_OK : remember(r, status, error);
}

void varve_client_read_close(struct varve_client *client)
{
    struct reading *r = &client->reading;

    if (!r->active)
        return;
    r->active = false;
    client_end_reading(client, r->request_id);
}
