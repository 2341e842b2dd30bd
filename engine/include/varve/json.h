/* json.h - is this text JSON (RFC 8259), and where in it does a member stand?
 *
 * Checks without building anything, so that numbers of any size and the writer's own spelling survive: the store keeps
 * JSON byte for byte. Nesting is bounded. See docs/decisions/ for why this is not jansson. */
#ifndef VARVE_JSON_H
#define VARVE_JSON_H

#include "varve/event.h"

#define VARVE_JSON_MAX_DEPTH 128u

/* Exactly one JSON value with optional white space around it, valid UTF-8, no unpaired surrogate rules beyond RFC 8259.
 * On failure *ret_offset is the byte where it stopped being JSON and *ret_why a static sentence; both may be NULL. */
bool varve_json_check(struct varve_view text, size_t *ret_offset, const char **ret_why);
/* The same for a document that holds such values so many levels below itself, 1 to VARVE_JSON_MAX_LEVELS: as many more
 * are allowed. */
#define VARVE_JSON_MAX_LEVELS 3u
bool varve_json_check_envelope(struct varve_view text, unsigned levels, size_t *ret_offset, const char **ret_why);

/* Walk the members of an object: start with *cursor = 0 and call until it returns false. `key` is the raw text between
 * the quotes (escapes not resolved) and `value` the raw text of the value, both pointing into `object`.
 * `object` must have passed varve_json_check(); a value that is not an object yields nothing. */
bool varve_json_next_member(struct varve_view object, size_t *cursor, struct varve_view *ret_key,
                            struct varve_view *ret_value);
/* The same for the items of an array. */
bool varve_json_next_item(struct varve_view array, size_t *cursor, struct varve_view *ret_value);

#endif
