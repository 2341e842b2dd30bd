/* read.c - READ and what belongs to one read: credit, cancelling, batches, the end. */
#include "fields.h"
#include "pack.h"

#define READ_FIELDS 11u

static bool takes_name(enum varve_read_kind kind)
{
    return kind == VARVE_READ_STREAM || kind == VARVE_READ_CATEGORY || kind == VARVE_READ_TYPE;
}

/* What the kind of read does not use is not sent. */
void varve_encode_read(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_read_request *request)
{
    const struct varve_read *read = &request->read;
    const struct varve_uuid none = { { 0 } };
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_READ, request_id);
    pack_array(&pack, READ_FIELDS);
    pack_uint(&pack, read->kind);
    pack_str_or_nil(&pack, takes_name(read->kind) ? read->name : varve_view_of(NULL, 0));
    pack_uuid_or_nil(&pack, read->kind == VARVE_READ_CORRELATION ? &read->correlation_id : &none);
    pack_bool(&pack, read->backwards);
    pack_bool(&pack, read->include_system);
    pack_uint_or_nil(&pack, read->from, VARVE_FROM_EDGE);
    pack_uint(&pack, read->limit);
    pack_time_or_nil(&pack, read->since_us);
    pack_time_or_nil(&pack, read->until_us);
    pack_uint(&pack, request->credit_bytes);
    pack_uint(&pack, request->batch_bytes);
    pack_end(&pack);
}

/* A name where the kind needs one, and nowhere else. */
static void check_name(struct fields *fields, const struct varve_read *read)
{
    bool given = read->name.data != NULL;

    if (given != takes_name(read->kind))
        fields_bad(fields, "name",
                   given ? "expected nil for this kind of read" : "expected a text for this kind of read");
    else if (read->kind == VARVE_READ_TYPE)
        fields_check_text(fields, "name", read->name, VARVE_MAX_TYPE);
    else if (given)
        fields_check_text(fields, "name", read->name, VARVE_MAX_SYSTEM_STREAM_NAME);
}

static void check_correlation_id(struct fields *fields, bool given, const struct varve_read *read)
{
    bool needed = read->kind == VARVE_READ_CORRELATION;

    if (given != needed)
        fields_bad(fields, "correlation_id",
                   given ? "expected nil for this kind of read" : "expected a UUID for this kind of read");
}

static void decode_what(struct fields *fields, struct varve_read *read)
{
    read->kind = (enum varve_read_kind)fields_int(fields, "kind", 0, VARVE_READ_CORRELATION);
    read->name = varve_pull_str_or_nil(&fields->pull);
    check_name(fields, read);

    bool given = varve_pull_peek(&fields->pull) != VARVE_PULL_NIL;

    fields_uuid_or_nil(fields, "correlation_id", &read->correlation_id);
    check_correlation_id(fields, given, read);
}

enum varve_status varve_decode_read(struct varve_view body, struct varve_read_request *ret, struct varve_error *error)
{
    struct varve_read_request request = { 0 };
    struct varve_read *read = &request.read;
    struct fields fields;

    fields_begin(&fields, "READ", body, error);
    uint32_t unknown = fields_open(&fields, READ_FIELDS);

    decode_what(&fields, read);
    read->backwards = varve_pull_bool(&fields.pull);
    read->include_system = varve_pull_bool(&fields.pull);
    read->from = fields_uint_or_nil(&fields, "from", VARVE_FROM_EDGE - 1, VARVE_FROM_EDGE);
    read->limit = fields_uint(&fields, "limit", 0, UINT64_MAX);
    read->since_us = fields_time_or_nil(&fields, "since");
    read->until_us = fields_time_or_nil(&fields, "until");
    request.credit_bytes = (uint32_t)fields_uint(&fields, "credit_bytes", 1, UINT32_MAX);
    request.batch_bytes = (uint32_t)fields_uint(&fields, "batch_bytes", 0, UINT32_MAX);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

void varve_encode_credit(struct varve_wire_buffer *out, uint32_t request_id, uint32_t bytes)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_CREDIT, request_id);
    pack_array(&pack, 1);
    pack_uint(&pack, bytes);
    pack_end(&pack);
}

enum varve_status varve_decode_credit(struct varve_view body, uint32_t *ret_bytes, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "CREDIT", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint32_t bytes = (uint32_t)fields_uint(&fields, "bytes", 1, UINT32_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_bytes = bytes;
    return status;
}

void varve_encode_cancel(struct varve_wire_buffer *out, uint32_t request_id)
{
    pack_empty(out, VARVE_OP_CANCEL, request_id);
}

void varve_encode_read_batch(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_batch *batch)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_READ_BATCH, request_id);
    pack_array(&pack, 2);
    pack_records(&pack, batch->records, batch->sizes, batch->count);
    pack_uint_or_nil(&pack, batch->end ? VARVE_FROM_EDGE : batch->next, VARVE_FROM_EDGE);
    pack_end(&pack);
}

enum varve_status varve_decode_read_batch(struct varve_view body, struct varve_wire_arena *arena,
                                          const struct varve_view **ret_records, uint32_t *ret_count,
                                          uint64_t *ret_next, struct varve_error *error)
{
    struct fields fields;
    uint32_t count;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "READ_BATCH", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    const struct varve_view *records = fields_records(&fields, arena, &count);
    uint64_t next = fields_uint_or_nil(&fields, "next", VARVE_FROM_EDGE - 1, VARVE_FROM_EDGE);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_records = records;
    *ret_count = count;
    *ret_next = next;
    return VARVE_OK;
}

void varve_encode_read_end(struct varve_wire_buffer *out, uint32_t request_id, uint64_t last_position)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_READ_END, request_id);
    pack_array(&pack, 1);
    pack_uint(&pack, last_position);
    pack_end(&pack);
}

enum varve_status varve_decode_read_end(struct varve_view body, uint64_t *ret_last_position, struct varve_error *error)
{
    struct fields fields;

    fields_begin(&fields, "READ_END", body, error);
    uint32_t unknown = fields_open(&fields, 1);
    uint64_t last_position = fields_uint(&fields, "last_position", 0, UINT64_MAX);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret_last_position = last_position;
    return status;
}
