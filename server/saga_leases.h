/* saga_leases.h - which sagas are given to workers and until when, and up to where there is nothing left to give.
 *
 * Pure: no clock, no lock, no store. A saga has one lease at most, for the version that it was given at:
 *
 *   free --taken--> leased --its time is over, given back--> free
 *                     '--the saga changed: another version--> gone; the new version is free
 *
 * The list of sagas of one type and status by their last change is looked through from its beginning by every claim,
 * and where many are leased, or not at the step that is wanted, that would take long. So for each thing that claims
 * want (a type, a status, perhaps a step) a position is remembered up to which nothing can be given: each saga there is
 * leased, or not wanted. It holds since a saga that changes moves to the list's end, and since whenever a lease ends
 * without a change, the positions of its type fall back to before it. */
#ifndef SERVER_SAGA_LEASES_H
#define SERVER_SAGA_LEASES_H

#include "varve/saga.h"

enum {
    SAGA_MAX_LEASES = 65536,
    SAGA_MAX_WANTS = 256,     /* of which such a position is remembered; the least used is forgotten */
};

struct saga_leases;
/* At most `capacity` leases. NULL: no memory. */
struct saga_leases *saga_leases_create(uint32_t capacity, uint64_t seed);
void saga_leases_free(struct saga_leases *leases);
uint64_t saga_leases_bound(uint32_t capacity); /* the most memory that they may take */
uint32_t saga_leases_count(const struct saga_leases *leases);

/* End those whose time is over: `until` <= now. */
void saga_leases_end_due(struct saga_leases *leases, uint64_t now_ms);
/* When the next one's time will be over; UINT64_MAX: there is none. */
uint64_t saga_leases_next_end(const struct saga_leases *leases);
/* How often a lease ended without a change of its saga, since the beginning. */
uint64_t saga_leases_freed(const struct saga_leases *leases);

enum saga_lease_outcome {
    SAGA_LEASE_GIVEN,
    SAGA_LEASE_TAKEN,   /* somebody has it, or had a newer version of it */
    SAGA_LEASE_NO_ROOM, /* for another lease */
};
/* Give a saga, as a list showed it (type, id, version and position count), to a claim. */
enum saga_lease_outcome saga_leases_take(struct saga_leases *leases, const struct varve_saga *saga, uint64_t claim,
                                         uint64_t until_ms);
/* The saga is at this version now: a lease of an older one is over. */
void saga_leases_changed(struct saga_leases *leases, struct varve_view type, struct varve_view id, int64_t version);
/* What this claim was given, and is still leased, is free again: nobody has heard of it. */
void saga_leases_give_back(struct saga_leases *leases, uint64_t claim);

struct saga_want {
    struct varve_view type;
    enum varve_saga_status status;
    struct varve_view step;   /* empty: any */
};
/* Nothing can be given up to this position, unless a lease is due to end. */
uint64_t saga_leases_low(struct saga_leases *leases, const struct saga_want *want);
/* Each wanted saga behind `from`, a position up to which nothing could be given, and up to `to`, is leased at this
 * moment: it was looked at since the last call of saga_leases_end_due(). */
void saga_leases_looked(struct saga_leases *leases, const struct saga_want *want, uint64_t from, uint64_t to);

#endif
