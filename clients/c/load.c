/* load.c - loading streams: the snapshot that fits, the events after it, the version, from one view of the log.
 *
 *   BETWEEN --LOADING--> IN HAND --READ_BATCHes--> complete: BETWEEN          one LOAD asks for up to 1,000 streams
 *   BETWEEN --READ_END--> nothing asked --LOAD of the next portion--> BETWEEN
 *   a loss BETWEEN: LOAD from the stream that is due
 *   a loss IN HAND: the same from this stream, which must be told as it was told before; or the end, if events of it
 *                   were handed over */
#include "exchange.h"
#include "varve/record.h"

#include <stdlib.h>
#include <string.h>

#define NAME_OVERHEAD 5u        /* of a string in msgpack */
#define REQUEST_OVERHEAD 1024u  /* the rest of a LOAD */

static struct varve_view stream_in_hand(const struct loading *l)
{
    return l->streams[l->loaded.index];
}

/* Have all events of the stream in hand come? */
static bool is_complete(const struct loading *l)
{
    return l->next_version > l->last_version;
}

/* ---- asking ----------------------------------------------------------------------------------------------------- */

/* How many of the streams from `from` on fit one LOAD. */
static size_t portion(const struct varve_client *client, size_t from)
{
    const struct loading *l = &client->loading;
    uint64_t size = REQUEST_OVERHEAD, limit = client->connection.server.max_frame_bytes;
    size_t count = 0;

    while (from + count < l->count && count < VARVE_MAX_LOAD_STREAMS) {
        size += l->streams[from + count].size + NAME_OVERHEAD;
        if (size > limit && count > 0)
            break;
        count++;
    }
    return count;
}

static enum varve_status send_load(struct varve_client *client, struct patience *patience, struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct connection *c = &client->connection;

    if (c->state != CONNECTION_READY)
        connection_clear_out(c); /* Credit for a load that ended with its connection. */
    enum varve_status status = client_reach(client, patience, error);
    if (status != VARVE_OK)
        return status;
    size_t begin = connection_begin_post(c);
    l->asked_from = l->due;
    l->asked_until = l->due + portion(client, l->due);
    credit_begin(&l->credit, client->options.read_credit_bytes, &c->server);
    l->request_id = connection_next_id(c);
    varve_encode_load(&c->out, l->request_id,
                      &(struct varve_load_request){ l->streams + l->due, l->asked_until - l->due, l->wanted.type,
                                                    l->wanted.schema_version, l->wanted.no_snapshots,
                                                    l->credit.window_bytes, l->credit.batch_bytes });
    if (connection_post(c, begin))
        return VARVE_OK;
    l->request_id = 0;
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for the request");
}

/* ---- taking ----------------------------------------------------------------------------------------------------- */

/* The batch in hand was handed over or passed over. */
static void finish_batch(struct varve_client *client)
{
    struct loading *l = &client->loading;

    l->record_count = l->record_index = 0;
    credit_return(&l->credit, &client->connection, l->request_id, l->batch_bytes);
    l->batch_bytes = 0;
}

static enum varve_status take_batch(struct varve_client *client, struct varve_view body, struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct varve_error why;
    uint64_t next;

    if (l->told || (is_complete(l) && !l->passing_over))
        return client_refuse(client, VARVE_OP_READ_BATCH, "LOADING or READ_END", error);
    if (varve_decode_read_batch(body, client->arena, &l->records, &l->record_count, &next, &why) != VARVE_OK) {
        l->record_count = 0;
        return client_unreadable(client, VARVE_OP_READ_BATCH, &why, error);
    }
    l->batch_bytes = (uint32_t)body.size;
    if (l->passing_over)
        finish_batch(client);
    return VARVE_OK;
}

