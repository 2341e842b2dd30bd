/* outbox_message_raw.c - the format `raw`: data as the client wrote it, all else in headers `v-*`. */
#include "outbox_message_parts.h"

bool outbox_make_raw(struct outbox_making *making)
{
    struct outbox_headers *headers = &making->headers;
    const struct varve_event *event = making->event;

    outbox_headers_uuid(headers, "v-id", &event->id);
    outbox_headers_view(headers, "v-type", event->type);
    outbox_headers_view(headers, "v-agg", event->stream);
    outbox_headers_number(headers, "v-ver", event->version);
    outbox_headers_number(headers, "v-pos", event->position);
    outbox_headers_time(headers, "v-ts", event->recorded_at_us);
    outbox_headers_time(headers, "v-time", event->time_us);
    outbox_headers_uuid(headers, "v-corr", &event->correlation_id);
    outbox_headers_uuid(headers, "v-caus", &event->causation_id);
    outbox_headers_number(headers, "v-schema", event->schema_version);
    outbox_headers_view(headers, "v-user", event->user_id);
    outbox_headers_view(headers, "v-source", event->source);
    outbox_headers_view(headers, "v-class", varve_view_str(varve_class_name(event->class_)));
    outbox_headers_view(headers, "v-meta", event->metadata);
    if (event->data.size > 0)
        outbox_headers_view(headers, "content-type", varve_view_str(varve_content_type_name(event->content_type)));
    making->value = outbox_data_of(event);
    return true;
}
