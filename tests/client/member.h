/* member.h - what the tests of a group's members share: a consumer of a fake server, and a group's answers. */
#ifndef TESTS_CLIENT_MEMBER_H
#define TESTS_CLIENT_MEMBER_H

#include "peer.h"

#include "varve/subscription.h"

/* "worker-1" of the group "billing", with patience for tests; `query` is added to the url. */
enum varve_status member_try(const struct fake_server *server, const char *query, struct varve_consumer **ret_consumer,
                             struct varve_error *error);
struct varve_consumer *member_open(const struct fake_server *server, const char *query);
/* The next work must be this one. */
void member_expect(struct varve_consumer *consumer, uint64_t version, uint32_t attempt, uint64_t epoch,
                   struct varve_work *ret_work);

/* One to which so many versions were handed over already; its epoch is 4. */
struct varve_consumer *member_open_with(const struct fake_server *server, const char *query, uint64_t count);
/* Waits until every ack is answered: what the flush returns, and what was refused, in the order it was. */
void member_expect_refused(struct varve_consumer *consumer, enum varve_status status,
                           const struct varve_refused_ack *expected, size_t count);

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

/* HELLO, GROUP_JOIN as it must be, GROUP_JOINED with this epoch. Returns the request's id. */
uint32_t member_serve(struct fake_server *server, bool takeover, uint64_t epoch);
/* Events of these versions, for the `attempt`th time. */
void member_deliver(struct fake_server *server, uint32_t id, uint64_t first, uint64_t last, uint32_t attempt);
/* An ack, nack or extension of these positions and no others. Returns its id; what it says is in *ret. */
uint32_t member_take_ack(struct fake_server *server, uint8_t opcode, uint64_t epoch, const uint64_t *positions,
                         size_t count, struct varve_group_ack *ret);
void member_ack_ok(struct fake_server *server, uint32_t id, uint32_t done, const struct varve_refused_ack *refused,
                   size_t count);
/* Take an ack of one event and answer that it is done. */
void member_serve_ack(struct fake_server *server, uint64_t epoch, uint64_t version);
/* CANCEL, and the server's word that it is done. */
void member_serve_leave(struct fake_server *server, uint32_t id);

#endif