/* Is it a snapshot that was asked for, and do the events join it? */
static bool snapshot_fits(const struct loading *l, const struct varve_loading *said)
{
    const struct varve_snapshot *s = &said->snapshot;

    return !l->wanted.no_snapshots && varve_view_equal(s->stream, l->streams[l->due]) && s->version >= 0 &&
           s->version <= said->version && said->first_version == (uint64_t)s->version + 1 &&
           (l->wanted.type.size == 0 || varve_view_equal(s->type, l->wanted.type)) &&
           (l->wanted.schema_version == 0 || s->schema_version == l->wanted.schema_version);
}

/* Is it the stream that is due, and are its numbers possible? */
static bool is_possible(const struct loading *l, const struct varve_loading *said)
{
    if (l->due == l->asked_until || said->index != l->due - l->asked_from)
        return false;
    if (said->status != VARVE_OK)
        return !said->has_snapshot;
    return said->version >= 0 && said->first_version <= (uint64_t)said->version + 1 &&
           (!said->has_snapshot || snapshot_fits(l, said));
}

/* The snapshot lives until the next stream, so it gets memory of its own. */
static enum varve_status keep_snapshot(struct varve_client *client, const struct varve_snapshot *snapshot,
                                       struct varve_error *error)
{
    struct loading *l = &client->loading;
    size_t size = snapshot->type.size + snapshot->data.size;

    if (size > l->kept_capacity || l->kept == NULL) {
        char *bytes = realloc(l->kept, size + 1);

        if (bytes == NULL)
            return connection_fail(&client->connection, error, VARVE_NO_MEMORY, "no memory for a snapshot");
        l->kept = bytes;
        l->kept_capacity = size;
    }
    l->snapshot = *snapshot;
    l->snapshot.stream = l->streams[l->due];
    l->snapshot.type.data = memcpy(l->kept, snapshot->type.data, snapshot->type.size);
    l->snapshot.data.data = l->kept + snapshot->type.size;
    if (snapshot->data.size > 0)
        memcpy(l->kept + snapshot->type.size, snapshot->data.data, snapshot->data.size);
    return VARVE_OK;
}

/* The stream in hand is told a second time: may we go on as if nothing had happened? What it gained since is passed
 * over. */
static enum varve_status take_up_again(struct varve_client *client, const struct varve_loading *said,
                                       struct varve_error *error)
{
    struct loading *l = &client->loading;
    bool same = said->status == VARVE_OK && said->version >= l->loaded.version &&
                said->first_version == l->loaded.first_version && said->has_snapshot == (l->loaded.snapshot != NULL);

    l->told = false;
    l->broken = !same;
    if (!same)
        return connection_fail(&client->connection, error, VARVE_DISCONNECTED,
                               "the connection was lost, and \"%.*s\" looks different now",
                               (int)(stream_in_hand(l).size < 100 ? stream_in_hand(l).size : 100),
                               stream_in_hand(l).data);
    l->last_version = said->version;
    l->due++;
    return VARVE_OK;
}

static enum varve_status take_loading(struct varve_client *client, struct varve_view body, struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct varve_error why = { .message = "it is not what was asked for next, or impossible" };
    struct varve_loading said;
    enum varve_status status = VARVE_OK;

    if (!is_complete(l) && !l->passing_over && !l->told)
        return client_refuse(client, VARVE_OP_LOADING, "READ_BATCH", error);
    if (varve_decode_loading(body, &said, &why) != VARVE_OK || !is_possible(l, &said))
        return client_unreadable(client, VARVE_OP_LOADING, &why, error);
    credit_return(&l->credit, &client->connection, l->request_id, body.size);
    if (l->told)
        return take_up_again(client, &said, error);
    if (said.has_snapshot)
        status = keep_snapshot(client, &said.snapshot, error);
    if (status != VARVE_OK)
        return status;
    l->loaded = (struct varve_loaded){ true, (uint32_t)l->due, said.status, said.version, said.first_version,
                                       said.has_snapshot ? &l->snapshot : NULL };
    l->last_version = said.status == VARVE_OK ? said.version : -1;
    l->next_version = said.status == VARVE_OK ? (int64_t)said.first_version : 0;
    l->due++;
    l->fresh = true;
    l->passing_over = l->events_told = false;
    return VARVE_OK;
}

