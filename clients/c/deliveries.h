/* deliveries.h - what a group has delivered to a consumer: events that wait to be handed over, and works that are out.
 *
 *   GROUP_EVENTS --deliveries_add()--> waiting --deliveries_next()--> out --deliveries_finish()--> finished, until the
 *   next deliveries_sweep()
 *
 * Waiting ones are bounded by the credit that the server was given. Of works that are out and never finished, the
 * oldest is let go when DELIVERIES_OUT_MAX younger ones are: the group has at most half as many in flight. */
#ifndef CLIENT_DELIVERIES_H
#define CLIENT_DELIVERIES_H

#include "varve/subscription.h"

#define DELIVERIES_OUT_MAX (2 * VARVE_MAX_IN_FLIGHT)
#define DELIVERIES_BUCKETS 1024u

struct work {
    struct work *next, *previous; /* younger, older; of one that is finished: the next of those */
    struct work *same;            /* of its bucket */
    uint64_t epoch;               /* of the membership it was delivered to */
    struct varve_event event;     /* its views point into `record` */
    uint32_t size;
    uint8_t record[];
};

struct parcel;
struct deliveries {
    struct parcel *first, *last;        /* bodies of GROUP_EVENTS, not yet handed over whole */
    struct varve_wire_arena *arena;     /* what the first of them says: */
    const struct varve_delivery *list;
    uint32_t count, index;
    struct work *oldest, *newest;       /* out */
    uint32_t out_count;
    struct work *buckets[DELIVERIES_BUCKETS]; /* the same by position */
    struct work *finished;
};

enum varve_status deliveries_init(struct deliveries *deliveries, struct varve_error *error);
void deliveries_free(struct deliveries *deliveries); /* also one of zeros */

/* Keeps a copy of the body. NO_MEMORY. */
enum varve_status deliveries_add(struct deliveries *deliveries, struct varve_view body, struct varve_error *error);
/* The membership they were delivered to has ended: what waits will come again. What is out stays. */
void deliveries_forget_waiting(struct deliveries *deliveries);

/* Hands the next one over: *ret_work, NULL when none waits. *ret_bytes: of bodies that were handed over whole by that.
 * CORRUPT, PROTOCOL; NO_MEMORY: nothing was handed over. */
enum varve_status deliveries_next(struct deliveries *deliveries, uint64_t epoch, struct varve_work *ret_work,
                                  size_t *ret_bytes, struct varve_error *error);

/* VARVE_OK: out with this epoch; FENCED: with an older one; NOT_DELIVERED: not out. */
enum varve_status deliveries_look(struct deliveries *deliveries, uint64_t position, uint64_t epoch);
/* The works of this position are not out any more. */
void deliveries_finish(struct deliveries *deliveries, uint64_t position);
/* Frees what was finished. */
void deliveries_sweep(struct deliveries *deliveries);

#endif
