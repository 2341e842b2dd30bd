/* wire_saga.h - the messages of transactions and sagas; what wire.h says of messages holds here. */
#ifndef VARVE_WIRE_SAGA_H
#define VARVE_WIRE_SAGA_H

#include "varve/transact.h"
#include "varve/wire.h"

#define VARVE_WIRE_MAX_SAGAS 10000u       /* of one TRANSACT */
#define VARVE_WIRE_MAX_CHECKPOINTS 1000u  /* likewise */
#define VARVE_MAX_CHECKPOINT_NAME 128u    /* bytes of UTF-8 without control characters, not beginning with '$' */
#define VARVE_MAX_WORKER_NAME 128u
#define VARVE_MAX_LEASE_MS 86400000u
#define VARVE_MAX_CLAIM 100u              /* sagas of one claim */
#define VARVE_MAX_CLAIM_WAIT_MS 30000u

/* How far somebody who follows the log alone has come: the newest event of the stream "$checkpoint-<name>", type
 * "$checkpoint.moved", data {"position":N}. Read it as any stream, backwards, limit 1. */
struct varve_checkpoint {
    struct varve_view name;
    uint64_t position;             /* below 2^63 */
    int64_t expected;              /* version of the checkpoint's stream: n, VARVE_EXPECTED_NO_STREAM, _ANY or
                                    * _STREAM_EXISTS; so that of two who believe to be the one, one is told */
    struct varve_uuid event_id;    /* nil: one is made */
};

/* TRANSACT  [[[stream, expected]...], [event as in APPEND...], [saga...], [checkpoint...], ack|nil]
 *   saga        [action, type, id, expected, step, state|nil, content_type, deadline|nil, error, event_id|nil,
 *                correlation_id|nil, causation_id|nil]           action: enum varve_saga_action but TIME_OUT
 *   checkpoint  [name, position, expected, event_id|nil]
 *   ack         [group, epoch, [position...]]      events of a membership of this connection, finished with the rest
 * -> TRANSACT_OK [replayed, [[first_version, last_version, first_position, last_position]...],
 *                 [[version, position]...], [[version, position]...]]     streams, sagas, checkpoints
 * An ERROR's conflicts say in a fifth element, `part`, what they are about: 0 streams, 1 sagas, 2 checkpoints, 3 ack
 * (the index is that of the position; status FENCED or NOT_DELIVERED; expected and actual 0). Acks are looked at first:
 * when one of them is refused, nothing else is looked at.
 * As with an APPEND, what streams, events and sagas are is not checked when it is decoded, but by
 * varve_transact_create(). More sagas or checkpoints than may be: APPEND_TOO_LARGE. */
struct varve_transact_request {
    struct varve_append_request appends;
    const struct varve_saga_change *sagas;
    size_t saga_count;
    const struct varve_checkpoint *checkpoints;
    size_t checkpoint_count;
    const struct varve_group_ack *ack; /* NULL: none; group, epoch, positions, count */
};
void varve_encode_transact(struct varve_wire_buffer *out, uint32_t request_id,
                           const struct varve_transact_request *request);
enum varve_status varve_decode_transact(struct varve_view body, struct varve_wire_arena *arena,
                                        struct varve_transact_request *ret, struct varve_error *error);
struct varve_transact_place {      /* where an event of a saga or a checkpoint came to stand */
    int64_t version;
    uint64_t position;
};
struct varve_transact_outcome {
    enum varve_status status;      /* as of an append's outcome; conflicts of all parts */
    bool replayed;
    const struct varve_append_result *results;
    size_t stream_count;
    const struct varve_transact_place *sagas;
    size_t saga_count;
    const struct varve_transact_place *checkpoints;
    size_t checkpoint_count;
    const struct varve_conflict *conflicts;
    size_t conflict_count;
    struct varve_error error;
};
void varve_encode_transact_ok(struct varve_wire_buffer *out, uint32_t request_id,
                              const struct varve_transact_outcome *outcome);
enum varve_status varve_decode_transact_ok(struct varve_view body, struct varve_wire_arena *arena,
                                           struct varve_transact_outcome *ret, struct varve_error *error);

/* A saga is [type, id, step, status, version, position, started_at, updated_at, completed_at|nil, failed_at|nil, error,
 *            deadline|nil, correlation_id|nil, state|nil, content_type].
 *
 * SAGA_GET    [type, id]                                   -> SAGA_GET_OK [saga]
 * SAGA_LIST   [order, type, statuses, step, updated_before|nil, deadline_before|nil, include_state, after, limit]
 *                                                          -> SAGA_LIST_OK [[saga...], next|nil]   nil: the end
 * SAGA_COUNTS []                                           -> SAGA_COUNTS_OK [[[type, [count by status...]]...]]
 * SAGA_CLAIM  [type, statuses, step, worker, lease_ms, limit, wait_ms]
 *                                                          -> SAGA_CLAIM_OK [[saga...]]   with states
 * A type, step, statuses (bits) or `after` that is empty or 0 asks for all, from the beginning. statuses 0 of a claim:
 * those unfinished. A claimed saga is given to nobody else until its lease ends or it changes; a claim that finds none
 * waits up to wait_ms for one. A lease is lost with the server: what guards a saga is its version. */
void varve_encode_saga_get(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view type,
                           struct varve_view id);
enum varve_status varve_decode_saga_get(struct varve_view body, struct varve_view *ret_type, struct varve_view *ret_id,
                                        struct varve_error *error);
void varve_encode_saga_get_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga *saga);
enum varve_status varve_decode_saga_get_ok(struct varve_view body, struct varve_saga *ret, struct varve_error *error);

void varve_encode_saga_list(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga_query *query);
enum varve_status varve_decode_saga_list(struct varve_view body, struct varve_saga_query *ret,
                                         struct varve_error *error);
void varve_encode_saga_list_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga_list *list);
/* ret->sagas in the arena. */
enum varve_status varve_decode_saga_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                            struct varve_saga_list *ret, struct varve_error *error);

void varve_encode_saga_counts(struct varve_wire_buffer *out, uint32_t request_id);
void varve_encode_saga_counts_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_saga_counts *counts);
enum varve_status varve_decode_saga_counts_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              struct varve_saga_counts *ret, struct varve_error *error);

struct varve_saga_claim {
    struct varve_view type;        /* one type; not empty */
    unsigned statuses;             /* bits; 0: VARVE_SAGA_UNFINISHED, and no others may stand there */
    struct varve_view step;        /* empty: any */
    struct varve_view worker;      /* 1-128 bytes; for people */
    uint32_t lease_ms;             /* 1 to 86,400,000 */
    uint32_t limit;                /* 1-100 */
    uint32_t wait_ms;              /* 0-30,000 */
};
void varve_encode_saga_claim(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga_claim *claim);
enum varve_status varve_decode_saga_claim(struct varve_view body, struct varve_saga_claim *ret,
                                          struct varve_error *error);
void varve_encode_saga_claim_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga *sagas,
                                size_t count);
enum varve_status varve_decode_saga_claim_ok(struct varve_view body, struct varve_wire_arena *arena,
                                             const struct varve_saga **ret_sagas, size_t *ret_count,
                                             struct varve_error *error);

#endif
