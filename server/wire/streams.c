/* streams.c - STREAM_INFO, STREAM_LIST and STREAM_CHANGE: what a stream is, which there are, and what their owners
 * change about them. */
#include "fields.h"
#include "pack.h"

#define ENTRY_FIELDS 11u
#define LEAST_ENTRY_BYTES (1 + ENTRY_FIELDS)
#define MAX_LIST 10000u

void varve_encode_stream_info(struct varve_wire_buffer *out, uint32_t request_id, struct varve_view stream)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STREAM_INFO, request_id);
    pack_array(&pack, 1);
    pack_str(&pack, stream);
    pack_end(&pack);
}

enum varve_status varve_decode_stream_info(struct varve_view body, struct varve_view *ret_stream,
                                           struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "STREAM_INFO", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    struct varve_view stream = fields_stream(&fields, "stream");

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_stream = stream;
    return status;
}

static void encode_entry(struct pack *pack, const struct varve_stream_entry *entry)
{
    const struct varve_stream_info *info = &entry->info;

    pack_array(pack, ENTRY_FIELDS);
    pack_str(pack, entry->name);
    pack_int(pack, info->version);
    pack_uint(pack, info->first_version);
    pack_uint(pack, info->last_position);
    pack_int(pack, info->created_at_us);
    pack_int(pack, info->updated_at_us);
    pack_uint(pack, info->truncate_before);
    pack_uint(pack, info->max_count);
    pack_int(pack, info->max_age_us);
    pack_bool(pack, info->deleted);
    pack_bool(pack, info->tombstoned);
}

static void decode_entry(struct fields *fields, struct varve_stream_entry *entry)
{
    uint32_t unknown = fields_open(fields, ENTRY_FIELDS);
    struct varve_stream_info *info = &entry->info;

    entry->name = varve_pull_str(&fields->pull);
    info->version = fields_int(fields, "version", -1, INT64_MAX);
    info->first_version = fields_uint(fields, "first_version", 0, UINT64_MAX);
    info->last_position = fields_uint(fields, "last_position", 0, UINT64_MAX);
    info->created_at_us = fields_int(fields, "created_at", INT64_MIN, INT64_MAX);
    info->updated_at_us = fields_int(fields, "updated_at", INT64_MIN, INT64_MAX);
    info->truncate_before = fields_uint(fields, "truncate_before", 0, UINT64_MAX);
    info->max_count = fields_uint(fields, "max_count", 0, UINT64_MAX);
    info->max_age_us = fields_int(fields, "max_age_us", 0, INT64_MAX);
    info->deleted = varve_pull_bool(&fields->pull);
    info->tombstoned = varve_pull_bool(&fields->pull);
    fields_close(fields, unknown);
}

void varve_encode_stream_info_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_stream_entry *entry)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STREAM_INFO_OK, request_id);
    encode_entry(&pack, entry);
    pack_end(&pack);
}

enum varve_status varve_decode_stream_info_ok(struct varve_view body, struct varve_stream_entry *ret,
                                              struct varve_error *error)
{
    struct varve_stream_entry entry = { 0 };
    struct fields fields;

    fields_begin(&fields, "STREAM_INFO_OK", body, error);
    decode_entry(&fields, &entry);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = entry;
    return status;
}

void varve_encode_stream_list(struct varve_wire_buffer *out, uint32_t request_id,
                              const struct varve_stream_list_request *list)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STREAM_LIST, request_id);
    pack_array(&pack, 4);
    pack_str(&pack, list->prefix);
    pack_str(&pack, list->after);
    pack_uint(&pack, list->limit);
    pack_bool(&pack, list->include_system);
    pack_end(&pack);
}

enum varve_status varve_decode_stream_list(struct varve_view body, struct varve_stream_list_request *ret,
                                           struct varve_error *error)
{
    struct varve_stream_list_request list = { 0 };
    struct fields fields;

    fields_begin(&fields, "STREAM_LIST", body, error);
    uint32_t unknown = fields_open(&fields, 4);

    list.prefix = fields_text_or_empty(&fields, "prefix", VARVE_MAX_SYSTEM_STREAM_NAME);
    list.after = fields_text_or_empty(&fields, "after", VARVE_MAX_SYSTEM_STREAM_NAME);
    list.limit = (uint32_t)fields_uint(&fields, "limit", 1, MAX_LIST);
    list.include_system = varve_pull_bool(&fields.pull);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = list;
    return status;
}

void varve_encode_stream_list_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_stream_list *list)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STREAM_LIST_OK, request_id);
    pack_array(&pack, 2);
    pack_array(&pack, list->count);
    for (size_t i = 0; i < list->count; i++)
        encode_entry(&pack, &list->entries[i]);
    pack_bool(&pack, list->end);
    pack_end(&pack);
}

enum varve_status varve_decode_stream_list_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              struct varve_stream_list *ret, struct varve_error *error)
{
    struct varve_stream_list list = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "STREAM_LIST_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);

    list.count = fields_list(&fields, "entries", LEAST_ENTRY_BYTES);
    list.entries = fields_take(&fields, arena, list.count, sizeof(*list.entries));
    for (size_t i = 0; i < list.count && !fields.pull.failed; i++) {
        fields.index = i;
        decode_entry(&fields, &list.entries[i]);
    }
    fields_list_end(&fields);
    list.end = varve_pull_bool(&fields.pull);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = list;
    return status;
}

void varve_encode_stream_change(struct varve_wire_buffer *out, uint32_t request_id,
                                const struct varve_stream_change *change)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STREAM_CHANGE, request_id);
    pack_array(&pack, 6);
    pack_uint(&pack, change->kind);
    pack_str(&pack, change->stream);
    pack_int(&pack, change->expected);
    pack_uint(&pack, change->truncate_before);
    pack_uint(&pack, change->max_count);
    pack_int(&pack, change->max_age_us);
    pack_end(&pack);
}

enum varve_status varve_decode_stream_change(struct varve_view body, struct varve_stream_change *ret,
                                             struct varve_error *error)
{
    struct varve_stream_change change = { 0 };
    struct fields fields;

    fields_begin(&fields, "STREAM_CHANGE", body, error);
    uint32_t unknown = fields_open(&fields, 6);

    change.kind = (enum varve_stream_change_kind)fields_int(&fields, "kind", 0, VARVE_STREAM_TOMBSTONE);
    change.stream = fields_stream(&fields, "stream");
    change.expected = fields_int(&fields, "expected", VARVE_EXPECTED_STREAM_EXISTS, INT64_MAX);
    change.truncate_before = fields_uint(&fields, "truncate_before", 0, INT64_MAX);
    change.max_count = fields_uint(&fields, "max_count", 0, INT64_MAX);
    change.max_age_us = fields_int(&fields, "max_age_us", 0, INT64_MAX);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = change;
    return status;
}
