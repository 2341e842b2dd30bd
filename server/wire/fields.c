/* fields.c - reading the fields of one message body, in order. */
#include "fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LEAST_RECORD_BYTES 2u

void fields_begin(struct fields *fields, const char *message, struct varve_view body, struct varve_error *error)
{
    *fields = (struct fields){ .message = message, .body = (const uint8_t *)body.data, .error = error };
    varve_pull_init(&fields->pull, body.data, body.size);
}

enum varve_status fields_end(struct fields *fields)
{
    if (fields->fault != VARVE_OK)
        return fields->fault;
    if (fields->pull.failed)
        return varve_fail(fields->error, VARVE_PROTOCOL, NULL,
                          "%s: the body is not well-formed msgpack of this message, from about byte %td on",
                          fields->message, fields->pull.at - fields->body);
    if (!varve_pull_done(&fields->pull))
        return varve_fail(fields->error, VARVE_PROTOCOL, NULL, "%s: %td bytes follow the body's array", fields->message,
                          fields->pull.end - fields->pull.at);
    return fields->status;
}

uint32_t fields_open(struct fields *fields, uint32_t required)
{
    uint32_t count = varve_pull_array(&fields->pull);

    fields->depth++;
    if (count < required)
        fields->pull.failed = true;
    return fields->pull.failed ? 0 : count - required;
}

void fields_close(struct fields *fields, uint32_t unknown)
{
    while (unknown > 0 && !fields->pull.failed) {
        fields_skip(fields);
        unknown--;
    }
    fields->depth--;
}

uint32_t fields_list(struct fields *fields, const char *name, size_t least_bytes)
{
    uint32_t count = varve_pull_array(&fields->pull);

    fields->depth++;
    fields->list = name;
    fields->index = 0;
    if (count > (size_t)(fields->pull.end - fields->pull.at) / least_bytes)
        fields->pull.failed = true;
    return fields->pull.failed ? 0 : count;
}

void fields_list_end(struct fields *fields)
{
    fields->depth--;
    fields->list = NULL;
}

void *fields_take(struct fields *fields, struct varve_wire_arena *arena, size_t count, size_t size)
{
    void *room = fields->pull.failed ? NULL : arena_take(arena, count, size);

    if (room == NULL && !fields->pull.failed)
        fields_stop(fields, VARVE_NO_MEMORY, "%s: no memory for %zu items", fields->message, count);
    return room;
}

/* Such as "events[3].class" or "settings.key". */
static void field_name(const struct fields *fields, const char *field, char *name, size_t size)
{
    const char *within = fields->within == NULL ? "" : fields->within;
    const char *dot = fields->within == NULL ? "" : ".";

    if (fields->list == NULL)
        snprintf(name, size, "%s%s%s", within, dot, field);
    else if (field[0] == '\0')
        snprintf(name, size, "%s%s%s[%zu]", within, dot, fields->list, fields->index);
    else
        snprintf(name, size, "%s%s%s[%zu].%s", within, dot, fields->list, fields->index, field);
}

void fields_bad(struct fields *fields, const char *field, const char *format, ...)
{
    char name[48], reason[256];
    va_list arguments;

    if (fields->pull.failed || fields->status != VARVE_OK)
        return;
    field_name(fields, field, name, sizeof(name));
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    fields->status = varve_fail(fields->error, VARVE_INVALID_ARGUMENT, name, "%s: %s: %s", fields->message, name,
                                reason);
}

void fields_stop(struct fields *fields, enum varve_status fault, const char *format, ...)
{
    char reason[256];
    va_list arguments;

    if (fields->pull.failed)
        return;
    va_start(arguments, format);
    vsnprintf(reason, sizeof(reason), format, arguments);
    va_end(arguments);
    fields->fault = varve_fail(fields->error, fault, NULL, "%s", reason);
    fields->pull.failed = true;
}

/* The pull reader skips at any depth without recursion; the depth is checked afterwards over the same bytes. */
void fields_skip(struct fields *fields)
{
    const uint8_t *from = fields->pull.at;

    varve_pull_skip(&fields->pull);
    if (!fields->pull.failed &&
        !varve_msgpack_check(from, (size_t)(fields->pull.at - from), VARVE_WIRE_MAX_DEPTH - fields->depth))
        fields->pull.failed = true;
}

