/* store.h - the event store as a library: append to streams, read them back in order.
 *
 * Ground floor: opens no socket, writes no log, starts three threads (committer, settler, segment maker) that
 * it joins in varve_store_close(). One process owns a directory at a time; one handle per directory
 * and process. Never use a handle in a child after fork().
 *
 * A version numbers the events of one stream from 0, a position those of the whole store from 1; position 0 means
 * "before the first". All functions may be called from any thread unless they say otherwise. A reader or an append
 * object belongs to one thread at a time. */
#ifndef VARVE_STORE_H
#define VARVE_STORE_H

#include "varve/event.h"
#include "varve/histogram.h"
#include "varve/os.h"

struct varve_store;  /* Opaque: its fields live in the engine and may change freely. */
struct varve_append; /* One append on its way. */
struct varve_reader; /* One read on its way. */

/* ---- opening ---------------------------------------------------------------------------------------------------- */

enum varve_index {
    VARVE_INDEX_TYPE = 1, VARVE_INDEX_CATEGORY = 2, VARVE_INDEX_CORRELATION = 4, VARVE_INDEX_ID = 8,
    VARVE_INDEX_ALL = 15,
};

struct varve_options {
    bool create;                    /* make a store when the directory is absent or empty; default true */
    unsigned indexes;               /* VARVE_INDEX_* besides streams; counts only at creation; default all */
    uint32_t segment_size_bytes;    /* of a journal file; default 64 MiB, at least 256 KiB, a multiple of 4096 */
    uint32_t max_event_bytes;       /* data + metadata of one event; default 1 MiB, at most 16 MiB */
    uint32_t max_append_bytes;      /* the records of one append; default 8 MiB; must fit a segment with its headers */
    uint32_t max_append_events;     /* default 65,536 */
    uint64_t queue_size_bytes;      /* appends waiting for the committer; beyond it OVERLOADED; default 64 MiB */
    uint32_t group_size_bytes;      /* how much one group commit takes at most, one append at least; default 1 MiB;
                                     * never more than fits a segment */
    uint64_t settle_size_bytes;     /* records in memory before the settler moves them; default 128 MiB */
    uint32_t settle_events;         /* or so many events; default 500,000 */
    uint32_t settle_idle_ms;        /* or so long without an append, or 60 times as long with some all the time; default
                                     * 1,000; 0 = never because of time */
    uint32_t recent_ids;            /* remembered for replay of `any` and `stream_exists`; default 1,000,000 */
    uint64_t disk_reserve_bytes;    /* below so much free space appends get DISK_FULL; default 256 MiB */
    uint64_t map_size_bytes;        /* address space for store.mdb; default 1 TiB */
    const struct varve_os *os;      /* default varve_os_default(); must outlive the store */
};
void varve_options_init(struct varve_options *options); /* all defaults */

/* Open the store in directory `path`, creating it when absent. Keeps no reference to `path` or `options` (NULL: all
 * defaults). On VARVE_OK the caller owns *ret_store and ends it with varve_store_close(). On failure *ret_store is
 * untouched, *error says what and where, and nothing on disk was deleted or shortened:
 * NOT_A_STORE, NEWER_FORMAT, LOCKED, READ_ONLY, CORRUPT, DISK_FULL, IO, NO_MEMORY, INVALID_ARGUMENT (options). */
enum varve_status varve_store_open(const char *path, const struct varve_options *options,
                                   struct varve_store **ret_store, struct varve_error *error);

/* Commit what is queued, settle everything, join the threads, let go of the directory, free the store. Returns the
 * first fault met; the store is gone all the same. No append, reader or callback may be under way. NULL is allowed. */
enum varve_status varve_store_close(struct varve_store *store);

/* VARVE_OK, or the fault after which this store acknowledges nothing more (a failed write or sync; outcome unknown).
 * *error describes it. Only closing helps; an owner that serves others should say so loudly and exit. */
