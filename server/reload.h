/* reload.h - SIGHUP: what holds from now on. */
#ifndef SERVER_RELOAD_H
#define SERVER_RELOAD_H

#include "server.h"

/* Read the configuration again, change what can change, log what did and what did not. A configuration with mistakes is
 * logged, and changes nothing. */
void server_reload(struct server *server);

#endif
