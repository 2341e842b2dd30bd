/* event_json_parts.h - what writing and reading an event as JSON have in common. */
#ifndef EVENT_JSON_PARTS_H
#define EVENT_JSON_PARTS_H

#include "varve/event_json.h"

/* The members of the object, in the order in which they are written. */
enum event_member {
    MEMBER_STREAM, MEMBER_TYPE, MEMBER_ID, MEMBER_TIME, MEMBER_CORRELATION_ID, MEMBER_CAUSATION_ID, MEMBER_SOURCE,
    MEMBER_USER_ID, MEMBER_CLASS, MEMBER_SCHEMA_VERSION, MEMBER_CONTENT_TYPE, MEMBER_METADATA, MEMBER_DATA,
    MEMBER_VERSION, MEMBER_POSITION, MEMBER_RECORDED_AT, EVENT_MEMBERS
};
extern const char *const event_member_names[EVENT_MEMBERS];

/* As varve_event_json_read(), of an object that is known to be JSON. `stream` is the one that the event goes to when it
 * names none itself; absent: it must. An event that names another one is wrong. */
enum varve_status event_json_take(struct varve_view object, struct varve_view stream, struct varve_wire_arena *arena,
                                  struct varve_event *ret_event, struct varve_error *error);

/* Any msgpack value as JSON. `bytes` passed varve_msgpack_check(); false: it did not, and nothing was written. */
bool msgpack_to_json(struct varve_wire_buffer *out, struct varve_view bytes);

#endif
