/* db_pace.h - what LMDB writes to store.mdb goes on to the disk piece by piece.
 *
 * LMDB writes all pages of a commit into the page cache, then syncs them at once: some 200 MiB, behind which the
 * journal's next sync stands in the disk's queue for 50 ms. Behind a piece it stands for a few at most. */
#ifndef ENGINE_DB_PACE_H
#define ENGINE_DB_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { DB_PACE_PIECE = 2 << 20 }; /* bytes */

/* LMDB calls these where its source says pwrite() and writev(): SConstruct renames the calls in the objects it links.
 * When the calling thread has written a piece, the piece before it is waited for and this one is begun. That promises
 * nothing: what lasts is decided by LMDB's own fdatasync() before its meta page, which finds little left. */
ssize_t db_pace_pwrite(int fd, const void *bytes, size_t size, off_t offset);
ssize_t db_pace_writev(int fd, const struct iovec *parts, int part_count);

/* Until the next call the calling thread's writes wait for no piece while *hurry is true; another thread may set it at
 * any time. NULL: never. */
void db_pace_set_hurry(const bool *hurry);

#endif
