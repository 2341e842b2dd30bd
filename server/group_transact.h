/* group_transact.h - acks of a consumer group as a part of a transaction: the events that are acked are held while its
 * outcome is unknown, and what is remembered about them is written in the same frame.
 *
 *   delivered --group_hold_begin()--> held --group_hold_end(): stored--> finished, as by an ack
 *                                      | '--not stored, its member is there--> with it again, with a new deadline
 *                                      '--not stored, its member left meanwhile--> to others
 * While it is held nobody else gets the event, nor any later one of its key; it does not run late; acks, nacks and
 * extensions of it, and of another transaction, are refused with FENCED. A reset or deletion of the group waits until
 * nothing is held, so that it comes before or after a transaction in the log, and counts so. */
#ifndef SERVER_GROUP_TRANSACT_H
#define SERVER_GROUP_TRANSACT_H

#include "session.h"
#include "varve/wire.h"

struct group_hold;

enum { GROUP_HOLD_MAX_EVENTS = 2 };
struct group_hold_event {        /* JSON, into a stream expected to be at any version */
    struct varve_view stream;    /* "$group-<name>"; for replays of parked events "$parked-<name>" */
    const char *type;            /* "$group.acked"; "$parked.resolved" */
    struct varve_view data;
    struct varve_uuid id;        /* new each time: what acks is never taken for a repetition of what was stored before,
                                  * or the ack would not be in the log */
};

/* Hold the events that `ack` names; `session` must be that of the membership. VARVE_OK: all are held, and the caller
 * ends *ret_hold with group_hold_end() in any case. Otherwise nothing is held and *error says why; *ret_conflicts of
 * `conflicts` (room for ack->count) name what was refused, if it was for single events: VARVE_FENCED or
 * VARVE_NOT_DELIVERED, as the first of them, with part ACK and the index of the position. None for GROUP_NOT_FOUND,
 * CORRUPT, FENCED (the membership), INVALID_ARGUMENT (too many replays), NOT_READY (the group is being reset or
 * deleted), OVERLOADED, NO_MEMORY. */
enum varve_status group_hold_begin(struct session *session, const struct varve_group_ack *ack,
                                   struct varve_conflict *conflicts, size_t *ret_conflicts,
                                   struct group_hold **ret_hold, struct varve_error *error);
/* The events that belong into the transaction's frame: 1 or 2. They live as long as the hold. */
size_t group_hold_events(const struct group_hold *hold, struct group_hold_event ret[GROUP_HOLD_MAX_EVENTS]);
/* The outcome is known: `results` are those of the events' streams, in their order; NULL: nothing was stored. Before
 * anything else is heard from clients, or at least in the order of the outcomes. Frees the hold. */
void group_hold_end(struct group_hold *hold, const struct varve_append_result *results);

#endif