enum varve_status varve_store_fault(struct varve_store *store, struct varve_error *error);

/* Ask for settling now and wait until everything visible at the call is settled. For tools and tests. */
enum varve_status varve_store_settle(struct varve_store *store);

/* ---- appending -------------------------------------------------------------------------------------------------- */

#define VARVE_EXPECTED_NO_STREAM (-1)     /* also the `actual` of a stream that has no events */
#define VARVE_EXPECTED_ANY (-2)
#define VARVE_EXPECTED_STREAM_EXISTS (-3) /* 0 and above: the version last seen */

/* A stream that an append writes to, or only checks (when no event names it). Each stream at most once per append. */
struct varve_append_stream {
    struct varve_view stream;
    int64_t expected;
};

/* Events are stored in the order given, which may weave streams; events[i] goes to streams[stream_of[i]].
 * `stream_of` may be NULL when there is one stream. The `stream` field inside the events is not looked at. */
struct varve_append_request {
    const struct varve_append_stream *streams;
    size_t stream_count;
    const struct varve_event *events;
    const uint32_t *stream_of;
    size_t event_count;
};

struct varve_append_result { /* one per stream of the request, in its order */
    int64_t first_version;   /* of this append's events there; -1 for a stream that was only checked */
    int64_t last_version;    /* the stream's version after the append as seen by it; -1 for none */
    uint64_t first_position; /* of this append's events there; 0 for a check */
    uint64_t last_position;
};
/* What part of a request a conflict is about. Appends have streams only; the others are transact.h's. */
enum varve_part { VARVE_PART_STREAM = 0, VARVE_PART_SAGA = 1, VARVE_PART_SYSTEM = 2, VARVE_PART_ACK = 3 };
struct varve_conflict {
    enum varve_part part;
    uint32_t stream_index;   /* in its part of the request */
    enum varve_status status; /* WRONG_EXPECTED_VERSION, STREAM_TOMBSTONED, ID_REUSED, STREAM_NOT_FOUND */
    int64_t expected;
    int64_t actual;          /* -1: no events, or deleted. Where a version was expected: the last, even if deleted */
};
struct varve_append_outcome {
    enum varve_status status;                 /* VARVE_OK: durable. Else nothing of it was stored, or (IO) unknown */
    bool replayed;                            /* the same append was stored before; the numbers are the original ones */
    const struct varve_append_result *results;  /* stream_count of them when VARVE_OK */
    size_t stream_count;
    const struct varve_conflict *conflicts;   /* every failing stream, when status is that of a conflict */
    size_t conflict_count;
    struct varve_error error;                 /* the same as a sentence; names the first failing stream */
};

/* Called once, on the committer's thread (or inside varve_append_wait), when the outcome is known and, if it is
 * VARVE_OK, durable and visible. Must be quick and must not call into the store except to free the append. */
typedef void (*varve_append_done)(struct varve_append *append, void *user);

/* Check the shape of a request, every field, and encode its records. Copies everything it needs. On VARVE_OK the
 * caller owns *ret_append. INVALID_ARGUMENT, EVENT_TOO_LARGE, APPEND_TOO_LARGE, NO_MEMORY. Touches no stream. */
enum varve_status varve_append_create(struct varve_store *store, const struct varve_append_request *request,
                                      struct varve_append **ret_append, struct varve_error *error);