/* Take a value that is an integer, though not one the reader's caller asked for. False when it is none at all. */
static bool take_integer(struct fields *fields, const struct varve_pull *before)
{
    if (before->failed || varve_pull_peek(before) != VARVE_PULL_INT)
        return false;
    fields->pull = *before;
    varve_pull_skip(&fields->pull);
    return !fields->pull.failed;
}

int64_t fields_int_outside(struct fields *fields, const struct varve_pull *before, const char *field, int64_t min,
                           int64_t max)
{
    if (take_integer(fields, before))
        fields_bad(fields, field, "expected an integer from %" PRId64 " to %" PRId64, min, max);
    return min;
}

uint64_t fields_uint(struct fields *fields, const char *field, uint64_t min, uint64_t max)
{
    struct varve_pull before = fields->pull;
    uint64_t value = varve_pull_uint(&fields->pull, max);

    if (!fields->pull.failed && value >= min)
        return value;
    if (take_integer(fields, &before))
        fields_bad(fields, field, "expected an integer from %" PRIu64 " to %" PRIu64, min, max);
    return min;
}

uint64_t fields_uint_or_nil(struct fields *fields, const char *field, uint64_t max, uint64_t absent)
{
    return varve_pull_nil(&fields->pull) ? absent : fields_uint(fields, field, 0, max);
}

int64_t fields_time_or_nil(struct fields *fields, const char *field)
{
    return varve_pull_nil(&fields->pull) ? VARVE_TIME_NONE
                                         : fields_int(fields, field, VARVE_TIME_NONE + 1, INT64_MAX);
}

void fields_uuid_bad(struct fields *fields, const char *field)
{
    fields_bad(fields, field, "expected a UUID: 16 bytes, not all of them zero");
}

struct varve_uuid fields_uuid(struct fields *fields, const char *field)
{
    struct varve_uuid uuid = { { 0 } };

    if (varve_pull_nil(&fields->pull))
        fields->pull.failed = true;
    else
        fields_uuid_or_nil(fields, field, &uuid);
    return uuid;
}

struct varve_view fields_name(struct fields *fields, const char *field, fields_check *check)
{
    struct varve_view name = varve_pull_str(&fields->pull);
    char whole[48];

    if (!fields->pull.failed && fields->status == VARVE_OK) {
        field_name(fields, field, whole, sizeof(whole));
        fields->status = check(name, whole, fields->error);
    }
    return name;
}

static enum varve_status check_stream(struct varve_view name, const char *field, struct varve_error *error)
{
    return varve_check_stream_name(name, true, field, error);
}

struct varve_view fields_stream(struct fields *fields, const char *field)
{
    return fields_name(fields, field, check_stream);
}

void fields_check_text(struct fields *fields, const char *field, struct varve_view text, size_t max_bytes)
{
    char whole[48];

    if (fields->pull.failed || fields->status != VARVE_OK)
        return;
    field_name(fields, field, whole, sizeof(whole));
    fields->status = varve_check_text(text, max_bytes, whole, fields->error);
}

struct varve_view fields_text(struct fields *fields, const char *field, size_t max_bytes)
{
    struct varve_view text = varve_pull_str(&fields->pull);

    fields_check_text(fields, field, text, max_bytes);
    return text;
}

struct varve_view fields_text_or_empty(struct fields *fields, const char *field, size_t max_bytes)
{
    struct varve_view text = varve_pull_str(&fields->pull);

    if (text.size > 0)
        fields_check_text(fields, field, text, max_bytes);
    return text;
}

const struct varve_view *fields_records(struct fields *fields, struct varve_wire_arena *arena, uint32_t *ret_count)
{
    uint32_t count = fields_list(fields, "records", LEAST_RECORD_BYTES);
    struct varve_view *records = fields_take(fields, arena, count, sizeof(*records));

    for (uint32_t i = 0; i < count && !fields->pull.failed; i++)
        records[i] = varve_pull_bin(&fields->pull);
    fields_list_end(fields);
    *ret_count = count;
    return records;
}
