/* transact.h - one transaction over events, sagas and what the server remembers: one frame, one sync, all or nothing.
 *
 * A transaction is an append whose streams come in three parts: streams that clients write to (and checks on streams
 * not written), sagas, and the server's own. It is submitted, waited for and freed like any other (store.h), and is
 * recognised when it is repeated with the same event ids. */
#ifndef VARVE_TRANSACT_H
#define VARVE_TRANSACT_H

#include "varve/saga.h"
#include "varve/store.h"

struct varve_transact {
    struct varve_append_request appends; /* as for varve_append_create(), but may have no event, or nothing at all */
    const struct varve_saga_change *sagas; /* each saga at most once */
    size_t saga_count;
    struct varve_append_request system;  /* as for varve_append_create_system(); may be empty. Its events without an id
                                          * get one that follows from the first id given in the other parts, if any, so
                                          * that a repeated transaction is the same in all its parts */
};
/* At least one event or saga. The outcome's results are those of the streams, then the sagas, then the system streams,
 * in their order. A conflict says by its `part` and `stream_index` what failed: of a saga SAGA_CONFLICT (not at the
 * version expected), SAGA_NOT_FOUND, SAGA_EXISTS (BEGIN), SAGA_FINISHED (the action does not fit its status) or
 * ID_REUSED. */
enum varve_status varve_transact_create(struct varve_store *store, const struct varve_transact *transact,
                                        struct varve_append **ret_append, struct varve_error *error);

/* Of a transaction that was stored, and not before: from the beginning of its `saga`-th saga to this transition of it,
 * in microseconds; 0 for the beginning. */
uint64_t varve_transact_saga_age_us(const struct varve_append *append, size_t saga);

#endif
