/* saga_claims.h - SAGA_CLAIM: sagas given to workers, one worker each at a time, and claims that wait for one.
 *
 * A reader thread looks through the list, takes leases (saga_leases.h) and fetches the states:
 *
 *   HELD (no room) --room--> AWAY --sagas, fault--> answered
 *                             |  ^
 *                      none   v  | a saga of its type changed, a lease ended
 *                            WAITING --wait_ms over, cancelled, client gone, server stops--> answered
 *
 * Claims that want the same wait in one line, and only the first of it for whom there is room looks: however many wait,
 * a change costs one look for each thing that is wanted. */
#ifndef SERVER_SAGA_CLAIMS_H
#define SERVER_SAGA_CLAIMS_H

#include "server.h"

enum {
    SAGA_MAX_WAITING = 4096,      /* claims */
    SAGA_CLAIM_BYTES = 1 << 20,   /* of states in one answer, and one state more */
};

struct saga_claims;
enum varve_status saga_claims_start(struct server *server, struct varve_error *error); /* server->saga_claims */
/* No claim is left. */
void saga_claims_end(struct server *server);

/* Is a claim AWAY? Then the loop had better not sleep until a disk has synced. */
bool saga_claims_are_looking(const struct server *server);
/* A saga came to this version: its lease is over, and whoever waits for one of its type may look. */
void saga_claims_changed(struct server *server, struct varve_view type, struct varve_view id, int64_t version);

#endif
