/* journal_scan.h - reading the whole journal in order and judging it, changing nothing.
 *
 * What counts as sound, and what as damage:
 *   - segments are numbered without gaps; each has a whole header of this store and its whole length;
 *   - frames follow each other from the first block of a segment; each holds the hash of the last frame with records
 *     before it, so the unused end of a segment is told from lost frames by the next segment's first frame;
 *   - what does not verify, with nothing behind it that does, is a frame that was being written: passed over;
 *   - what does not verify, with a frame behind it that does, is damage;
 *   - the first record is at most settled_position + 1, the last at least settled_position (the file that holds the
 *     newest record is never recycled), and there are no gaps between. */
#ifndef ENGINE_JOURNAL_SCAN_H
#define ENGINE_JOURNAL_SCAN_H

#include "journal.h"
#include "journal_frame.h"

/* What to do about damage: false ends the scan with CORRUPT, true says that it was noted and goes on. */
typedef bool (*scan_damage)(void *user, enum varve_status status, const char *where, const char *what);

struct scan_request {
    const struct journal_options *options;
    uint64_t settled_position;
    journal_visit visit;
    scan_damage damage; /* NULL: always ends the scan */
    void *user;         /* of both */
};

struct scan_segment {
    uint64_t number;
    uint32_t size;
    uint64_t last_position; /* of the last record in it or before it */
};

struct scan_result {
    struct scan_segment *segments; /* ascending, without gaps; freed with scan_result_free() */
    size_t segment_count;
    bool any;                 /* a frame was seen; else the next fields describe the beginning of the first segment */
    size_t current;           /* index of the segment where the next frame goes, */
    uint64_t offset;          /* and its place there: behind the last frame, or over the last seal */
    bool sealed;              /* there is a seal at that place */
    uint64_t next_position;
    uint64_t frames;          /* with records */
    /* A frame that was begun behind the last one and is not whole; segment 0: none. */
    uint64_t unfinished_segment;
    uint64_t unfinished_offset;
    /* The last frame with records; frames > 0. */
    size_t last_segment;
    uint64_t last_offset;
    uint64_t last_file_bytes;
    uint64_t last_hash;
};

/* On VARVE_OK, and only then, *ret_result is to be freed. No segment at all is VARVE_OK with segment_count 0. */
enum varve_status scan_journal(const struct scan_request *request, struct scan_result *ret_result,
                               struct varve_error *error);
void scan_result_free(struct scan_result *result);

#endif
