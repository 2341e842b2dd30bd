/* outbox_order_request.c - OUTBOX_ORDER: what a client of the binary port orders.
 *
 *   ORDERED --done--> answered, freed
 *      '--connection closed--> DETACHED --done--> freed */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "outbox_errands.h"
#include "outbox_requests.h"
#include "reply.h"
#include "varve/wire_outbox.h"

struct order_request {
    struct outbox_order order; /* first */
    struct request request;    /* request.session NULL: detached */
    char body[];               /* what the views of the order point into */
};

static void answer(struct outbox_order *order)
{
    struct request *request = &((struct order_request *)order)->request;
    const struct varve_outbox_order_result result = { order->errand.position, order->errand.count };
    struct session *session = request->session;

    if (session == NULL)
        return;
    if (order->errand.status == VARVE_OK) {
        varve_encode_outbox_order_ok(session_out(session), request->id, &result);
        session_sent(session);
    } else {
        order->errand.error.status = order->errand.status;
        reply_error(session, request->id, &order->errand.error);
    }
    session_end(request);
}

/* It needs no more from the peer. When the server stops, the outbox says whether it still did it. */
static void stop(struct request *request, const struct varve_error *why)
{
    if (!session_is_closing(request->session))
        return;
    session_end(request);
    request->session = NULL;
}

static const struct request_kind order_kind = { .stop = stop };

/* With a copy of the body, into which the order is decoded. NULL: no memory. */
static struct order_request *create(struct varve_view body)
{
    struct order_request *order = calloc(1, sizeof(*order) + body.size);

    if (order == NULL)
        return NULL;
    order->order.answer = answer;
    if (body.size > 0)
        memcpy(order->body, body.data, body.size);
    return order;
}

static enum varve_status decode(struct server *server, struct order_request *order, size_t body_size,
                                struct outbox **ret, struct varve_error *error)
{
    struct varve_view name;
    enum varve_status status =
        varve_decode_outbox_order(varve_view_of(order->body, body_size), &name, &order->order.errand.order, error);

    return status == VARVE_OK ? outbox_requests_find(server, name, ret, error) : status;
}

void handle_outbox_order(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct order_request *order = create(body);
    struct outbox *outbox = NULL;
    struct varve_error error = { .status = VARVE_OK };

    if (order == NULL) {
        reply_no_memory(session, frame->request_id);
    } else if (decode(server, order, body.size, &outbox, &error) != VARVE_OK) {
        free(order);
        reply_error(session, frame->request_id, &error);
    } else if (!session_begin(session, &order->request, &order_kind, frame->request_id,
                              sizeof(*order) + body.size)) {
        free(order);
        reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
    } else if (!outbox_errands_give(server, outbox, &order->order)) {
        reply_overloaded(session, frame->request_id, "too many orders wait for the outboxes");
        session_end(&order->request); /* It knows from the reply what it ended with. */
        free(order);
    }
}
