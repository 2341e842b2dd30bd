/* wire.h - frames and messages <-> bytes. Used by server and clients; needs neither libuv nor LMDB.
 *
 * docs/protocol.md is the authority for other languages; this header says the same in C. A frame is a 16-byte header
 * and a msgpack body:
 *
 *   0  'V' 0xA6     magic
 *   2  u8           protocol version (1)
 *   3  u8           opcode
 *   4  u16          flags, big endian; version 1 has none: 0
 *   6  u16          0
 *   8  u32          length of the body, big endian
 *  12  u32          request id, big endian; chosen by the client, > 0, given back in every reply
 *
 * Every body is one msgpack array; elements may be added at its end in later versions, and at the end of the arrays of
 * fixed meaning inside it (an event, an entry), and a receiver skips those it does not know. Decoders are handed whole
 * bodies; every view they return points into the body. */
#ifndef VARVE_WIRE_H
#define VARVE_WIRE_H

#include "varve/event.h"
#include "varve/group.h"
#include "varve/pull.h"
#include "varve/store.h"

#define VARVE_WIRE_HEADER 16u
#define VARVE_WIRE_VERSION 1
#define VARVE_WIRE_MAX_FRAME (32u << 20)      /* body bytes; what a server accepts is in its HELLO reply */
#define VARVE_WIRE_MAX_FRAME_BEFORE_HELLO 1024u
#define VARVE_WIRE_MAX_DEPTH 8u
#define VARVE_WIRE_MAX_APPEND_ITEMS 262144u   /* events, and streams, of one APPEND; a server's limit may be lower */
#define VARVE_DEFAULT_PORT 8278

enum varve_opcode {
    VARVE_OP_HELLO = 0x01, VARVE_OP_PING = 0x02, VARVE_OP_APPEND = 0x03, VARVE_OP_READ = 0x04,
    VARVE_OP_CREDIT = 0x05,        /* about a READ under way (same request id); no reply of its own */
    VARVE_OP_CANCEL = 0x06,        /* about a READ under way; answered by its READ_END or ERROR */
    VARVE_OP_STREAM_INFO = 0x07, VARVE_OP_STREAM_LIST = 0x08, VARVE_OP_STREAM_CHANGE = 0x09,
    VARVE_OP_FIND = 0x0a, VARVE_OP_GET = 0x0b, VARVE_OP_STATS = 0x0c,
    VARVE_OP_HEALTH = 0x0d,       /* wire_health.h */
    VARVE_OP_CONFIG = 0x0e,       /* wire_config.h */
    VARVE_OP_SUBSCRIBE = 0x10,     /* CREDIT and CANCEL speak about it as about a READ */
    VARVE_OP_GROUP_CREATE = 0x18, VARVE_OP_GROUP_UPDATE = 0x19, VARVE_OP_GROUP_DELETE = 0x1a,
    VARVE_OP_GROUP_RESET = 0x1b, VARVE_OP_GROUP_INFO = 0x1c, VARVE_OP_GROUP_LIST = 0x1d,
    VARVE_OP_GROUP_JOIN = 0x1e,    /* CREDIT adds to it, CANCEL leaves the group */
    VARVE_OP_GROUP_ACK = 0x1f, VARVE_OP_GROUP_NACK = 0x20, VARVE_OP_GROUP_EXTEND = 0x21,
    VARVE_OP_PARKED_LIST = 0x22, VARVE_OP_PARKED_REPLAY = 0x23, VARVE_OP_PARKED_DISCARD = 0x24,
    VARVE_OP_TRANSACT = 0x28, VARVE_OP_SAGA_GET = 0x29, VARVE_OP_SAGA_LIST = 0x2a, VARVE_OP_SAGA_COUNTS = 0x2b,
    VARVE_OP_SAGA_CLAIM = 0x2c,    /* wire_saga.h; CANCEL ends the waiting of a claim */
    VARVE_OP_SNAPSHOT_PUT = 0x30, VARVE_OP_SNAPSHOT_GET = 0x31, VARVE_OP_SNAPSHOT_LIST = 0x32,
    VARVE_OP_SNAPSHOT_DELETE = 0x33,
    VARVE_OP_LOAD = 0x34,          /* wire_snapshot.h; CREDIT and CANCEL speak about it as about a READ */
    VARVE_OP_OUTBOX_LIST = 0x38, VARVE_OP_OUTBOX_ORDER = 0x39, VARVE_OP_OUTBOX_DEAD = 0x3a,
    VARVE_OP_OUTBOX_HISTORY = 0x3b,
    VARVE_OP_OUTBOX_VERIFY = 0x3c, /* wire_outbox.h; CANCEL ends it */

