/* db_pace.c - see db_pace.h. */
#include "db_pace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "page_sums.h"

/* LMDB's objects reach for stderr, where a failed assertion of theirs is told, in a way that a shared library cannot
 * offer for a variable of libc. So they are given this one. */
extern FILE *db_pace_stderr;
__attribute__((visibility("hidden"))) FILE *db_pace_stderr;

static void __attribute__((constructor)) set_stderr(void)
{
    db_pace_stderr = stderr;
}

/* A commit is one thread's work. What another file's commit left over makes one piece smaller, no more. */
static _Thread_local size_t written_bytes;
static _Thread_local const bool *hurry_of_thread;

void db_pace_set_hurry(const bool *hurry)
{
    hurry_of_thread = hurry;
}

static bool in_a_hurry(void)
{
    return hurry_of_thread != NULL && __atomic_load_n(hurry_of_thread, __ATOMIC_RELAXED);
}

/* The kernel tells each open file once of pages it could not write. Told here, it is not told again by the sync that
 * follows, so here it must fail. The others mean that this kernel or file system cannot do it. */
static bool is_fault(int code)
{
    return code != ENOSYS && code != EINVAL && code != ESPIPE && code != EOPNOTSUPP && code != EPERM && code != EINTR;
}

/* All of the file: only pages that are dirty or being written cost anything, and those are this commit's. */
static int begin_piece(int fd)
{
    int before = errno;

    if (sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE) != 0 && is_fault(errno))
        return -1;
    errno = before;
    return 0;
}

static ssize_t pace(int fd, ssize_t written)
{
    if (written <= 0)
        return written;
    written_bytes += (size_t)written;
    if (written_bytes < DB_PACE_PIECE)
        return written;
    written_bytes = 0;
    return in_a_hurry() || begin_piece(fd) == 0 ? written : -1;
}

ssize_t db_pace_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    page_sums_see(bytes, size);
    return pace(fd, pwrite(fd, bytes, size, offset));
}

/* As many parts as complete the piece, or all; *ret_bytes is what they hold. */
static int parts_of_the_piece(const struct iovec *parts, int part_count, size_t *ret_bytes)
{
    size_t bytes = parts[0].iov_len;
    int count = 1;

    while (count < part_count && written_bytes + bytes < DB_PACE_PIECE)
        bytes += parts[count++].iov_len;
    *ret_bytes = bytes;
    return count;
}

/* LMDB hands over up to 64 pages or large values at once. */
ssize_t db_pace_writev(int fd, const struct iovec *parts, int part_count)
{
    ssize_t total = 0;

    for (int done = 0, count; done < part_count; done += count) {
        size_t bytes;
        count = parts_of_the_piece(parts + done, part_count - done, &bytes);
        for (int i = done; i < done + count; i++)
            page_sums_see(parts[i].iov_base, parts[i].iov_len);
        ssize_t written = pace(fd, writev(fd, parts + done, count));
        if (written < 0)
            return -1; /* LMDB gives up, or begins again at the first part. */
        total += written;
        if ((size_t)written < bytes)
            break;
    }
    return total;
}
