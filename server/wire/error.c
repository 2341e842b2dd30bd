/* error.c - ERROR, which any request may get in place of its reply. */
#include "fields.h"
#include "pack.h"

#include <stdio.h>
#include <string.h>

#define ERROR_FIELDS 7u
#define LEAST_CONFLICT_BYTES 5u

void varve_encode_error(struct varve_wire_buffer *out, uint32_t request_id, const struct varve_wire_error *error)
{
    const struct varve_error *what = &error->error;
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_ERROR, request_id);
    pack_array(&pack, ERROR_FIELDS);
    pack_uint(&pack, what->status);
    pack_str(&pack, varve_view_str(varve_status_name(what->status)));
    pack_str(&pack, varve_view_str(what->message));
    pack_str_or_nil(&pack, what->field[0] == '\0' ? varve_view_of(NULL, 0) : varve_view_str(what->field));
    pack_uint_or_nil(&pack, what->limit, 0);
    pack_uint_or_nil(&pack, what->retry_after_ms, 0);
    pack_array(&pack, error->conflict_count);
    for (size_t i = 0; i < error->conflict_count; i++) {
        pack_array(&pack, 5);
        pack_uint(&pack, error->conflicts[i].stream_index);
        pack_uint(&pack, error->conflicts[i].status);
        pack_int(&pack, error->conflicts[i].expected);
        pack_int(&pack, error->conflicts[i].actual);
        pack_uint(&pack, error->conflicts[i].part);
    }
    pack_end(&pack);
}

/* Cut to the room there is, never inside a character; what would break a line becomes a space. */
static void copy_text(struct varve_view text, char *to, size_t room)
{
    size_t size = text.size < room ? text.size : room - 1;

    while (size < text.size && size > 0 && ((uint8_t)text.data[size] & 0xc0) == 0x80)
        size--;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)text.data[i];

        to[i] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
    }
    to[size] = '\0';
}

/* Older servers do not say it: theirs are about streams. */
static enum varve_part decode_part(struct fields *fields, uint32_t *unknown)
{
    if (*unknown == 0)
        return VARVE_PART_STREAM;
    (*unknown)--;
    return (enum varve_part)fields_uint(fields, "part", 0, INT32_MAX);
}

static struct varve_conflict *decode_conflicts(struct fields *fields, struct varve_wire_arena *arena, size_t *ret_count)
{
    uint32_t count = fields_list(fields, "conflicts", LEAST_CONFLICT_BYTES);
    struct varve_conflict *conflicts = fields_take(fields, arena, count, sizeof(*conflicts));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++) {
        fields->index = i;
        uint32_t unknown = fields_open(fields, 4);

        conflicts[i].stream_index = (uint32_t)fields_uint(fields, "index", 0, UINT32_MAX);
        conflicts[i].status = (enum varve_status)fields_uint(fields, "status", 1, INT32_MAX);
        conflicts[i].expected = fields_int(fields, "expected", INT64_MIN, INT64_MAX);
        conflicts[i].actual = fields_int(fields, "actual", INT64_MIN, INT64_MAX);
        conflicts[i].part = decode_part(fields, &unknown);
        fields_close(fields, unknown);
    }
    fields_list_end(fields);
    *ret_count = count;
    return conflicts;
}

enum varve_status varve_decode_error(struct varve_view body, struct varve_wire_arena *arena,
                                     struct varve_wire_error *ret, struct varve_error *error)
{
    struct varve_wire_error decoded = { 0 };
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "ERROR", body, error);
    uint32_t unknown = fields_open(&fields, ERROR_FIELDS);

    decoded.error.status = (enum varve_status)fields_uint(&fields, "number", 1, INT32_MAX);
    varve_pull_str(&fields.pull); /* The name is for people who look at bytes; the number decides. */
    copy_text(varve_pull_str(&fields.pull), decoded.error.message, sizeof(decoded.error.message));
    copy_text(varve_pull_str_or_nil(&fields.pull), decoded.error.field, sizeof(decoded.error.field));
    decoded.error.limit = fields_uint_or_nil(&fields, "limit", UINT64_MAX, 0);
    decoded.error.retry_after_ms = (uint32_t)fields_uint_or_nil(&fields, "retry_after_ms", UINT32_MAX, 0);
    decoded.conflicts = decode_conflicts(&fields, arena, &decoded.conflict_count);
    fields_close(&fields, unknown);

    enum varve_status status = fields_end(&fields);

    if (status == VARVE_OK)
        *ret = decoded;
    return status;
}
