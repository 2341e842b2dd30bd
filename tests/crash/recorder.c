/* recorder.c - LD_PRELOAD: writes down every operation that changes files below one directory, see trace.h.
 *
 *   VARVE_CRASH_DIR      the directory, absolute
 *   VARVE_CRASH_TRACE    the file to append to
 *   VARVE_CRASH_KILL_AT  kill the process in the middle of its n-th operation
 *   VARVE_CRASH_KILL_AT_DSYNC  the same, of its n-th write that lasts when it returns (LMDB's meta pages)
 *   VARVE_CRASH_SYNC_US  how long a sync takes at least, so that threads meet
 *   VARVE_CRASH_CONTROL  write down a lie, which the explorer must find out:
 *     no-journal-sync    the journal's files are never synced
 *     no-directory-sync  directories are never synced
 *     no-store-sync      store.mdb is never synced, so its meta page is on disk before the pages it speaks of
 *     early-sync         a journal file is synced before what was written to it
 *     no-open-store-sync, no-open-journal-sync
 *                        the first sync of store.mdb, of the journal, in each process does nothing: what an earlier
 *                        process left in memory only is believed
 *
 * Real calls are made as bare system calls, so nothing has to be looked up and nothing is called twice. */
#include "tests/crash/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FDS 1024
#define SECTOR 512u

enum control { HONEST, NO_JOURNAL_SYNC, NO_DIRECTORY_SYNC, NO_STORE_SYNC, EARLY_SYNC, NO_OPEN_STORE_SYNC,
               NO_OPEN_JOURNAL_SYNC };
enum watched { NOT_WATCHED, WATCHED_JOURNAL, WATCHED_STORE, WATCHED_OTHER, WATCHED_DIRECTORY, WATCHED_KINDS };

static struct {
    pthread_mutex_t lock; /* around an operation and its entry */
    char directory[PATH_MAX];
    int trace;            /* -1: nothing is recorded */
    enum control control;
    unsigned long kill_at, count, kill_at_dsync, dsync_count;
    long sync_us;
    uint8_t fds[MAX_FDS]; /* enum watched */
    bool dsync[MAX_FDS];
    bool synced[WATCHED_KINDS]; /* no-open-...: the first is over */
} recorder = { .lock = PTHREAD_MUTEX_INITIALIZER, .trace = -1 };

/* ---- writing down ------------------------------------------------------------------------------------------------ */

static void put(enum trace_kind kind, uint8_t flags, int fd, uint64_t offset, const char *path, const void *data,
                size_t size)
{
    struct trace_op op = { .kind = kind, .flags = flags, .fd = fd, .offset = offset, .data_bytes = (uint32_t)size,
                           .path_bytes = path == NULL ? 0 : (uint16_t)strlen(path) };
    struct iovec parts[3] = { { &op, sizeof(op) }, { (void *)(uintptr_t)path, op.path_bytes },
                              { (void *)(uintptr_t)data, size } };
    ssize_t whole = (ssize_t)(sizeof(op) + op.path_bytes + size);

    if (syscall(SYS_writev, recorder.trace, parts, 3) != whole) {
        static const char text[] = "recorder: cannot write the trace\n";
        syscall(SYS_write, 2, text, sizeof(text) - 1);
        abort();
    }
}

/* Counts an operation. True: it is the one in which the process dies. */
static bool is_last(void)
{
    return ++recorder.count == recorder.kill_at;
}

static void die(void)
{
    syscall(SYS_kill, getpid(), SIGKILL);
    pause();
}

static enum control control_of(const char *name)
{
    static const char *const names[] = { "", "no-journal-sync", "no-directory-sync", "no-store-sync", "early-sync",
                                        "no-open-store-sync", "no-open-journal-sync" };

    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (name != NULL && strcmp(name, names[i]) == 0)
            return (enum control)i;
    return HONEST;
}

