/* saga_keys.c - see saga_keys.h. */
#include "saga_keys.h"

#include "big_endian.h"

#include <assert.h>
#include <string.h>

enum { BY_DEADLINE_SIZE = 1 + 8 + 8, BY_CHANGE_LEAST = 1 + 1 + 1 + 1 + 8 };
#define SIGN (UINT64_C(1) << 63) /* flipped, so that times before 1970 sort before those after */

size_t saga_keys_of(const struct saga_row *row, struct varve_view type, struct saga_key ret_keys[2])
{
    if (!saga_row_is_listed(row))
        return 0;
    ret_keys[0] = (struct saga_key){ .order = VARVE_SAGA_BY_CHANGE, .type = type, .status = row->status,
                                     .deadline_us = VARVE_TIME_NONE, .position = row->position };
    if (row->deadline_us == VARVE_TIME_NONE)
        return 1;
    ret_keys[1] = (struct saga_key){ .order = VARVE_SAGA_BY_DEADLINE, .deadline_us = row->deadline_us,
                                     .position = row->position };
    return 2;
}

size_t saga_key_encode(const struct saga_key *key, uint8_t ret[SAGA_KEY_MAX])
{
    size_t size = key->type.size;

    if (key->order == VARVE_SAGA_BY_DEADLINE) {
        ret[0] = 'D';
        store_be64(ret + 1, (uint64_t)key->deadline_us ^ SIGN);
        store_be64(ret + 9, key->position);
        return BY_DEADLINE_SIZE;
    }
    assert(size <= VARVE_SAGA_MAX_TYPE);
    ret[0] = 'C';
    if (size > 0)
        memcpy(ret + 1, key->type.data, size);
    ret[1 + size] = 0;
    ret[2 + size] = (uint8_t)key->status;
    store_be64(ret + 3 + size, key->position);
    return 3 + size + 8;
}

static bool decode_by_change(const uint8_t *bytes, size_t size, struct saga_key *ret_key)
{
    size_t type_size = size - (1 + 1 + 1 + 8);
    const uint8_t *behind = bytes + 1 + type_size;

    if (behind[0] != 0 || behind[1] >= VARVE_SAGA_STATUSES || memchr(bytes + 1, 0, type_size) != NULL)
        return false;
    *ret_key = (struct saga_key){ .order = VARVE_SAGA_BY_CHANGE,
                                  .type = { (const char *)bytes + 1, type_size },
                                  .status = behind[1],
                                  .deadline_us = VARVE_TIME_NONE,
                                  .position = load_be64(behind + 2) };
    return true;
}

bool saga_key_decode(const uint8_t *bytes, size_t size, struct saga_key *ret_key)
{
    if (size >= BY_CHANGE_LEAST && size <= SAGA_KEY_MAX && bytes[0] == 'C')
        return decode_by_change(bytes, size, ret_key);
    if (size != BY_DEADLINE_SIZE || bytes[0] != 'D')
        return false;
    *ret_key = (struct saga_key){ .order = VARVE_SAGA_BY_DEADLINE,
                                  .deadline_us = (int64_t)(load_be64(bytes + 1) ^ SIGN),
                                  .position = load_be64(bytes + 9) };
    return true;
}

size_t saga_name_encode(struct varve_view type, struct varve_view id, char ret[SAGA_NAME_MAX])
{
    assert(type.size <= VARVE_SAGA_MAX_TYPE && id.size <= VARVE_SAGA_MAX_ID);
    memcpy(ret, type.data, type.size);
    ret[type.size] = 0;
    memcpy(ret + type.size + 1, id.data, id.size);
    return type.size + 1 + id.size;
}

bool saga_name_decode(struct varve_view bytes, struct varve_view *ret_type, struct varve_view *ret_id)
{
    const char *zero = bytes.size == 0 ? NULL : memchr(bytes.data, 0, bytes.size);
    struct varve_view type, id;

    if (zero == NULL)
        return false;
    type = varve_view_of(bytes.data, (size_t)(zero - bytes.data));
    id = varve_view_of(zero + 1, bytes.size - type.size - 1);
    if (type.size == 0 || type.size > VARVE_SAGA_MAX_TYPE || id.size == 0 || id.size > VARVE_SAGA_MAX_ID)
        return false;
    *ret_type = type;
    *ret_id = id;
    return true;
}