    VARVE_OP_HELLO_OK = 0x81, VARVE_OP_PONG = 0x82, VARVE_OP_APPEND_OK = 0x83, VARVE_OP_READ_BATCH = 0x84,
    VARVE_OP_READ_END = 0x85, VARVE_OP_STREAM_INFO_OK = 0x87, VARVE_OP_STREAM_LIST_OK = 0x88,
    VARVE_OP_STREAM_CHANGE_OK = 0x89, VARVE_OP_FIND_OK = 0x8a, VARVE_OP_GET_OK = 0x8b, VARVE_OP_STATS_OK = 0x8c,
    VARVE_OP_HEALTH_OK = 0x8d, VARVE_OP_CONFIG_OK = 0x8e,
    VARVE_OP_SUBSCRIBED = 0x90, VARVE_OP_EVENTS = 0x91, VARVE_OP_CAUGHT_UP = 0x92, VARVE_OP_FELL_BEHIND = 0x93,
    VARVE_OP_CHECKPOINT = 0x94,
    VARVE_OP_GROUP_OK = 0x98,      /* to CREATE, UPDATE, DELETE, RESET and INFO */
    VARVE_OP_GROUP_LIST_OK = 0x9d, VARVE_OP_GROUP_JOINED = 0x9e,
    VARVE_OP_GROUP_ACK_OK = 0x9f,  /* to ACK, NACK and EXTEND */
    VARVE_OP_GROUP_EVENTS = 0xa0, VARVE_OP_PARKED_LIST_OK = 0xa2, VARVE_OP_PARKED_OK = 0xa3,
    VARVE_OP_TRANSACT_OK = 0xa8, VARVE_OP_SAGA_GET_OK = 0xa9, VARVE_OP_SAGA_LIST_OK = 0xaa,
    VARVE_OP_SAGA_COUNTS_OK = 0xab, VARVE_OP_SAGA_CLAIM_OK = 0xac,
    VARVE_OP_SNAPSHOT_PUT_OK = 0xb0, VARVE_OP_SNAPSHOT_GET_OK = 0xb1, VARVE_OP_SNAPSHOT_LIST_OK = 0xb2,
    VARVE_OP_SNAPSHOT_DELETE_OK = 0xb3, VARVE_OP_LOADING = 0xb4,
    VARVE_OP_OUTBOX_LIST_OK = 0xb8, VARVE_OP_OUTBOX_ORDER_OK = 0xb9, VARVE_OP_OUTBOX_DEAD_OK = 0xba,
    VARVE_OP_OUTBOX_HISTORY_OK = 0xbb, VARVE_OP_OUTBOX_VERIFY_OK = 0xbc,
    VARVE_OP_ERROR = 0xff,         /* in place of any reply */
};
const char *varve_opcode_name(uint8_t opcode); /* "APPEND", ...; "?" when unknown */

struct varve_frame {
    uint8_t version, opcode;
    uint16_t flags;
    uint32_t length, request_id;
};
/* Reads the 16 bytes. VARVE_PROTOCOL: not our magic, flags or reserved bytes set, or length > max_length (nothing was
 * taken). Left to the caller: an unknown version (UNSUPPORTED) and a request's id of 0 (PROTOCOL). */
enum varve_status varve_frame_decode(const uint8_t header[VARVE_WIRE_HEADER], uint32_t max_length,
                                     struct varve_frame *ret_frame, struct varve_error *error);
void varve_frame_encode(const struct varve_frame *frame, uint8_t header[VARVE_WIRE_HEADER]);

/* Bytes being written: grows by doubling, remembers that memory ran out, so that encoders need one check at the end. */
struct varve_wire_buffer {
    uint8_t *bytes;
    size_t size, capacity;
    bool failed;
};
void varve_wire_buffer_free(struct varve_wire_buffer *buffer);

