/* streams_meta.h - what the events of "$$<stream>" mean: type "$metadata", data a JSON object that names what changes.
 *
 *   {"truncate_before":12}   {"max_count":100,"max_age_us":0}   {"deleted":true}   {"tombstoned":true}
 *
 * A stream's state is the fold of these events over its own; the same code folds in the tail and at recovery. */
#ifndef ENGINE_STREAMS_META_H
#define ENGINE_STREAMS_META_H

#include "stream_state.h"

#define STREAMS_META_TYPE "$metadata"
#define STREAMS_META_PREFIX "$$"
#define STREAMS_META_MAX_DATA 160

/* Is this the stream of metadata of another? If so *ret_target is that other's name, pointing into `stream`. */
bool streams_meta_target(struct varve_view stream, struct varve_view *ret_target);

/* The data of the event for a change; returns its size. */
size_t streams_meta_encode(const struct varve_stream_change *change, char ret_data[STREAMS_META_MAX_DATA]);

/* Fold one event's data into the state of the stream it speaks of. CORRUPT: not such data; *target untouched. */
enum varve_status streams_meta_apply(struct varve_view data, struct stream_state *target);

#endif
