/* event_json_read.c - an event out of a JSON object. Only strings with escapes in them and bytes in base64 are
 * copied. */
#include "event_json_parts.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "varve/json.h"
#include "varve/nearest.h"
#include "varve/time_text.h"
#include "varve/uuid.h"

struct parser {
    struct varve_wire_arena *arena;
    struct varve_event *event;
    struct varve_view values[EVENT_MEMBERS]; /* raw; data == NULL: not there */
    struct varve_error *error;
};

static enum varve_status no_memory(const struct parser *parser)
{
    return varve_fail(parser->error, VARVE_NO_MEMORY, NULL, "no memory for an event of JSON");
}

static enum varve_status wrong(const struct parser *parser, enum event_member member, const char *must)
{
    return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, event_member_names[member], "\"%s\" must be %s",
                      event_member_names[member], must);
}

static bool is_null(struct varve_view raw)
{
    return raw.data == NULL || varve_view_equal(raw, varve_view_str("null"));
}

/* The text of a member that is there. */
static enum varve_status text_of(const struct parser *parser, enum event_member member, const char *must,
                                 struct varve_view *ret)
{
    enum varve_status status = varve_json_string(parser->values[member], parser->arena, ret);

    if (status == VARVE_NO_MEMORY)
        return no_memory(parser);
    if (status != VARVE_OK && parser->values[member].data[0] == '"')
        return wrong(parser, member, "text: half of a surrogate pair (\\ud800 to \\udfff) stands in it");
    return status == VARVE_OK ? VARVE_OK : wrong(parser, member, must);
}

/* ---- the members ------------------------------------------------------------------------------------------------- */

static enum varve_status unknown_member(const struct parser *parser, struct varve_view key)
{
    char name[40], hint[VARVE_NEAREST_HINT];

    snprintf(name, sizeof(name), "%.*s", key.size < sizeof(name) ? (int)key.size : (int)sizeof(name) - 1, key.data);
    struct varve_nearest nearest = varve_nearest_to(name);
    for (int m = 0; m < EVENT_MEMBERS; m++)
        varve_nearest_offer(&nearest, event_member_names[m]);
    return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, name, "unknown member \"%s\"%s", name,
                      varve_nearest_hint(&nearest, "", hint));
}

/* Nearly always they come in the order in which they are written, `next` being the one that is due. */
static int member_of(struct varve_view key, int next)
{
    for (int i = 0; i < EVENT_MEMBERS; i++) {
        int m = (next + i) % EVENT_MEMBERS;

        if (varve_view_equal(key, varve_view_str(event_member_names[m])))
            return m;
    }
    return EVENT_MEMBERS;
}

/* Notes where each member's value stands. */
static enum varve_status find_members(struct parser *parser, struct varve_view object)
{
    struct varve_view raw_key, key, value;
    size_t cursor = 0;
    int next = 0;

    while (varve_json_next_member(object, &cursor, &raw_key, &value)) {
        /* With the quotes around it, a key is a string like any other. */
        enum varve_status status = varve_json_string(varve_view_of(raw_key.data - 1, raw_key.size + 2), parser->arena,
                                                     &key);
        if (status == VARVE_NO_MEMORY)
            return no_memory(parser);
        if (status != VARVE_OK)
            return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, NULL, "a member's name is not valid text");
        int m = member_of(key, next);
        if (m == EVENT_MEMBERS)
            return unknown_member(parser, key);
        if (parser->values[m].data != NULL)
            return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, event_member_names[m],
                              "\"%s\" stands there twice", event_member_names[m]);
        parser->values[m] = value;
        next = m + 1;
    }
    return VARVE_OK;
}

static enum varve_status take_text(const struct parser *parser, enum event_member member, bool required,
                                   struct varve_view *ret)
{
    struct varve_view raw = parser->values[member];

    if (required && raw.data == NULL)
        return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, event_member_names[member], "\"%s\" is missing",
                          event_member_names[member]);
    if (!required && is_null(raw))
        return VARVE_OK;
    return text_of(parser, member, "a string", ret);
}

static enum varve_status take_stream(const struct parser *parser, struct varve_view stream)
{
    struct varve_view *ret = &parser->event->stream;

    if (stream.data == NULL || parser->values[MEMBER_STREAM].data != NULL) {
        enum varve_status status = take_text(parser, MEMBER_STREAM, true, ret);

        if (status != VARVE_OK)
            return status;
        if (stream.data != NULL && !varve_view_equal(*ret, stream))
            return wrong(parser, MEMBER_STREAM, "the stream that the request writes to, or left out");
    }
    if (stream.data != NULL)
        *ret = stream;
    return VARVE_OK;
}

static enum varve_status take_texts(const struct parser *parser)
{
    static const enum event_member members[] = { MEMBER_TYPE, MEMBER_SOURCE, MEMBER_USER_ID };
    struct varve_event *event = parser->event;
    struct varve_view *texts[] = { &event->type, &event->source, &event->user_id };
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < 3 && status == VARVE_OK; i++)
        status = take_text(parser, members[i], i < 1, texts[i]);
    return status;
}

static enum varve_status take_uuid(const struct parser *parser, enum event_member member, struct varve_uuid *ret)
{
    struct varve_view text;

    if (is_null(parser->values[member]))
        return VARVE_OK;
    enum varve_status status = text_of(parser, member, "a UUID", &text);
    if (status != VARVE_OK)
        return status;
    return varve_uuid_parse(text, ret) && !varve_uuid_is_nil(ret) ? VARVE_OK : wrong(parser, member, "a UUID");
}