/* What a stream's owner may change about it; each goes through the log as an event of "$$<stream>". */
enum varve_stream_change_kind {
    VARVE_STREAM_TRUNCATE = 0,  /* hide versions below `truncate_before` */
    VARVE_STREAM_RETENTION = 1, /* max_count and max_age_us; 0 removes the bound */
    VARVE_STREAM_DELETE = 2,    /* hide all; versions continue when it comes back */
    VARVE_STREAM_TOMBSTONE = 3, /* hide all, refuse appends for ever */
};
struct varve_stream_change {
    enum varve_stream_change_kind kind;
    struct varve_view stream;
    int64_t expected;           /* as for appends; ANY still demands that the stream exists */
    uint64_t truncate_before;   /* a version; at most the last version + 1 (more is taken as that) */
    uint64_t max_count;         /* keep the newest so many; 0 = all */
    int64_t max_age_us;         /* keep those recorded within; 0 = all */
};
/* The same as varve_append_create() for a change of a stream; its outcome has one result, that of "$$<stream>". */
enum varve_status varve_stream_change_create(struct varve_store *store, const struct varve_stream_change *change,
                                             struct varve_append **ret_append, struct varve_error *error);

/* The same as varve_append_create() for streams that begin with one '$' (not "$$"), to which clients may not write: for
 * what the server itself remembers in the log. */
enum varve_status varve_append_create_system(struct varve_store *store, const struct varve_append_request *request,
                                             struct varve_append **ret_append, struct varve_error *error);

/* Queue it. VARVE_OK: `done` will be called once, `append` must live until then. OVERLOADED, DISK_FULL, or the store's
 * fault: `done` will not be called. Appends submitted by one thread are committed in that order. */
enum varve_status varve_append_submit(struct varve_append *append, varve_append_done done, void *user,
                                      struct varve_error *error);

/* The same without waking anybody, for loops that take several requests in a turn: the caller must call
 * varve_store_commit() or varve_store_wake() when it has queued what it had. */
enum varve_status varve_append_queue(struct varve_append *append, varve_append_done done, void *user,
                                     struct varve_error *error);
/* The committer's thread is to take what is queued. */
void varve_store_wake(struct varve_store *store);
/* Commit what is queued on this thread, which spares two wake-ups; takes as long as a sync. False when somebody is
 * committing already; the committer was woken instead. Outcomes are handed over (`done`) before it returns true. */
bool varve_store_commit(struct varve_store *store);
/* How long the last group took, from its first append to its sync, in microseconds: whether committing here is wise. */
uint64_t varve_store_last_group_us(struct varve_store *store);

/* Submit and wait on this thread. Returns the outcome's status. */
enum varve_status varve_append_wait(struct varve_append *append, struct varve_error *error);

/* Valid after done/wait, until the append is freed. */
const struct varve_append_outcome *varve_append_get_outcome(const struct varve_append *append);
/* The first stream it names; lives as long as the append. */
struct varve_view varve_append_first_stream(const struct varve_append *append);
size_t varve_append_size_bytes(const struct varve_append *append); /* memory it holds */
void varve_append_free(struct varve_append *append);               /* NULL allowed; not while submitted */

/* ---- reading ---------------------------------------------------------------------------------------------------- */

enum varve_read_kind {
    VARVE_READ_ALL = 0, VARVE_READ_STREAM = 1, VARVE_READ_CATEGORY = 2, VARVE_READ_TYPE = 3, VARVE_READ_CORRELATION = 4,
};
#define VARVE_FROM_EDGE UINT64_MAX /* from the beginning, or from the end when reading backwards */

struct varve_read {
    enum varve_read_kind kind;
    struct varve_view name;           /* of the stream, category or type */
    struct varve_uuid correlation_id;
    bool backwards;
    bool include_system;              /* also events of `$` streams (ALL, CATEGORY, TYPE, CORRELATION) */
    bool include_hidden;              /* also what was truncated, deleted or is too old (not STREAM) */
    uint64_t from;                    /* inclusive: a version for STREAM, else a position; or VARVE_FROM_EDGE */
    uint64_t limit;                   /* events; 0 = no limit */
    int64_t since_us;                 /* recorded_at >= since; VARVE_TIME_NONE = no bound */
    int64_t until_us;                 /* recorded_at < until; VARVE_TIME_NONE = no bound */
};
void varve_read_init(struct varve_read *read); /* everything, forwards, without system events */

