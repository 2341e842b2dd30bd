/* peer.h - what the tests of the client share: a client for a fake server, and answers ready made. */
#ifndef TESTS_CLIENT_PEER_H
#define TESTS_CLIENT_PEER_H

#include "support/check.h"
#include "fake_server.h"

#include "clients/c/exchange.h"

#include <stdatomic.h>

/* A client of the fake server, impatient enough for tests; `query` is added to its url ("&name=value..."). */
struct varve_client *peer_client(const struct fake_server *server, const char *query);

/* The event that the tests write and read: number `version` of "order-1", at position `position`. */
struct varve_event peer_event(uint64_t version, uint64_t position);
/* Where batches of the tests have the event of a version: 10 * version + 5. */
uint64_t peer_position(uint64_t version);

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

void peer_pong(struct fake_server *server, uint32_t id);
void peer_error(struct fake_server *server, uint32_t id, enum varve_status status, const char *message);
/* One stream, one event: version and position. */
void peer_append_ok(struct fake_server *server, uint32_t id, int64_t version, uint64_t position);
/* READ_BATCH with events of "order-1" whose versions run from `first` to `last` (downwards when last < first), each at
 * its peer_position(). Returns the body's size. */
uint32_t peer_batch(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint64_t next);
/* The same as EVENTS into `out`; `position` 0: that of the last event. */
uint32_t peer_write_events(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint64_t position);
/* GROUP_EVENTS into `out`: events as of peer_batch(), each for the `attempt`th time. Returns the body's size. */
uint32_t peer_write_deliveries(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last,
                               uint32_t attempt);
void peer_read_end(struct fake_server *server, uint32_t id);

/* For sweeps of memory that cannot be had: one connection after the other, each served until its client goes, however
 * far it came, until *over. */
void peer_serve_all(struct fake_server *server, void (*answer)(struct fake_server *server), const atomic_bool *over);
/* Calls `call` with a new client of such a server until no allocation of it fails: NO_MEMORY, and a second call on the
 * same client does well. Then ends the server. `label` tells which call it was. */
void peer_sweep(struct fake_server *server, atomic_bool *over, const char *label,
                enum varve_status (*call)(struct varve_client *client, struct varve_error *error));

#endif
