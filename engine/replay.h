/* replay.h - was exactly this append stored before? The rule that makes a client's retry safe.
 *
 * With an expected version (or no_stream) the events must stand right behind it; that holds for ever. With any and
 * stream_exists the ids of the newest events are asked. Either way the content must be the same to the byte. */
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include "admission.h"

enum replay_finding {
    REPLAY_SAME,        /* all of it; append->results hold the first time's numbers */
    REPLAY_NEW,         /* not all of it: `stream_index` says where old and new meet, or none is old */
    REPLAY_REUSED,      /* an id was used with other content; `stream_index` says by which stream of the append */
    REPLAY_UNPUBLISHED, /* the events to compare with are of the group under way */
};
struct replay {
    enum replay_finding finding;
    uint32_t stream_index;
};

/* Under commit_lock, streams' states looked up. A fault otherwise. */
enum varve_status replay_compare(struct group *group, struct varve_append *append, struct replay *ret_replay,
                                 struct varve_error *error);

#endif
