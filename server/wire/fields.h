/* fields.h - reading the fields of one message body, in order.
 *
 * The engine's pull reader, plus what a message needs beyond well-formed bytes: the range of a field, the name under
 * which a bad one is reported, and the elements of later versions at the end of an array, which are skipped.
 *
 * A decoder is: fields_begin(), the fields, fields_end(), which says how it went. Until then every function may be
 * called whatever happened before; after malformed bytes they give zero values. Malformed bytes (PROTOCOL) win over
 * a field that is out of range (INVALID_ARGUMENT), of which the first is reported. */
#ifndef FIELDS_H
#define FIELDS_H

#include "arena.h"

struct fields {
    struct varve_pull pull;
    const char *message;      /* its name, for the error */
    const uint8_t *body;
    const char *within;       /* the part of the message that its fields belong to, NULL outside of parts */
    const char *list;         /* the list whose item is being read, NULL outside of lists */
    size_t index;             /* of that item */
    unsigned depth;           /* arrays open around the next value */
    enum varve_status fault;  /* stops the reading: NO_MEMORY, APPEND_TOO_LARGE */
    enum varve_status status; /* of the first field out of range */
    struct varve_error *error;
};

void fields_begin(struct fields *fields, const char *message, struct varve_view body, struct varve_error *error);
enum varve_status fields_end(struct fields *fields);

/* An array of at least `required` elements; how many more it has, which fields_close() skips when the known ones were
 * read. */
uint32_t fields_open(struct fields *fields, uint32_t required);
void fields_close(struct fields *fields, uint32_t unknown);

/* An array of items of at least `least_bytes` each; its count. Ended by fields_list_end(). Between them, `index` says
 * which item is being read. */
uint32_t fields_list(struct fields *fields, const char *name, size_t least_bytes);
void fields_list_end(struct fields *fields);

/* Room for what a list holds. NULL ends the reading. */
void *fields_take(struct fields *fields, struct varve_wire_arena *arena, size_t count, size_t size);

/* Report a field: the first one reported is the answer. */
void fields_bad(struct fields *fields, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* End the reading for a reason that is not the bytes. */
void fields_stop(struct fields *fields, enum varve_status fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Skip one value of any kind that nests no deeper than bodies may. */
void fields_skip(struct fields *fields);

int64_t fields_int_outside(struct fields *fields, const struct varve_pull *before, const char *field, int64_t min,
                           int64_t max);
uint64_t fields_uint(struct fields *fields, const char *field, uint64_t min, uint64_t max);
/* nil gives `absent`. */
uint64_t fields_uint_or_nil(struct fields *fields, const char *field, uint64_t max, uint64_t absent);
int64_t fields_time_or_nil(struct fields *fields, const char *field); /* nil gives VARVE_TIME_NONE */
void fields_uuid_bad(struct fields *fields, const char *field);
struct varve_uuid fields_uuid(struct fields *fields, const char *field);

/* Texts that name something: checked here, because what takes them further may not. */
typedef enum varve_status fields_check(struct varve_view text, const char *field, struct varve_error *error);
struct varve_view fields_name(struct fields *fields, const char *field, fields_check *check);
struct varve_view fields_stream(struct fields *fields, const char *field);
void fields_check_text(struct fields *fields, const char *field, struct varve_view text, size_t max_bytes);
struct varve_view fields_text(struct fields *fields, const char *field, size_t max_bytes);          /* not empty */
struct varve_view fields_text_or_empty(struct fields *fields, const char *field, size_t max_bytes);

/* A list of records, each a bin; views of them, in the arena. */
const struct varve_view *fields_records(struct fields *fields, struct varve_wire_arena *arena, uint32_t *ret_count);

/* The fields below stand in every event of an APPEND: the usual case is decided in place. */
static inline int64_t fields_int(struct fields *fields, const char *field, int64_t min, int64_t max)
{
    struct varve_pull before = fields->pull;
    int64_t value = varve_pull_int(&fields->pull);

    if (__builtin_expect(!fields->pull.failed && value >= min && value <= max, 1))
        return value;
    return fields_int_outside(fields, &before, field, min, max);
}

static inline enum varve_content_type fields_content_type(struct fields *fields)
{
    return (enum varve_content_type)fields_int(fields, "content_type", 0, VARVE_CONTENT_OCTET_STREAM);
}

static inline void fields_uuid_or_nil(struct fields *fields, const char *field, struct varve_uuid *ret)
{
    struct varve_view bytes = varve_pull_bin_or_nil(&fields->pull);
    uint64_t halves[2] = { 0, 0 };

    if (bytes.data != NULL && bytes.size == sizeof(halves))
        __builtin_memcpy(halves, bytes.data, sizeof(halves));
    if (bytes.data != NULL && (halves[0] | halves[1]) == 0)
        fields_uuid_bad(fields, field);
    __builtin_memcpy(ret->bytes, halves, sizeof(halves));
}

#endif
