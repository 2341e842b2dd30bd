/* snapshot_row.c - a snapshot's array: [stream, version, type, schema_version, content_type, created_at, size,
 * data|nil]. */
#include "snapshot_row.h"

#define SNAPSHOT_FIELDS 8u

void pack_snapshot(struct pack *pack, const struct varve_snapshot *snapshot, bool with_data)
{
    pack_array(pack, SNAPSHOT_FIELDS);
    pack_str(pack, snapshot->stream);
    pack_int(pack, snapshot->version);
    pack_str(pack, snapshot->type);
    pack_uint(pack, snapshot->schema_version);
    pack_uint(pack, snapshot->content_type);
    pack_int(pack, snapshot->created_at_us);
    if (with_data) {
        pack_uint(pack, snapshot->data.size);
        pack_bin(pack, snapshot->data);
    } else {
        pack_uint(pack, snapshot->size);
        pack_nil(pack);
    }
}

void fields_snapshot(struct fields *fields, struct varve_snapshot *ret)
{
    uint32_t unknown = fields_open(fields, SNAPSHOT_FIELDS);

    ret->stream = varve_pull_str(&fields->pull);
    ret->version = fields_int(fields, "version", 0, INT64_MAX);
    ret->type = varve_pull_str(&fields->pull);
    ret->schema_version = (uint32_t)fields_uint(fields, "schema_version", 0, UINT32_MAX);
    ret->content_type = fields_content_type(fields);
    ret->created_at_us = fields_int(fields, "created_at", INT64_MIN, INT64_MAX);
    ret->size = (uint32_t)fields_uint(fields, "size", 0, UINT32_MAX);
    ret->data = varve_pull_bin_or_nil(&fields->pull);
    if (ret->data.data != NULL && ret->data.size != ret->size)
        fields_bad(fields, "size", "expected that of data, which is %zu", ret->data.size);
    fields_close(fields, unknown);
}

void pack_version_or_nil(struct pack *pack, int64_t version)
{
    if (version == INT64_MAX)
        pack_nil(pack);
    else
        pack_int(pack, version);
}

int64_t fields_version_or_nil(struct fields *fields, const char *field, int64_t min)
{
    return varve_pull_nil(&fields->pull) ? INT64_MAX : fields_int(fields, field, min, INT64_MAX);
}
