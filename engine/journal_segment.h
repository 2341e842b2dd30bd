/* journal_segment.h - the files of the journal: their names, their headers, how one comes to be.
 *
 *   DIR/journal/00000001   8 decimal digits or more, growing by one
 *   DIR/journal/next.tmp   a segment in the making; no scan looks at it, and it may hold anything
 *
 * A file gets its number last: when it bears one, its header and its whole length are on disk. */
#ifndef ENGINE_JOURNAL_SEGMENT_H
#define ENGINE_JOURNAL_SEGMENT_H

#include "journal.h"
#include "journal_frame.h"

/* "journal/00000002 offset 8192", as errors and findings name a place. */
#define SEGMENT_PLACE_BYTES 64
void segment_place(uint64_t number, uint64_t offset, char ret_place[SEGMENT_PLACE_BYTES]);

/* A negative errno as a fault of the named segment. `doing` such as "write". */
enum varve_status segment_fail(struct varve_error *error, int os_result, const char *doing, uint64_t number);

/* The numbers of all segments of the directory, ascending; free with free(). VARVE_NOT_A_STORE when it is absent. */
enum varve_status segment_list(const struct journal_options *options, uint64_t **ret_numbers, size_t *ret_count,
                               struct varve_error *error);

/* Make the directory when it is absent, and make that last. */
enum varve_status segment_make_directory(const struct journal_options *options, struct varve_error *error);

/* Open a segment's file. */
enum varve_status segment_open(const struct journal_options *options, uint64_t number, bool read_only, int *ret_fd,
                               struct varve_error *error);

/* Verify a header's block. CORRUPT or NEWER_FORMAT say in *error what is wrong with it, without naming the file. */
enum varve_status segment_parse_header(const struct journal_options *options, uint64_t number,
                                       const uint8_t block[JOURNAL_BLOCK], uint32_t *ret_size,
                                       struct varve_error *error);

/* Of a header's block, as it should be in its bytes 8 to 15. */
uint64_t segment_checksum(const uint8_t block[JOURNAL_BLOCK]);

/* Make segment `number` of options->segment_size_bytes out of next.tmp (of whatever is there, or a new file), zeroing
 * it unless `retired`. On VARVE_OK it is on disk under its number and the caller owns the descriptor. DISK_FULL when
 * that would go below the reserve. Not VARVE_OK: no numbered file has changed, unless syncing the directory was what
 * failed. */
enum varve_status segment_make(const struct journal_options *options, uint64_t number, bool retired, int *ret_fd,
                               struct varve_error *error);

/* Take a segment that is not needed any more out of the log: it becomes next.tmp, on disk, before this returns. */
enum varve_status segment_retire(const struct journal_options *options, uint64_t number, struct varve_error *error);

#endif
