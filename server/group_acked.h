/* group_acked.h - what transactions acked: the `$group.acked` events of `$group-<name>`, as JSON and back, and what all
 * of them together finished. */
#ifndef SERVER_GROUP_ACKED_H
#define SERVER_GROUP_ACKED_H

#include "group_ranges.h"

#define GROUP_ACKED_TYPE "$group.acked"
enum { GROUP_ACKED_MAX_POSITIONS = 10000 }; /* of one event */

/* The data of an event, ended with free(). data == NULL: no memory. `epoch`: of the member, for people. */
struct varve_view group_acked_encode(const uint64_t *positions, size_t count, uint64_t epoch);

/* Positions gathered from such events, in any order, any of them more than once. */
struct group_acked {
    struct group_range *runs;
    size_t count, capacity;
    uint64_t positions;        /* how many were added */
};
/* VARVE_CORRUPT says what is wrong with the event. */
enum varve_status group_acked_add(struct group_acked *acked, struct varve_view data, struct varve_error *error);
/* What of them lies above the checkpoint is finished, too. False: no memory, *finished is as it was. */
bool group_acked_fold(struct group_acked *acked, uint64_t checkpoint, struct group_ranges *finished);
void group_acked_end(struct group_acked *acked);

#endif
