/* loads.h - what the tests of loading share: the streams they ask for, a server's answers, what must come of them. */
#ifndef TESTS_CLIENT_LOADS_H
#define TESTS_CLIENT_LOADS_H

#include "peer.h"

static const struct varve_view order = { "order-1", 7 }, gone = { "gone-1", 6 }, account = { "account", 7 };

/* Snapshots of `account`, schema version 2, which load_send() has. */
struct varve_load_wanted load_wanted_accounts(void);

/* The next stream must be this one of the list; its snapshot, if first_version is above 0, as of load_send(). */
void load_expect_stream(struct varve_client *client, uint32_t index, int64_t version, uint64_t first_version);
/* Its events must run from `first` to `last`, and then end. */
void load_expect_events(struct varve_client *client, uint64_t first, uint64_t last);
/* There must be no more streams. */
void load_expect_end(struct varve_client *client);

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

/* LOAD of so many streams; returns its id. */
uint32_t load_take(struct fake_server *server, size_t count, struct varve_load_request *ret);
/* LOADING of `order`: its events come from first_version; before that a snapshot, if that is above 0. Returns the
 * body's size. */
uint32_t load_send(struct fake_server *server, uint32_t id, uint32_t index, int64_t version, uint64_t first_version);
/* LOADING of a stream that does not exist. */
void load_send_gone(struct fake_server *server, uint32_t id, uint32_t index);

#endif
