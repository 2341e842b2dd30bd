/* outboxes.h - all outboxes of the server: started with it, stopped before the store closes, found by name.
 * Loop thread, but for outboxes_load(). */
#ifndef SERVER_OUTBOXES_H
#define SERVER_OUTBOXES_H

#include "outbox/outbox.h"
#include "server.h"

struct outboxes;

/* As the configuration says; none is fine. Reads what they remember from the log (see server_load()): all, or none. */
enum varve_status outboxes_load(struct server *server, struct varve_store *store, struct varve_error *error);
/* Their threads. Those that started before one that cannot are told to stop; all are ended and freed as ever. */
enum varve_status outboxes_start(struct server *server, struct varve_error *error);
void outboxes_stop(struct server *server);        /* ask all to end; never waits */
/* Stop, and wait for them a few seconds at most. False: one hangs in librdkafka, and goes on with the server and its
 * store, so both must stay until the process ends. No order comes any more; the store is still open. */
bool outboxes_end(struct server *server);
void outboxes_free(struct server *server);        /* No thread of the store or the server is left. */
/* The log has grown. Any thread; between start and end. */
void outboxes_wake(struct server *server, uint64_t last_position);

/* Any thread, between load and end: they are the same all the while. */
size_t outboxes_count(const struct server *server);
struct outbox *outboxes_at(const struct server *server, size_t index); /* in the order of the configuration */
struct outbox *outboxes_find(const struct server *server, struct varve_view name); /* NULL: none */
/* Nothing from here on may be reclaimed: the lowest position that some outbox has still to publish. */
uint64_t outboxes_retention_floor(const struct server *server); /* UINT64_MAX: there is no outbox */

struct outboxes_totals {
    uint64_t outboxes, lag_events, parked_events, halted;
};
void outboxes_total(const struct server *server, struct outboxes_totals *ret); /* any thread */
/* The most memory that all of them may use, by the formula of docs/operations.md. */
uint64_t outboxes_memory_bytes(const struct config *config);

#endif
