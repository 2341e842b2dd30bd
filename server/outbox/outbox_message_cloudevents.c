/* outbox_message_cloudevents.c - CloudEvents 1.0 with the Kafka binding: binary (attributes are headers `ce_*`, the
 * value is the data) and structured (one JSON document). Extensions are strings: its integers end at 2^31. */
#include "outbox_message_parts.h"

/* An attribute that must not be empty; ids of events are unique by themselves. */
static struct varve_view source_of(const struct varve_event *event)
{
    return event->source.size > 0 ? event->source : varve_view_str("varve");
}

static int64_t time_of(const struct varve_event *event)
{
    return event->time_us != VARVE_TIME_NONE ? event->time_us : event->recorded_at_us;
}

static void write_source(struct outbox_sink *sink, const struct outbox_making *making)
{
    outbox_put_uri(sink, source_of(making->event));
}

bool outbox_make_cloudevent(struct outbox_making *making)
{
    struct outbox_headers *headers = &making->headers;
    const struct varve_event *event = making->event;
    struct varve_view source = outbox_make_text(making, write_source);

    if (source.data == NULL)
        return false;
    outbox_headers_view(headers, "ce_specversion", varve_view_str("1.0"));
    outbox_headers_uuid(headers, "ce_id", &event->id);
    outbox_headers_view(headers, "ce_source", source);
    outbox_headers_view(headers, "ce_type", event->type);
    outbox_headers_time(headers, "ce_time", time_of(event));
    outbox_headers_view(headers, "ce_subject", event->stream);
    outbox_headers_view(headers, "ce_partitionkey", making->key);
    outbox_headers_number(headers, "ce_vver", event->version);
    outbox_headers_number(headers, "ce_vpos", event->position);
    outbox_headers_number(headers, "ce_vschema", event->schema_version);
    outbox_headers_view(headers, "ce_vclass", varve_view_str(varve_class_name(event->class_)));
    outbox_headers_uuid(headers, "ce_correlationid", &event->correlation_id);
    outbox_headers_uuid(headers, "ce_causationid", &event->causation_id);
    outbox_headers_view(headers, "ce_vuser", event->user_id);
    if (event->data.size > 0)
        outbox_headers_view(headers, "content-type", varve_view_str(varve_content_type_name(event->content_type)));
    outbox_make_identity(making);
    making->value = outbox_data_of(event);
    return true;
}

/* JSON stays as the client wrote it, to the byte. */
static void write_data(struct outbox_sink *sink, const struct varve_event *event)
{
    if (event->data.size == 0)
        return;
    outbox_put_text_member(sink, "datacontenttype", varve_view_str(varve_content_type_name(event->content_type)));
    if (event->content_type == VARVE_CONTENT_JSON) {
        outbox_put_word(sink, ",\"data\":");
        outbox_put_view(sink, event->data);
    } else {
        outbox_put_word(sink, ",\"data_base64\":");
        outbox_put_base64(sink, event->data);
    }
}

static void write_number_member(struct outbox_sink *sink, const char *name, uint64_t number)
{
    char text[OUTBOX_NUMBER_TEXT];

    outbox_put_text_member(sink, name, varve_view_of(text, outbox_text_number(text, number)));
}

static void write_document(struct outbox_sink *sink, const struct outbox_making *making)
{
    const struct varve_event *event = making->event;

    outbox_put_word(sink, "{\"specversion\":\"1.0\"");
    outbox_put_uuid_member(sink, "id", &event->id);
    outbox_put_word(sink, ",\"source\":\"");
    write_source(sink, making);
    outbox_put_word(sink, "\"");
    outbox_put_text_member(sink, "type", event->type);
    outbox_put_time_member(sink, "time", time_of(event));
    outbox_put_text_member(sink, "subject", event->stream);
    outbox_put_text_member(sink, "partitionkey", making->key);
    write_number_member(sink, "vver", event->version);
    write_number_member(sink, "vpos", event->position);
    write_number_member(sink, "vschema", event->schema_version);
    outbox_put_text_member(sink, "vclass", varve_view_str(varve_class_name(event->class_)));
    outbox_put_uuid_member(sink, "correlationid", &event->correlation_id);
    outbox_put_uuid_member(sink, "causationid", &event->causation_id);
    outbox_put_text_member(sink, "vuser", event->user_id);
    write_data(sink, event);
    outbox_put_word(sink, "}");
}

bool outbox_make_structured_cloudevent(struct outbox_making *making)
{
    outbox_headers_view(&making->headers, "content-type",
                        varve_view_str("application/cloudevents+json; charset=UTF-8"));
    outbox_make_identity(making);
    making->value = outbox_make_text(making, write_document);
    return making->value.data != NULL;
}
