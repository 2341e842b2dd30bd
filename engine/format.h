/* format.h - the directory's identity: DIR/format says what it is, DIR/lock says whose it is.
 *
 *   varve store
 *   format 2
 *   database_id 0190b0f5-...
 *   created_at_us 1790000000000000
 *   hash_seed 5d1c...             (16 hex digits)
 *   indexes 15
 *   checksum 93ab...              (XXH3-64 of the lines before, 16 hex digits)
 *
 * While a store is being made the same text stands in DIR/format.new, and becomes DIR/format when all the rest is in
 * place: a directory with only format.new never held an event and may be begun again.
 *
 * Format 1 is that of a varve that knew no sagas. Such a store is opened, and is of format 2 from then on, so that no
 * such varve settles the events of sagas without their rows. */
#ifndef ENGINE_FORMAT_H
#define ENGINE_FORMAT_H

#include "varve/os.h"
#include "varve/store.h"

#define FORMAT_VERSION 2
#define FORMAT_FIRST 1 /* the oldest that is read */
#define FORMAT_SAGAS 2 /* the first with the tables of sagas */
#define FORMAT_MAX_PATH 4096

struct format {
    int version;
    struct varve_uuid database_id;
    int64_t created_at_us;
    uint64_t hash_seed;
    unsigned indexes;
};

enum format_verdict {
    FORMAT_STORE,      /* a store of ours */
    FORMAT_EMPTY,      /* absent or empty: may be made a store */
    FORMAT_UNFINISHED, /* a store whose making was interrupted */
};

/* Look at a directory, changing nothing. *ret_format is filled for FORMAT_STORE. NOT_A_STORE, NEWER_FORMAT, CORRUPT,
 * IO. */
enum varve_status format_look(const char *path, const struct varve_os *os, enum format_verdict *ret_verdict,
                              struct format *ret_format, struct varve_error *error);

/* Make the directory if absent, and its name last. */
enum varve_status format_make_directory(const char *path, const struct varve_os *os, struct varve_error *error);
/* New identity (random), written and synced as DIR/format.new; what an interrupted making left is removed. */
enum varve_status format_begin(const char *path, const struct varve_os *os, unsigned indexes,
                               struct format *ret_format, struct varve_error *error);
/* A store of an older format is of ours from now on; its tables must have been made. Interrupted, it stays what it was.
 */
enum varve_status format_renew(const char *path, const struct varve_os *os, struct format *format,
                               struct varve_error *error);
/* format.new becomes format. */
enum varve_status format_finish(const char *path, const struct varve_os *os, struct varve_error *error);

/* Own the directory until the descriptor is closed (also by the end of the process). LOCKED names the owner's pid.
 * READ_ONLY when the file system cannot be written. */
enum varve_status format_lock(const char *path, int *ret_fd, struct varve_error *error);
void format_unlock(int fd); /* -1 allowed */

#endif
