/* outbox_errands.h - orders of clients on their way from the loop to an outbox's thread and back, whoever gave them.
 *
 * An order that was taken is carried out, whatever becomes of who gave it. Loop thread. */
#ifndef SERVER_OUTBOX_ERRANDS_H
#define SERVER_OUTBOX_ERRANDS_H

#include "outboxes.h"

struct outbox_order { /* first in what is from malloc, and freed by outbox_errands.c once it was given */
    struct outbox_order *next, *previous; /* of server->outbox_orders */
    struct outbox_errand errand;          /* .order is the giver's to fill */
    struct completion completion;
    struct server *server;
    /* The outcome is in `errand`: tell whoever waits for it. */
    void (*answer)(struct outbox_order *order);
    /* The server ends without waiting any longer: whoever waits is to be told now. answer() may still come. NULL: that
     * is cared for elsewhere. */
    void (*abandon)(struct outbox_order *order);
};

/* With .order, .answer and .abandon filled in, the rest 0. False: too many are under way; it is still the giver's. */
bool outbox_errands_give(struct server *server, struct outbox *outbox, struct outbox_order *order);
void outbox_errands_abandon(struct server *server);
/* After the loop, when the outboxes' threads have ended: those that were not answered are forgotten. */
void outbox_errands_end(struct server *server);

#endif
