/* outbox_arena.h - memory for one batch, given back all at once. One thread at a time. */
#ifndef SERVER_OUTBOX_ARENA_H
#define SERVER_OUTBOX_ARENA_H

#include "varve/event.h"

struct outbox_arena; /* blocks that stay for the next batch, up to a bound */

struct outbox_arena *outbox_arena_create(size_t keep_bytes);      /* NULL: no memory */
void outbox_arena_free(struct outbox_arena *arena);               /* NULL allowed */
void outbox_arena_clear(struct outbox_arena *arena);              /* everything taken is gone */
void *outbox_arena_take(struct outbox_arena *arena, size_t size); /* aligned to 8; NULL: no memory */
/* A copy with a NUL behind it. data == NULL: no memory. */
struct varve_view outbox_arena_copy(struct outbox_arena *arena, struct varve_view text);

#endif
