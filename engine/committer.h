/* committer.h - the one writer: takes the whole queue as a group, admits each append, writes one frame, syncs once,
 * publishes, and only then tells each append its outcome.
 *
 *   queue --take--> group --admit each--> frame --sync--> publish --done callbacks--> next group
 *
 * A group is run by the committer's thread, or by a caller of varve_append_wait() who finds nobody at it: then no
 * thread has to be woken. Both hold commit_lock. */
#ifndef ENGINE_COMMITTER_H
#define ENGINE_COMMITTER_H

#include "store_parts.h"

enum varve_status committer_start(struct varve_store *store, struct varve_error *error);
/* Commit what is queued, then end the thread. */
void committer_stop(struct varve_store *store);

#endif
