/* saga_rows.h - a saga's row as it is settled, and what its absence means. */
#ifndef ENGINE_SAGA_ROWS_H
#define ENGINE_SAGA_ROWS_H

#include "stream_state.h"
#include "tables_sagas.h"

/* The row of the saga whose stream this is, in the state that the transaction shows. The views of *ret_row live as long
 * as the transaction. A fault otherwise. */
enum varve_status saga_rows_settled(struct db_txn *txn, struct varve_view stream, const struct stream_state *state,
                                    struct saga_row *ret_row, struct varve_error *error);

#endif
