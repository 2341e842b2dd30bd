/* event_json.h - an event as JSON: what HTTP and server-sent events send, what `varve read -o ndjson` prints and what
 * both take. One object with the members of docs/http.md, in their order. */
#ifndef VARVE_EVENT_JSON_H
#define VARVE_EVENT_JSON_H

#include "varve/wire.h"

/* `data` of application/json and `metadata` pass through as the bytes they are (line breaks between tokens become
 * spaces); `data` of other content types is a base64 string. */
enum varve_event_json_flags {
    VARVE_EVENT_JSON_MSGPACK = 1, /* application/msgpack as JSON: numbers above 2^53 as strings, bytes as base64 */
    VARVE_EVENT_JSON_SAFE = 2,    /* numbers of the envelope above 2^53 as strings: for readers with doubles only */
};
/* Append the object, without a line feed. out->failed: no memory. */
void varve_event_json_write(struct varve_wire_buffer *out, const struct varve_event *event, unsigned flags);

/* The views of *ret_event point into `json` or into the arena, which is reset. An id that is not given is nil; version,
 * position and recorded_at are read over; an unknown member is an error with the nearest known name.
 * INVALID_ARGUMENT: error->field is the member. Limits and reserved names are not looked at. */
enum varve_status varve_event_json_read(struct varve_view json, struct varve_wire_arena *arena,
                                        struct varve_event *ret_event, struct varve_error *error);

/* Texts for JSON, for whoever writes other objects: a string with its quotes (`text` is UTF-8); a number, as a string
 * above 2^53; "2024-05-01T12:00:00.000000Z" with its quotes; a UUID with its quotes. */
void varve_json_write_text(struct varve_wire_buffer *out, struct varve_view text);
void varve_json_write_number(struct varve_wire_buffer *out, uint64_t number);
void varve_json_write_time(struct varve_wire_buffer *out, int64_t time_us);
void varve_json_write_uuid(struct varve_wire_buffer *out, const struct varve_uuid *uuid);
void varve_json_write_raw(struct varve_wire_buffer *out, const char *text); /* as it is */

#endif
