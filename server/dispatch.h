/* dispatch.h - which handler a frame goes to, and which frames go to none. */
#ifndef SERVER_DISPATCH_H
#define SERVER_DISPATCH_H

#include "session.h"

void dispatch_frame(struct session *session, const struct varve_frame *frame, struct varve_view body);

/* What requests are answered once the server stops. */
void dispatch_stopping_error(struct varve_error *ret);

#endif
