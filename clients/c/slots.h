/* slots.h - the requests in flight: a ring, oldest first.
 *
 * Their frames stand one behind the other in connection.out and stay there until they are answered. So a loss is
 * repaired by throwing out what must not be sent twice and sending `out` from its beginning.
 *
 *   slot: in flight --answer, the oldest--> handed over
 *         in flight --answer, but an earlier one is due--> settled --all earlier handed over--> handed over
 *         in flight --NOT_READY--> refused: in flight again on the next connection
 *         in flight --deadline, or a loss and not to be repeated--> settled */
#ifndef CLIENT_SLOTS_H
#define CLIENT_SLOTS_H

#include "client_state.h"

/* Make the ring, if it is not there yet. NO_MEMORY. */
enum varve_status slots_make(struct varve_client *client, struct varve_error *error);
void slots_free(struct pipeline *pipeline);

/* The i-th in flight; 0 is the oldest. */
static inline struct slot *slot_at(struct pipeline *p, uint32_t i)
{
    return &p->slots[(p->head + i) % p->capacity];
}
struct slot *slots_find(struct pipeline *p, uint32_t request_id); /* NULL: not in flight */

/* The oldest: free its slot, then tell how it ended, so that `done` may submit another. */
void slots_hand_over(struct varve_client *client, const struct ending *ending);
/* The oldest ones of which that is known already. */
void slots_hand_over_settled(struct varve_client *client);
/* Keep the answer until all earlier ones were handed over. PROTOCOL, NO_MEMORY: dropped. */
enum varve_status slots_hold(struct varve_client *client, struct slot *slot, uint8_t opcode, struct varve_view body,
                             struct varve_error *error);

/* The connection is gone because of `cause`; a new one will be tried (`again`) or not. Settles what does not go on and
 * makes `out` hold the rest, to be sent from its beginning. Returns the first fault of a request, VARVE_OK for none. */
enum varve_status slots_lose(struct varve_client *client, enum varve_status cause, bool again,
                             const struct varve_error *why);
/* The deadline of the oldest request that still has time. */
uint64_t slots_next_deadline(struct pipeline *p);

#endif
