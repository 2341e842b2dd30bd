/* load.h - snapshots, and loading aggregates with them, from C, over any client (client.h). */
#ifndef VARVE_LOAD_H
#define VARVE_LOAD_H

#include "varve/client.h"
#include "varve/wire_snapshot.h"

/* ---- loading ---------------------------------------------------------------------------------------------------- */

/* Open, then next until *ret_event is NULL with every stream begun, then close: the snapshot that fits, then the events
 * after it, then the version, from one view of the log and in one round trip. One load or read at a time on a client.
 *
 *     struct varve_loaded loaded;
 *     varve_client_load_open(client, &stream, 1, &wanted, &error);
 *     while (varve_client_load_stream(client, &loaded, &error) == VARVE_OK && loaded.more)
 *         ... loaded.snapshot, then varve_client_load_event() until it gives NULL ...
 *     varve_client_load_close(client);
 *
 * After a lost connection it begins again with the stream it was in, if none of that one's events were handed over;
 * else DISCONNECTED. */
struct varve_load_wanted {
    struct varve_view type;        /* of snapshots; empty: any */
    uint32_t schema_version;       /* 0: any */
    bool no_snapshots;             /* whole streams */
};
struct varve_loaded {
    bool more;                     /* false: there are no more streams; nothing else here is set */
    uint32_t index;                /* of the stream in the list */
    enum varve_status status;      /* VARVE_OK, STREAM_NOT_FOUND, STREAM_TOMBSTONED, ...: it has no events then */
    int64_t version;               /* of the stream in this view; expect it when appending */
    uint64_t first_version;        /* of the first event to come; version + 1: none */
    const struct varve_snapshot *snapshot; /* NULL: none fits; lives until the next stream */
};
/* Any number of streams, asked for in portions of VARVE_MAX_LOAD_STREAMS (each portion is one view). `streams` must
 * live until close; `wanted` NULL: any snapshot. */
enum varve_status varve_client_load_open(struct varve_client *client, const struct varve_view *streams, size_t count,
                                         const struct varve_load_wanted *wanted, struct varve_error *error);
/* The next stream; what was not yet taken of the one before is passed over. */
enum varve_status varve_client_load_stream(struct varve_client *client, struct varve_loaded *ret_loaded,
                                           struct varve_error *error);
/* The next event of the stream, verified; lives until the next call. NULL: no more. */
enum varve_status varve_client_load_event(struct varve_client *client, const struct varve_event **ret_event,
                                          struct varve_error *error);
void varve_client_load_close(struct varve_client *client); /* early is fine */

/* ---- snapshots -------------------------------------------------------------------------------------------------- */

/* keep 0: as the server is set. The ret_ may be NULL. SNAPSHOT_AHEAD: the stream is not that far; STREAM_NOT_FOUND. */
enum varve_status varve_client_snapshot_put(struct varve_client *client, const struct varve_snapshot *snapshot,
                                            uint32_t keep, int64_t *ret_created_at_us, uint32_t *ret_removed,
                                            struct varve_error *error);
/* What these return lives until the next call. SNAPSHOT_NOT_FOUND. */
enum varve_status varve_client_snapshot_get(struct varve_client *client, const struct varve_snapshot_query *query,
                                            struct varve_snapshot *ret_snapshot, struct varve_error *error);
enum varve_status varve_client_snapshot_list(struct varve_client *client,
                                             const struct varve_snapshot_list_request *request,
                                             const struct varve_snapshot **ret_snapshots, size_t *ret_count,
                                             bool *ret_end, struct varve_error *error);
enum varve_status varve_client_snapshot_delete(struct varve_client *client, struct varve_view stream,
                                               int64_t from_version, int64_t until_version, uint64_t *ret_count,
                                               struct varve_error *error);
/* Pipelined puts, as varve_client_submit(). */
typedef void (*varve_snapshot_done)(void *user, enum varve_status status, const struct varve_error *error);
enum varve_status varve_client_submit_snapshot(struct varve_client *client, const struct varve_snapshot *snapshot,
                                               uint32_t keep, varve_snapshot_done done, void *user,
                                               struct varve_error *error);

#endif
