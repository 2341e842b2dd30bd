/* outbox_requests.h - what the requests about outboxes share, and what of them outlives its client. */
#ifndef SERVER_OUTBOX_REQUESTS_H
#define SERVER_OUTBOX_REQUESTS_H

#include "outboxes.h"

/* By its name; OUTBOX_NOT_FOUND. Any thread. */
enum varve_status outbox_requests_find(const struct server *server, struct varve_view name, struct outbox **ret,
                                       struct varve_error *error);

/* After the loop, before the outboxes end: verifications are interrupted and their threads waited for. */
void outbox_verifications_end(struct server *server);

#endif
