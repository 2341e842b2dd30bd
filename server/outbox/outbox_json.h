/* outbox_json.h - looks one member up in the JSON of an event, without building a tree of it. Pure. */
#ifndef SERVER_OUTBOX_JSON_H
#define SERVER_OUTBOX_JSON_H

#include "varve/event.h"

enum { OUTBOX_JSON_TEXT = 512 }; /* longer texts with escapes in them are taken as they are written */

/* The member `path` of an object that passed varve_json_check(): a member of that name, else, when there are dots in
 * it, `b` in the object `a` for "a.b". null is the same as not there. False: it is not there. */
bool outbox_json_find(struct varve_view object, const char *path, struct varve_view *ret_value);

/* A value as text: strings without quotes and escapes, all else as it is written. May point into `room`. */
struct varve_view outbox_json_text(struct varve_view value, char room[OUTBOX_JSON_TEXT]);

#endif
