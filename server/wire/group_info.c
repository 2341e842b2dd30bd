/* group_info.c - GROUP_OK and GROUP_LIST_OK: what is told about consumer groups. */
#include "group_settings.h"

#define INFO_FIELDS 12u
#define LEAST_INFO_BYTES (1 + INFO_FIELDS - 1 + LEAST_SETTINGS_BYTES)
#define CONSUMER_FIELDS 4u
#define LEAST_CONSUMER_BYTES (1 + CONSUMER_FIELDS)

static void encode_consumers(struct pack *pack, const struct varve_group_consumer *consumers, size_t count)
{
    pack_array(pack, count);
    for (size_t i = 0; i < count; i++) {
        pack_array(pack, CONSUMER_FIELDS);
        pack_str(pack, consumers[i].name);
        pack_uint(pack, consumers[i].epoch);
        pack_uint(pack, consumers[i].in_flight);
        pack_uint(pack, consumers[i].max_in_flight);
    }
}

static void encode_info(struct pack *pack, const struct varve_group_info *info, bool with_consumers)
{
    pack_array(pack, INFO_FIELDS);
    pack_str(pack, info->name);
    pack_group_settings(pack, &info->settings);
    if (info->stopped)
        pack_str(pack, info->stop_reason);
    else
        pack_nil(pack);
    pack_uint(pack, info->checkpoint);
    pack_uint(pack, info->last_position);
    pack_uint(pack, info->in_flight);
    pack_uint(pack, info->retrying);
    pack_uint(pack, info->parked);
    pack_uint(pack, info->acked);
    pack_uint(pack, info->redelivered);
    pack_int(pack, info->created_at_us);
    encode_consumers(pack, info->consumers, with_consumers ? info->consumer_count : 0);
}

static void decode_consumers(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_info *info)
{
    uint32_t count = fields_list(fields, "consumers", LEAST_CONSUMER_BYTES);
    struct varve_group_consumer *consumers = count == 0 ? NULL : fields_take(fields, arena, count, sizeof(*consumers));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        uint32_t unknown = fields_open(fields, CONSUMER_FIELDS);

        consumers[i].name = varve_pull_str(&fields->pull);
        consumers[i].epoch = fields_uint(fields, "epoch", 0, UINT64_MAX);
        consumers[i].in_flight = (uint32_t)fields_uint(fields, "in_flight", 0, UINT32_MAX);
        consumers[i].max_in_flight = (uint32_t)fields_uint(fields, "max_in_flight", 0, UINT32_MAX);
        fields_close(fields, unknown);
    }
    fields_list_end(fields);
    info->consumers = consumers;
    info->consumer_count = count;
}

static void decode_info(struct fields *fields, struct varve_wire_arena *arena, struct varve_group_info *info)
{
    uint32_t unknown = fields_open(fields, INFO_FIELDS);

    *info = (struct varve_group_info){ .name = varve_pull_str(&fields->pull) };
    fields_group_settings(fields, arena, &info->settings);
    info->stop_reason = varve_pull_str_or_nil(&fields->pull);
    info->stopped = info->stop_reason.data != NULL;
    info->checkpoint = fields_uint(fields, "checkpoint", 0, UINT64_MAX);
    info->last_position = fields_uint(fields, "last_position", 0, UINT64_MAX);
    info->in_flight = fields_uint(fields, "in_flight", 0, UINT64_MAX);
    info->retrying = fields_uint(fields, "retrying", 0, UINT64_MAX);
    info->parked = fields_uint(fields, "parked", 0, UINT64_MAX);
    info->acked = fields_uint(fields, "acked", 0, UINT64_MAX);
    info->redelivered = fields_uint(fields, "redelivered", 0, UINT64_MAX);
    info->created_at_us = fields_int(fields, "created_at", INT64_MIN, INT64_MAX);
    decode_consumers(fields, arena, info);
    fields_close(fields, unknown);
}

void varve_encode_group_ok(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_group_info *info)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GROUP_OK, request_id);
    pack_array(&pack, 1);
    encode_info(&pack, info, true);
    pack_end(&pack);
}

enum varve_status varve_decode_group_ok(struct varve_view body, struct varve_wire_arena *arena,
                                        struct varve_group_info *ret, struct varve_error *error)
{
    struct varve_group_info info;
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "GROUP_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);

    decode_info(&fields, arena, &info);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = info;
    return status;
}

void varve_encode_group_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                const struct varve_group_info *infos, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_GROUP_LIST_OK, request_id);
    pack_array(&pack, 1);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++)
        encode_info(&pack, &infos[i], false);
    pack_end(&pack);
}

/* The lists inside an info end the naming of fields by their place in this one; replies are not worth more. */
enum varve_status varve_decode_group_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                             const struct varve_group_info **ret_infos, size_t *ret_count,
                                             struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "GROUP_LIST_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t count = fields_list(&fields, "groups", LEAST_INFO_BYTES);
    struct varve_group_info *infos = fields_take(&fields, arena, count, sizeof(*infos));

    fields.list = NULL;
    for (uint32_t i = 0; i < count && !fields.pull.failed; i++)
        decode_info(&fields, arena, &infos[i]);
    fields_list_end(&fields);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_infos = infos;
    *ret_count = count;
    return VARVE_OK;
}
