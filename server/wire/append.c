/* append.c - APPEND, the one message whose decoding is hot, and the outcome of it.
 *
 * The body is read straight through, once: no walk over it beforehand. What the texts and the data must be is not
 * looked at here but in varve_append_create(), which every append passes. */
#include "append.h"

#define EVENT_FIELDS 13u
#define LEAST_STREAM_BYTES 3u /* an array, a text, a number */
#define LEAST_EVENT_BYTES (1 + EVENT_FIELDS)
#define LEAST_RESULT_BYTES 5u

static void encode_streams(struct pack *pack, const struct varve_append_request *append)
{
    pack_array(pack, append->stream_count);
    for (size_t i = 0; i < append->stream_count; i++) {
        pack_array(pack, 2);
        pack_str(pack, append->streams[i].stream);
        pack_int(pack, append->streams[i].expected);
    }
}

static void encode_event(struct pack *pack, const struct varve_event *event, uint32_t stream_index)
{
    pack_array(pack, EVENT_FIELDS);
    pack_uint(pack, stream_index);
    pack_uuid_or_nil(pack, &event->id);
    pack_str(pack, event->type);
    pack_uint(pack, event->schema_version);
    pack_time_or_nil(pack, event->time_us);
    pack_uuid_or_nil(pack, &event->correlation_id);
    pack_uuid_or_nil(pack, &event->causation_id);
    pack_str_or_nil(pack, event->source);
    pack_str_or_nil(pack, event->user_id);
    pack_uint(pack, event->class_);
    pack_uint(pack, event->content_type);
    pack_bin(pack, event->data);
    pack_bin_or_nil(pack, event->metadata);
}

void pack_append(struct pack *pack, const struct varve_append_request *append)
{
    encode_streams(pack, append);
    pack_array(pack, append->event_count);
    for (size_t i = 0; i < append->event_count; i++)
        encode_event(pack, &append->events[i], append->stream_of == NULL ? 0 : append->stream_of[i]);
}

void varve_encode_append(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_append_request *append)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_APPEND, request_id);
    pack_array(&pack, 2);
    pack_append(&pack, append);
    pack_end(&pack);
}

uint32_t fields_bounded_list(struct fields *fields, const char *name, size_t least_bytes, uint32_t min, uint32_t max)
{
    uint32_t count = fields_list(fields, name, least_bytes);

    fields->list = NULL;
    if (count < min)
        fields_bad(fields, name, "expected at least %u", min);
    if (count > max && !fields->pull.failed) {
        fields_stop(fields, VARVE_APPEND_TOO_LARGE, "%s: %u %s, at most %u can be taken", fields->message, count, name,
                    max);
        if (fields->error != NULL)
            fields->error->limit = max;
    }
    fields->list = name;
    return fields->pull.failed ? 0 : count;
}

static struct varve_append_stream *decode_streams(struct fields *fields, struct varve_wire_arena *arena, uint32_t min,
                                                  uint32_t *ret_count)
{
    uint32_t count = fields_bounded_list(fields, "streams", LEAST_STREAM_BYTES, min, VARVE_WIRE_MAX_APPEND_ITEMS);
    struct varve_append_stream *streams = fields_take(fields, arena, count, sizeof(*streams));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        uint32_t unknown = fields_open(fields, 2);

        streams[i].stream = varve_pull_str(&fields->pull);
        streams[i].expected = fields_int(fields, "expected", VARVE_EXPECTED_STREAM_EXISTS, INT64_MAX);
        fields_close(fields, unknown);
    }
    fields_list_end(fields);
    *ret_count = count;
    return streams;
}

static void decode_event(struct fields *fields, uint32_t stream_count, struct varve_event *event,
                         uint32_t *ret_stream_index)
{
    uint32_t unknown = fields_open(fields, EVENT_FIELDS);

    *ret_stream_index = (uint32_t)fields_int(fields, "stream_index", 0, (int64_t)stream_count - 1);
    fields_uuid_or_nil(fields, "id", &event->id);
    event->type = varve_pull_str(&fields->pull);
    event->schema_version = (uint32_t)fields_int(fields, "schema_version", 0, UINT32_MAX);
    event->time_us = fields_time_or_nil(fields, "time");
    fields_uuid_or_nil(fields, "correlation_id", &event->correlation_id);
    fields_uuid_or_nil(fields, "causation_id", &event->causation_id);
    event->source = varve_pull_str_or_nil(&fields->pull);
    event->user_id = varve_pull_str_or_nil(&fields->pull);
    event->class_ = (enum varve_class)fields_int(fields, "class", 0, VARVE_CLASS_REALTIME);
    event->content_type = fields_content_type(fields);
    event->data = varve_pull_bin(&fields->pull);
    event->metadata = varve_pull_bin_or_nil(&fields->pull);
    event->stream = (struct varve_view){ 0 };
    event->position = event->version = 0;
    event->recorded_at_us = 0;
    fields_close(fields, unknown);
}

