/* recovery.h - what a store must know before it serves: the newest ids, the streams with something to hide, and the
 * events that are in the journal only. */
#ifndef ENGINE_RECOVERY_H
#define ENGINE_RECOVERY_H

#include "store_parts.h"
#include "tables.h"

/* The db is open, the tail is empty and begins behind meta->settled_position. Opens the journal. */
enum varve_status recovery_run(struct varve_store *store, const struct tables_meta *meta, bool create,
                               struct varve_error *error);

#endif