/* A frame is begun, its body written, and ended, which fills in the length. Returns the frame's offset. A frame that
 * could not be written whole is taken back; `failed` then stays set and nothing more is written. */
size_t varve_wire_begin(struct varve_wire_buffer *buffer, uint8_t opcode, uint32_t request_id);
void varve_wire_end(struct varve_wire_buffer *buffer, size_t frame_offset);

/* ---- messages: an encoder appends one whole frame; a decoder takes one body ------------------------------------- *
 * Decoders return VARVE_OK, VARVE_PROTOCOL (not well-formed msgpack of this message: wrong type, too short, bytes left)
 * or VARVE_INVALID_ARGUMENT (a value out of range; error->field says which, such as "events[3].class"). What they
 * return into is untouched unless they return VARVE_OK. Names and texts of requests are checked, except those of an
 * APPEND, which varve_append_create() checks. Those that need arrays take them from a varve_wire_arena, and may also
 * return VARVE_NO_MEMORY. They need no walk over the body beforehand. */

/* Memory for one decoded message; reused, at most 16 times the body it decodes. Every decoder that is handed an arena
 * begins by resetting it: what was decoded into it before ends there. After a reset it keeps at most 1 MiB. */
struct varve_wire_arena;
struct varve_wire_arena *varve_wire_arena_create(void);
void varve_wire_arena_free(struct varve_wire_arena *arena);
void varve_wire_arena_reset(struct varve_wire_arena *arena);

/* HELLO  [min_version, max_version, client_name, [capability...]] */
struct varve_hello {
    uint32_t min_version, max_version;
    struct varve_view client_name; /* for the server's log; at most 128 bytes */
};
void varve_encode_hello(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_hello *hello);
enum varve_status varve_decode_hello(struct varve_view body, struct varve_hello *ret, struct varve_error *error);

/* HELLO_OK  [version, server_version, database_id, [max_frame, max_event, max_append, max_append_events,
 *            max_requests, max_credit], [capability...], last_position] */
struct varve_hello_ok {
    uint32_t version;
    struct varve_view server_version;
    struct varve_uuid database_id;
    uint32_t max_frame_bytes;    /* body of a frame the server accepts */
    uint32_t max_event_bytes, max_append_bytes, max_append_events;
    uint32_t max_requests;       /* in flight on one connection; more wait in the socket */
    uint32_t max_credit_bytes;   /* of one read */
    uint32_t capability_count;   /* at most 32 are kept */
    struct varve_view capabilities[32]; /* "append", "read", "category", "type", "correlation", "id", ... */
    uint64_t last_position;
};
void varve_encode_hello_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_hello_ok *hello);
enum varve_status varve_decode_hello_ok(struct varve_view body, struct varve_hello_ok *ret, struct varve_error *error);

/* The body of a PING, CANCEL, STATS or GROUP_LIST, which says nothing: [] */
enum varve_status varve_decode_empty(struct varve_view body, uint8_t opcode, struct varve_error *error);

/* PING [] -> PONG [server_time_us, last_position] */
void varve_encode_ping(struct varve_wire_buffer *out, uint32_t request_id);
void varve_encode_pong(struct varve_wire_buffer *out, uint32_t request_id, int64_t now_us, uint64_t last_position);
enum varve_status varve_decode_pong(struct varve_view body, int64_t *ret_now_us, uint64_t *ret_last_position,
                                    struct varve_error *error);

/* APPEND  [[[stream, expected]...], [[stream_index, id|nil, type, schema_version, time|nil, correlation_id|nil,
 *          causation_id|nil, source|nil, user_id|nil, class, content_type, data, metadata|nil]...]]
 * expected: -1 no_stream, -2 any, -3 stream_exists, n >= 0 the version last seen. When decoded, events[i].stream is the
 * name of its stream. More than VARVE_WIRE_MAX_APPEND_ITEMS of either: APPEND_TOO_LARGE. */
void varve_encode_append(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_append_request *append);
enum varve_status varve_decode_append(struct varve_view body, struct varve_wire_arena *arena,
                                      struct varve_append_request *ret, struct varve_error *error);

