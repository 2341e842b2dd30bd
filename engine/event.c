/* event.c - the shape of an event: what its fields may be, and how its enums are written as text. */
#include "varve/event.h"

#include "utf8.h"
#include "varve/json.h"
#include "varve/pull.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct varve_view varve_view_str(const char *text)
{
    return varve_view_of(text, text == NULL ? 0 : strlen(text));
}

bool varve_view_equal(struct varve_view a, struct varve_view b)
{
    if ((a.data == NULL) != (b.data == NULL) || a.size != b.size)
        return false;
    return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}

struct varve_view varve_category(struct varve_view stream)
{
    const char *hyphen = stream.size == 0 ? NULL : memchr(stream.data, '-', stream.size);

    return hyphen == NULL ? stream : varve_view_of(stream.data, (size_t)(hyphen - stream.data));
}

enum varve_status varve_check_text(struct varve_view text, size_t max_bytes, const char *field,
                                   struct varve_error *error)
{
    size_t offset;

    if (text.data == NULL || text.size == 0 || text.size > max_bytes)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must be 1 to %zu bytes, is %zu", field, max_bytes,
                          text.size);
    switch (utf8_check_plain(text.data, text.size, &offset)) {
    case UTF8_PLAIN:
        return VARVE_OK;
    case UTF8_CONTROL:
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: must be free of control characters, has one at byte %zu", field, offset);
    case UTF8_BROKEN:
        break;
    }
    return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must be UTF-8, is not at byte %zu", field, offset);
}

enum varve_status varve_check_stream_name(struct varve_view name, bool system, const char *field,
                                          struct varve_error *error)
{
    size_t max_bytes = system ? VARVE_MAX_SYSTEM_STREAM_NAME : VARVE_MAX_STREAM_NAME;
    enum varve_status status = varve_check_text(name, max_bytes, field, error);

    if (status == VARVE_OK && !system && name.data[0] == '$')
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: must not begin with '$', which is reserved for the store's own streams", field);
    return status;
}

/* An event that says all by its type has no data, whatever its content type. */
static bool data_is_fine(const struct varve_event *event, size_t *ret_offset, const char **ret_why)
{
    *ret_offset = 0;
    if (event->data.size == 0 || event->content_type == VARVE_CONTENT_OCTET_STREAM)
        return true;
    if (event->content_type == VARVE_CONTENT_JSON)
        return varve_json_check(event->data, ret_offset, ret_why);
    *ret_why = "";
    return varve_msgpack_check(event->data.data, event->data.size, VARVE_MSGPACK_MAX_DEPTH);
}

static bool text_is_fine(struct varve_view text, size_t max_bytes)
{
    return varve_check_text(text, max_bytes, "", NULL) == VARVE_OK;
}

/* Which field is wrong is asked first and its name written only then: nearly every event is fine, and printing names
 * would cost more than all the checks. */
static const char *find_wrong_field(const struct varve_event *event, size_t *ret_offset, const char **ret_why)
{
    if (varve_class_name(event->class_) == NULL)
        return "class";
    if (varve_content_type_name(event->content_type) == NULL)
        return "content_type";
    if (!text_is_fine(event->type, VARVE_MAX_TYPE))
        return "type";
    if (event->time_us != VARVE_TIME_NONE && (event->time_us < VARVE_TIME_MIN || event->time_us > VARVE_TIME_MAX))
        return "time";
    if (event->source.data != NULL && !text_is_fine(event->source, VARVE_MAX_SOURCE))
        return "source";
    if (event->user_id.data != NULL && !text_is_fine(event->user_id, VARVE_MAX_USER_ID))
        return "user_id";
    if (!data_is_fine(event, ret_offset, ret_why))
        return "data";
    if (event->metadata.data != NULL && !varve_json_check(event->metadata, ret_offset, ret_why))
        return "metadata";
    return NULL;
}

static bool is_field(const char *wrong, const char *name)
{
    return strcmp(wrong, name) == 0;
}

enum varve_status varve_check_event(const struct varve_event *event, size_t index, struct varve_error *error)
{
    size_t offset;
    const char *why;
    const char *wrong = find_wrong_field(event, &offset, &why);
    char field[sizeof(error->field)];

    if (wrong == NULL)
        return VARVE_OK;
    snprintf(field, sizeof(field), "events[%zu].%s", index, wrong);
    if (is_field(wrong, "type"))
        return varve_check_text(event->type, VARVE_MAX_TYPE, field, error);
    if (is_field(wrong, "source"))
        return varve_check_text(event->source, VARVE_MAX_SOURCE, field, error);
    if (is_field(wrong, "user_id"))
        return varve_check_text(event->user_id, VARVE_MAX_USER_ID, field, error);
    if (is_field(wrong, "time"))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: must lie in the years 0000 to 9999 (microseconds since 1970), is %" PRId64, field,
                          event->time_us);
    if (is_field(wrong, "class"))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: must be 0 (domain), 1 (integration) or 2 (realtime), is %u", field,
                          (unsigned)event->class_);
    if (is_field(wrong, "content_type"))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: must be 0 (application/json), 1 (application/msgpack) or 2 (application/octet-stream), "
                          "is %u", field, (unsigned)event->content_type);
    if (is_field(wrong, "data") && event->content_type == VARVE_CONTENT_MSGPACK)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: must be one msgpack value, nested at most %u deep, is not", field,
                          VARVE_MSGPACK_MAX_DEPTH);
    return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must be JSON, is not at byte %zu: %s", field, offset,
                      why);
}

static const char *const class_names[] = {
    [VARVE_CLASS_DOMAIN] = "domain",
    [VARVE_CLASS_INTEGRATION] = "integration",
    [VARVE_CLASS_REALTIME] = "realtime",
};
static const char *const content_type_names[] = {
    [VARVE_CONTENT_JSON] = "application/json",
    [VARVE_CONTENT_MSGPACK] = "application/msgpack",
    [VARVE_CONTENT_OCTET_STREAM] = "application/octet-stream",
};
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The index of `text` in `names`, or `count`. */
static size_t find_name(const char *const *names, size_t count, struct varve_view text)
{
    size_t i = 0;

    while (i < count && !varve_view_equal(text, varve_view_str(names[i])))
        i++;
    return i;
}

const char *varve_class_name(enum varve_class class_)
{
    return (size_t)class_ < COUNT(class_names) ? class_names[class_] : NULL;
}

bool varve_class_parse(struct varve_view text, enum varve_class *ret)
{
    size_t found = find_name(class_names, COUNT(class_names), text);

    if (found == COUNT(class_names))
        return false;
    *ret = (enum varve_class)found;
    return true;
}

const char *varve_content_type_name(enum varve_content_type type)
{
    return (size_t)type < COUNT(content_type_names) ? content_type_names[type] : NULL;
}

bool varve_content_type_parse(struct varve_view text, enum varve_content_type *ret)
{
    size_t found = find_name(content_type_names, COUNT(content_type_names), text);

    if (found == COUNT(content_type_names))
        return false;
    *ret = (enum varve_content_type)found;
    return true;
}
