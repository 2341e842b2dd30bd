/* hidden.h - which streams may have something to hide: a filter that is asked once per event read.
 *
 * Events are hidden when their stream was truncated, deleted, or has a retention. Most streams never have any of it,
 * and most stores none at all, so a small table of bits by name hash answers "certainly not" without looking at the
 * stream. A wrong "maybe" costs one look. Bits are only ever set; opening a store builds the table anew. Any thread. */
#ifndef ENGINE_HIDDEN_H
#define ENGINE_HIDDEN_H

#include "varve/event.h"

struct hidden;

enum varve_status hidden_create(uint64_t seed, struct hidden **ret_hidden);
void hidden_destroy(struct hidden *hidden); /* NULL allowed */
void hidden_add(struct hidden *hidden, struct varve_view stream);
bool hidden_maybe(const struct hidden *hidden, struct varve_view stream);

#endif
