/* snapshot_row.h - a snapshot as a key and two values of snapshots.mdb: what is said of it, and its data. Both
 * checksums cover the key, so that no value is ever taken for that of another snapshot. See docs/disk-format.md. */
#ifndef SNAPSHOTS_SNAPSHOT_ROW_H
#define SNAPSHOTS_SNAPSHOT_ROW_H

#include "varve/snapshots.h"

enum {
    SNAPSHOT_KEY_TAIL = 1 + sizeof(uint64_t),
    SNAPSHOT_MAX_KEY = VARVE_MAX_SYSTEM_STREAM_NAME + SNAPSHOT_KEY_TAIL,
    SNAPSHOT_ROW_HEAD = 34,
    SNAPSHOT_MAX_ROW = SNAPSHOT_ROW_HEAD + VARVE_SNAPSHOT_MAX_TYPE,
};

struct snapshot_key {
    uint8_t bytes[SNAPSHOT_MAX_KEY];
    size_t size;
};
/* The stream's name, a zero, the version: sorted by stream, then version. The name's size has been checked. */
void snapshot_key_make(struct snapshot_key *key, struct varve_view stream, int64_t version);
/* A place behind all snapshots of the stream, and before those of any later one. */
void snapshot_key_make_end(struct snapshot_key *key, struct varve_view stream);
/* Points into the key. False: no such key. */
bool snapshot_key_take(const void *bytes, size_t size, struct varve_view *ret_stream, int64_t *ret_version);

uint64_t snapshot_data_sum(const struct snapshot_key *key, struct varve_view data);
/* All but data itself; returns the size. */
size_t snapshot_row_encode(const struct varve_snapshot *snapshot, const struct snapshot_key *key,
                           uint8_t ret[SNAPSHOT_MAX_ROW]);
/* All but data itself; the type points into `row`, the stream into `key`. False: damaged. */
bool snapshot_row_decode(const void *row, size_t size, const struct snapshot_key *key, struct varve_snapshot *ret,
                         uint64_t *ret_data_sum);

#endif
