/* saga.c - SAGA_GET and SAGA_COUNTS: one saga, and how many there are. */
#include "saga_row.h"

#define LEAST_COUNT_BYTES (3 + VARVE_SAGA_STATUSES)

void varve_encode_saga_get(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view type,
                           struct varve_view id)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SAGA_GET, request_id);
    pack_array(&pack, 2);
    pack_str(&pack, type);
    pack_str(&pack, id);
    pack_end(&pack);
}

enum varve_status varve_decode_saga_get(struct varve_view body, struct varve_view *ret_type, struct varve_view *ret_id,
                                        struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "SAGA_GET", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    struct varve_view type = fields_name(&fields, "type", varve_check_saga_type);
    struct varve_view id = fields_name(&fields, "id", varve_check_saga_id);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_type = type;
    *ret_id = id;
    return VARVE_OK;
}

void varve_encode_saga_get_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_saga *saga)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SAGA_GET_OK, request_id);
    pack_array(&pack, 1);
    pack_saga(&pack, saga);
    pack_end(&pack);
}

enum varve_status varve_decode_saga_get_ok(struct varve_view body, struct varve_saga *ret, struct varve_error *error)
{
    struct varve_saga saga = { 0 };
    struct fields fields;

    fields_begin(&fields, "SAGA_GET_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);

    fields_saga(&fields, &saga);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = saga;
    return status;
}

void varve_encode_saga_counts(struct varve_wire_buffer *out, uint32_t request_id)
{
    pack_empty(out, VARVE_OP_SAGA_COUNTS, request_id);
}

void varve_encode_saga_counts_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_saga_counts *counts)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SAGA_COUNTS_OK, request_id);
    pack_array(&pack, 1);
    pack_array(&pack, counts->count);
    for (size_t i = 0; i < counts->count; i++) {
        pack_array(&pack, 2);
        pack_str(&pack, counts->types[i].type);
        pack_array(&pack, VARVE_SAGA_STATUSES);
        for (size_t status = 0; status < VARVE_SAGA_STATUSES; status++)
            pack_uint(&pack, counts->types[i].by_status[status]);
    }
    pack_end(&pack);
}

/* Statuses of later versions come after those known here. */
static void decode_count(struct fields *fields, struct varve_saga_count *count)
{
    uint32_t unknown = fields_open(fields, 2);

    count->type = varve_pull_str(&fields->pull);

    uint32_t unknown_statuses = fields_open(fields, VARVE_SAGA_STATUSES);

    for (size_t status = 0; status < VARVE_SAGA_STATUSES; status++)
        count->by_status[status] = fields_uint(fields, "by_status", 0, UINT64_MAX);
    fields_close(fields, unknown_statuses);
    fields_close(fields, unknown);
}

enum varve_status varve_decode_saga_counts_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              struct varve_saga_counts *ret, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "SAGA_COUNTS_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t count = fields_list(&fields, "types", LEAST_COUNT_BYTES);
    struct varve_saga_count *types = fields_take(&fields, arena, count, sizeof(*types));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        decode_count(&fields, &types[i]);
    }
    fields_list_end(&fields);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = (struct varve_saga_counts){ types, count };
    return status;
}
