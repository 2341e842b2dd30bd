/* raw_disk.c - see raw_disk.h. */
#include "raw_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SLICE = 1 << 20, ALIGNMENT = 4096 };

struct raw_disk {
    char *path;
    int fd;
    uint64_t size, offset;
    uint8_t *buffer;
    size_t capacity;
};

static void write_all(int fd, const uint8_t *bytes, size_t size, uint64_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, bytes, size, (off_t)offset);
        if (written <= 0)
            die("cannot write: %s", strerror(errno));
        bytes += written;
        offset += (uint64_t)written;
        size -= (size_t)written;
    }
}

struct raw_disk *raw_disk_open(const char *path, uint64_t size_bytes)
{
    struct raw_disk *disk = calloc(1, sizeof(*disk));
    uint8_t *zeros = calloc(1, SLICE);

    if (disk == NULL || zeros == NULL)
        die("no memory");
    disk->path = strdup(path);
    disk->fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    if (disk->fd < 0)
        die("cannot create %s: %s", path, strerror(errno));
    for (disk->size = 0; disk->size < size_bytes; disk->size += SLICE)
        write_all(disk->fd, zeros, SLICE, disk->size);
    free(zeros);
    if (fdatasync(disk->fd) != 0)
        die("cannot sync %s: %s", path, strerror(errno));
    return disk;
}

void raw_disk_close(struct raw_disk *disk)
{
    close(disk->fd);
    unlink(disk->path);
    free(disk->path);
    free(disk->buffer);
    free(disk);
}

void raw_disk_write(struct raw_disk *disk, const void *bytes, size_t size)
{
    size_t padded = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);

    if (padded > disk->capacity) {
        free(disk->buffer);
        if (posix_memalign((void **)&disk->buffer, ALIGNMENT, padded) != 0)
            die("no memory");
        memset(disk->buffer, 0, padded);
        disk->capacity = padded;
    }
    memcpy(disk->buffer, bytes, size);
    if (disk->offset + padded > disk->size)
        disk->offset = 0;
    write_all(disk->fd, disk->buffer, padded, disk->offset);
    if (fdatasync(disk->fd) != 0)
        die("cannot sync: %s", strerror(errno));
    disk->offset += padded;
}

void raw_disk_measure(struct raw_disk *disk, uint32_t batch, uint32_t event_bytes, uint32_t seconds,
                      struct measurement *ret)
{
    static struct histogram histogram;
    size_t size = (size_t)batch * event_bytes;
    uint8_t *bytes = malloc(size);
    uint64_t began = now_ns(), ends = began + seconds * 1000000000ull, now = began, events = 0;

    if (bytes == NULL)
        die("no memory");
    memset(bytes, 'v', size);
    histogram_reset(&histogram);
    while (now < ends) {
        raw_disk_write(disk, bytes, size);
        uint64_t after = now_ns();
        histogram_add(&histogram, after - now);
        now = after;
        events += batch;
    }
    free(bytes);
    measure_histogram(&histogram, events, now - began, ret);
}
