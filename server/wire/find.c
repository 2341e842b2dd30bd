/* find.c - FIND, from ids to positions, and GET, from a position to its record. */
#include "fields.h"
#include "pack.h"

#define MAX_FIND 10000u
#define LEAST_ID_BYTES 2u /* so that an id of the wrong length is named as such */

void varve_encode_find(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_uuid *ids, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_FIND, request_id);
    pack_array(&pack, 1);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++)
        pack_uuid(&pack, &ids[i]);
    pack_end(&pack);
}

enum varve_status varve_decode_find(struct varve_view body, struct varve_wire_arena *arena,
                                    const struct varve_uuid **ret_ids, size_t *ret_count, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "FIND", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t count = fields_list(&fields, "ids", LEAST_ID_BYTES);
    struct varve_uuid *ids = fields_take(&fields, arena, count, sizeof(*ids));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        ids[i] = fields_uuid(&fields, "");
    }
    fields_list_end(&fields);
    if (count < 1 || count > MAX_FIND)
        fields_bad(&fields, "ids", "expected 1 to %u of them", MAX_FIND);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_ids = ids;
    *ret_count = count;
    return VARVE_OK;
}

void varve_encode_find_ok(struct varve_wire_buffer *out, uint32_t request_id, const uint64_t *positions, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_FIND_OK, request_id);
    pack_array(&pack, 1);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++)
        pack_uint(&pack, positions[i]);
    pack_end(&pack);
}

enum varve_status varve_decode_find_ok(struct varve_view body, struct varve_wire_arena *arena,
                                       const uint64_t **ret_positions, size_t *ret_count, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "FIND_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t count = fields_list(&fields, "positions", 1);
    uint64_t *positions = fields_take(&fields, arena, count, sizeof(*positions));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++)
        positions[i] = varve_pull_uint(&fields.pull, UINT64_MAX);
    fields_list_end(&fields);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_positions = positions;
    *ret_count = count;
    return VARVE_OK;
}

void varve_encode_get(struct varve_wire_buffer *out, uint32_t request_id, uint64_t position)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GET, request_id);
    pack_array(&pack, 1);
    pack_uint(&pack, position);
    pack_end(&pack);
}

enum varve_status varve_decode_get(struct varve_view body, uint64_t *ret_position, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "GET", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint64_t position = fields_uint(&fields, "position", 1, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_position = position;
    return status;
}

void varve_encode_get_ok(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view record)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GET_OK, request_id);
    pack_array(&pack, 1);
    pack_bin(&pack, record);
    pack_end(&pack);
}

enum varve_status varve_decode_get_ok(struct varve_view body, struct varve_view *ret_record, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "GET_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    struct varve_view record = varve_pull_bin(&fields.pull);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_record = record;
    return status;
}
