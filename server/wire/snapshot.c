/* snapshot.c - SNAPSHOT_PUT, SNAPSHOT_GET and SNAPSHOT_DELETE: single snapshots of the cache.
 *
 * What a snapshot's data must be is not looked at here but in varve_snapshot_check(), which every put passes. */
#include "snapshot_row.h"

void varve_encode_snapshot_put(struct varve_wire_buffer *out, uint32_t request_id,
                               const struct varve_snapshot *snapshot, uint32_t keep)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_PUT, request_id);
    pack_array(&pack, 7);
    pack_str(&pack, snapshot->stream);
    pack_int(&pack, snapshot->version);
    pack_str(&pack, snapshot->type);
    pack_uint(&pack, snapshot->schema_version);
    pack_uint(&pack, snapshot->content_type);
    pack_bin(&pack, snapshot->data);
    pack_uint(&pack, keep);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_put(struct varve_view body, struct varve_snapshot *ret, uint32_t *ret_keep,
                                            struct varve_error *error)
{
    struct varve_snapshot snapshot = { 0 };
    struct fields fields;

    fields_begin(&fields, "SNAPSHOT_PUT", body, error);
    uint32_t unknown = fields_open(&fields, 7);

    snapshot.stream = fields_stream(&fields, "stream");
    snapshot.version = fields_int(&fields, "version", 0, INT64_MAX);
    snapshot.type = fields_text(&fields, "type", VARVE_SNAPSHOT_MAX_TYPE);
    snapshot.schema_version = (uint32_t)fields_uint(&fields, "schema_version", 1, UINT32_MAX);
    snapshot.content_type = fields_content_type(&fields);
    snapshot.data = varve_pull_bin(&fields.pull);
    snapshot.size = (uint32_t)snapshot.data.size;

    uint32_t keep = (uint32_t)fields_uint(&fields, "keep", 0, VARVE_SNAPSHOT_MAX_KEEP);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret = snapshot;
    *ret_keep = keep;
    return VARVE_OK;
}

void varve_encode_snapshot_put_ok(struct varve_wire_buffer *out, uint32_t request_id, int64_t created_at_us,
                                  uint32_t removed)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_PUT_OK, request_id);
    pack_array(&pack, 2);
    pack_int(&pack, created_at_us);
    pack_uint(&pack, removed);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_put_ok(struct varve_view body, int64_t *ret_created_at_us,
                                               uint32_t *ret_removed, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "SNAPSHOT_PUT_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    int64_t created_at_us = fields_int(&fields, "created_at", INT64_MIN, INT64_MAX);
    uint32_t removed = (uint32_t)fields_uint(&fields, "removed", 0, UINT32_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_created_at_us = created_at_us;
    *ret_removed = removed;
    return VARVE_OK;
}

void varve_encode_snapshot_get(struct varve_wire_buffer *out, uint32_t request_id,
                               const struct varve_snapshot_query *query)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_GET, request_id);
    pack_array(&pack, 4);
    pack_str(&pack, query->stream);
    pack_version_or_nil(&pack, query->at_or_below);
    pack_str(&pack, query->type);
    pack_uint(&pack, query->schema_version);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_get(struct varve_view body, struct varve_snapshot_query *ret,
                                            struct varve_error *error)
{
    struct varve_snapshot_query query = { 0 };
    struct fields fields;

    fields_begin(&fields, "SNAPSHOT_GET", body, error);
    uint32_t unknown = fields_open(&fields, 4);

    query.stream = fields_stream(&fields, "stream");
    query.at_or_below = fields_version_or_nil(&fields, "version", 0);
    query.type = fields_text_or_empty(&fields, "type", VARVE_SNAPSHOT_MAX_TYPE);
    query.schema_version = (uint32_t)fields_uint(&fields, "schema_version", 0, UINT32_MAX);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = query;
    return status;
}

void varve_encode_snapshot_get_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                  const struct varve_snapshot *snapshot)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_GET_OK, request_id);
    pack_array(&pack, 1);
    pack_snapshot(&pack, snapshot, true);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_get_ok(struct varve_view body, struct varve_snapshot *ret,
                                               struct varve_error *error)
{
    struct varve_snapshot snapshot = { 0 };
    struct fields fields;

    fields_begin(&fields, "SNAPSHOT_GET_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);

    fields_snapshot(&fields, &snapshot);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = snapshot;
    return status;
}

void varve_encode_snapshot_delete(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view stream,
                                  int64_t from_version, int64_t until_version)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_DELETE, request_id);
    pack_array(&pack, 3);
    pack_str(&pack, stream);
    pack_int(&pack, from_version);
    pack_int(&pack, until_version);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_delete(struct varve_view body, struct varve_view *ret_stream,
                                               int64_t *ret_from_version, int64_t *ret_until_version,
                                               struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "SNAPSHOT_DELETE", body, error);
    uint32_t unknown = fields_open(&fields, 3);
    struct varve_view stream = fields_stream(&fields, "stream");
    int64_t from_version = fields_int(&fields, "from_version", 0, INT64_MAX);
    int64_t until_version = fields_int(&fields, "until_version", from_version, INT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_stream = stream;
    *ret_from_version = from_version;
    *ret_until_version = until_version;
    return VARVE_OK;
}

void varve_encode_snapshot_delete_ok(struct varve_wire_buffer *out, uint32_t request_id, uint64_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_SNAPSHOT_DELETE_OK, request_id);
    pack_array(&pack, 1);
    pack_uint(&pack, count);
    pack_end(&pack);
}

enum varve_status varve_decode_snapshot_delete_ok(struct varve_view body, uint64_t *ret_count,
                                                  struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "SNAPSHOT_DELETE_OK", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint64_t count = fields_uint(&fields, "count", 0, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_count = count;
    return status;
}
