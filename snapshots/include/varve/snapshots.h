/* snapshots.h - the snapshot cache: what aggregates looked like at a version, so that not all their events need to be
 * folded again. A cache in a file of its own (DIR/snapshots.mdb, LMDB): deleting it is always safe, and damage is a
 * miss. It knows nothing of the log; its caller holds versions against streams.
 *
 * All functions may be called from any thread, block on the disk, and are not for an event loop. */
#ifndef VARVE_SNAPSHOTS_H
#define VARVE_SNAPSHOTS_H

#include "varve/event.h"
#include "varve/os.h"
#include "varve/status.h"

#define VARVE_SNAPSHOT_MAX_BYTES (1u << 20) /* of data */
#define VARVE_SNAPSHOT_MAX_TYPE 128u        /* bytes of UTF-8 without control characters */
#define VARVE_SNAPSHOT_MAX_KEEP 1000u
#define VARVE_SNAPSHOT_MAX_LIST 1000u

struct varve_snapshot {
    struct varve_view stream;
    int64_t version;                /* of the stream's last event that was folded in */
    struct varve_view type;         /* what kind of state it is: "account", ...; not empty */
    uint32_t schema_version;        /* of the state, from 1; a reader who expects another folds again */
    enum varve_content_type content_type; /* JSON is checked when it is put */
    int64_t created_at_us;          /* when it was put; put: ignored */
    uint32_t size;                  /* of data; what a list has instead of it */
    struct varve_view data;
};
/* Every field, without looking at any stream. INVALID_ARGUMENT names the field; EVENT_TOO_LARGE with the limit. */
enum varve_status varve_snapshot_check(const struct varve_snapshot *snapshot, struct varve_error *error);

struct varve_snapshot_query {
    struct varve_view stream;
    int64_t at_or_below;            /* INT64_MAX: the newest */
    struct varve_view type;         /* empty: any */
    uint32_t schema_version;        /* 0: any */
};

struct varve_snapshots;
struct varve_snapshots_options {
    uint32_t keep;                  /* newest ones kept of each stream when put says 0; 1-1,000; default 2 */
    uint64_t map_size_bytes;        /* address space, and the most that the file may grow to; default 64 GiB */
    const struct varve_os *os;      /* default varve_os_default(); must outlive the cache */
    /* Something was found damaged and thrown away: a snapshot, or the whole file. From any thread, which holds locks of
     * the cache: it must not be called from here. May be NULL. */
    void (*damaged)(void *user, const char *message);
    void *user;
};
void varve_snapshots_options_init(struct varve_snapshots_options *options);
/* Open or make DIR/snapshots.mdb of the store in `path`, whose owner we are (the store must be open here). A file that
 * is not whole, or belongs to another store (`database_id`), is thrown away and made anew, which `damaged` is told.
 * IO, DISK_FULL, NO_MEMORY. */
enum varve_status varve_snapshots_open(const char *path, const struct varve_uuid *database_id,
                                       const struct varve_snapshots_options *options,
                                       struct varve_snapshots **ret_snapshots, struct varve_error *error);
void varve_snapshots_close(struct varve_snapshots *snapshots); /* NULL allowed */

/* Checked, and durable when it returns (many that are put at the same time share a sync). One of the same stream and
 * version is replaced. Then all but the newest `keep` (0: the option) of the stream go; *ret_removed of them.
 * DISK_FULL, IO, INVALID_ARGUMENT, EVENT_TOO_LARGE. */
enum varve_status varve_snapshots_put(struct varve_snapshots *snapshots, const struct varve_snapshot *snapshot,
                                      uint32_t keep, int64_t *ret_created_at_us, uint32_t *ret_removed,
                                      struct varve_error *error);
/* The same for many, in one commit or a few. `status` and what follows is the outcome of each. */
struct varve_snapshot_put {
    const struct varve_snapshot *snapshot;
    uint32_t keep;
    enum varve_status status;
    struct varve_error error;
    int64_t created_at_us;
    uint32_t removed;
};
void varve_snapshots_put_all(struct varve_snapshots *snapshots, struct varve_snapshot_put *puts, size_t count);
/* In one piece of memory: free(*ret_snapshot). SNAPSHOT_NOT_FOUND, also for what proves damaged, which is taken away.
 * */
enum varve_status varve_snapshots_get(struct varve_snapshots *snapshots, const struct varve_snapshot_query *query,
                                      struct varve_snapshot **ret_snapshot, struct varve_error *error);
/* By stream, then version, without data: those of streams after `after_stream`, and of it those above after_version. In
 * one piece of memory: free(*ret_snapshots). */
enum varve_status varve_snapshots_list(struct varve_snapshots *snapshots, struct varve_view prefix,
                                       struct varve_view after_stream, int64_t after_version, uint32_t limit,
                                       struct varve_snapshot **ret_snapshots, size_t *ret_count, bool *ret_end,
                                       struct varve_error *error);
/* Versions from..until of a stream, both included; *ret_count of them are gone, and that is durable. */
enum varve_status varve_snapshots_delete(struct varve_snapshots *snapshots, struct varve_view stream,
                                         int64_t from_version, int64_t until_version, uint64_t *ret_count,
                                         struct varve_error *error);

struct varve_snapshots_stats {
    uint64_t count;                 /* in the file */
    uint64_t file_bytes;
    uint64_t hits, misses, puts, damaged; /* since it was opened */
};
void varve_snapshots_get_stats(struct varve_snapshots *snapshots, struct varve_snapshots_stats *ret);

#endif