/* APPEND_OK and STREAM_CHANGE_OK  [replayed, [[first_version, last_version, first_position, last_position]...]] */
void varve_encode_append_ok(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                            const struct varve_append_outcome *outcome);
enum varve_status varve_decode_append_ok(struct varve_view body, struct varve_wire_arena *arena,
                                         struct varve_append_outcome *ret, struct varve_error *error);

/* READ  [kind, name|nil, correlation_id|nil, backwards, include_system, from|nil, limit, since|nil, until|nil,
 *        credit_bytes, batch_bytes]   from nil = the edge; name and correlation_id nil unless the kind uses them.
 * Replies: READ_BATCH [[record...], next|nil] while credit lasts, then READ_END [last_position_of_the_view], or ERROR.
 * Each record is a bin. The size of each batch body is taken from the credit; CREDIT [bytes] adds to it. */
struct varve_read_request {
    struct varve_read read;
    uint32_t credit_bytes;  /* at least 1; a batch is sent while credit is > 0, so it may be overdrawn by one batch */
    uint32_t batch_bytes;   /* about how large the client wants a batch; 0 = the server's choice */
};
void varve_encode_read(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_read_request *read);
enum varve_status varve_decode_read(struct varve_view body, struct varve_read_request *ret, struct varve_error *error);
void varve_encode_credit(struct varve_wire_buffer *out, uint32_t request_id, uint32_t bytes);
enum varve_status varve_decode_credit(struct varve_view body, uint32_t *ret_bytes, struct varve_error *error);
void varve_encode_cancel(struct varve_wire_buffer *out, uint32_t request_id);
void varve_encode_read_batch(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_batch *batch);
/* The views of the records, `count` of them, in the arena; verify each with varve_record_decode(). *ret_next is
 * VARVE_FROM_EDGE for nil. */
enum varve_status varve_decode_read_batch(struct varve_view body, struct varve_wire_arena *arena,
                                          const struct varve_view **ret_records, uint32_t *ret_count,
                                          uint64_t *ret_next, struct varve_error *error);
void varve_encode_read_end(struct varve_wire_buffer *out, uint32_t request_id, uint64_t last_position);
enum varve_status varve_decode_read_end(struct varve_view body, uint64_t *ret_last_position, struct varve_error *error);

/* STREAM_INFO [stream] -> STREAM_INFO_OK [stream, version, first_version, last_position, created_at, updated_at,
 *                         truncate_before, max_count, max_age_us, deleted, tombstoned] */
void varve_encode_stream_info(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view stream);
enum varve_status varve_decode_stream_info(struct varve_view body, struct varve_view *ret_stream,
                                           struct varve_error *error);
void varve_encode_stream_info_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_stream_entry *entry);
enum varve_status varve_decode_stream_info_ok(struct varve_view body, struct varve_stream_entry *ret,
                                              struct varve_error *error);

/* STREAM_LIST [prefix, after, limit, include_system] -> STREAM_LIST_OK [[entry as in STREAM_INFO_OK...], end] */
struct varve_stream_list_request {
    struct varve_view prefix, after;
    uint32_t limit;
    bool include_system;
};
void varve_encode_stream_list(struct varve_wire_buffer *out, uint32_t request_id,
                              const struct varve_stream_list_request *list);
enum varve_status varve_decode_stream_list(struct varve_view body, struct varve_stream_list_request *ret,
                                           struct varve_error *error);
void varve_encode_stream_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_stream_list *list);
enum varve_status varve_decode_stream_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              struct varve_stream_list *ret, struct varve_error *error);

/* STREAM_CHANGE [kind, stream, expected, truncate_before, max_count, max_age_us] -> STREAM_CHANGE_OK as APPEND_OK */
void varve_encode_stream_change(struct varve_wire_buffer *out, uint32_t request_id,
                                const struct varve_stream_change *change);
enum varve_status varve_decode_stream_change(struct varve_view body, struct varve_stream_change *ret,
                                             struct varve_error *error);

/* FIND [[id...]] (1-10,000 bin 16) -> FIND_OK [[position...]], 0 for an id that no event has.
 * GET [position] -> GET_OK [record] */
