/* outbox_dead.c - OUTBOX_DEAD: the streams of which an outbox has set events aside. */
#include "outbox_name.h"
#include "pack.h"
#include "varve/wire_outbox.h"

#define REQUEST_FIELDS 4u
#define LETTER_FIELDS 10u
#define LEAST_LETTER_BYTES (1 + LETTER_FIELDS)

void varve_encode_outbox_dead(struct varve_wire_buffer *out, uint32_t request_id,
                              const struct varve_outbox_dead_request *request)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_DEAD, request_id);
    pack_array(&pack, REQUEST_FIELDS);
    pack_str(&pack, request->name);
    pack_str_or_nil(&pack, request->stream);
    pack_str(&pack, request->after);
    pack_uint(&pack, request->limit);
    pack_end(&pack);
}

enum varve_status varve_decode_outbox_dead(struct varve_view body, struct varve_outbox_dead_request *ret,
                                           struct varve_error *error)
{
    struct varve_outbox_dead_request request = { 0 };
    struct fields fields;

    fields_begin(&fields, "OUTBOX_DEAD", body, error);
    uint32_t unknown = fields_open(&fields, REQUEST_FIELDS);

    request.name = fields_outbox(&fields);
    request.stream = fields_stream_or_nil(&fields);
    request.after = fields_text_or_empty(&fields, "after", VARVE_MAX_SYSTEM_STREAM_NAME);
    request.limit = (uint32_t)fields_uint(&fields, "limit", 1, VARVE_MAX_OUTBOX_LIST);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = request;
    return status;
}

static void encode_letter(struct pack *pack, const struct varve_dead_letter *letter)
{
    pack_array(pack, LETTER_FIELDS);
    pack_str(pack, letter->stream);
    pack_uint(pack, letter->position);
    pack_uint(pack, letter->version);
    pack_uint(pack, letter->waiting);
    pack_bool(pack, letter->skipped);
    pack_uint(pack, letter->retry_count);
    pack_str(pack, letter->error_code);
    pack_str(pack, letter->last_error);
    pack_int(pack, letter->first_attempt_us);
    pack_int(pack, letter->last_attempt_us);
}

void varve_encode_outbox_dead_ok(struct varve_wire_buffer *out, uint32_t request_id,
                                 const struct varve_dead_letter *letters, size_t count, bool end)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_OUTBOX_DEAD_OK, request_id);
    pack_array(&pack, 2);
    pack_array(&pack, count);
    for (size_t i = 0; i < count; i++)
        encode_letter(&pack, &letters[i]);
    pack_bool(&pack, end);
    pack_end(&pack);
}

static void decode_letter(struct fields *fields, struct varve_dead_letter *letter)
{
    uint32_t unknown = fields_open(fields, LETTER_FIELDS);

    letter->stream = varve_pull_str(&fields->pull);
    letter->position = fields_uint(fields, "position", 1, UINT64_MAX);
    letter->version = fields_uint(fields, "version", 0, INT64_MAX);
    letter->waiting = fields_uint(fields, "waiting", 0, UINT64_MAX);
    letter->skipped = varve_pull_bool(&fields->pull);
    letter->retry_count = (uint32_t)fields_uint(fields, "retry_count", 0, UINT32_MAX);
    letter->error_code = varve_pull_str(&fields->pull);
    letter->last_error = varve_pull_str(&fields->pull);
    letter->first_attempt_us = fields_int(fields, "first_attempt", INT64_MIN, INT64_MAX);
    letter->last_attempt_us = fields_int(fields, "last_attempt", INT64_MIN, INT64_MAX);
    fields_close(fields, unknown);
}

enum varve_status varve_decode_outbox_dead_ok(struct varve_view body, struct varve_wire_arena *arena,
                                              const struct varve_dead_letter **ret_letters, size_t *ret_count,
                                              bool *ret_end, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "OUTBOX_DEAD_OK", body, error);
    uint32_t unknown = fields_open(&fields, 2);
    uint32_t count = fields_list(&fields, "letters", LEAST_LETTER_BYTES);
    struct varve_dead_letter *letters = fields_take(&fields, arena, count, sizeof(*letters));

    for (uint32_t i = 0; i < count && !fields.pull.failed; i++) {
        fields.index = i;
        decode_letter(&fields, &letters[i]);
    }
    fields_list_end(&fields);

    bool end = varve_pull_bool(&fields.pull);

    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status != VARVE_OK)
        return status;
    *ret_letters = letters;
    *ret_count = count;
    *ret_end = end;
    return VARVE_OK;
}
