/* reply.h - the ERROR replies, in the forms the handlers need. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "session.h"

void reply_error(struct session *session, uint32_t request_id, const struct varve_error *error);
/* An append that was refused, with every stream that was in its way. */
void reply_refused_append(struct session *session, uint32_t request_id, const struct varve_append_outcome *outcome);
/* OVERLOADED: `what` is used up for the moment. */
void reply_overloaded(struct session *session, uint32_t request_id, const char *what);
void reply_no_memory(struct session *session, uint32_t request_id);

#endif