static enum varve_status take_ids(const struct parser *parser)
{
    static const enum event_member members[] = { MEMBER_ID, MEMBER_CORRELATION_ID, MEMBER_CAUSATION_ID };
    struct varve_uuid *ids[] = { &parser->event->id, &parser->event->correlation_id, &parser->event->causation_id };
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < 3 && status == VARVE_OK; i++)
        status = take_uuid(parser, members[i], ids[i]);
    return status;
}

static enum varve_status take_time(const struct parser *parser)
{
    static const char must[] = "a time as in RFC 3339, such as \"2024-05-01T12:00:00Z\"";
    struct varve_view text;

    if (is_null(parser->values[MEMBER_TIME]))
        return VARVE_OK;
    enum varve_status status = text_of(parser, MEMBER_TIME, must, &text);
    if (status != VARVE_OK)
        return status;
    return varve_time_parse(text, &parser->event->time_us) ? VARVE_OK : wrong(parser, MEMBER_TIME, must);
}

static enum varve_status take_schema_version(const struct parser *parser)
{
    static const char must[] = "a whole number from 0 to 4294967295";
    struct varve_view raw = parser->values[MEMBER_SCHEMA_VERSION];
    uint64_t value = 0;

    if (is_null(raw))
        return VARVE_OK;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9' || value > UINT32_MAX)
            return wrong(parser, MEMBER_SCHEMA_VERSION, must);
        value = value * 10 + (uint64_t)(raw.data[i] - '0');
    }
    if (value > UINT32_MAX)
        return wrong(parser, MEMBER_SCHEMA_VERSION, must);
    parser->event->schema_version = (uint32_t)value;
    return VARVE_OK;
}

static enum varve_status take_class(const struct parser *parser)
{
    static const char must[] = "\"domain\", \"integration\" or \"realtime\"";
    struct varve_view text;

    if (is_null(parser->values[MEMBER_CLASS]))
        return VARVE_OK;
    enum varve_status status = text_of(parser, MEMBER_CLASS, must, &text);
    if (status != VARVE_OK)
        return status;
    return varve_class_parse(text, &parser->event->class_) ? VARVE_OK : wrong(parser, MEMBER_CLASS, must);
}

static enum varve_status take_content_type(const struct parser *parser)
{
    static const char must[] = "\"application/json\", \"application/msgpack\" or \"application/octet-stream\"";
    struct varve_view text;

    if (is_null(parser->values[MEMBER_CONTENT_TYPE]))
        return VARVE_OK;
    enum varve_status status = text_of(parser, MEMBER_CONTENT_TYPE, must, &text);
    if (status != VARVE_OK)
        return status;
    return varve_content_type_parse(text, &parser->event->content_type) ? VARVE_OK
                                                                        : wrong(parser, MEMBER_CONTENT_TYPE, must);
}

static enum varve_status take_data(const struct parser *parser)
{
    struct varve_view raw = parser->values[MEMBER_DATA], text;
    size_t size;

    if (parser->event->content_type == VARVE_CONTENT_JSON) {
        parser->event->data = raw; /* JSON null is data like any other */
        return VARVE_OK;
    }
    if (is_null(raw))
        return VARVE_OK;
    enum varve_status status = text_of(parser, MEMBER_DATA,
                                       "a base64 string, as the content type is not application/json", &text);
    if (status != VARVE_OK)
        return status;
    uint8_t *bytes = arena_take(parser->arena, text.size / 4 * 3, 1);
    if (bytes == NULL)
        return no_memory(parser);
    if (!varve_base64_decode(text, bytes, &size))
        return wrong(parser, MEMBER_DATA, "base64, as the content type is not application/json");
    parser->event->data = varve_view_of((const char *)bytes, size);
    return VARVE_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

enum varve_status event_json_take(struct varve_view object, struct varve_view stream, struct varve_wire_arena *arena,
                                  struct varve_event *ret_event, struct varve_error *error)
{
    static enum varve_status (*const steps[])(const struct parser *parser) = {
        take_texts, take_ids, take_time, take_schema_version, take_class, take_content_type, take_data,
    };
    struct varve_event event = { .time_us = VARVE_TIME_NONE, .schema_version = 1 };
    struct parser parser = { .arena = arena, .event = &event, .error = error };
    enum varve_status status = find_members(&parser, object);

    if (status == VARVE_OK)
        status = take_stream(&parser, stream);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == VARVE_OK; i++)
        status = steps[i](&parser);
    if (status != VARVE_OK)
        return status;
    event.metadata = parser.values[MEMBER_METADATA]; /* Null, too: an import gives back what was exported. */
    *ret_event = event;
    return VARVE_OK;
}

enum varve_status varve_event_json_read(struct varve_view json, struct varve_wire_arena *arena,
                                        struct varve_event *ret_event, struct varve_error *error)
{
    size_t offset, at = 0;
    const char *why;

    if (!varve_json_check_envelope(json, 1, &offset, &why)) /* Data nests as deep as in an append. */
        return varve_fail(error, VARVE_INVALID_ARGUMENT, NULL, "not JSON at byte %zu: %s", offset, why);
    while (strchr(" \t\r\n", json.data[at]) != NULL) /* A value comes, so the end does not. */
        at++;
    if (json.data[at] != '{')
        return varve_fail(error, VARVE_INVALID_ARGUMENT, NULL, "not a JSON object");
    return event_json_take(json, varve_view_of(NULL, 0), arena, ret_event, error);
}
