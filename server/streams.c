/* streams.c - looks at streams: one, or a list of them. */
#include "lookups.h"

enum { BYTES_PER_ENTRY = 2 * (VARVE_MAX_SYSTEM_STREAM_NAME + 120) }; /* in the list, and encoded */

enum varve_status answer_stream_info(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error)
{
    struct varve_stream_entry entry;
    enum varve_status status = varve_decode_stream_info(body, &entry.name, error);

    if (status == VARVE_OK)
        status = varve_stream_info(context->server->store, entry.name, &entry.info, error);
    if (status == VARVE_OK)
        varve_encode_stream_info_ok(context->out, context->request_id, &entry);
    return status;
}

enum varve_status answer_stream_list(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error)
{
    struct varve_stream_list_request request;
    struct varve_stream_list list;
    enum varve_status status = varve_decode_stream_list(body, &request, error);

    if (status == VARVE_OK)
        status = varve_store_list_streams(context->server->store, request.prefix, request.after, request.limit,
                                          request.include_system, &list, error);
    if (status != VARVE_OK)
        return status;
    varve_encode_stream_list_ok(context->out, context->request_id, &list);
    varve_stream_list_free(&list);
    return VARVE_OK;
}

uint64_t stream_list_bytes(const struct server *server, struct varve_view body)
{
    struct varve_stream_list_request request = { .limit = 0 };

    if (varve_decode_stream_list(body, &request, NULL) != VARVE_OK)
        return 0; /* The answer will be an error. */
    return (uint64_t)request.limit * BYTES_PER_ENTRY;
}
