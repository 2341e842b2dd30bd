/* health.h - is the server alive, and may it be given work? One answer for HTTP, for `varve health` and the metrics. */
#ifndef SERVER_HEALTH_H
#define SERVER_HEALTH_H

#include "server.h"

enum health_check {
    HEALTH_STORE,    /* open, and without a fault: "recovering", "fault" */
    HEALTH_DISK,     /* room above the reserve: "disk full" */
    HEALTH_OUTBOXES, /* none is halted for longer than health.outbox_halted_after */
    HEALTH_STOPPING, /* it was asked to stop */
    HEALTH_CHECKS,
};
struct health_finding {
    const char *name;    /* "store", "disk", "outboxes", "stopping" */
    bool good;
    char reason[160];    /* one sentence; empty when good */
};
struct health {
    bool live;           /* the process is worth keeping: false only after a fault of the store */
    bool ready;          /* every check is good */
    struct health_finding findings[HEALTH_CHECKS];
};
/* Any thread. */
void health_look(struct server *server, struct health *ret);

#endif
