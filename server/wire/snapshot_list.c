/* snapshot_list.c - SNAPSHOT_LIST: which snapshots there are, without their data. */
#include "snapshot_row.h"

void varve_encode_snapshot_list(struct varve_wire_buffer *out, uint32_t request_id,
                                const struct varve_snapshot_list_request *request)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_LIST, request_id);
    pack_array(&pack, 4);
    pack_str(&pack, request->prefix);
    pack_str(&pack, request->after_stream);
    pack_version_or_nil(&pack, request->after_version);
    pack_uint(&pack, request->limit);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_list(struct varve_view body, struct varve_snapshot_list_request *ret,
                                             struct varve_error *error)
{
    struct varve_snapshot_list_request request = { 0 };
    struct fields fields;

    fields_begin(&fields, "SNAPSHOT_LIST", body, error);
    uint32_t unknown = fields_open(&fields, 4);

    request.prefix = fields_text_or_empty(&fields, "prefix", VARVE_MAX_SYSTEM_STREAM_NAME);
    request.after_stream = fields_text_or_empty(&fields, "after_stream", VARVE_MAX_SYSTEM_STREAM_NAME);
    request.after_version = fields_version_or_nil(&fields, "after_version", -1);
    request.limit = (uint32_t)fields_uint(&fields, "limit", 1, VARVE_SNAPSHOT_MAX_LIST);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

void varve_encode_snapshot_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                   const struct varve_snapshot *snapshots, size_t count, bool end)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_LIST_OK, request_id);
    pack_array(&pack, 2);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++)
        pack_snapshot(&pack, &snapshots[i], false);
    pack_bool(&pack, end);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                                const struct varve_snapshot **ret_snapshots, size_t *ret_count,
                                                bool *ret_end, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "SNAPSHOT_LIST_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    uint32_t count = fields_list(&fields, "snapshots", LEAST_SNAPSHOT_BYTES);
    struct varve_snapshot *snapshots = fields_take(&fields, arena, count, sizeof(*snapshots));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        fields_snapshot(&fields, &snapshots[i]);
    }
    fields_list_end(&fields);

    bool end = varve_pull_bool(&fields.pull);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_snapshots = snapshots;
    *ret_count = count;
    *ret_end = end;
    return VARVE_OK;
}
