/* pipeline.h - putting one more request in flight. */
#ifndef CLIENT_PIPELINE_H
#define CLIENT_PIPELINE_H

#include "exchange.h"

/* A slot for the next request, which has its id; waits for answers when the window is full. The server's limits are
 * known then. INVALID_ARGUMENT while a read is open or from inside a `done` that submits too much; NO_MEMORY; statuses
 * of client_reach(). */
enum varve_status pipeline_begin(struct varve_client *client, struct slot **ret_slot, struct varve_error *error);
/* Its frame was written into connection.out, and the slot has its kind, `done`, and all else: it is in flight. */
void pipeline_add(struct varve_client *client, struct slot *slot);

#endif
