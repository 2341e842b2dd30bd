/* settler.h - when the tail moves to store.mdb. The committer freezes a layer at a group's edge and drops it when it
 * has been written; the settler's thread writes it meanwhile, so a settle never delays a commit until the next layer
 * is full too. The states are drawn in store_parts.h. */
#ifndef ENGINE_SETTLER_H
#define ENGINE_SETTLER_H

#include "store_parts.h"

enum varve_status settler_start(struct varve_store *store, struct varve_error *error);
void settler_stop(struct varve_store *store);

/* Under commit_lock, between groups: drop what was written, freeze what is to be written. */
void settler_step(struct varve_store *store);
/* Under commit_lock: wait while both layers are full. DISK_FULL when the settler cannot go on for want of space, or the
 * store's fault. */
enum varve_status settler_make_room(struct varve_store *store, struct varve_error *error);
/* Is there something for settler_step() to do? Under queue_lock. */
bool settler_needs_step(const struct varve_store *store);

#endif