void varve_encode_find(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_uuid *ids, size_t count);
enum varve_status varve_decode_find(struct varve_view body, struct varve_wire_arena *arena,
                                    const struct varve_uuid **ret_ids, size_t *ret_count, struct varve_error *error);
void varve_encode_find_ok(struct varve_wire_buffer *out, uint32_t request_id, const uint64_t *positions, size_t count);
enum varve_status varve_decode_find_ok(struct varve_view body, struct varve_wire_arena *arena,
                                       const uint64_t **ret_positions, size_t *ret_count, struct varve_error *error);
void varve_encode_get(struct varve_wire_buffer *out, uint32_t request_id, uint64_t position);
enum varve_status varve_decode_get(struct varve_view body, uint64_t *ret_position, struct varve_error *error);
void varve_encode_get_ok(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view record);
enum varve_status varve_decode_get_ok(struct varve_view body, struct varve_view *ret_record, struct varve_error *error);

/* STATS [] -> STATS_OK [{name: number or text, ...}]: a map, so that figures come and go without a new version. Values
 * of other kinds are skipped.
 * The engine's figures carry the names of struct varve_stats; the server adds its own ("connections", ...). */
struct varve_stat {
    struct varve_view name;
    bool is_text;
    uint64_t number;
    struct varve_view text;
};
void varve_encode_stats(struct varve_wire_buffer *out, uint32_t request_id);
void varve_encode_stats_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_stat *stats,
                           size_t count);
enum varve_status varve_decode_stats_ok(struct varve_view body, struct varve_wire_arena *arena,
                                        const struct varve_stat **ret_stats, size_t *ret_count,
                                        struct varve_error *error);
/* The engine's figures as a list of at most `room` stats; returns the count. Texts point into `text`. */
size_t varve_stats_list(const struct varve_stats *stats, char text[2 * 64], struct varve_stat *ret, size_t room);

/* ---- subscriptions ---------------------------------------------------------------------------------------------- */

/* A filter is [[stream...], [category...], [type...], [prefix...], correlation_id|nil, classes, include_system];
 * decoders check it (varve_filter_check()).
 *
 * SUBSCRIBE [filter, after|nil, credit_bytes, batch_bytes]: `after` a position (0: from the beginning), nil: from the
 * end as it is when the server takes the request. Replies, all with the request's id:
 *   SUBSCRIBED   [after, last_position]  first, once
 *   EVENTS       [[record...], position]  everything up to `position` was looked at; its body is taken from the credit
 *   CAUGHT_UP    [position]  there is nothing more now; what comes from here on is live
 *   FELL_BEHIND  [position]  live no more: too slow for what is appended
 *   CHECKPOINT   [position]  everything up to here was looked at and nothing matched
 * and ERROR, which ends it: CANCELLED after CANCEL. CREDIT that raises the credit above max_credit ends it with
 * INVALID_ARGUMENT, as does an `after` behind the end of the log. */
struct varve_subscribe_request {
    struct varve_filter filter;
    uint64_t after;         /* or VARVE_AFTER_END */
    uint32_t credit_bytes;  /* at least 1; events are sent while credit is > 0, so it may be overdrawn by one batch */
    uint32_t batch_bytes;   /* as for READ */
};
#define VARVE_AFTER_END UINT64_MAX
void varve_encode_subscribe(struct varve_wire_buffer *out, uint32_t request_id,
                            const struct varve_subscribe_request *request);
enum varve_status varve_decode_subscribe(struct varve_view body, struct varve_wire_arena *arena,
                                         struct varve_subscribe_request *ret, struct varve_error *error);
void varve_encode_subscribed(struct varve_wire_buffer *out, uint32_t request_id, uint64_t after,
                             uint64_t last_position);
enum varve_status varve_decode_subscribed(struct varve_view body, uint64_t *ret_after, uint64_t *ret_last_position,
                                          struct varve_error *error);
void varve_encode_events(struct varve_wire_buffer *out, uint32_t request_id, const uint8_t *const *records,
                         const uint32_t *sizes, uint32_t count, uint64_t position);