static enum varve_status take_end(struct varve_client *client, struct varve_error *error)
{
    struct loading *l = &client->loading;

    if ((!is_complete(l) && !l->passing_over) || l->due < l->asked_until || l->told)
        return client_refuse(client, VARVE_OP_READ_END, "the rest of what was asked for", error);
    l->request_id = 0;
    l->passing_over = false;
    return VARVE_OK;
}

/* The request is gone: the next begins with the stream that is due, or the one in hand, if no event of it was handed
 * over. */
static void step_back(struct varve_client *client)
{
    struct loading *l = &client->loading;
    bool in_hand = !is_complete(l) && !l->passing_over && !l->told;

    l->request_id = 0;
    finish_batch(client);
    if (l->passing_over)
        l->next_version = l->last_version + 1;
    l->passing_over = false;
    if (!in_hand)
        return;
    l->due = l->loaded.index;
    l->told = true;
    l->broken = l->events_told;
}

/* One frame further, on the connection as it is. */
static enum varve_status take_frame(struct varve_client *client, struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct varve_wire_error said;
    struct varve_frame frame;
    struct varve_view body;
    uint64_t deadline_us = deadline_after(client->options.request_timeout_ms);
    enum varve_status status = client_await(client, l->request_id, deadline_us, &frame, &body, error);

    if (status != VARVE_OK)
        return status;
    if (frame.opcode == VARVE_OP_READ_BATCH)
        return take_batch(client, body, error);
    if (frame.opcode == VARVE_OP_LOADING)
        return take_loading(client, body, error);
    if (frame.opcode == VARVE_OP_READ_END)
        return take_end(client, error);
    if (frame.opcode != VARVE_OP_ERROR)
        return client_refuse(client, frame.opcode, "LOADING", error);
    step_back(client);
    status = client_take_error(client, body, &said);
    *error = said.error;
    if (status == VARVE_NOT_READY)
        connection_drop(&client->connection); /* It stops; whoever comes after it goes on. */
    return status;
}

/* One frame further, on a new connection if need be. */
static enum varve_status advance(struct varve_client *client, struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct patience patience;
    enum varve_status status = VARVE_OK;
    bool again = true;

    patience_begin(&patience, client);
    while (again) {
        if (l->request_id != 0 && client->connection.state != CONNECTION_READY)
            step_back(client);
        if (l->broken)
            return varve_fail(error, VARVE_DISCONNECTED, NULL, "%s: the connection was lost within a stream",
                              client->url.shown);
        if (l->request_id == 0 && l->due == l->count)
            return VARVE_OK;
        status = l->request_id != 0 ? VARVE_OK : send_load(client, &patience, error);
        if (status != VARVE_OK)
            return status;
        status = take_frame(client, error);
        again = (status == VARVE_DISCONNECTED || status == VARVE_NOT_READY) && !l->broken &&
                client_recover(client, &patience);
    }
    return status;
}

/* ---- handing over ----------------------------------------------------------------------------------------------- */

static enum varve_status hand_over(struct varve_client *client, const struct varve_event **ret_event,
                                   struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct varve_view record = l->records[l->record_index], stream = stream_in_hand(l);

    if (varve_record_decode(record.data, record.size, &l->event) != VARVE_OK)
        return varve_fail(error, VARVE_CORRUPT, NULL, "%s: record %u of a batch does not verify", client->url.shown,
                          l->record_index);
    if (is_complete(l) || l->event.version != (uint64_t)l->next_version || !varve_view_equal(l->event.stream, stream))
        return connection_fail(&client->connection, error, VARVE_PROTOCOL,
                               "the load brought \"%.*s\"@%llu where version %lld of \"%.*s\" was next",
                               (int)(l->event.stream.size < 80 ? l->event.stream.size : 80), l->event.stream.data,
                               (unsigned long long)l->event.version, (long long)l->next_version,
                               (int)(stream.size < 80 ? stream.size : 80), stream.data);
    l->record_index++;
    l->next_version++;
    l->events_told = true;
    *ret_event = &l->event;
    return VARVE_OK;
}

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static enum varve_status start(struct loading *l, const struct varve_view *streams, size_t count,
                               const struct varve_load_wanted *wanted, struct varve_error *error)
{
    struct loading fresh = { .active = true, .streams = streams, .count = count, .last_version = -1,
                             .kept = l->kept, .kept_capacity = l->kept_capacity };

    if (count > UINT32_MAX || (count > 0 && streams == NULL))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "streams", "count does not fit streams");
    if (wanted != NULL && wanted->type.size > sizeof(l->type))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "type", "type: expected at most %u bytes, are %zu",
                          VARVE_SNAPSHOT_MAX_TYPE, wanted->type.size);
    *l = fresh;
    if (wanted != NULL)
        l->wanted = *wanted;
    if (l->wanted.type.size > 0)
        l->wanted.type.data = memcpy(l->type, wanted->type.data, wanted->type.size);
    return VARVE_OK;
}

