/* os.h - how the engine reaches time, randomness and the disk: one table of functions, so that tests replace them.
 *
 * LMDB does its own file work and is the one part that does not pass through here.
 * Every function returns 0 or a count on success and a negative errno on failure; none retries what failed (an
 * interrupted or short transfer is no failure and is gone on with), none logs. They are called from several threads.
 * `self` is the table's own pointer, given back. */
#ifndef VARVE_OS_H
#define VARVE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct varve_os {
    void *self;
    int64_t (*now_us)(void *self);                             /* wall clock, microseconds since 1970 UTC */
    uint64_t (*monotonic_us)(void *self);                      /* for intervals */
    int (*random_bytes)(void *self, void *bytes, size_t size);
    int (*open)(void *self, const char *path, int flags, int mode); /* a file descriptor */
    int (*close)(void *self, int fd);
    ssize_t (*pread)(void *self, int fd, void *bytes, size_t size, uint64_t offset);    /* whole, or short at the end */
    int (*pwrite)(void *self, int fd, const void *bytes, size_t size, uint64_t offset); /* whole, or an error */
    int (*fdatasync)(void *self, int fd);
    int (*ftruncate)(void *self, int fd, uint64_t size);       /* only ever grows a file; -EINVAL else */
    int (*rename)(void *self, const char *from, const char *to);
    int (*sync_directory)(void *self, const char *path);       /* open, fsync, close: renames, creations last */
    int64_t (*free_bytes)(void *self, const char *path);       /* for unprivileged writers (statvfs f_bavail) */
};

/* The real one. Points to static memory. */
const struct varve_os *varve_os_default(void);

#endif
