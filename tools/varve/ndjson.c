/* ndjson.c - see ndjson.h. */
#include "ndjson.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "timestamp.h"
#include "varve/json.h"
#include "varve/uuid.h"

/* The members of a line, in the order in which they are printed. */
enum member {
    STREAM, TYPE, ID, TIME, CORRELATION_ID, CAUSATION_ID, SOURCE, USER_ID, CLASS, SCHEMA_VERSION, CONTENT_TYPE,
    METADATA, DATA, VERSION, POSITION, RECORDED_AT, MEMBERS
};
static const char *const member_names[MEMBERS] = {
    "stream", "type", "id", "time", "correlation_id", "causation_id", "source", "user_id", "class", "schema_version",
    "content_type", "metadata", "data", "version", "position", "recorded_at",
};

struct parser {
    struct scratch *scratch;
    struct varve_event *event;
    struct varve_view values[MEMBERS]; /* raw; data == NULL: not there */
    struct varve_error *error;
};

static enum varve_status wrong(const struct parser *parser, enum member member, const char *must)
{
    return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, member_names[member], "\"%s\" must be %s",
                      member_names[member], must);
}

static bool is_null(struct varve_view raw)
{
    return raw.data == NULL || varve_view_equal(raw, varve_view_str("null"));
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The text of a raw JSON string. Points into it when there is nothing to decode, as nearly always. */
static bool string_of(struct scratch *scratch, struct varve_view raw, struct varve_view *ret)
{
    json_t *string;

    if (raw.size < 2 || raw.data[0] != '"')
        return false;
    if (memchr(raw.data, '\\', raw.size) == NULL) {
        *ret = varve_view_of(raw.data + 1, raw.size - 2);
        return true;
    }
    string = json_loadb(raw.data, raw.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (string == NULL)
        return false;
    size_t size = json_string_length(string);
    char *copy = scratch_take(scratch, size > 0 ? size : 1);
    memcpy(copy, json_string_value(string), size);
    json_decref(string);
    *ret = varve_view_of(copy, size);
    return true;
}

/* ---- line -> event ----------------------------------------------------------------------------------------------- */

static enum varve_status unknown_member(const struct parser *parser, struct varve_view key)
{
    char name[40], hint[128];
    struct closest closest = { .wanted = name };

    snprintf(name, sizeof(name), "%.*s", key.size < sizeof(name) ? (int)key.size : (int)sizeof(name) - 1, key.data);
    for (int m = 0; m < MEMBERS; m++)
        closest_offer(&closest, member_names[m]);
    return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, "line", "unknown member \"%s\"%s", name,
                      closest_hint(&closest, "", hint));
}

/* Notes where each member's value stands. `line` is known to be JSON. */
static enum varve_status find_members(struct parser *parser, struct varve_view line)
{
    struct varve_view raw_key, key, value;
    size_t cursor = 0;

    while (varve_json_next_member(line, &cursor, &raw_key, &value)) {
        int m = 0;

        /* With the quotes around it, a key is a string like any other. */
        if (!string_of(parser->scratch, varve_view_of(raw_key.data - 1, raw_key.size + 2), &key))
            return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, "line", "a member's name is not valid text");
        while (m < MEMBERS && !varve_view_equal(key, varve_view_str(member_names[m])))
            m++;
        if (m == MEMBERS)
            return unknown_member(parser, key);
        if (parser->values[m].data != NULL)
            return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, member_names[m], "\"%s\" stands there twice",
                              member_names[m]);
        parser->values[m] = value;
    }
    return VARVE_OK;
}

static enum varve_status check_line(const struct parser *parser, struct varve_view line)
{
    size_t offset;
    const char *why;

    if (!varve_json_check_envelope(line, &offset, &why)) /* Data nests as deep as in an append. */
        return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, "line", "not JSON at byte %zu: %s", offset, why);
    while (line.size > 0 && is_space(line.data[0])) {
        line.data++;
        line.size--;
    }
    if (line.data[0] != '{')
        return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, "line", "not a JSON object");
    return VARVE_OK;
}

static enum varve_status take_text(const struct parser *parser, enum member member, bool required,
                                   struct varve_view *ret)
{
    struct varve_view raw = parser->values[member];