enum varve_status varve_client_load_open(struct varve_client *client, const struct varve_view *streams, size_t count,
                                         const struct varve_load_wanted *wanted, struct varve_error *error)
{
    struct patience patience;
    enum varve_status status = client_begin(client, error);

    if (status == VARVE_OK)
        status = start(&client->loading, streams, count, wanted, error);
    if (status != VARVE_OK)
        return status;
    patience_begin(&patience, client);
    if (count > 0)
        status = send_load(client, &patience, error);
    if (status != VARVE_OK)
        varve_client_load_close(client);
    return status;
}

/* What may pass is tried again by the next call, if that can go on; anything else stays. */
static enum varve_status remember(struct loading *l, enum varve_status status, struct varve_error *error)
{
    if (!varve_status_retryable(status) || l->broken) {
        l->fault = status;
        l->why = *error;
    }
    return status;
}

static enum varve_status check(struct varve_client *client, struct varve_error *error)
{
    if (!client->loading.active)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "client", "no load is open on this client");
    if (client->loading.fault != VARVE_OK)
        *error = client->loading.why;
    return client->loading.fault;
}

/* What has not been handed over of the stream in hand is not wanted any more. */
static void pass_over(struct varve_client *client)
{
    struct loading *l = &client->loading;

    finish_batch(client);
    if (l->told)
        l->due = l->loaded.index + 1;
    if (l->told || l->request_id == 0)
        l->next_version = l->last_version + 1;
    l->passing_over = !is_complete(l);
    l->told = l->fresh = false;
}

enum varve_status varve_client_load_stream(struct varve_client *client, struct varve_loaded *ret_loaded,
                                           struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct varve_error own;

    error = error != NULL ? error : &own;
    enum varve_status status = check(client, error);
    if (status != VARVE_OK)
        return status;
    pass_over(client);
    while (status == VARVE_OK && !l->fresh && (l->request_id != 0 || l->due < l->count))
        status = advance(client, error);
    if (status != VARVE_OK)
        return remember(l, status, error);
    *ret_loaded = l->fresh ? l->loaded : (struct varve_loaded){ .more = false };
    return VARVE_OK;
}

enum varve_status varve_client_load_event(struct varve_client *client, const struct varve_event **ret_event,
                                          struct varve_error *error)
{
    struct loading *l = &client->loading;
    struct varve_error own;

    error = error != NULL ? error : &own;
    enum varve_status status = check(client, error);
    if (status != VARVE_OK)
        return status;
    bool more = !is_complete(l) && l->next_version <= l->loaded.version;
    while (status == VARVE_OK && more && l->record_index == l->record_count) {
        finish_batch(client);
        status = advance(client, error);
    }
    if (status == VARVE_OK && more)
        status = hand_over(client, ret_event, error);
    else if (status == VARVE_OK)
        *ret_event = NULL;
    return status == VARVE_OK ? VARVE_OK : remember(l, status, error);
}

void varve_client_load_close(struct varve_client *client)
{
    struct loading *l = &client->loading;

    if (!l->active)
        return;
    l->active = false;
    client_end_reading(client, l->request_id);
}
