/* outbox_lookups.c - OUTBOX_LIST and OUTBOX_DEAD: how outboxes are, and what they have set aside. On a reader thread:
 * the lists are long, and an outbox may hold its lock for a moment. */
#include "lookups.h"

#include <stdlib.h>

#include "outbox_requests.h"
#include "outbox_status.h"
#include "varve/wire_outbox.h"

enum {
    LETTER_TEXT_BYTES = VARVE_MAX_SYSTEM_STREAM_NAME + VARVE_MAX_OUTBOX_REASON + 128,
    /* In the list, and encoded: */
    STATUS_BYTES = 2 * (sizeof(struct outbox_status) + OUTBOX_STATUS_MOST * 64),
    LETTER_BYTES = 2 * (sizeof(struct varve_dead_letter) + LETTER_TEXT_BYTES),
};

enum varve_status outbox_requests_find(const struct server *server, struct varve_view name, struct outbox **ret,
                                       struct varve_error *error)
{
    *ret = outboxes_find(server, name);
    if (*ret != NULL)
        return VARVE_OK;
    return varve_fail(error, VARVE_OUTBOX_NOT_FOUND, "name", "there is no outbox \"%.*s\"", (int)name.size, name.data);
}

/* ---- OUTBOX_LIST ------------------------------------------------------------------------------------------------ */

static enum varve_status list(const struct lookup_context *context, struct outbox *const *outboxes, size_t count,
                              struct varve_error *error)
{
    struct outbox_status *statuses = calloc(count + 1, sizeof(*statuses));
    struct varve_outbox_entry entries[VARVE_MAX_OUTBOXES];

    if (statuses == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for the figures");
    for (size_t i = 0; i < count; i++) {
        outbox_status_look(outboxes[i], &statuses[i]);
        entries[i] = (struct varve_outbox_entry){ varve_view_str(statuses[i].view.config->name), statuses[i].stats,
                                                  statuses[i].count };
    }
    varve_encode_outbox_list_ok(context->out, context->request_id, entries, count);
    free(statuses);
    return VARVE_OK;
}

enum varve_status answer_outbox_list(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error)
{
    struct outbox *outboxes[VARVE_MAX_OUTBOXES];
    size_t count = 0;
    struct varve_view name;
    enum varve_status status = varve_decode_outbox_list(body, &name, error);

    if (status == VARVE_OK && name.data != NULL) {
        status = outbox_requests_find(context->server, name, &outboxes[0], error);
        count = 1;
    } else if (status == VARVE_OK) {
        for (; count < outboxes_count(context->server); count++)
            outboxes[count] = outboxes_at(context->server, count);
    }
    return status == VARVE_OK ? list(context, outboxes, count, error) : status;
}

uint64_t outbox_list_bytes(const struct server *server, struct varve_view body)
{
    return (outboxes_count(server) + 1) * STATUS_BYTES;
}

/* ---- OUTBOX_DEAD ------------------------------------------------------------------------------------------------ */

static enum varve_status find_letter(struct outbox *outbox, struct varve_view stream, struct varve_dead_letter **ret,
                                     struct varve_error *error)
{
    if (outbox_find_dead(outbox, stream, ret))
        return VARVE_OK;
    return varve_fail(error, VARVE_DEAD_LETTER_NOT_FOUND, "stream", "nothing of stream \"%.*s\" was set aside",
                      (int)stream.size, stream.data);
}

enum varve_status answer_outbox_dead(const struct lookup_context *context, struct varve_view body,
                                     struct varve_error *error)
{
    struct varve_outbox_dead_request request;
    struct varve_dead_letter *letters = NULL;
    struct outbox *outbox;
    size_t count = 1;
    bool end = true;
    enum varve_status status = varve_decode_outbox_dead(body, &request, error);

    if (status == VARVE_OK)
        status = outbox_requests_find(context->server, request.name, &outbox, error);
    if (status == VARVE_OK && request.stream.data != NULL)
        status = find_letter(outbox, request.stream, &letters, error);
    else if (status == VARVE_OK &&
             outbox_list_dead(outbox, request.after, request.limit, &letters, &count, &end) != VARVE_OK)
        status = varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for the list");
    if (status != VARVE_OK)
        return status;
    varve_encode_outbox_dead_ok(context->out, context->request_id, letters, count, end);
    free(letters);
    return VARVE_OK;
}

uint64_t outbox_dead_bytes(const struct server *server, struct varve_view body)
{
    struct varve_outbox_dead_request request;

    if (varve_decode_outbox_dead(body, &request, NULL) != VARVE_OK)
        return 0; /* The answer will be an error. */
    return (uint64_t)(request.stream.data != NULL ? 1 : request.limit) * LETTER_BYTES;
}
