/* settle.h - one layer of the tail into store.mdb, in one transaction. Recovery needs nothing else: what is past
 * settled_position in the journal becomes a layer again.
 *
 * A layer that touches more streams than one transaction can hold dirty pages for is written in slices, each a
 * transaction that ends with its own settled_position. A stream's row then has its version as of the slice, and what
 * its metadata events say (truncation, retention, deletion) as of the whole layer: replaying the rest gives the
 * same. */
#ifndef ENGINE_SETTLE_H
#define ENGINE_SETTLE_H

#include "db.h"
#include "tail.h"

/* Write events, stream rows, posting lists, runs and the new settled_position. Anything but VARVE_OK: nothing of it (or
 * its first slices only) was written, or (a failed commit) its fate is unknown and the store must stop. A layer whose
 * beginning is settled already is continued. */
enum varve_status settle_layer(struct db *db, const struct tail_layer *layer, struct varve_error *error);

#endif
