/* arena.h - memory for the arrays of one decoded message. */
#ifndef ARENA_H
#define ARENA_H

#include "varve/wire.h"

/* Room for `count` items of `size` bytes each, aligned for anything, not cleared; also for a count of 0. NULL when
 * memory could not be had. Lives until the arena is reset. */
void *arena_take(struct varve_wire_arena *arena, size_t count, size_t size);

size_t arena_taken(const struct varve_wire_arena *arena); /* bytes since the last reset */

#endif
