/* wire_outbox.h - the messages about outboxes; what wire.h says of messages holds here. */
#ifndef VARVE_WIRE_OUTBOX_H
#define VARVE_WIRE_OUTBOX_H

#include "varve/outbox.h"
#include "varve/wire.h"

#define VARVE_MAX_OUTBOX_LIST 1000u /* dead letters, or events, of one answer */

/* OUTBOX_LIST [name|nil] -> OUTBOX_LIST_OK [[name, {figure: number or text, ...}], ...]   one or all
 * The figures are a map, as those of STATS: docs/outbox.md has their names. */
struct varve_outbox_entry {
    struct varve_view name;
    const struct varve_stat *figures;
    size_t figure_count;
};
void varve_encode_outbox_list(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view name);
enum varve_status varve_decode_outbox_list(struct varve_view body, struct varve_view *ret_name,
                                           struct varve_error *error);
void varve_encode_outbox_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_outbox_entry *entries, size_t count);
enum varve_status varve_decode_outbox_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              const struct varve_outbox_entry **ret_entries, size_t *ret_count,
                                              struct varve_error *error);

/* OUTBOX_ORDER [name, action, reset_to, position, until, stream|nil, type|nil, reason|nil]
 *   -> OUTBOX_ORDER_OK [position, count]    what they mean depends on the action: struct varve_outbox_order_result */
struct varve_outbox_order_result {
    uint64_t position;   /* RESET: where the checkpoint is now; REPLAY: the last position to be sent again */
    uint64_t count;      /* RETRY: streams that will be tried; DISCARD: 1; REPLAY: its number */
};
void varve_encode_outbox_order(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view name,
                               const struct varve_outbox_order *order);
enum varve_status varve_decode_outbox_order(struct varve_view body, struct varve_view *ret_name,
                                            struct varve_outbox_order *ret, struct varve_error *error);
void varve_encode_outbox_order_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                  const struct varve_outbox_order_result *result);
enum varve_status varve_decode_outbox_order_ok(struct varve_view body, struct varve_outbox_order_result *ret,
                                               struct varve_error *error);

/* OUTBOX_DEAD [name, stream|nil, after, limit] -> OUTBOX_DEAD_OK [[letter...], end]   by stream; of one stream, or of
 * those whose names sort after `after` (may be empty), `limit` 1-1,000
 * letter = [stream, position, version, waiting, skipped, retry_count, error_code, last_error, first_attempt,
 *           last_attempt] */
struct varve_outbox_dead_request {
    struct varve_view name;
    struct varve_view stream;  /* absent: all */
    struct varve_view after;
    uint32_t limit;
};
void varve_encode_outbox_dead(struct varve_wire_buffer *out, uint32_t request_id,
                              const struct varve_outbox_dead_request *request);
enum varve_status varve_decode_outbox_dead(struct varve_view body, struct varve_outbox_dead_request *ret,
                                           struct varve_error *error);
void varve_encode_outbox_dead_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_dead_letter *letters, size_t count, bool end);
enum varve_status varve_decode_outbox_dead_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              const struct varve_dead_letter **ret_letters, size_t *ret_count,
                                              bool *ret_end, struct varve_error *error);

/* OUTBOX_HISTORY [name, stream, from_version, limit] -> OUTBOX_HISTORY_OK [[event...], end]   `limit` 1-1,000
 * event = [version, position, type, recorded_at, fate, topic|nil, published_at|nil, retry_count, last_error|nil]
 * published_at: at the latest, from the outbox's own notes. */
struct varve_outbox_history_request {
    struct varve_view name;
    struct varve_view stream;
    uint64_t from_version;
    uint32_t limit;
};
struct varve_outbox_history_event {
    uint64_t version, position;
    struct varve_view type;
    int64_t recorded_at_us;
    enum varve_outbox_fate fate;
    struct varve_view topic;       /* absent: goes nowhere */
    int64_t published_at_us;       /* VARVE_TIME_NONE: not known, or not published */
    uint32_t retry_count;
    struct varve_view last_error;  /* absent: none */
};
void varve_encode_outbox_history(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_outbox_history_request *request);
enum varve_status varve_decode_outbox_history(struct varve_view body, struct varve_outbox_history_request *ret,
                                              struct varve_error *error);
void varve_encode_outbox_history_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                    const struct varve_outbox_history_event *events, size_t count, bool end);
enum varve_status varve_decode_outbox_history_ok(struct varve_view body, struct varve_wire_arena *arena,
                                                 const struct varve_outbox_history_event **ret_events,
                                                 size_t *ret_count, bool *ret_end, struct varve_error *error);

/* OUTBOX_VERIFY [name, depth] -> OUTBOX_VERIFY_OK [{figure: number or text, ...}]
 * Reads the ends of the topics (depth: records of each partition, 0: all); CANCEL ends it early. Figures: agrees (0 or
 * 1), records, events, missing, duplicates, disordered, foreign, above_checkpoint, wrong_partition, different,
 * first_position, last_position, checkpoint, finding. */
void varve_encode_outbox_verify(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view name,
                                uint64_t depth);
enum varve_status varve_decode_outbox_verify(struct varve_view body, struct varve_view *ret_name, uint64_t *ret_depth,
                                             struct varve_error *error);
void varve_encode_outbox_verify_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                   const struct varve_stat *figures, size_t count);
enum varve_status varve_decode_outbox_verify_ok(struct varve_view body, struct varve_wire_arena *arena,
                                                const struct varve_stat **ret_figures, size_t *ret_count,
                                                struct varve_error *error);

#endif
