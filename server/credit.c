/* credit.c - CREDIT and CANCEL: what a client says about a request of its own that is under way. */
#include "handlers.h"

#include "reply.h"

static struct request *find(struct session *session, const struct varve_frame *frame)
{
    return request_list_find(session_requests(session), frame->request_id);
}

/* A body that is not what it must be ends the request it speaks about. */
static void refuse(struct session *session, uint32_t request_id, struct request *request,
                   const struct varve_error *error)
{
    if (request != NULL)
        request->kind->cancel(request, error);
    else
        reply_error(session, request_id, error);
}

void handle_credit(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct request *request = find(session, frame);
    struct varve_error error;
    uint32_t bytes = 0;

    if (varve_decode_credit(body, &bytes, &error) != VARVE_OK)
        refuse(session, frame->request_id, request, &error);
    else if (request != NULL && request->kind->credit != NULL) /* Else it ended while this was on its way. */
        request->kind->credit(request, bytes);
}

void handle_cancel(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct request *request = find(session, frame);
    struct varve_error error;

    if (varve_decode_empty(body, VARVE_OP_CANCEL, &error) != VARVE_OK) {
        refuse(session, frame->request_id, request, &error);
    } else if (request != NULL) {
        varve_fail(&error, VARVE_CANCELLED, NULL, "the %s was cancelled", request->kind->noun);
        request->kind->cancel(request, &error);
    }
}
