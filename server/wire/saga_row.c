/* saga_row.c - a saga's array: [type, id, step, status, version, position, started_at, updated_at, completed_at|nil,
 * failed_at|nil, error, deadline|nil, correlation_id|nil, state|nil, content_type]. */
#include "saga_row.h"

#define SAGA_FIELDS 15u
#define LEAST_SAGA_BYTES (1 + SAGA_FIELDS)

void pack_saga(struct pack *pack, const struct varve_saga *saga)
{
    pack_array(pack, SAGA_FIELDS);
    pack_str(pack, saga->type);
    pack_str(pack, saga->id);
    pack_str(pack, saga->step);
    pack_uint(pack, saga->status);
    pack_int(pack, saga->version);
    pack_uint(pack, saga->position);
    pack_int(pack, saga->started_at_us);
    pack_int(pack, saga->updated_at_us);
    pack_time_or_nil(pack, saga->completed_at_us);
    pack_time_or_nil(pack, saga->failed_at_us);
    pack_str(pack, saga->error);
    pack_time_or_nil(pack, saga->deadline_us);
    pack_uuid_or_nil(pack, &saga->correlation_id);
    if (saga->has_state)
        pack_bin(pack, saga->state);
    else
        pack_nil(pack);
    pack_uint(pack, saga->content_type);
}

void fields_saga(struct fields *fields, struct varve_saga *ret)
{
    uint32_t unknown = fields_open(fields, SAGA_FIELDS);

    ret->type = varve_pull_str(&fields->pull);
    ret->id = varve_pull_str(&fields->pull);
    ret->step = varve_pull_str(&fields->pull);
    ret->status = (enum varve_saga_status)fields_int(fields, "status", 0, VARVE_SAGA_STATUSES - 1);
    ret->version = fields_int(fields, "version", 0, INT64_MAX);
    ret->position = fields_uint(fields, "position", 1, UINT64_MAX);
    ret->started_at_us = fields_int(fields, "started_at", INT64_MIN, INT64_MAX);
    ret->updated_at_us = fields_int(fields, "updated_at", INT64_MIN, INT64_MAX);
    ret->completed_at_us = fields_time_or_nil(fields, "completed_at");
    ret->failed_at_us = fields_time_or_nil(fields, "failed_at");
    ret->error = varve_pull_str(&fields->pull);
    ret->deadline_us = fields_time_or_nil(fields, "deadline");
    fields_uuid_or_nil(fields, "correlation_id", &ret->correlation_id);
    ret->state = varve_pull_bin_or_nil(&fields->pull);
    ret->has_state = ret->state.data != NULL;
    ret->content_type = fields_content_type(fields);
    fields_close(fields, unknown);
}

void pack_sagas(struct pack *pack, const struct varve_saga *sagas, size_t count)
{
    pack_array(pack, count);
    for (size_t i = 0; i < count; i++)
        pack_saga(pack, &sagas[i]);
}

struct varve_saga *fields_sagas(struct fields *fields, struct varve_wire_arena *arena, size_t *ret_count)
{
    uint32_t count = fields_list(fields, "sagas", LEAST_SAGA_BYTES);
    struct varve_saga *sagas = fields_take(fields, arena, count, sizeof(*sagas));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        fields_saga(fields, &sagas[i]);
    }
    fields_list_end(fields);
    *ret_count = count;
    return sagas;
}
