/* snapshots.h - the server's cache of snapshots: opened and closed with it, and what it costs. */
#ifndef SERVER_SNAPSHOTS_H
#define SERVER_SNAPSHOTS_H

#include "server.h"

/* Opens the cache and checks what is in it, which takes time (see server_load()). One that cannot be opened is told in
 * the log; the server does without it. Fails for want of a thread only. */
enum varve_status snapshots_load(struct server *server, struct varve_store *store, struct varve_error *error);
void snapshots_end(struct server *server);
/* The most memory that it takes beside the budget. */
uint64_t snapshots_memory_bytes(const struct server *server);

#endif
