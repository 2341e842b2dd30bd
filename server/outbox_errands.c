/* outbox_errands.c - see outbox_errands.h.
 *
 *   GIVEN --done, on the outbox's thread--> HOME --on the loop--> answered, freed
 *      '--the server ends--> freed, unanswered */
#include "outbox_errands.h"

#include <stdlib.h>

enum { MAX_ORDERS = 1000 }; /* under way, of all outboxes */

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
    order->answer(order);
    free(order);
}

/* On the outbox's thread. */
static void on_done(struct outbox_errand *errand)
{
    struct outbox_order *order = (struct outbox_order *)((char *)errand - offsetof(struct outbox_order, errand));

    completions_push(&order->server->completions, &order->completion);
}

bool outbox_errands_give(struct server *server, struct outbox *outbox, struct outbox_order *order)
{
    if (server->outbox_order_count == MAX_ORDERS)
        return false;
    order->server = server;
    order->errand.done = on_done;
    order->completion.finish = finish;
    remember(order);
    outbox_order(outbox, &order->errand);
    return true;
}

void outbox_errands_abandon(struct server *server)
{
    for (struct outbox_order *order = server->outbox_orders; order != NULL; order = order->next) {
        if (order->abandon != NULL)
            order->abandon(order);
    }
}

void outbox_errands_end(struct server *server)
{
    completions_drop(&server->completions);
    while (server->outbox_orders != NULL) {
        struct outbox_order *order = server->outbox_orders; /* Done, or refused because the outbox was ending. */

        forget(order);
        free(order);
    }
}
