/* transact_system.h - the server's own part of a transaction: checkpoints that move, and what a group remembers of
 * acks, as events of system streams. */
#ifndef SERVER_TRANSACT_SYSTEM_H
#define SERVER_TRANSACT_SYSTEM_H

#include "varve/wire_saga.h"

#include "group_transact.h"

struct transact_system {
    struct varve_append_request request; /* the checkpoints' streams, then the group's */
    void *memory;                        /* of it; the group's views are the hold's */
};
/* `last_position`: of the log; a checkpoint must not be past it. `hold` may be NULL. INVALID_ARGUMENT, NO_MEMORY. */
enum varve_status transact_system_make(const struct varve_transact_request *request, uint64_t last_position,
                                       const struct group_hold *hold, struct transact_system *ret,
                                       struct varve_error *error);
void transact_system_free(struct transact_system *system);

#endif
