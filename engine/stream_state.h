/* stream_state.h - what the store knows of one stream: a fold of the log, the same in the tail and in store.mdb. */
#ifndef ENGINE_STREAM_STATE_H
#define ENGINE_STREAM_STATE_H

#include "varve/store.h"

enum { STREAM_DELETED = 1, STREAM_TOMBSTONED = 2 };

struct stream_state {
    uint64_t id;              /* counts up from first appearance; 0 until the settler has given one */
    int64_t version;          /* of the last event; -1: none yet */
    uint64_t last_position;
    int64_t created_at_us;
    int64_t updated_at_us;
    uint64_t truncate_before;
    uint64_t max_count;       /* 0 = no bound */
    int64_t max_age_us;       /* 0 = no bound */
    uint32_t flags;           /* STREAM_* */
};

void stream_state_init(struct stream_state *state); /* a stream that never was */

/* The stream gets its next event (already numbered state->version + 1). */
void stream_state_add(struct stream_state *state, uint64_t position, int64_t recorded_at_us);

/* Deleted now, that is: with the flag, and nothing was appended since. */
bool stream_state_is_deleted(const struct stream_state *state);

/* The version that `expected` is compared with: -1 for a stream that never was or is deleted. */
int64_t stream_state_actual(const struct stream_state *state);

/* The lowest version that may be shown, by truncate_before and max_count; age is judged per event. */
uint64_t stream_state_first_visible(const struct stream_state *state);

/* May an event of this version, recorded then, be shown at `now_us`? */
bool stream_state_shows(const struct stream_state *state, uint64_t version, int64_t recorded_at_us, int64_t now_us);

void stream_state_to_info(const struct stream_state *state, struct varve_stream_info *ret_info);

#endif
