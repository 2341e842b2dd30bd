/* saga_rows.c - see saga_rows.h. */
#include "saga_rows.h"

enum varve_status saga_rows_settled(struct db_txn *txn, struct varve_view stream, const struct stream_state *state,
                                    struct saga_row *ret_row, struct varve_error *error)
{
    struct varve_view type, id;

    saga_row_init(ret_row);
    if (state->version < 0 || !saga_split(stream, &type, &id))
        return VARVE_OK; /* It never was. */
    enum varve_status status = tables_get_saga(txn, type, id, ret_row);
    if (status == VARVE_OK)
        return VARVE_OK;
    if (status != VARVE_SAGA_NOT_FOUND)
        return varve_fail(error, status, NULL, "saga %.*s \"%.*s\": its row in store.mdb is damaged", (int)type.size,
                          type.data, (int)id.size, id.data);
    /* It has events and no row. */
    ret_row->status = SAGA_ARCHIVED;
    ret_row->version = state->version;
    ret_row->position = state->last_position;
    return VARVE_OK;
}
