/* load.c - LOAD and LOADING: aggregates, each a snapshot and the events after it. */
#include "snapshot_row.h"

#define LOAD_FIELDS 6u
#define LOADING_FIELDS 5u
#define LEAST_STREAM_BYTES 1u

void varve_encode_load(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_load_request *request)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_LOAD, request_id);
    pack_array(&pack, LOAD_FIELDS);
    pack_array(&pack, request->stream_count);
    for (size_t i = 0; i < request->stream_count; i++)
        pack_str(&pack, request->streams[i]);
    pack_str(&pack, request->type);
    pack_uint(&pack, request->schema_version);
    pack_bool(&pack, request->no_snapshots);
    pack_uint(&pack, request->credit_bytes);
    pack_uint(&pack, request->batch_bytes);
    pack_end(&pack);
}

/* More than may be are only looked at. */
static const struct varve_view *decode_streams(struct fields *fields, struct varve_wire_arena *arena,
                                               size_t *ret_count)
{
    uint32_t count = fields_list(fields, "streams", LEAST_STREAM_BYTES);
    uint32_t kept = count < VARVE_MAX_LOAD_STREAMS ? count : VARVE_MAX_LOAD_STREAMS;
    struct varve_view *streams = fields_take(fields, arena, kept, sizeof(*streams));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        struct varve_view stream = fields_stream(fields, "");

        if (i < kept)
            streams[i] = stream;
    }
    fields_list_end(fields);
    if (count < 1 || count > VARVE_MAX_LOAD_STREAMS)
        fields_bad(fields, "streams", "expected 1 to %u of them", VARVE_MAX_LOAD_STREAMS);
    *ret_count = kept;
    return streams;
}

enum varve_status varve_decode_load(struct varve_view body, struct varve_wire_arena *arena,
                                    struct varve_load_request *ret, struct varve_error *error)
{
    struct varve_load_request request = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "LOAD", body, error);
    uint32_t unknown = fields_open(&fields, LOAD_FIELDS);

    request.streams = decode_streams(&fields, arena, &request.stream_count);
    request.type = fields_text_or_empty(&fields, "type", VARVE_SNAPSHOT_MAX_TYPE);
    request.schema_version = (uint32_t)fields_uint(&fields, "schema_version", 0, UINT32_MAX);
    request.no_snapshots = varve_pull_bool(&fields.pull);
    request.credit_bytes = (uint32_t)fields_uint(&fields, "credit_bytes", 1, UINT32_MAX);
    request.batch_bytes = (uint32_t)fields_uint(&fields, "batch_bytes", 0, UINT32_MAX);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

void varve_encode_loading(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_loading *loading)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_LOADING, request_id);
    pack_array(&pack, LOADING_FIELDS);
    pack_uint(&pack, loading->index);
    pack_uint(&pack, loading->status);
    pack_int(&pack, loading->version);
    pack_uint(&pack, loading->first_version);
    if (loading->has_snapshot)
        pack_snapshot(&pack, &loading->snapshot, true);
    else
        pack_nil(&pack);
    pack_end(&pack);
}

enum varve_status varve_decode_loading(struct varve_view body, struct varve_loading *ret, struct varve_error *error)
{
    struct varve_loading loading = { 0 };
    struct fields fields;

    fields_begin(&fields, "LOADING", body, error);
    uint32_t unknown = fields_open(&fields, LOADING_FIELDS);

    loading.index = (uint32_t)fields_uint(&fields, "index", 0, UINT32_MAX);
    loading.status = (enum varve_status)fields_uint(&fields, "status", 0, INT32_MAX);
    loading.version = fields_int(&fields, "version", -1, INT64_MAX);
    loading.first_version = fields_uint(&fields, "first_version", 0, UINT64_MAX);
    loading.has_snapshot = !varve_pull_nil(&fields.pull);
    if (loading.has_snapshot) {
        fields.within = "snapshot";
        fields_snapshot(&fields, &loading.snapshot);
        fields.within = NULL;
    }
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = loading;
    return status;
}
