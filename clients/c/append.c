/* append.c - appends and changes of streams, one at a time. */
#include "append.h"
#include "varve/record.h"
#include "varve/uuid.h"

static enum varve_status check_shape(const struct varve_append_request *request, struct varve_error *error)
{
    if (request->stream_count > UINT32_MAX || (request->stream_count > 0 && request->streams == NULL))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "streams", "stream_count does not fit streams");
    if (request->event_count > 0 && request->events == NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "events", "event_count does not fit events");
    if (request->event_count > 0 && request->stream_of == NULL && request->stream_count != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "stream_of",
                          "stream_of may be left out only when the append has one stream");
    return VARVE_OK;
}

enum varve_status append_too_large(struct varve_error *error, enum varve_status status, const char *what,
                                   uint64_t size, uint32_t limit)
{
    varve_fail(error, status, NULL, "%s %llu, the server takes %u", what, (unsigned long long)size, limit);
    if (error != NULL)
        error->limit = limit;
    return status;
}

/* Adds the size of the event's record to *size. */
static enum varve_status check_event(const struct varve_hello_ok *server, const struct varve_append_request *request,
                                     size_t i, uint64_t *size, struct varve_error *error)
{
    struct varve_event event = request->events[i];
    uint32_t stream = request->stream_of == NULL ? 0 : request->stream_of[i];
    uint64_t payload = (uint64_t)event.data.size + event.metadata.size;

    if (stream >= request->stream_count)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "stream_of", "events[%zu] goes to stream %u of %zu", i, stream,
                          request->stream_count);
    if (payload > server->max_event_bytes)
        return append_too_large(error, VARVE_EVENT_TOO_LARGE, "bytes of data and metadata in one event:", payload,
                         server->max_event_bytes);
    event.stream = request->streams[stream].stream;
    *size += varve_record_size(&event);
    return VARVE_OK;
}

enum varve_status append_check(const struct varve_client *client, const struct varve_append_request *request,
                               struct varve_error *error)
{
    const struct varve_hello_ok *server = &client->connection.server;
    enum varve_status status = check_shape(request, error);
    uint64_t size = 0;

    if (status == VARVE_OK && request->event_count > server->max_append_events)
        return append_too_large(error, VARVE_APPEND_TOO_LARGE, "events in one append:", request->event_count,
                         server->max_append_events);
    for (size_t i = 0; status == VARVE_OK && i < request->event_count; i++)
        status = check_event(server, request, i, &size, error);
    if (status == VARVE_OK && size > server->max_append_bytes)
        return append_too_large(error, VARVE_APPEND_TOO_LARGE, "bytes of records in one append:", size,
                         server->max_append_bytes);
    return status;
}

enum varve_status append_check_frame(struct varve_client *client, size_t before, enum varve_status status,
                                     const char *what, struct varve_error *error)
{
    struct varve_wire_buffer *out = &client->connection.out;
    uint32_t limit = client->connection.server.max_frame_bytes;

    if (out->failed)
        return client_drop_request(client, before, error);
    size_t body = out->size - before - VARVE_WIRE_HEADER;
    if (body <= limit && body <= VARVE_WIRE_MAX_FRAME)
        return VARVE_OK;
    out->size = before;
    return append_too_large(error, status, what, body, limit);
}

enum varve_status append_encode(struct varve_client *client, uint32_t id, const struct varve_append_request *request,
                                struct varve_error *error)
{
    size_t before = client->connection.out.size;

    varve_encode_append(&client->connection.out, id, request);
    return append_check_frame(client, before, VARVE_APPEND_TOO_LARGE, "bytes in the frame of one append:", error);
}

bool append_is_repeatable(const struct varve_append_request *request)
{
    for (size_t i = 0; i < request->event_count; i++)
        if (varve_uuid_is_nil(&request->events[i].id))
            return false;
    return true;
}

/* ---- outcomes --------------------------------------------------------------------------------------------------- */

static void outcome_of_error(const struct varve_wire_error *said, struct varve_append_outcome *ret_outcome)
{
    *ret_outcome = (struct varve_append_outcome){
        .status = said->error.status,
        .conflicts = said->conflicts,
        .conflict_count = said->conflict_count,
        .error = said->error,
    };
}

/* The numbers in an answer are indexes into what the caller holds, so they are checked here, once. A change has no list
 * of streams, so there they index nothing. */
static bool outcome_fits(const struct varve_append_outcome *outcome, uint32_t stream_count, bool is_change)
{
    for (size_t i = 0; i < outcome->conflict_count && !is_change; i++)
        if (outcome->conflicts[i].part != VARVE_PART_STREAM || outcome->conflicts[i].stream_index >= stream_count)
            return false;
    return outcome->status != VARVE_OK || outcome->stream_count == stream_count;
}