    if (required && raw.data == NULL)
        return varve_fail(parser->error, VARVE_INVALID_ARGUMENT, member_names[member], "\"%s\" is missing",
                          member_names[member]);
    if (!required && is_null(raw))
        return VARVE_OK;
    return string_of(parser->scratch, raw, ret) ? VARVE_OK : wrong(parser, member, "a string");
}

static enum varve_status take_uuid(const struct parser *parser, enum member member, struct varve_uuid *ret)
{
    struct varve_view text;

    if (is_null(parser->values[member]))
        return VARVE_OK;
    if (!string_of(parser->scratch, parser->values[member], &text) || !varve_uuid_parse(text, ret) ||
        varve_uuid_is_nil(ret))
        return wrong(parser, member, "a UUID");
    return VARVE_OK;
}

static enum varve_status take_time(const struct parser *parser, enum member member, int64_t *ret_us)
{
    struct varve_view text;

    if (is_null(parser->values[member]))
        return VARVE_OK;
    if (!string_of(parser->scratch, parser->values[member], &text) || !timestamp_parse(text, ret_us))
        return wrong(parser, member, "a time as in RFC 3339, such as \"2024-05-01T12:00:00Z\"");
    return VARVE_OK;
}

static enum varve_status take_schema_version(const struct parser *parser, uint32_t *ret)
{
    struct varve_view raw = parser->values[SCHEMA_VERSION];
    uint64_t value = 0;

    if (is_null(raw))
        return VARVE_OK;
    for (size_t i = 0; i < raw.size; i++) {
        if (raw.data[i] < '0' || raw.data[i] > '9' || value > UINT32_MAX)
            return wrong(parser, SCHEMA_VERSION, "a whole number from 0 to 4294967295");
        value = value * 10 + (uint64_t)(raw.data[i] - '0');
    }
    if (value > UINT32_MAX)
        return wrong(parser, SCHEMA_VERSION, "a whole number from 0 to 4294967295");
    *ret = (uint32_t)value;
    return VARVE_OK;
}

static enum varve_status take_names(const struct parser *parser)
{
    struct varve_view text;
    struct varve_event *event = parser->event;

    if (!is_null(parser->values[CLASS]) &&
        (!string_of(parser->scratch, parser->values[CLASS], &text) || !varve_class_parse(text, &event->class_)))
        return wrong(parser, CLASS, "\"domain\", \"integration\" or \"realtime\"");
    if (!is_null(parser->values[CONTENT_TYPE]) && (!string_of(parser->scratch, parser->values[CONTENT_TYPE], &text) ||
                                                   !varve_content_type_parse(text, &event->content_type)))
        return wrong(parser, CONTENT_TYPE,
                     "\"application/json\", \"application/msgpack\" or \"application/octet-stream\"");
    return VARVE_OK;
}

static enum varve_status take_data(const struct parser *parser)
{
    struct varve_view raw = parser->values[DATA], text;
    size_t size;

    if (parser->event->content_type == VARVE_CONTENT_JSON) {
        parser->event->data = raw; /* JSON null is data like any other */
        return VARVE_OK;
    }
    if (is_null(raw))
        return VARVE_OK;
    if (!string_of(parser->scratch, raw, &text))
        return wrong(parser, DATA, "a base64 string, as the content type is not application/json");
    uint8_t *bytes = scratch_take(parser->scratch, text.size / 4 * 3 + 1);
    if (!base64_decode(text, bytes, &size))
        return wrong(parser, DATA, "base64, as the content type is not application/json");
    parser->event->data = varve_view_of((const char *)bytes, size);
    return VARVE_OK;
}

static enum varve_status take_ids(const struct parser *parser)
{
    static const enum member members[] = { ID, CORRELATION_ID, CAUSATION_ID };
    struct varve_uuid *ids[] = { &parser->event->id, &parser->event->correlation_id, &parser->event->causation_id };
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < 3 && status == VARVE_OK; i++)
        status = take_uuid(parser, members[i], ids[i]);
    return status;
}

