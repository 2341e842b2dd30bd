/* event_json.h - an event as JSON: what HTTP and server-sent events send, what `varve read -o ndjson` prints and what
 * both take. One object with the members of docs/http.md, in their order. */
#ifndef VARVE_EVENT_JSON_H
#define VARVE_EVENT_JSON_H

#include "varve/json_text.h"

/* `data` of application/json and `metadata` pass through as the bytes they are (line breaks between tokens become
 * spaces); `data` of other content types is a base64 string. */
enum varve_event_json_flags {
    VARVE_EVENT_JSON_MSGPACK = 1, /* application/msgpack as JSON: numbers above 2^53 as strings, bytes as base64 */
    VARVE_EVENT_JSON_SAFE = 2,    /* numbers of the envelope above 2^53 as strings: for readers with doubles only */
};
/* JSON takes up to ten times the bytes of msgpack. Servers leave more than this as base64. */
#define VARVE_EVENT_JSON_MAX_MSGPACK (1024u * 1024)
/* Append the object, without a line feed. out->failed: no memory. */
void varve_event_json_write(struct varve_wire_buffer *out, const struct varve_event *event, unsigned flags);

/* `data`, or a saga's state, alone. */
void varve_json_write_content(struct varve_wire_buffer *out, enum varve_content_type type, struct varve_view bytes,
                              unsigned flags);

/* The views of *ret_event point into `json` or into the arena, which is not reset: many events may share it. An id that
 * is not given is nil; version, position and recorded_at are read over; an unknown member is an error with the nearest
 * known name. INVALID_ARGUMENT: error->field is the member; NO_MEMORY. Limits and reserved names are not looked at. */
enum varve_status varve_event_json_read(struct varve_view json, struct varve_wire_arena *arena,
                                        struct varve_event *ret_event, struct varve_error *error);

#endif
