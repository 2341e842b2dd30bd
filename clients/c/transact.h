/* transact.h - one transaction before it is sent and after it was answered: synchronous, pipelined, or a consumer's. */
#ifndef CLIENT_TRANSACT_H
#define CLIENT_TRANSACT_H

#include "exchange.h"

/* Whole, and within what the server said in HELLO? INVALID_ARGUMENT, EVENT_TOO_LARGE, APPEND_TOO_LARGE. */
enum varve_status transact_check(const struct varve_client *client, const struct varve_transact_request *request,
                                 struct varve_error *error);
/* Write it into connection.out as request `id`. APPEND_TOO_LARGE, NO_MEMORY: `out` is as before. */
enum varve_status transact_encode(struct varve_client *client, uint32_t id,
                                  const struct varve_transact_request *request, struct varve_error *error);

/* The server recognises it when it comes a second time: everything in it has an id, and it acks nothing. */
bool transact_is_repeatable(const struct varve_transact_request *request);

/* How many of each part it has. */
void transact_count(const struct varve_transact_request *request, uint32_t ret_counts[VARVE_PART_ACK + 1]);

/* The outcome that a frame tells (TRANSACT_OK or an ERROR), in the client's arena. When the frame cannot be read or
 * does not fit the request, the outcome is PROTOCOL and the connection dropped. */
void transact_outcome(struct varve_client *client, uint8_t opcode, struct varve_view body,
                      const uint32_t counts[VARVE_PART_ACK + 1], struct varve_transact_outcome *ret_outcome);
/* It failed, here or there. */
void transact_outcome_of_error(const struct varve_wire_error *said, struct varve_transact_outcome *ret_outcome);
/* The call ends with this outcome. Returns its status. */
enum varve_status transact_give_outcome(const struct varve_transact_outcome *outcome,
                                        struct varve_transact_outcome *ret_outcome, struct varve_error *error);

#endif
