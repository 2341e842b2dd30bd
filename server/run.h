/* run.h - the server's life: listen, serve until told to stop, and end in order. */
#ifndef SERVER_RUN_H
#define SERVER_RUN_H

#include "listener.h"

/* Open the store, unless server_begin() was given one, listen and serve. server->store is the caller's to close.
 * Returns when all connections have ended after SIGTERM or SIGINT (VARVE_OK), when it could not begin, or with the
 * store's fault: then nothing more may be promised, and the process should end without another word to the store. */
enum varve_status run_server(struct server *server, struct varve_error *error);

#endif