enum varve_status varve_decode_events(struct varve_view body, struct varve_wire_arena *arena,
                                      const struct varve_view **ret_records, uint32_t *ret_count,
                                      uint64_t *ret_position, struct varve_error *error);
/* CAUGHT_UP, FELL_BEHIND and CHECKPOINT: `opcode` says which. */
void varve_encode_position(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode, uint64_t position);
enum varve_status varve_decode_position(struct varve_view body, uint8_t opcode, uint64_t *ret_position,
                                        struct varve_error *error);

/* ---- consumer groups -------------------------------------------------------------------------------------------- */

/* Settings are [filter, key, max_in_flight, consumer_max_in_flight, ack_timeout_ms, max_attempts, [backoff_ms...]].
 * An info is [name, settings, stop_reason|nil, checkpoint, last_position, in_flight, retrying, parked, acked,
 * redelivered, created_at, [[consumer, epoch, in_flight, max_in_flight]...]]; stop_reason nil: it runs.
 *
 * GROUP_CREATE [group, settings, after|nil]      -> GROUP_OK [info]   `after` as in SUBSCRIBE
 * GROUP_UPDATE [group, settings|nil, resume]     -> GROUP_OK          nil: leave them; the filter and key may change:
 *                                                                     they count for events not looked at yet
 * GROUP_RESET  [group, after|nil]                -> GROUP_OK          members stay, all that is in flight is fenced
 * GROUP_DELETE [group], GROUP_INFO [group]       -> GROUP_OK
 * GROUP_LIST []                                  -> GROUP_LIST_OK [[info...]]   without consumers */
struct varve_group_request {          /* GROUP_CREATE, _UPDATE, _RESET, _DELETE, _INFO: what the opcode has of it */
    struct varve_view group;
    struct varve_group_settings settings;
    bool has_settings;
    bool resume;
    uint64_t after;                   /* or VARVE_AFTER_END */
};
void varve_encode_group(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                        const struct varve_group_request *request);
enum varve_status varve_decode_group(struct varve_view body, uint8_t opcode, struct varve_wire_arena *arena,
                                     struct varve_group_request *ret, struct varve_error *error);
void varve_encode_group_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_group_info *info);
enum varve_status varve_decode_group_ok(struct varve_view body, struct varve_wire_arena *arena,
                                        struct varve_group_info *ret, struct varve_error *error);
void varve_encode_group_list(struct varve_wire_buffer *out, uint32_t request_id);
void varve_encode_group_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                const struct varve_group_info *infos, size_t count);
enum varve_status varve_decode_group_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                             const struct varve_group_info **ret_infos, size_t *ret_count,
                                             struct varve_error *error);

/* GROUP_JOIN [group, consumer, max_in_flight, credit_bytes, takeover]; max_in_flight 0: as the group is set. Replies:
 *   GROUP_JOINED [epoch, checkpoint, ack_timeout_ms]   once, when the membership is durable
 *   GROUP_EVENTS [[[attempt, record]...]]              attempt 1: the first delivery; its body is taken from the credit
 * and ERROR, which ends the membership: CANCELLED after CANCEL, FENCED when somebody took the name over, GROUP_STOPPED,
 * GROUP_NOT_FOUND when it is deleted. A name that is a member already: CONSUMER_EXISTS, unless `takeover`. */
struct varve_group_join {
    struct varve_view group, consumer;
    uint32_t max_in_flight;
    uint32_t credit_bytes;
    bool takeover;
};
void varve_encode_group_join(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_group_join *join);
enum varve_status varve_decode_group_join(struct varve_view body, struct varve_group_join *ret,
                                          struct varve_error *error);
void varve_encode_group_joined(struct varve_wire_buffer *out, uint32_t request_id, uint64_t epoch, uint64_t checkpoint,
                               uint32_t ack_timeout_ms);
enum varve_status varve_decode_group_joined(struct varve_view body, uint64_t *ret_epoch, uint64_t *ret_checkpoint,
                                            uint32_t *ret_ack_timeout_ms, struct varve_error *error);
struct varve_delivery {
    uint32_t attempt;
    struct varve_view record;
};
void varve_encode_group_events(struct varve_wire_buffer *out, uint32_t request_id,
                               const struct varve_delivery *deliveries, uint32_t count);
