/* saga_keys.h - the order in which sagas are listed, as keys whose bytes sort so: the same in store.mdb and in the
 * tail.
 *
 *   by change     'C' type 0 status(u8) position(u64 BE)     oldest change first: positions only grow
 *   by deadline   'D' deadline(i64 BE, sign flipped) position(u64 BE)
 *   value         type 0 id
 *
 * The position is that of the saga's last event. So an entry is current if and only if its saga's row still has that
 * position, and one that is stale once is stale for ever. */
#ifndef ENGINE_SAGA_KEYS_H
#define ENGINE_SAGA_KEYS_H

#include "saga.h"

enum {
    SAGA_KEY_MAX = 1 + VARVE_SAGA_MAX_TYPE + 1 + 1 + 8,
    SAGA_NAME_MAX = VARVE_SAGA_MAX_TYPE + 1 + VARVE_SAGA_MAX_ID,
};

struct saga_key {
    enum varve_saga_order order;
    struct varve_view type;   /* BY_CHANGE */
    unsigned status;          /* BY_CHANGE */
    int64_t deadline_us;      /* BY_DEADLINE */
    uint64_t position;
};
/* The keys under which a row is listed; the count, 0 to 2. */
size_t saga_keys_of(const struct saga_row *row, struct varve_view type, struct saga_key ret_keys[2]);
size_t saga_key_encode(const struct saga_key *key, uint8_t ret[SAGA_KEY_MAX]);
bool saga_key_decode(const uint8_t *bytes, size_t size, struct saga_key *ret_key); /* false: it is none */
/* "type 0 id", the key of the row and the value of the entries. */
size_t saga_name_encode(struct varve_view type, struct varve_view id, char ret[SAGA_NAME_MAX]);
bool saga_name_decode(struct varve_view bytes, struct varve_view *ret_type, struct varve_view *ret_id);

#endif
