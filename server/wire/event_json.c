/* event_json.c - an event written as JSON; reading is event_json_read.c. */
#include "event_json_parts.h"

#include "varve/uuid.h"

const char *const event_member_names[EVENT_MEMBERS] = {
    "stream", "type", "id", "time", "correlation_id", "causation_id", "source", "user_id", "class", "schema_version",
    "content_type", "metadata", "data", "version", "position", "recorded_at",
};

static void key(struct varve_wire_buffer *out, enum event_member member)
{
    varve_json_key(out, event_member_names[member]);
}

static void write_number(struct varve_wire_buffer *out, enum event_member member, uint64_t number, unsigned flags)
{
    key(out, member);
    if (flags & VARVE_EVENT_JSON_SAFE)
        varve_json_write_number(out, number);
    else
        varve_json_write_uint(out, number);
}

static void write_text(struct varve_wire_buffer *out, enum event_member member, struct varve_view text)
{
    varve_json_member_text(out, event_member_names[member], text);
}

static void write_uuid(struct varve_wire_buffer *out, enum event_member member, const struct varve_uuid *uuid)
{
    if (!varve_uuid_is_nil(uuid))
        varve_json_member_uuid(out, event_member_names[member], uuid);
}

static void write_origin(struct varve_wire_buffer *out, const struct varve_event *event)
{
    if (event->time_us != VARVE_TIME_NONE)
        varve_json_member_time(out, event_member_names[MEMBER_TIME], event->time_us);
    write_uuid(out, MEMBER_CORRELATION_ID, &event->correlation_id);
    write_uuid(out, MEMBER_CAUSATION_ID, &event->causation_id);
    if (event->source.data != NULL)
        write_text(out, MEMBER_SOURCE, event->source);
    if (event->user_id.data != NULL)
        write_text(out, MEMBER_USER_ID, event->user_id);
}

void varve_json_write_content(struct varve_wire_buffer *out, enum varve_content_type type, struct varve_view bytes,
                              unsigned flags)
{
    if (type == VARVE_CONTENT_JSON && bytes.size > 0)
        varve_json_write_json(out, bytes);
    else if (type != VARVE_CONTENT_MSGPACK || !(flags & VARVE_EVENT_JSON_MSGPACK) || !msgpack_to_json(out, bytes))
        varve_json_write_base64(out, bytes);
}

static void write_content(struct varve_wire_buffer *out, const struct varve_event *event, unsigned flags)
{
    if (event->class_ != VARVE_CLASS_DOMAIN)
        write_text(out, MEMBER_CLASS, varve_view_str(varve_class_name(event->class_)));
    if (event->schema_version != 1)
        write_number(out, MEMBER_SCHEMA_VERSION, event->schema_version, flags);
    if (event->content_type != VARVE_CONTENT_JSON)
        write_text(out, MEMBER_CONTENT_TYPE, varve_view_str(varve_content_type_name(event->content_type)));
    if (event->metadata.size > 0) {
        key(out, MEMBER_METADATA);
        varve_json_write_json(out, event->metadata);
    }
    if (event->data.size > 0) {
        key(out, MEMBER_DATA);
        varve_json_write_content(out, event->content_type, event->data, flags);
    }
}

void varve_event_json_write(struct varve_wire_buffer *out, const struct varve_event *event, unsigned flags)
{
    varve_json_write_raw(out, "{");
    write_text(out, MEMBER_STREAM, event->stream);
    write_text(out, MEMBER_TYPE, event->type);
    varve_json_member_uuid(out, event_member_names[MEMBER_ID], &event->id);
    write_origin(out, event);
    write_content(out, event, flags);
    write_number(out, MEMBER_VERSION, event->version, flags);
    write_number(out, MEMBER_POSITION, event->position, flags);
    varve_json_member_time(out, event_member_names[MEMBER_RECORDED_AT], event->recorded_at_us);
    varve_json_write_raw(out, "}");
}
