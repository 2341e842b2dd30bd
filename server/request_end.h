/* request_end.h - how a request went, once it is answered: counted, and told to the log when it was slow.
 *
 * What counts is the time that the server took: that in which only the client could bring a request on (credit of a
 * read, a claim that waits for sagas) is left out. Subscriptions and memberships end with their client, so how long
 * they lasted says nothing. */
#ifndef SERVER_REQUEST_END_H
#define SERVER_REQUEST_END_H

#include "session.h"

/* A request that was begun has its last answer; it is still attached. */
void request_ended(const struct request *request);
/* Answered by its handler, without being begun. `status`: VARVE_OK, or that of the ERROR. */
void request_answered(struct session *session, uint8_t opcode, enum varve_status status, uint64_t started_us);

#endif
