/* journal.h - append-only segments of frames: the one thing that is made durable before a reply.
 *
 *   journal/00000001  [segment header 4096][frame][frame]...            64 MiB, zero-filled ahead, recycled by rename
 *   frame             [header 64][u32 size, record]...[zeros to 4096]   one per group commit
 *
 * Frames are aligned to 4096 bytes, so that the bytes of an acknowledged frame are never changed again. A frame's hash
 * (XXH3-64 with the store's secret seed) covers its header, which holds the hash of the frame before it, and its body:
 * a stale or reordered frame never verifies. After idleness an empty frame, a seal, says that everything before it was
 * synced: it lets a damaged last frame be told from a torn one. The seal is not synced itself, and the next frame takes
 * its place. The file that holds the newest records is never recycled: a journal that once had a frame keeps one.
 *
 * Threads: the frame functions belong to the committer; journal_recycle() to the settler; a thread of its own keeps
 * spare segments ready. journal_stats() from anywhere. */
#ifndef ENGINE_JOURNAL_H
#define ENGINE_JOURNAL_H

#include "varve/os.h"
#include "varve/store.h"

struct journal;

struct journal_options {
    const char *directory;            /* DIR/journal; created when `create` */
    const struct varve_os *os;
    bool create;                      /* a new store: files of an unfinished creation may exist, but no records */
    struct varve_uuid database_id;    /* in every segment header; a foreign segment is CORRUPT */
    uint64_t seed;                    /* of the frame hashes */
    uint32_t segment_size_bytes;      /* of segments made from now on; a multiple of 4096 */
    uint64_t disk_reserve_bytes;      /* no new segment below it */
};

/* One record of the log, in order; `record` lives during the call only. Anything but VARVE_OK ends the scan. */
typedef enum varve_status (*journal_visit)(void *user, const uint8_t *record, uint32_t size);

/* Open or create. Scans all segments, verifies the chain, and hands over every record whose position is above
 * `settled_position`, in order and without gaps. A torn frame at the very end is passed over; a bad frame with a good
 * one after it, a gap, or a missing beginning is VARVE_CORRUPT, error saying file and offset. Deletes and shortens
 * nothing. What was found is synced (and the last frame written once more) before this returns, because after a crash
 * of the process alone it may be in the page cache only. */
enum varve_status journal_open(const struct journal_options *options, uint64_t settled_position, journal_visit visit,
                               void *user, struct journal **ret_journal, struct varve_error *error);
void journal_close(struct journal *journal); /* NULL allowed; joins its thread, syncs nothing */

/* The same scan for a directory that nobody has open, changing nothing, continuing past problems where it can. Each
 * problem goes to `found`, with its file and offset; behind one, records may be missing from what `visit` gets.
 * *ret_last_position: of the last record seen, 0 if none. */
enum varve_status journal_check(const struct journal_options *options, uint64_t settled_position, journal_visit visit,
                                varve_check_found found, void *user, struct varve_check_report *report,
                                uint64_t *ret_last_position, struct varve_error *error);

/* How many bytes a frame can take, for records and 4 bytes more for each. An append above it can never be stored. */
uint64_t journal_frame_room(uint32_t segment_size_bytes);

/* A frame in the making, one at a time. begin: room for at most `size_bytes` of records in `count` pieces; NO_MEMORY,
 * or DISK_FULL when no segment has room and none can be made (nothing has happened then, try again later),
 * APPEND_TOO_LARGE above journal_frame_room(), or the fault after which the journal refuses everything. Waits for the
 * segment maker when it is merely slow. A frame that is begun and not committed is forgotten by the next begin. */
enum varve_status journal_frame_begin(struct journal *journal, uint32_t count, uint64_t size_bytes,
                                      struct varve_error *error);
/* Where the next record of `size` bytes is to be written; valid until the frame is committed. */
uint8_t *journal_frame_add(struct journal *journal, uint32_t size);
/* Write the frame and sync it: VARVE_OK means durable. Any failure means that its fate is unknown; the journal then
 * refuses everything. `first_position` is that of its first record; records have been assigned by now. */
enum varve_status journal_frame_commit(struct journal *journal, uint64_t first_position, struct varve_error *error);
struct journal_sync {
    uint64_t began_us, ended_us; /* monotonic */
};
struct journal_sync journal_last_sync(const struct journal *journal); /* of the last frame */
/* Write (not sync) a seal, if the last frame is not one. Called when the committer has been idle a little. */
enum varve_status journal_seal(struct journal *journal, struct varve_error *error);

/* Everything up to this position is settled: segments wholly below may be used again. */
void journal_recycle(struct journal *journal, uint64_t settled_position);

struct journal_stats {
    uint64_t segments, bytes; /* on disk */
    uint64_t syncs;
    bool disk_full;           /* a segment is wanted and cannot be made */
};
void journal_get_stats(struct journal *journal, struct journal_stats *ret_stats);

#endif
