/* events.c - looks at single events: where ids are, what is at a position. */
#include "lookups.h"

#include <stdlib.h>

#include "varve/record.h"

enum varve_status answer_find(const struct lookup_context *context, struct varve_view body, struct varve_error *error)
{
    const struct varve_uuid *ids;
    size_t count;
    enum varve_status status = varve_decode_find(body, context->arena, &ids, &count, error);

    if (status != VARVE_OK)
        return status;
    uint64_t *positions = calloc(count, sizeof(*positions));
    if (positions == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for %zu positions", count);
    status = varve_store_find(context->server->store, ids, count, positions, error);
    if (status == VARVE_OK)
        varve_encode_find_ok(context->out, context->request_id, positions, count);
    free(positions);
    return status;
}

enum varve_status answer_get(const struct lookup_context *context, struct varve_view body, struct varve_error *error)
{
    uint64_t position;
    uint8_t *record = NULL;
    uint32_t size = 0;
    enum varve_status status = varve_decode_get(body, &position, error);

    if (status == VARVE_OK)
        status = varve_store_get(context->server->store, position, &record, &size, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_get_ok(context->out, context->request_id, varve_view_of((const char *)record, size));
    free(record);
    return VARVE_OK;
}

uint64_t get_bytes(const struct server *server, struct varve_view body)
{
    /* The record, and the reply, which grows by doubling. */
    return 3 * ((uint64_t)server->limits.max_event_bytes + VARVE_RECORD_MAX_OVERHEAD);
}