/* An outcome that does not fit its request becomes PROTOCOL, and the connection is dropped. */
static void check_outcome(struct varve_client *client, uint8_t opcode, uint32_t stream_count, bool is_change,
                          struct varve_append_outcome *outcome)
{
    const struct varve_error misfit = { .message = "it speaks of streams that the request does not have" };
    struct varve_wire_error said = { .conflicts = NULL };

    if (outcome_fits(outcome, stream_count, is_change))
        return;
    client_unreadable(client, opcode, &misfit, &said.error);
    outcome_of_error(&said, outcome);
}

static void outcome_of_body(struct varve_client *client, uint8_t opcode, struct varve_view body,
                            struct varve_append_outcome *ret_outcome)
{
    struct varve_wire_error said = { .conflicts = NULL };
    struct varve_error why;

    varve_wire_arena_reset(client->arena);
    if (varve_decode_append_ok(body, client->arena, ret_outcome, &why) == VARVE_OK) {
        ret_outcome->status = VARVE_OK;
        return;
    }
    client_unreadable(client, opcode, &why, &said.error);
    outcome_of_error(&said, ret_outcome);
}

void append_outcome(struct varve_client *client, uint8_t opcode, struct varve_view body, uint32_t stream_count,
                    struct varve_append_outcome *ret_outcome)
{
    struct varve_wire_error said;

    if (opcode == VARVE_OP_ERROR) {
        client_take_error(client, body, &said);
        outcome_of_error(&said, ret_outcome);
    } else {
        outcome_of_body(client, opcode, body, ret_outcome);
    }
    check_outcome(client, opcode, stream_count, opcode == VARVE_OP_STREAM_CHANGE_OK, ret_outcome);
}

static void tell(struct varve_client *client, const struct slot *slot, const struct ending *ending)
{
    struct varve_append_outcome outcome;

    if (ending->fault == NULL)
        append_outcome(client, ending->opcode, ending->body, slot->counts[VARVE_PART_STREAM], &outcome);
    else
        outcome = (struct varve_append_outcome){ .status = ending->fault->status, .error = *ending->fault };
    slot->done.append(slot->user, &outcome);
}

const struct slot_kind append_kind = { VARVE_OP_APPEND_OK, tell };

/* ---- the calls -------------------------------------------------------------------------------------------------- */

static enum varve_status give_outcome(const struct varve_append_outcome *outcome,
                                      struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    if (ret_outcome != NULL)
        *ret_outcome = *outcome;
    if (error != NULL && outcome->status != VARVE_OK)
        *error = outcome->error;
    return outcome->status;
}

/* Waits for the answer to the request in `out` and hands its outcome over. */
static enum varve_status take_outcome(struct varve_client *client, struct patience *patience, uint32_t id,
                                      uint8_t opcode, bool repeatable, uint32_t stream_count,
                                      struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    struct varve_append_outcome outcome;
    struct varve_wire_error said;
    struct varve_view body;

    if (client_exchange(client, patience, id, opcode, repeatable, &body, &said) == VARVE_OK) {
        append_outcome(client, opcode, body, stream_count, &outcome);
    } else {
        outcome_of_error(&said, &outcome);
        check_outcome(client, VARVE_OP_ERROR, stream_count, opcode == VARVE_OP_STREAM_CHANGE_OK, &outcome);
    }
    return give_outcome(&outcome, ret_outcome, error);
}

/* Nothing was sent: the outcome says so too. */
static enum varve_status fail_early(const struct varve_error *why, struct varve_append_outcome *ret_outcome,
                                    struct varve_error *error)
{
    struct varve_wire_error said = { .error = *why };
    struct varve_append_outcome outcome;

    outcome_of_error(&said, &outcome);
    return give_outcome(&outcome, ret_outcome, error);
}

enum varve_status varve_client_append(struct varve_client *client, const struct varve_append_request *request,
                                      struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    struct varve_error why;
    struct patience patience;
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, &why);

    patience_begin(&patience, client);
    if (status == VARVE_OK)
        status = client_reach(client, &patience, &why); /* Its limits are needed first. */
    if (status == VARVE_OK)
        status = append_check(client, request, &why);
    if (status == VARVE_OK)
        status = append_encode(client, id, request, &why);
    if (status != VARVE_OK)
        return fail_early(&why, ret_outcome, error);
    return take_outcome(client, &patience, id, VARVE_OP_APPEND_OK, append_is_repeatable(request),
                        (uint32_t)request->stream_count, ret_outcome, error);
}

/* Not repeatable: it carries no id by which the server would recognise it. */
enum varve_status varve_client_stream_change(struct varve_client *client, const struct varve_stream_change *change,
                                             struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    struct varve_error why;
    struct patience patience;
    uint32_t id = connection_next_id(&client->connection);
    enum varve_status status = client_begin(client, &why);

    if (status != VARVE_OK)
        return fail_early(&why, ret_outcome, error);
    patience_begin(&patience, client);
    varve_encode_stream_change(&client->connection.out, id, change);
    return take_outcome(client, &patience, id, VARVE_OP_STREAM_CHANGE_OK, false, 1, ret_outcome, error);
}
