/* state.h - transactions, sagas and checkpoints from C, over any client (client.h).
 *
 * A request whose answer was lost is repeated by itself when that is safe: reads always; a transaction when it has no
 * ack and every event, saga and checkpoint of it has an id, which the server recognises. varve_transact_fill_ids()
 * gives an id to each that has none. */
#ifndef VARVE_STATE_H
#define VARVE_STATE_H

#include "varve/client.h"
#include "varve/subscription.h"
#include "varve/wire_saga.h"

/* ---- transactions ----------------------------------------------------------------------------------------------- */

/* All or nothing, durable when it returns VARVE_OK. *ret_outcome is always filled in and lives until the next call; it
 * may be NULL. Of a failure it names every part that failed. request->ack must be NULL: acks travel with their
 * consumer, see varve_consumer_transact(). */
enum varve_status varve_client_transact(struct varve_client *client, const struct varve_transact_request *request,
                                        struct varve_transact_outcome *ret_outcome, struct varve_error *error);
/* UUIDv7 for every nil event_id of the sagas and checkpoints given, and for every nil id of the events. */
enum varve_status varve_transact_fill_ids(struct varve_event *events, size_t event_count,
                                          struct varve_saga_change *sagas, size_t saga_count,
                                          struct varve_checkpoint *checkpoints, size_t checkpoint_count);

/* The same with the acks of events that this consumer was given: they are finished if and only if the rest is stored.
 * `positions` go in place of request->ack, which must be NULL. Waits for the answer; never repeated: DISCONNECTED means
 * that either all of it is stored and the events do not come again, or nothing and they do. Any refusal leaves the
 * events with the consumer, who may nack them. FENCED, NOT_DELIVERED: nothing was stored. */
enum varve_status varve_consumer_transact(struct varve_consumer *consumer, const struct varve_transact_request *request,
                                          const uint64_t *positions, size_t count,
                                          struct varve_transact_outcome *ret_outcome, struct varve_error *error);

/* Pipelined, as varve_client_submit(): outcomes come in the order of submission. */
typedef void (*varve_transact_done)(void *user, const struct varve_transact_outcome *outcome);
enum varve_status varve_client_submit_transact(struct varve_client *client,
                                               const struct varve_transact_request *request, varve_transact_done done,
                                               void *user, struct varve_error *error);

/* ---- checkpoints ------------------------------------------------------------------------------------------------ */

/* Where a follower of this name has come to, and the version of its checkpoint, to move it from: position 0 and version
 * VARVE_EXPECTED_NO_STREAM when there is none yet. It is moved by a transaction. */
enum varve_status varve_client_checkpoint(struct varve_client *client, struct varve_view name, uint64_t *ret_position,
                                          int64_t *ret_version, struct varve_error *error);

/* ---- sagas ------------------------------------------------------------------------------------------------------ */

void varve_saga_change_init(struct varve_saga_change *change); /* STEP, expected STREAM_EXISTS, no deadline, JSON */
/* A transaction of one change. *ret_version and *ret_position may be NULL; of SAGA_CONFLICT, *ret_version is the actual
 * one. An event_id is given to it when it has none, so it is repeated by itself. */
enum varve_status varve_client_saga_change(struct varve_client *client, const struct varve_saga_change *change,
                                           int64_t *ret_version, uint64_t *ret_position, struct varve_error *error);
/* Lives until the next call. SAGA_NOT_FOUND. */
enum varve_status varve_client_saga_get(struct varve_client *client, struct varve_view type, struct varve_view id,
                                        struct varve_saga *ret_saga, struct varve_error *error);
/* One page; lives until the next call. query->after may point into the last page. */
enum varve_status varve_client_saga_list(struct varve_client *client, const struct varve_saga_query *query,
                                         struct varve_saga_list *ret_list, struct varve_error *error);
enum varve_status varve_client_saga_counts(struct varve_client *client, struct varve_saga_counts *ret_counts,
                                           struct varve_error *error);
/* *ret_count 0: none came within wait_ms. Never repeated by itself: what was claimed by a request whose answer was lost
 * is free again when its lease ends. */
enum varve_status varve_client_saga_claim(struct varve_client *client, const struct varve_saga_claim *claim,
                                          const struct varve_saga **ret_sagas, size_t *ret_count,
                                          struct varve_error *error);
/* The history of a saga is the stream varve_saga_stream() names: read it with varve_client_read_open(). */

#endif