static enum varve_status take_texts(const struct parser *parser)
{
    static const enum member members[] = { STREAM, TYPE, SOURCE, USER_ID };
    struct varve_event *event = parser->event;
    struct varve_view *texts[] = { &event->stream, &event->type, &event->source, &event->user_id };
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < 4 && status == VARVE_OK; i++)
        status = take_text(parser, members[i], i < 2, texts[i]);
    return status;
}

enum varve_status ndjson_parse(struct varve_view line, struct scratch *scratch, struct varve_event *ret_event,
                               struct varve_error *error)
{
    struct varve_event event = { .time_us = VARVE_TIME_NONE, .schema_version = 1 };
    struct parser parser = { .scratch = scratch, .event = &event, .error = error };
    enum varve_status status = check_line(&parser, line);

    if (status == VARVE_OK)
        status = find_members(&parser, line);
    if (status == VARVE_OK)
        status = take_texts(&parser);
    if (status == VARVE_OK)
        status = take_ids(&parser);
    if (status == VARVE_OK)
        status = take_time(&parser, TIME, &event.time_us);
    if (status == VARVE_OK)
        status = take_schema_version(&parser, &event.schema_version);
    if (status == VARVE_OK)
        status = take_names(&parser);
    if (status == VARVE_OK)
        status = take_data(&parser);
    if (status != VARVE_OK)
        return status;
    event.metadata = parser.values[METADATA]; /* Null, too: an import gives back what was exported. */
    *ret_event = event;
    return VARVE_OK;
}

/* ---- event -> line ----------------------------------------------------------------------------------------------- */

/* Valid JSON has no line breaks but between its tokens, where a space means the same. What is around the value would
 * be lost by the next import; left out here, an export of the copy equals that of the original. */
static void add_raw_json(struct text *out, struct varve_view json)
{
    size_t start = out->size;

    for (; json.size > 0 && is_space(json.data[0]); json.size--)
        json.data++;
    while (json.size > 0 && is_space(json.data[json.size - 1]))
        json.size--;
    text_add(out, json);
    for (size_t i = start; i < out->size; i++) {
        if (out->bytes[i] == '\n' || out->bytes[i] == '\r')
            out->bytes[i] = ' ';
    }
}

static void format_origin(const struct varve_event *event, struct text *out)
{
    if (event->time_us != VARVE_TIME_NONE)
        text_member_time(out, member_names[TIME], event->time_us);
    if (!varve_uuid_is_nil(&event->correlation_id))
        text_member_uuid(out, member_names[CORRELATION_ID], &event->correlation_id);
    if (!varve_uuid_is_nil(&event->causation_id))
        text_member_uuid(out, member_names[CAUSATION_ID], &event->causation_id);
    if (event->source.data != NULL)
        text_member(out, member_names[SOURCE], event->source);
    if (event->user_id.data != NULL)
        text_member(out, member_names[USER_ID], event->user_id);
}

static void format_content(const struct varve_event *event, struct text *out)
{
    if (event->class_ != VARVE_CLASS_DOMAIN)
        text_member(out, member_names[CLASS], varve_view_str(varve_class_name(event->class_)));
    if (event->schema_version != 1)
        text_member_uint(out, member_names[SCHEMA_VERSION], event->schema_version);
    if (event->content_type != VARVE_CONTENT_JSON)
        text_member(out, member_names[CONTENT_TYPE], varve_view_str(varve_content_type_name(event->content_type)));
    if (event->metadata.size > 0) {
        text_key(out, member_names[METADATA]);
        add_raw_json(out, event->metadata);
    }
    if (event->data.size == 0)
        return;
    text_key(out, member_names[DATA]);
    if (event->content_type == VARVE_CONTENT_JSON)
        add_raw_json(out, event->data);
    else
        text_add_base64(out, event->data);
}

void ndjson_format(const struct varve_event *event, struct text *out)
{
    text_add_str(out, "{");
    text_member(out, member_names[STREAM], event->stream);
    text_member(out, member_names[TYPE], event->type);
    text_member_uuid(out, member_names[ID], &event->id);
    format_origin(event, out);
    format_content(event, out);
    text_member_uint(out, member_names[VERSION], event->version);
    text_member_uint(out, member_names[POSITION], event->position);
    text_member_time(out, member_names[RECORDED_AT], event->recorded_at_us);
    text_add_str(out, "}");
}