enum varve_status varve_decode_group_events(struct varve_view body, struct varve_wire_arena *arena,
                                            const struct varve_delivery **ret_deliveries, uint32_t *ret_count,
                                            struct varve_error *error);

/* GROUP_ACK    [group, epoch, [position...]]                                   (1-10,000 positions)
 * GROUP_NACK   [group, epoch, [position...], action, retry_after_ms|nil, reason|nil]
 * GROUP_EXTEND [group, epoch, [position...], by_ms]     each has so long from now, 1 to 86,400,000 ms
 * -> GROUP_ACK_OK [done, [[position, status]...]]: how many were taken, and of each that was not the reason: FENCED
 *    (it is not with this consumer any more) or NOT_DELIVERED (it never was). An epoch that is no member's: ERROR
 *    FENCED. */
struct varve_group_ack {              /* of all three; what the opcode has of it */
    struct varve_view group;
    uint64_t epoch;
    const uint64_t *positions;
    size_t count;
    enum varve_nack action;
    uint32_t wait_ms;                 /* retry_after_ms, VARVE_RETRY_BACKOFF for nil; or by_ms */
    struct varve_view reason;
};
#define VARVE_RETRY_BACKOFF UINT32_MAX /* as the group is set */
void varve_encode_group_ack(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                            const struct varve_group_ack *ack);
enum varve_status varve_decode_group_ack(struct varve_view body, uint8_t opcode, struct varve_wire_arena *arena,
                                         struct varve_group_ack *ret, struct varve_error *error);
struct varve_refused_ack {
    uint64_t position;
    enum varve_status status;
};
void varve_encode_group_ack_ok(struct varve_wire_buffer *out, uint32_t request_id, uint32_t done,
                               const struct varve_refused_ack *refused, size_t count);
enum varve_status varve_decode_group_ack_ok(struct varve_view body, struct varve_wire_arena *arena, uint32_t *ret_done,
                                            const struct varve_refused_ack **ret_refused, size_t *ret_count,
                                            struct varve_error *error);

/* PARKED_LIST    [group, after, limit]                  -> PARKED_LIST_OK [[entry...], end]   ascending by position,
 *                                                          those above `after`, 1-1,000 of them
 * PARKED_REPLAY  [group, position|nil, limit]           -> PARKED_OK [count]   nil: the oldest `limit` (0: all)
 * PARKED_DISCARD [group, position|nil, limit, reason|nil] -> PARKED_OK [count]
 * An entry is [position, stream, version, type, id, attempts, reason, last_error|nil, first_attempt, parked_at,
 * replaying]. A position that is not parked: EVENT_NOT_FOUND. */
struct varve_parked_request {         /* of all three; what the opcode has of it */
    struct varve_view group;
    uint64_t position;                /* 0: nil; for LIST: `after` */
    uint32_t limit;
    struct varve_view reason;
};
void varve_encode_parked(struct varve_wire_buffer *out, uint32_t request_id, uint8_t opcode,
                         const struct varve_parked_request *request);
enum varve_status varve_decode_parked(struct varve_view body, uint8_t opcode, struct varve_parked_request *ret,
                                      struct varve_error *error);
void varve_encode_parked_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_parked_event *events, size_t count, bool end);
enum varve_status varve_decode_parked_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              const struct varve_parked_event **ret_events, size_t *ret_count,
                                              bool *ret_end, struct varve_error *error);
void varve_encode_parked_ok(struct varve_wire_buffer *out, uint32_t request_id, uint32_t count);
enum varve_status varve_decode_parked_ok(struct varve_view body, uint32_t *ret_count, struct varve_error *error);

/* ERROR [number, NAME, message, field|nil, limit|nil, retry_after_ms|nil,
 *        [[index, status, expected, actual, part]...]]      part: enum varve_part; 0 when it is not there
 * The number may be one of a newer registry. */
struct varve_wire_error {
    struct varve_error error;
    const struct varve_conflict *conflicts;
    size_t conflict_count;
};
void varve_encode_error(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_wire_error *error);
enum varve_status varve_decode_error(struct varve_view body, struct varve_wire_arena *arena,
                                     struct varve_wire_error *ret, struct varve_error *error);

#endif
