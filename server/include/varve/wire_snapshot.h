/* wire_snapshot.h - the messages of snapshots and of loading aggregates; what wire.h says of messages holds here. */
#ifndef VARVE_WIRE_SNAPSHOT_H
#define VARVE_WIRE_SNAPSHOT_H

#include "varve/snapshots.h"
#include "varve/wire.h"

#define VARVE_MAX_LOAD_STREAMS 1000u /* of one LOAD */

/* A snapshot is [stream, version, type, schema_version, content_type, created_at, size, data|nil]; nil in lists.
 *
 * SNAPSHOT_PUT    [stream, version, type, schema_version, content_type, data, keep]  -> SNAPSHOT_PUT_OK [created_at,
 *                 removed]      keep: how many of the stream's newest stay, 0: as the server is set
 * SNAPSHOT_GET    [stream, version|nil, type, schema_version]   -> SNAPSHOT_GET_OK [snapshot]   the newest at or below
 *                 the version (nil: any) that has this type and schema_version ("" and 0: any)
 * SNAPSHOT_LIST   [prefix, after_stream, after_version|nil, limit] -> SNAPSHOT_LIST_OK [[snapshot...], end]
 *                 by stream, then version; `limit` 1-1,000
 * SNAPSHOT_DELETE [stream, from_version, until_version]         -> SNAPSHOT_DELETE_OK [count]   both ends included */
void varve_encode_snapshot_put(struct varve_wire_buffer *out, uint32_t request_id,
                               const struct varve_snapshot *snapshot, uint32_t keep);
enum varve_status varve_decode_snapshot_put(struct varve_view body, struct varve_snapshot *ret, uint32_t *ret_keep,
                                            struct varve_error *error);
void varve_encode_snapshot_put_ok(struct varve_wire_buffer *out, uint32_t request_id, int64_t created_at_us,
                                  uint32_t removed);
enum varve_status varve_decode_snapshot_put_ok(struct varve_view body, int64_t *ret_created_at_us,
                                               uint32_t *ret_removed, struct varve_error *error);

void varve_encode_snapshot_get(struct varve_wire_buffer *out, uint32_t request_id,
                               const struct varve_snapshot_query *query);
enum varve_status varve_decode_snapshot_get(struct varve_view body, struct varve_snapshot_query *ret,
                                            struct varve_error *error);
void varve_encode_snapshot_get_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                  const struct varve_snapshot *snapshot);
enum varve_status varve_decode_snapshot_get_ok(struct varve_view body, struct varve_snapshot *ret,
                                               struct varve_error *error);

struct varve_snapshot_list_request {
    struct varve_view prefix;          /* of stream names; may be empty */
    struct varve_view after_stream;    /* those of later streams, and of this one those above after_version */
    int64_t after_version;             /* -1: all of it; INT64_MAX (nil): none of it */
    uint32_t limit;
};
void varve_encode_snapshot_list(struct varve_wire_buffer *out, uint32_t request_id,
                                const struct varve_snapshot_list_request *request);
enum varve_status varve_decode_snapshot_list(struct varve_view body, struct varve_snapshot_list_request *ret,
                                             struct varve_error *error);
void varve_encode_snapshot_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                   const struct varve_snapshot *snapshots, size_t count, bool end);
enum varve_status varve_decode_snapshot_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                                const struct varve_snapshot **ret_snapshots, size_t *ret_count,
                                                bool *ret_end, struct varve_error *error);

void varve_encode_snapshot_delete(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view stream,
                                  int64_t from_version, int64_t until_version);
enum varve_status varve_decode_snapshot_delete(struct varve_view body, struct varve_view *ret_stream,
                                               int64_t *ret_from_version, int64_t *ret_until_version,
                                               struct varve_error *error);
void varve_encode_snapshot_delete_ok(struct varve_wire_buffer *out, uint32_t request_id, uint64_t count);
enum varve_status varve_decode_snapshot_delete_ok(struct varve_view body, uint64_t *ret_count,
                                                  struct varve_error *error);

/* LOAD [[stream...], type, schema_version, no_snapshots, credit_bytes, batch_bytes]      1-1,000 streams
 * Replies, under the flow control of a READ; for each stream in the order asked, from one view of the log:
 *   LOADING    [index, status, version, first_version, snapshot|nil]   status 0; STREAM_NOT_FOUND, STREAM_TOMBSTONED,
 *              ...: nothing more comes of this one. version: of the stream. first_version: of the first event to come:
 *              the snapshot's + 1, or the first that the stream shows; version + 1: there are none.
 *              The snapshot is the newest that has this type and schema_version ("" and 0: any) and joins with the
 *              events after it without a gap; nil: there is none.
 *   READ_BATCH ...                                                     the events after it, ascending
 * then READ_END [last_position of the view], or ERROR. */
struct varve_load_request {
    const struct varve_view *streams;
    size_t stream_count;
    struct varve_view type;
    uint32_t schema_version;
    bool no_snapshots;                 /* the whole streams; what folding from zero needs */
    uint32_t credit_bytes, batch_bytes; /* as of struct varve_read_request */
};
void varve_encode_load(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_load_request *request);
enum varve_status varve_decode_load(struct varve_view body, struct varve_wire_arena *arena,
                                    struct varve_load_request *ret, struct varve_error *error);
struct varve_loading {
    uint32_t index;
    enum varve_status status;
    int64_t version;                   /* -1: no such stream */
    uint64_t first_version;
    bool has_snapshot;
    struct varve_snapshot snapshot;
};
void varve_encode_loading(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_loading *loading);
enum varve_status varve_decode_loading(struct varve_view body, struct varve_loading *ret, struct varve_error *error);

#endif