static unsigned long number_of(const char *variable)
{
    const char *text = getenv(variable);
    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

static void __attribute__((constructor)) start(void)
{
    const char *directory = getenv("VARVE_CRASH_DIR"), *trace = getenv("VARVE_CRASH_TRACE");

    if (directory == NULL || trace == NULL || strlen(directory) >= sizeof(recorder.directory))
        return;
    strcpy(recorder.directory, directory);
    recorder.control = control_of(getenv("VARVE_CRASH_CONTROL"));
    recorder.kill_at = number_of("VARVE_CRASH_KILL_AT");
    recorder.kill_at_dsync = number_of("VARVE_CRASH_KILL_AT_DSYNC");
    recorder.sync_us = (long)number_of("VARVE_CRASH_SYNC_US");
    recorder.trace = (int)syscall(SYS_openat, AT_FDCWD, trace, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (recorder.trace >= 0)
        put(TRACE_SESSION, 0, -1, 0, NULL, NULL, 0);
}

void crash_recorder_mark(const void *data, size_t size);
void crash_recorder_mark(const void *data, size_t size)
{
    if (recorder.trace < 0)
        return;
    pthread_mutex_lock(&recorder.lock);
    put(TRACE_MARK, 0, -1, 0, NULL, data, size);
    pthread_mutex_unlock(&recorder.lock);
}

/* ---- what is watched --------------------------------------------------------------------------------------------- */

/* The path below the directory with "x/.." taken out; NULL for one outside, and for locks, which hold no data. */
static const char *below(const char *path, char buffer[TRACE_MAX_PATH])
{
    size_t size = strlen(recorder.directory);

    if (recorder.trace < 0 || strncmp(path, recorder.directory, size) != 0 || (path[size] != '/' && path[size] != '\0'))
        return NULL;
    path += size;
    path += strspn(path, "/");
    if (strlen(path) >= TRACE_MAX_PATH || strcmp(path, "lock") == 0 || strcmp(path, "store.mdb-lock") == 0)
        return NULL;
    strcpy(buffer, path);
    size_t end = strlen(buffer);
    if (end >= 3 && strcmp(buffer + end - 3, "/..") == 0) {
        buffer[end - 3] = '\0';
        char *slash = strrchr(buffer, '/');
        *(slash == NULL ? buffer : slash) = '\0';
    }
    return buffer;
}

static enum watched kind_of(const char *path, bool directory)
{
    if (directory)
        return WATCHED_DIRECTORY;
    if (strncmp(path, "journal/", 8) == 0)
        return WATCHED_JOURNAL;
    return strncmp(path, "store.mdb", 9) == 0 ? WATCHED_STORE : WATCHED_OTHER;
}

static enum watched watched(int fd)
{
    return fd >= 0 && fd < MAX_FDS ? (enum watched)recorder.fds[fd] : NOT_WATCHED;
}

/* ---- opening and closing ----------------------------------------------------------------------------------------- */

static int record_open(const char *path, int flags, mode_t mode)
{
    char buffer[TRACE_MAX_PATH];
    const char *name = below(path, buffer);
    struct stat before, after;

    if (name == NULL || (flags & O_PATH) != 0) {
        int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
        if (fd >= 0 && fd < MAX_FDS)
            recorder.fds[fd] = NOT_WATCHED;
        return fd;
    }
    pthread_mutex_lock(&recorder.lock);
    bool existed = stat(path, &before) == 0;
    int fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode), error = errno;
    if (fd >= MAX_FDS)
        abort();
    if (fd >= 0 && fstat(fd, &after) == 0) {
        bool directory = S_ISDIR(after.st_mode);
        uint8_t notes = (uint8_t)((existed ? 0 : TRACE_CREATED) | (directory ? TRACE_IS_DIRECTORY : 0) |
                                  ((flags & O_DSYNC) != 0 ? TRACE_DSYNC : 0) |
                                  (existed && (flags & O_TRUNC) != 0 && before.st_size > 0 ? TRACE_TRUNCATED : 0));
        recorder.fds[fd] = (uint8_t)kind_of(name, directory);
        if (!existed || (flags & O_TRUNC) != 0)
            recorder.synced[recorder.fds[fd]] = true; /* What this process made, no earlier one has left. */
        recorder.dsync[fd] = (notes & TRACE_DSYNC) != 0;
        put(TRACE_OPEN, notes, fd, 0, name, NULL, 0);
        if ((notes & (TRACE_CREATED | TRACE_TRUNCATED)) != 0 && is_last())
            die();
    }
    pthread_mutex_unlock(&recorder.lock);
    errno = error;
    return fd;
}

#define OPEN_FUNCTION(name)                        \
    int name(const char *path, int flags, ...)     \
    {                                              \
        va_list arguments;                         \
        va_start(arguments, flags);                \
        mode_t mode = va_arg(arguments, mode_t);   \
        va_end(arguments);                         \
        return record_open(path, flags, mode);     \
    }
int open64(const char *path, int flags, ...);
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
OPEN_FUNCTION(open)
OPEN_FUNCTION(open64)

int __open_2(const char *path, int flags)
{
    return record_open(path, flags, 0);
}

int __open64_2(const char *path, int flags)
{
    return record_open(path, flags, 0);
}

int close(int fd)
{
    if (watched(fd) == NOT_WATCHED)
        return (int)syscall(SYS_close, fd);
    pthread_mutex_lock(&recorder.lock);
    recorder.fds[fd] = NOT_WATCHED;
    int result = (int)syscall(SYS_close, fd);
    pthread_mutex_unlock(&recorder.lock);
    return result;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_sync(int fd)
{
    put(TRACE_SYNC_BEGIN, 0, fd, 0, NULL, NULL, 0);
    put(TRACE_SYNC_END, 0, fd, 0, NULL, NULL, 0);
}

/* The process that dies here gets some of its bytes into the page cache. */
static ssize_t record_write(int fd, const void *data, size_t size, off_t offset)
{
    pthread_mutex_lock(&recorder.lock);
    bool last = is_last() || (recorder.dsync[fd] && ++recorder.dsync_count == recorder.kill_at_dsync);
    if (last && size > SECTOR)
        size = size / 2 / SECTOR * SECTOR;
    ssize_t written = syscall(SYS_pwrite64, fd, data, size, offset);
    int error = errno;
    if (written > 0) {
        if (recorder.control == EARLY_SYNC && watched(fd) == WATCHED_JOURNAL)
            put_sync(fd);
        put(TRACE_WRITE, last ? TRACE_DIED : 0, fd, (uint64_t)offset, NULL, data, (size_t)written);
    }
    if (last)
        die();
    pthread_mutex_unlock(&recorder.lock);
    errno = error;
    return written;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
    return watched(fd) == NOT_WATCHED ? syscall(SYS_pwrite64, fd, data, size, offset)
                                      : record_write(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
    return pwrite(fd, data, size, offset);
}

/* At the descriptor's own place, which moves on. */
static ssize_t record_append(int fd, const void *data, size_t size)
{
    off_t offset = lseek(fd, 0, SEEK_CUR);
    ssize_t written = record_write(fd, data, size, offset);

    if (written > 0)
        lseek(fd, offset + written, SEEK_SET);
    return written;
}

ssize_t write(int fd, const void *data, size_t size)
{
    return watched(fd) == NOT_WATCHED ? syscall(SYS_write, fd, data, size) : record_append(fd, data, size);
}

/* The parts in one piece; to be freed. */
static uint8_t *gather(const struct iovec *parts, int count, size_t *ret_size)
{
    size_t size = 0, at = 0;

    for (int i = 0; i < count; i++)
        size += parts[i].iov_len;
    uint8_t *bytes = malloc(size + 1);
    if (bytes == NULL)
        abort();
    for (int i = 0; i < count; i++) {
        memcpy(bytes + at, parts[i].iov_base, parts[i].iov_len);
        at += parts[i].iov_len;
    }
    *ret_size = size;
    return bytes;
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    size_t size;

    if (watched(fd) == NOT_WATCHED)
        return syscall(SYS_writev, fd, parts, count);
    uint8_t *bytes = gather(parts, count, &size);
    ssize_t written = record_append(fd, bytes, size);
    free(bytes);
    return written;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    size_t size;
    uint8_t *bytes = gather(parts, count, &size);
    ssize_t written = pwrite(fd, bytes, size, offset);

    free(bytes);
    return written;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev(fd, parts, count, offset);
}

static int record_size(int fd, uint64_t size)
{
    pthread_mutex_lock(&recorder.lock);
    int result = (int)syscall(SYS_ftruncate, fd, size);
    if (result == 0)
        put(TRACE_SIZE, 0, fd, size, NULL, NULL, 0);
    if (is_last())
        die();
    pthread_mutex_unlock(&recorder.lock);
    return result;
}

int ftruncate(int fd, off_t size)
{
    return watched(fd) == NOT_WATCHED ? (int)syscall(SYS_ftruncate, fd, size) : record_size(fd, (uint64_t)size);
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

/* Enough for a file that only grows: reserved room reads as zeros. */
int fallocate(int fd, int mode, off_t offset, off_t size)
{
    struct stat now;

    if (watched(fd) == NOT_WATCHED || mode != 0 || fstat(fd, &now) != 0)
        return (int)syscall(SYS_fallocate, fd, mode, offset, size);
    return now.st_size >= offset + size ? 0 : record_size(fd, (uint64_t)(offset + size));
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size)
{
    return fallocate(fd, mode, offset, size);
}

int posix_fallocate(int fd, off_t offset, off_t size)
{
    return fallocate(fd, 0, offset, size) == 0 ? 0 : errno;
}

/* ---- syncing ----------------------------------------------------------------------------------------------------- */

static bool is_hidden(enum watched kind)
{
    bool first = !recorder.synced[kind];

    recorder.synced[kind] = true;
    if (first && ((kind == WATCHED_STORE && recorder.control == NO_OPEN_STORE_SYNC) ||
                  (kind == WATCHED_JOURNAL && recorder.control == NO_OPEN_JOURNAL_SYNC)))
        return true;
    return (kind == WATCHED_JOURNAL && recorder.control == NO_JOURNAL_SYNC) ||
           (kind == WATCHED_DIRECTORY && recorder.control == NO_DIRECTORY_SYNC) ||
           (kind == WATCHED_STORE && recorder.control == NO_STORE_SYNC) ||
           (kind == WATCHED_JOURNAL && recorder.control == EARLY_SYNC);
}

static int record_sync(int fd, long call)
{
    enum watched kind = watched(fd);

    if (kind == NOT_WATCHED)
        return (int)syscall(call, fd);
    pthread_mutex_lock(&recorder.lock);
    bool hidden = is_hidden(kind);
    if (!hidden)
        put(TRACE_SYNC_BEGIN, 0, fd, 0, NULL, NULL, 0);
    if (is_last())
        die();
    pthread_mutex_unlock(&recorder.lock);
    if (recorder.sync_us > 0)
        usleep((useconds_t)recorder.sync_us);
    int result = (int)syscall(call, fd), error = errno;
    pthread_mutex_lock(&recorder.lock);
    if (result == 0 && !hidden)
        put(TRACE_SYNC_END, 0, fd, 0, NULL, NULL, 0);
    pthread_mutex_unlock(&recorder.lock);
    errno = error;
    return result;
}

int fdatasync(int fd)
{
    return record_sync(fd, SYS_fdatasync);
}

int fsync(int fd)
{
    return record_sync(fd, SYS_fsync);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static int record_names(enum trace_kind kind, const char *path, const char *to, long result)
{
    char buffer[TRACE_MAX_PATH], buffer_to[TRACE_MAX_PATH];
    const char *name = below(path, buffer), *name_to = to == NULL ? NULL : below(to, buffer_to);
    int error = errno;

    if (name != NULL && result == 0)
        put(kind, 0, -1, 0, name, name_to, name_to == NULL ? 0 : strlen(name_to) + 1);
    if (name != NULL && is_last())
        die();
    pthread_mutex_unlock(&recorder.lock);
    errno = error;
    return (int)result;
}

int mkdir(const char *path, mode_t mode)
{
    pthread_mutex_lock(&recorder.lock);
    return record_names(TRACE_MKDIR, path, NULL, syscall(SYS_mkdirat, AT_FDCWD, path, mode));
}

int rename(const char *from, const char *to)
{
    pthread_mutex_lock(&recorder.lock);
    return record_names(TRACE_RENAME, from, to, syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

int unlink(const char *path)
{
    pthread_mutex_lock(&recorder.lock);
    return record_names(TRACE_UNLINK, path, NULL, syscall(SYS_unlinkat, AT_FDCWD, path, 0));
}

int unlinkat(int directory, const char *path, int flags)
{
    char link[64], whole[PATH_MAX];

    if (directory == AT_FDCWD || path[0] == '/')
        return flags == 0 ? unlink(path) : (int)syscall(SYS_unlinkat, directory, path, flags);
    snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
    ssize_t size = readlink(link, whole, sizeof(whole) - 1);
    if (size < 0 || (size_t)size + strlen(path) + 2 > sizeof(whole))
        return -1;
    snprintf(whole + size, sizeof(whole) - (size_t)size, "/%s", path);
    return flags == 0 ? unlink(whole) : (int)syscall(SYS_unlinkat, directory, path, flags);
}
