/* os.c - the real clock, randomness and disk behind the table of os.h. */
#include "varve/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

static int64_t real_now_us(void *self)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static uint64_t real_monotonic_us(void *self)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int real_random_bytes(void *self, void *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)bytes + done, size - done, 0);
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            done += (size_t)got;
    }
    return 0;
}

static int real_open(void *self, const char *path, int flags, int mode)
{
    int fd;

    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* After EINTR Linux has closed the descriptor all the same; asking again could close somebody else's. */
static int real_close(void *self, int fd)
{
    return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

static ssize_t real_pread(void *self, int fd, void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        ssize_t got = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (got == 0)
            break; /* The end of the file. */
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0)
            done += (size_t)got;
    }
    return (ssize_t)done;
}

static int real_pwrite(void *self, int fd, const void *bytes, size_t size, uint64_t offset)
{
    size_t done = 0;

    while (done < size) {
        ssize_t put = pwrite(fd, (const char *)bytes + done, size - done, (off_t)(offset + done));
        if (put == 0)
            return -EIO; /* Never for a file; without this it would be for ever. */
        if (put < 0 && errno != EINTR)
            return -errno;
        if (put > 0)
            done += (size_t)put;
    }
    return 0;
}

/* Asked once: after a failed sync the kernel may have dropped the pages, and a second one would say all is well. */
static int real_fdatasync(void *self, int fd)
{
    return fdatasync(fd) == 0 ? 0 : -errno;
}

static int real_ftruncate(void *self, int fd, uint64_t size)
{
    struct stat now;

    if (fstat(fd, &now) != 0)
        return -errno;
    if (size > INT64_MAX || (uint64_t)now.st_size > size)
        return -EINVAL;
    return ftruncate(fd, (off_t)size) == 0 ? 0 : -errno;
}

static int real_rename(void *self, const char *from, const char *to)
{
    return rename(from, to) == 0 ? 0 : -errno;
}

static int real_sync_directory(void *self, const char *path)
{
    int fd = real_open(self, path, O_RDONLY | O_DIRECTORY, 0);

    if (fd < 0)
        return fd;
    int result = fsync(fd) == 0 ? 0 : -errno;
    real_close(self, fd);
    return result;
}

static int64_t real_free_bytes(void *self, const char *path)
{
    struct statvfs disk;
    uint64_t bytes;

    if (statvfs(path, &disk) != 0)
        return -errno;
    if (__builtin_mul_overflow((uint64_t)disk.f_bavail, (uint64_t)disk.f_frsize, &bytes) || bytes > INT64_MAX)
        return INT64_MAX;
    return (int64_t)bytes;
}

const struct varve_os *varve_os_default(void)
{
    static const struct varve_os real = {
        .now_us = real_now_us,
        .monotonic_us = real_monotonic_us,
        .random_bytes = real_random_bytes,
        .open = real_open,
        .close = real_close,
        .pread = real_pread,
        .pwrite = real_pwrite,
        .fdatasync = real_fdatasync,
        .ftruncate = real_ftruncate,
        .rename = real_rename,
        .sync_directory = real_sync_directory,
        .free_bytes = real_free_bytes,
    };
    return &real;
}
