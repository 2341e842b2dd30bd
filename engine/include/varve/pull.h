/* pull.h - a bounded msgpack reader that takes values one by one out of bytes nobody has vetted.
 *
 * Allocates nothing, copies nothing, recurses nowhere. The first mismatch sets `failed` and all later calls return
 * zero values, so that a decoder reads straight through and checks once at the end. A count is refused when it exceeds
 * the bytes that are left, so it can be used to size memory. */
#ifndef VARVE_PULL_H
#define VARVE_PULL_H

#include "varve/event.h"

struct varve_pull {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

enum varve_pull_kind {
    VARVE_PULL_END, VARVE_PULL_NIL, VARVE_PULL_BOOL, VARVE_PULL_INT, VARVE_PULL_FLOAT, VARVE_PULL_STR,
    VARVE_PULL_BIN, VARVE_PULL_ARRAY, VARVE_PULL_MAP, VARVE_PULL_EXT, VARVE_PULL_BAD,
};

void varve_pull_init(struct varve_pull *pull, const void *bytes, size_t size);
enum varve_pull_kind varve_pull_peek(const struct varve_pull *pull);

uint32_t varve_pull_array(struct varve_pull *pull);             /* its count */
uint32_t varve_pull_map(struct varve_pull *pull);               /* its count of pairs */
uint64_t varve_pull_uint(struct varve_pull *pull, uint64_t max); /* any width, not negative, <= max */
int64_t varve_pull_int(struct varve_pull *pull);                /* any width that fits int64 */
bool varve_pull_bool(struct varve_pull *pull);
bool varve_pull_nil(struct varve_pull *pull);                   /* true and consumed when the next value is nil */
struct varve_view varve_pull_str(struct varve_pull *pull);      /* str; bytes not checked for UTF-8 */
struct varve_view varve_pull_bin(struct varve_pull *pull);      /* bin */
struct varve_view varve_pull_str_or_nil(struct varve_pull *pull);
struct varve_view varve_pull_bin_or_nil(struct varve_pull *pull);
void varve_pull_uuid_or_nil(struct varve_pull *pull, struct varve_uuid *ret); /* bin 16 (not all zero) or nil */
void varve_pull_skip(struct varve_pull *pull);                  /* one value, whatever it holds */
bool varve_pull_done(const struct varve_pull *pull);            /* nothing failed and no byte is left */

#define VARVE_MSGPACK_MAX_DEPTH 128u

/* Is this exactly one well-formed msgpack value, every count covered by bytes, nothing after it, and no more than
 * max_depth arrays and maps inside one another? A larger max_depth than VARVE_MSGPACK_MAX_DEPTH counts as that. */
bool varve_msgpack_check(const void *bytes, size_t size, unsigned max_depth);

#endif
