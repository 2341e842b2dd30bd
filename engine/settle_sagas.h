/* settle_sagas.h - the sagas of a slice of the frozen layer, folded onto their rows in store.mdb. */
#ifndef ENGINE_SETTLE_SAGAS_H
#define ENGINE_SETTLE_SAGAS_H

#include "settle_parts.h"

/* Where the sagas' streams are in plan->by_name. */
void settle_find_sagas(struct settle_plan *plan);
/* How many pages of the sagas' tables all of them may dirty at most. */
enum varve_status settle_saga_pages(const struct settle_plan *plan, struct db_txn *txn, uint64_t *ret_pages);
/* Within the slice's transaction, as settle_streams(): every saga stream's events of the slice, and no others. */
enum varve_status settle_sagas(struct settle_slice *slice);

#endif
