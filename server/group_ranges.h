/* group_ranges.h - which events above a group's checkpoint are finished: runs of positions, ascending.
 *
 * Everything in a run is finished, or no event of the group. With the checkpoint they say what must not be delivered
 * again after a crash, however long one event below holds the checkpoint back. */
#ifndef SERVER_GROUP_RANGES_H
#define SERVER_GROUP_RANGES_H

#include "group_state.h"
#include "json_fields.h"

enum { GROUP_MAX_RANGES = 32768 };

struct group_ranges {
    struct group_range *runs;
    size_t count;
    bool complete; /* all that is finished is in them */
};
void group_ranges_end(struct group_ranges *ranges);

/* What the machine has finished, and of `earlier` (an earlier life's) what it has not looked at yet; at most `room`
 * runs. False: no memory. */
bool group_ranges_make(struct group_ranges *ret, const struct group_state *state, const struct group_ranges *earlier,
                       size_t room);
bool group_ranges_have(const struct group_ranges *ranges, uint64_t position);

/* As a list of numbers: of each run the distance from the end of the one before (first: from the checkpoint), and its
 * length. Nothing is set when there are none. */
bool group_ranges_set(json_t *object, const char *name, const struct group_ranges *ranges, uint64_t checkpoint);
/* Reports what is wrong to `fields`. False: no memory. */
bool group_ranges_take(struct json_fields *fields, const char *name, uint64_t checkpoint, struct group_ranges *ret);

#endif
