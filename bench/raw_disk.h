/* raw_disk.h - the physical limit: batches of bytes, each one pwrite and one fdatasync, into a file that was
 * zero-filled before. What a store can at best do on this disk with one sync per commit. */
#ifndef BENCH_RAW_DISK_H
#define BENCH_RAW_DISK_H

#include "bench.h"

struct raw_disk;

struct raw_disk *raw_disk_open(const char *path, uint64_t size_bytes); /* zero-filled and synced */
void raw_disk_close(struct raw_disk *disk);                            /* removes the file */
/* One durable write, filled up to 4096; wraps around at the end of the file. */
void raw_disk_write(struct raw_disk *disk, const void *bytes, size_t size);
/* Write batches of `batch` times `event_bytes` for `seconds`; per_second counts events. */
void raw_disk_measure(struct raw_disk *disk, uint32_t batch, uint32_t event_bytes, uint32_t seconds,
                      struct measurement *ret);

#endif
