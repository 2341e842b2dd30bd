/* sagas.c - looks at sagas: one, a list of them, how many there are. */
#include "lookups.h"

#include <stdlib.h>

#include "varve/wire_saga.h"

enum { BYTES_PER_ROW = 2 * (2048 + VARVE_SAGA_MAX_ERROR), LIST_STATES_BYTES = 1 << 20, BYTES_PER_COUNT = 256 };

enum varve_status answer_saga_get(const struct lookup_context *context, struct varve_view body,
                                  struct varve_error *error)
{
    struct varve_view type, id;
    struct varve_saga *saga = NULL;
    enum varve_status status = varve_decode_saga_get(body, &type, &id, error);

    if (status == VARVE_OK)
        status = varve_saga_get(context->server->store, type, id, &saga, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_saga_get_ok(context->out, context->request_id, saga);
    free(saga);
    return VARVE_OK;
}

enum varve_status answer_saga_list(const struct lookup_context *context, struct varve_view body,
                                   struct varve_error *error)
{
    struct varve_saga_query query;
    struct varve_saga_list *list = NULL;
    enum varve_status status = varve_decode_saga_list(body, &query, error);

    if (status == VARVE_OK)
        status = varve_saga_list(context->server->store, &query, &list, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_saga_list_ok(context->out, context->request_id, list);
    free(list);
    return VARVE_OK;
}

enum varve_status answer_saga_counts(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error)
{
    struct varve_saga_counts *counts = NULL;
    enum varve_status status = varve_decode_empty(body, VARVE_OP_SAGA_COUNTS, error);

    if (status == VARVE_OK)
        status = varve_saga_counts(context->server->store, &counts, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_saga_counts_ok(context->out, context->request_id, counts);
    free(counts);
    return VARVE_OK;
}

/* The state, as it was stored and in the reply. */
uint64_t saga_get_bytes(const struct server *server, struct varve_view body)
{
    return BYTES_PER_ROW + 2 * (uint64_t)VARVE_SAGA_MAX_STATE;
}

uint64_t saga_list_bytes(const struct server *server, struct varve_view body)
{
    struct varve_saga_query query;

    if (varve_decode_saga_list(body, &query, NULL) != VARVE_OK)
        return 0; /* The answer will be an error. */
    uint64_t states = query.include_state ? 2 * (LIST_STATES_BYTES + (uint64_t)VARVE_SAGA_MAX_STATE) : 0;
    return (uint64_t)query.limit * BYTES_PER_ROW + states;
}

uint64_t saga_counts_bytes(const struct server *server, struct varve_view body)
{
    return (uint64_t)VARVE_SAGA_MAX_TYPES * BYTES_PER_COUNT;
}