struct varve_batch {
    const uint8_t *const *records;    /* verified records, see record.h */
    const uint32_t *sizes;
    uint32_t count;
    bool end;                         /* nothing more will come */
    uint64_t next;                    /* `from` of a read that would continue here (when !end) */
};

/* Begin a read of what is visible now. Copies `read`. STREAM_NOT_FOUND, STREAM_TOMBSTONED, INDEX_NOT_KEPT,
 * INVALID_ARGUMENT, NO_MEMORY. An existing stream or any other kind without events reads as empty. Pins nothing. */
enum varve_status varve_reader_open(struct varve_store *store, const struct varve_read *read,
                                    struct varve_reader **ret_reader, struct varve_error *error);
/* The next batch, of at most max_bytes of records (one record at least) and max_events. Takes about 10 ms at most. The
 * batch belongs to the reader and lives until the next call. May touch cold disk: not for an event loop. A batch can
 * be empty without being the end (everything looked at was hidden). CORRUPT names the position. */
enum varve_status varve_reader_next(struct varve_reader *reader, size_t max_bytes, uint32_t max_events,
                                    struct varve_batch *ret_batch, struct varve_error *error);
void varve_reader_close(struct varve_reader *reader); /* NULL allowed */

/* Where the events with these ids are: ret_positions[i] = 0 when there is none. Hidden events count. INDEX_NOT_KEPT. */
enum varve_status varve_store_find(struct varve_store *store, const struct varve_uuid *ids, size_t count,
                                   uint64_t *ret_positions, struct varve_error *error);
/* The record at a position (1 .. last), hidden or not. Free *ret_record with free(). EVENT_NOT_FOUND past the end. */
enum varve_status varve_store_get(struct varve_store *store, uint64_t position, uint8_t **ret_record,
                                  uint32_t *ret_size, struct varve_error *error);

/* ---- looking around --------------------------------------------------------------------------------------------- */

struct varve_stream_info {
    int64_t version;          /* last version; -1 is never seen here: such a stream is not found */
    uint64_t first_version;   /* the lowest that a read would return; version + 1 when all are hidden */
    uint64_t last_position;
    int64_t created_at_us;    /* recorded_at of version 0 */
    int64_t updated_at_us;    /* recorded_at of the last */
    uint64_t truncate_before;
    uint64_t max_count;       /* 0 = no bound */
    int64_t max_age_us;       /* 0 = no bound */
    bool deleted;             /* hidden, may come back */
    bool tombstoned;
};
enum varve_status varve_stream_info(struct varve_store *store, struct varve_view stream,
                                    struct varve_stream_info *ret_info, struct varve_error *error);

/* The same, with `version` and `last_position` as of when `position` was the last one. STREAM_NOT_FOUND also for a
 * stream that had no event then. */
enum varve_status varve_stream_info_at(struct varve_store *store, struct varve_view stream, uint64_t position,
                                       struct varve_stream_info *ret_info, struct varve_error *error);

struct varve_stream_entry {
    struct varve_view name;   /* lives in the list */
    struct varve_stream_info info;
};
struct varve_stream_list {
    struct varve_stream_entry *entries;
    size_t count;
    bool end;                 /* no stream of this prefix follows the last entry */
};
/* Streams whose names begin with `prefix`, sorted by bytes, greater than `after` (empty: from the first), at most
 * `limit` (1-10,000). Deleted and tombstoned ones are listed and say so. Free with varve_stream_list_free(). */
enum varve_status varve_store_list_streams(struct varve_store *store, struct varve_view prefix, struct varve_view after,
                                           uint32_t limit, bool include_system, struct varve_stream_list *ret_list,
                                           struct varve_error *error);
void varve_stream_list_free(struct varve_stream_list *list);

