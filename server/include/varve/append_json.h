/* append_json.h - an append to one stream as JSON: what POST /v1/streams/{stream} takes. */
#ifndef VARVE_APPEND_JSON_H
#define VARVE_APPEND_JSON_H

#include "varve/event_json.h"
#include "varve/store.h"

/* "any", "no_stream", "stream_exists", or the version last seen. false: none of these. */
bool varve_expected_parse(struct varve_view text, int64_t *ret);
/* The same word or number as JSON. What is told of a stream without events (-1) is "no_stream", too. */
void varve_json_write_expected(struct varve_wire_buffer *out, int64_t expected);

struct varve_append_json {
    bool has_expected;          /* the body said what it expects */
    int64_t expected;           /* else VARVE_EXPECTED_ANY */
    struct varve_event *events; /* in the arena; each with `stream` as its stream */
    size_t count;
};
/* One event, an array of them, or {"expected": ..., "events": [...]}; the events may leave out the stream. The arena is
 * not reset. INVALID_ARGUMENT: error->field is the member, such as "events[3].type"; APPEND_TOO_LARGE: more than
 * max_events; NO_MEMORY. What varve_append_create() checks is not looked at. */
enum varve_status varve_append_json_read(struct varve_view json, struct varve_view stream, size_t max_events,
                                         struct varve_wire_arena *arena, struct varve_append_json *ret,
                                         struct varve_error *error);

#endif