static void decode_events(struct fields *fields, struct varve_wire_arena *arena, uint32_t min,
                          struct varve_append_request *append)
{
    uint32_t count = fields_bounded_list(fields, "events", LEAST_EVENT_BYTES, min, VARVE_WIRE_MAX_APPEND_ITEMS);
    struct varve_event *events = fields_take(fields, arena, count, sizeof(*events));
    uint32_t *stream_of = fields_take(fields, arena, count, sizeof(*stream_of));

    if (count > 0 && append->stream_count == 0)
        fields_bad(fields, "stream_index", "there are no streams");
    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        decode_event(fields, (uint32_t)append->stream_count, &events[i], &stream_of[i]);
        if (!fields->pull.failed && append->stream_count > 0)
            events[i].stream = append->streams[stream_of[i]].stream;
    }
    fields_list_end(fields);
    append->events = events;
    append->stream_of = stream_of;
    append->event_count = count;
}

void fields_append(struct fields *fields, struct varve_wire_arena *arena, uint32_t min,
                   struct varve_append_request *ret)
{
    uint32_t stream_count;

    ret->streams = decode_streams(fields, arena, min, &stream_count);
    ret->stream_count = stream_count;
    decode_events(fields, arena, min, ret);
}

enum varve_status varve_decode_append(struct varve_view body, struct varve_wire_arena *arena,
                                      struct varve_append_request *ret, struct varve_error *error)
{
    struct varve_append_request append = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "APPEND", body, error);
    uint32_t unknown = fields_open(&fields, 2);

    fields_append(&fields, arena, 1, &append);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = append;
    return status;
}

void pack_results(struct pack *pack, const struct varve_append_result *results, size_t count)
{
    pack_array(pack, count);
    for (size_t i = 0; i < count; i++) {
        pack_array(pack, 4);
        pack_int(pack, results[i].first_version);
        pack_int(pack, results[i].last_version);
        pack_uint(pack, results[i].first_position);
        pack_uint(pack, results[i].last_position);
    }
}

void varve_encode_append_ok(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                            const struct varve_append_outcome *outcome)
{
    struct pack pack;

    pack_begin(&pack, out, opcode, request_id);
    pack_array(&pack, 2);
    pack_bool(&pack, outcome->replayed);
    pack_results(&pack, outcome->results, outcome->stream_count);
    pack_end(&pack);
}

const struct varve_append_result *fields_results(struct fields *fields, struct varve_wire_arena *arena,
                                                 size_t *ret_count)
{
    uint32_t count = fields_list(fields, "results", LEAST_RESULT_BYTES);
    struct varve_append_result *results = fields_take(fields, arena, count, sizeof(*results));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        uint32_t unknown = fields_open(fields, 4);

        results[i].first_version = fields_int(fields, "first_version", -1, INT64_MAX);
        results[i].last_version = fields_int(fields, "last_version", -1, INT64_MAX);
        results[i].first_position = fields_uint(fields, "first_position", 0, UINT64_MAX);
        results[i].last_position = fields_uint(fields, "last_position", 0, UINT64_MAX);
        fields_close(fields, unknown);
    }
    fields_list_end(fields);
    *ret_count = count;
    return results;
}

enum varve_status varve_decode_append_ok(struct varve_view body, struct varve_wire_arena *arena,
                                         struct varve_append_outcome *ret, struct varve_error *error)
{
    struct varve_append_outcome outcome = { .status = VARVE_OK };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "APPEND_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);

    outcome.replayed = varve_pull_bool(&fields.pull);
    outcome.results = fields_results(&fields, arena, &outcome.stream_count);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = outcome;
    return status;
}
