/* outbox_history.c - OUTBOX_HISTORY: what became of the events of one stream. */
#include "outbox_name.h"
#include "pack.h"
#include "varve/wire_outbox.h"

#define REQUEST_FIELDS 4u
#define EVENT_FIELDS 9u
#define LEAST_EVENT_BYTES (1 + EVENT_FIELDS)

void varve_encode_outbox_history(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_outbox_history_request *request)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_HISTORY, request_id);
    pack_array(&pack, REQUEST_FIELDS);
    pack_str(&pack, request->name);
    pack_str(&pack, request->stream);
    pack_uint(&pack, request->from_version);
    pack_uint(&pack, request->limit);
    pack_end(&pack);
}

enum varve_status varve_decode_outbox_history(struct varve_view body, struct varve_outbox_history_request *ret,
                                              struct varve_error *error)
{
    struct varve_outbox_history_request request = { 0 };
    struct fields fields;

    fields_begin(&fields, "OUTBOX_HISTORY", body, error);
    uint32_t unknown = fields_open(&fields, REQUEST_FIELDS);

    request.name = fields_outbox(&fields);
    request.stream = fields_stream(&fields, "stream");
    request.from_version = fields_uint(&fields, "from_version", 0, INT64_MAX);
    request.limit = (uint32_t)fields_uint(&fields, "limit", 1, VARVE_MAX_OUTBOX_LIST);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

static void encode_event(struct pack *pack, const struct varve_outbox_history_event *event)
{
    pack_array(pack, EVENT_FIELDS);
    pack_uint(pack, event->version);
    pack_uint(pack, event->position);
    pack_str(pack, event->type);
    pack_int(pack, event->recorded_at_us);
    pack_uint(pack, event->fate);
    pack_str_or_nil(pack, event->topic);
    pack_time_or_nil(pack, event->published_at_us);
    pack_uint(pack, event->retry_count);
    pack_str_or_nil(pack, event->last_error);
}

void varve_encode_outbox_history_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                    const struct varve_outbox_history_event *events, size_t count, bool end)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_HISTORY_OK, request_id);
    pack_array(&pack, 2);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++)
        encode_event(&pack, &events[i]);
    pack_bool(&pack, end);
    pack_end(&pack);
}

static void decode_event(struct fields *fields, struct varve_outbox_history_event *event)
{
    uint32_t unknown = fields_open(fields, EVENT_FIELDS);

    event->version = fields_uint(fields, "version", 0, INT64_MAX);
    event->position = fields_uint(fields, "position", 1, UINT64_MAX);
    event->type = varve_pull_str(&fields->pull);
    event->recorded_at_us = fields_int(fields, "recorded_at", INT64_MIN, INT64_MAX);
    event->fate = (enum varve_outbox_fate)fields_uint(fields, "fate", 0, VARVE_OUTBOX_FATES - 1);
    event->topic = varve_pull_str_or_nil(&fields->pull);
    event->published_at_us = fields_time_or_nil(fields, "published_at");
    event->retry_count = (uint32_t)fields_uint(fields, "retry_count", 0, UINT32_MAX);
    event->last_error = varve_pull_str_or_nil(&fields->pull);
    fields_close(fields, unknown);
}

enum varve_status varve_decode_outbox_history_ok(struct varve_view body, struct varve_wire_arena *arena,
                                                 const struct varve_outbox_history_event **ret_events,
                                                 size_t *ret_count, bool *ret_end, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "OUTBOX_HISTORY_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    uint32_t count = fields_list(&fields, "events", LEAST_EVENT_BYTES);
    struct varve_outbox_history_event *events = fields_take(&fields, arena, count, sizeof(*events));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        decode_event(&fields, &events[i]);
    }
    fields_list_end(&fields);

    bool end = varve_pull_bool(&fields.pull);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_events = events;
    *ret_count = count;
    *ret_end = end;
    return VARVE_OK;
}