struct varve_stats {
    struct varve_uuid database_id;
    int64_t created_at_us;
    unsigned indexes;
    uint64_t last_position;       /* events in the store, visible */
    uint64_t settled_position;
    uint64_t stream_count;        /* that ever had an event, system streams not counted */
    uint64_t system_stream_count;
    uint64_t journal_bytes;       /* of all segments on disk */
    uint64_t journal_segments;
    uint64_t store_bytes;         /* of store.mdb */
    uint64_t tail_bytes;          /* memory held by events not yet settled */
    uint64_t tail_events;
    uint64_t queue_bytes;
    uint64_t queue_appends;
    uint64_t disk_free_bytes;
    uint64_t appends;             /* since open: acknowledged, */
    uint64_t append_conflicts;    /* refused for a conflict, */
    uint64_t append_replays;      /* answered from the past */
    uint64_t groups;              /* group commits = journal syncs for appends */
    uint64_t events_appended;
    uint64_t settles;             /* since open */
    uint64_t settle_us;           /* spent in them */
    uint64_t commit_waits_us;     /* the committer stood still because the settler was behind */
    uint64_t open_us;             /* how long opening took, */
    uint64_t recovered_events;    /* and how many events were replayed from the journal */
    uint64_t memory_bound_bytes;  /* what the engine may use at most: the sum of its options, see docs/operations.md */
    bool disk_full;               /* appends are refused for now */
};
void varve_store_stats(struct varve_store *store, struct varve_stats *ret_stats);

/* Since open. Any thread. */
struct varve_store_histograms {
    struct varve_histogram_view commit_us;    /* of a group, from its first append to the end of its sync */
    struct varve_histogram_view sync_us;      /* of those: the journal's sync */
    struct varve_histogram_view group_events; /* how many events a group had */
    struct varve_histogram_view settle_us;    /* of a layer into store.mdb */
};
void varve_store_histograms(struct varve_store *store, struct varve_store_histograms *ret);
/* For how long the oldest event that is not settled has been durable, in microseconds; 0: all are settled. The wall
 * clock is asked only about events of before the store was opened. */
uint64_t varve_store_settle_lag_us(struct varve_store *store);
uint64_t varve_store_last_position(struct varve_store *store);
/* The first position that is still in memory: a read of ALL from there on touches no disk. last + 1 when none is. It
 * only grows. */
uint64_t varve_store_first_in_memory(struct varve_store *store);
void varve_store_limits(struct varve_store *store, struct varve_options *ret_options);

/* Called on an engine thread whenever the last visible position has grown; quick, no calls into the store. One per
 * store; NULL removes it. */
void varve_store_on_growth(struct varve_store *store, void (*grown)(void *user, uint64_t last_position), void *user);

/* ---- checking --------------------------------------------------------------------------------------------------- */

struct varve_check_finding {
    const char *where;   /* such as "journal/00000002 offset 8192" or "events, position 4711"; valid in the call only */
    const char *what;    /* one sentence */
};
struct varve_check_report {
    uint64_t events, streams, journal_frames, index_entries; /* looked at */
    uint64_t findings;                                       /* problems; 0 = sound */
    /* Where the journal ends a frame was begun that is not whole: being written when the machine stopped, and then
     * nobody was told that it is stored; or damaged since. Nothing can tell them apart. Segment 0: there is none. */
    uint64_t unfinished_segment, unfinished_offset;
};
typedef void (*varve_check_progress)(void *user, const char *stage, uint64_t done, uint64_t total);
typedef void (*varve_check_found)(void *user, const struct varve_check_finding *finding);

/* Look at a directory that nobody has open, changing nothing: journal frames and settled records; `deep` also holds
 * every index entry and stream row against the log. VARVE_OK even with findings; else why it could not be looked at.
 * `progress` and `found` may be NULL. */
enum varve_status varve_check_directory(const char *path, bool deep, varve_check_progress progress,
                                        varve_check_found found, void *user, struct varve_check_report *ret_report,
                                        struct varve_error *error);

#endif
