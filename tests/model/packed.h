/* packed.h - a world of a consumer group as a few bytes: worlds that will behave alike have the same bytes.
 *
 * What does not matter for what can come is left out or counted anew: times become ranks (deadlines are as far apart as
 * everything that is begun later, so their order is all that counts), epochs become numbers in the order of what their
 * members have, the order of events counts within their key only. */
#ifndef TESTS_PACKED_H
#define TESTS_PACKED_H

#include "support/group_world.h"

enum { PACKED_EVENTS = 4, PACKED_MEMBERS = 3, PACKED_BEGUN_MS = 100 }; /* all that is begun takes so long */

struct packed_event {
    uint8_t what;     /* state, settling, told, durable, replay */
    uint8_t who;      /* attempt, number of the holder (0: none) */
    uint8_t when;     /* rank of its deadline (0: none), place in its key */
    uint8_t for_good; /* finished, parked, stored */
};
struct packed {
    struct packed_event events[PACKED_EVENTS];
    uint8_t fed, durable_checkpoint, members, stopped, first_ready; /* first_ready: the key whose turn it is */
    uint8_t crashes, replays, stops, holds;                         /* how many more there may be */
};

/* What is left over of a bound is the caller's. */
void packed_from(struct group_world *world, struct packed *ret);
/* A world in that state, at time 0. `world` was begun with its limits and keys, and may be in any state. */
void packed_to(const struct packed *packed, struct group_world *world);

#endif
