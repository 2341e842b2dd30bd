/* parked_record.h - what is remembered about events that were set aside: the events of `$parked-<name>`, as JSON and
 * back.
 *
 * `$parked` and `$parked.failed` (a replay failed, too) are whole pictures of one parked event; the others say that
 * some are parked no more, and why. */
#ifndef SERVER_PARKED_RECORD_H
#define SERVER_PARKED_RECORD_H

#include <jansson.h>

#include "varve/group.h"

enum parked_event_kind {
    PARKED_PARKED, PARKED_FAILED, PARKED_RESOLVED, PARKED_DISCARDED,
    PARKED_EVENT_KINDS
};
enum { PARKED_MAX_POSITIONS = 1000 }; /* that one `$parked.discarded` names */

const char *parked_event_type(enum parked_event_kind kind); /* "$parked", "$parked.failed", ... */
bool parked_event_parse(struct varve_view type, enum parked_event_kind *ret);

struct parked_picture {
    struct varve_parked_event event; /* its texts live in `json` once decoded; `replaying` is not written */
    uint64_t epoch;                  /* of the group when it was written */
    json_t *json;
};
/* The data of an event, ended with free(). data == NULL: no memory. */
struct varve_view parked_picture_encode(const struct parked_picture *picture);
/* VARVE_CORRUPT says what is wrong with it. End what came of it with parked_picture_end(). */
enum varve_status parked_picture_decode(struct varve_view data, struct parked_picture *ret, struct varve_error *error);
void parked_picture_end(struct parked_picture *picture);

struct parked_note {
    uint64_t positions[PARKED_MAX_POSITIONS];
    size_t count;
    uint64_t epoch;
};
struct varve_view parked_note_encode(const struct parked_note *note, struct varve_view reason);
enum varve_status parked_note_decode(struct varve_view data, struct parked_note *ret, struct varve_error *error);

#endif
