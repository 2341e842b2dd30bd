/* outbox_message_envelope.c - the format `envelope`: {"metadata": {...}, "payload": ...} for consumers that look at
 * values only. Positions are numbers: they reach 2^53, where some readers round, after 285 years of a million events a
 * second. */
#include "outbox_message_parts.h"

static void write_number_member(struct outbox_sink *sink, const char *name, uint64_t number)
{
    outbox_put_word(sink, name);
    outbox_put_number(sink, number);
}

static void write_metadata(struct outbox_sink *sink, const struct varve_event *event)
{
    char id[VARVE_UUID_TEXT];

    varve_uuid_format(&event->id, id);
    outbox_put_word(sink, "{\"id\":");
    outbox_put_string(sink, varve_view_of(id, VARVE_UUID_TEXT - 1));
    outbox_put_text_member(sink, "type", event->type);
    outbox_put_text_member(sink, "stream", event->stream);
    write_number_member(sink, ",\"version\":", event->version);
    write_number_member(sink, ",\"position\":", event->position);
    outbox_put_time_member(sink, "recorded_at", event->recorded_at_us);
    outbox_put_time_member(sink, "time", event->time_us);
    write_number_member(sink, ",\"schema_version\":", event->schema_version);
    outbox_put_text_member(sink, "class", varve_view_str(varve_class_name(event->class_)));
    outbox_put_uuid_member(sink, "correlation_id", &event->correlation_id);
    outbox_put_uuid_member(sink, "causation_id", &event->causation_id);
    outbox_put_text_member(sink, "source", event->source);
    outbox_put_text_member(sink, "user_id", event->user_id);
    if (event->data.size > 0)
        outbox_put_text_member(sink, "content_type", varve_view_str(varve_content_type_name(event->content_type)));
    if (event->metadata.size > 0) {
        outbox_put_word(sink, ",\"metadata\":");
        outbox_put_view(sink, event->metadata);
    }
    outbox_put_word(sink, "}");
}

static void write_envelope(struct outbox_sink *sink, const struct outbox_making *making)
{
    const struct varve_event *event = making->event;

    outbox_put_word(sink, "{\"metadata\":");
    write_metadata(sink, event);
    if (event->data.size == 0) {
        outbox_put_word(sink, ",\"payload\":null}");
    } else if (event->content_type == VARVE_CONTENT_JSON) {
        outbox_put_word(sink, ",\"payload\":");
        outbox_put_view(sink, event->data);
        outbox_put_word(sink, "}");
    } else {
        outbox_put_word(sink, ",\"payload_base64\":");
        outbox_put_base64(sink, event->data);
        outbox_put_word(sink, "}");
    }
}

bool outbox_make_envelope(struct outbox_making *making)
{
    outbox_headers_view(&making->headers, "content-type", varve_view_str("application/json"));
    outbox_make_identity(making);
    making->value = outbox_make_text(making, write_envelope);
    return making->value.data != NULL;
}
