/* outbox_order_request.c - OUTBOX_ORDER: from the loop to the outbox's thread and back.
 *
 *   ORDERED --done--> answered, freed
 *      '--connection closed--> DETACHED --done--> freed
 *
 * An order that was taken is carried out, whatever becomes of who gave it. */
#include "handlers.h"

#include <stdlib.h>
#include <string.h>

#include "outbox_requests.h"
#include "reply.h"
#include "varve/wire_outbox.h"

enum { MAX_ORDERS = 1000 }; /* under way, of all outboxes */

struct outbox_order {
    struct request request; /* request.session NULL: detached */
    struct outbox_order *next, *previous; /* of server->outbox_orders */
    struct outbox_errand errand;
    struct completion completion;
    struct server *server;
    char name[VARVE_MAX_OUTBOX_NAME + 1];
    char body[];            /* what the views of the order point into */
};

static void answer(struct outbox_order *order)
{
    struct session *session = order->request.session;
    const struct varve_outbox_order_result result = { order->errand.position, order->errand.count };

    if (order->errand.status == VARVE_OK) {
        varve_encode_outbox_order_ok(session_out(session), order->request.id, &result);
        session_sent(session);
    } else {
        order->errand.error.status = order->errand.status;
        reply_error(session, order->request.id, &order->errand.error);
    }
    session_end(&order->request);
}

static void remember(struct outbox_order *order)
{
    struct server *server = order->server;

    order->next = server->outbox_orders;
    if (order->next != NULL)
        order->next->previous = order;
    server->outbox_orders = order;
    server->outbox_order_count++;
}

static void forget(struct outbox_order *order)
{
    if (order->previous != NULL)
        order->previous->next = order->next;
    else
        order->server->outbox_orders = order->next;
    if (order->next != NULL)
        order->next->previous = order->previous;
    order->server->outbox_order_count--;
}

static void finish(struct completion *completion)
{
    struct outbox_order *order =
        (struct outbox_order *)((char *)completion - offsetof(struct outbox_order, completion));

    forget(order);
    if (order->request.session != NULL)
        answer(order);
    free(order);
}

/* On the outbox's thread. */
static void on_done(struct outbox_errand *errand)
{
    struct outbox_order *order = (struct outbox_order *)((char *)errand - offsetof(struct outbox_order, errand));

    completions_push(&order->server->completions, &order->completion);
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
static struct outbox_order *create(struct server *server, struct varve_view body)
{
    struct outbox_order *order = calloc(1, sizeof(*order) + body.size);

    if (order == NULL)
        return NULL;
    order->server = server;
    order->errand.done = on_done;
    order->completion.finish = finish;
    if (body.size > 0)
        memcpy(order->body, body.data, body.size);
    return order;
}

static enum varve_status decode(struct outbox_order *order, size_t body_size, struct outbox **ret,
                                struct varve_error *error)
{
    struct varve_view name;
    enum varve_status status =
        varve_decode_outbox_order(varve_view_of(order->body, body_size), &name, &order->errand.order, error);

    if (status != VARVE_OK)
        return status;
    memcpy(order->name, name.data, name.size);
    return outbox_requests_find(order->server, name, ret, error);
}

void handle_outbox_order(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct server *server = session_server(session);
    struct outbox_order *order = create(server, body);
    struct outbox *outbox = NULL;
    struct varve_error error = { .status = VARVE_OK };

    if (order == NULL) {
        reply_no_memory(session, frame->request_id);
    } else if (decode(order, body.size, &outbox, &error) != VARVE_OK) {
        free(order);
        reply_error(session, frame->request_id, &error);
    } else if (server->outbox_order_count == MAX_ORDERS) {
        free(order);
        reply_overloaded(session, frame->request_id, "too many orders wait for the outboxes");
    } else if (!session_begin(session, &order->request, &order_kind, frame->request_id,
                              sizeof(*order) + body.size)) {
        free(order);
        reply_overloaded(session, frame->request_id, "the server's memory for requests is used up");
    } else {
        remember(order);
        outbox_order(outbox, &order->errand);
    }
}

void outbox_orders_end(struct server *server)
{
    completions_drop(&server->completions);
    while (server->outbox_orders != NULL) {
        struct outbox_order *order = server->outbox_orders; /* Done, or refused because the outbox was ending. */

        forget(order);
        free(order);
    }
}
