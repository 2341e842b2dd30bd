/* append_json.c - see append_json.h. */
#include "varve/append_json.h"

#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "event_json_parts.h"
#include "varve/json.h"
#include "varve/number_text.h"

/* ---- expected versions ------------------------------------------------------------------------------------------- */

static const struct {
    const char *word;
    int64_t expected;
} words[] = {
    { "any", VARVE_EXPECTED_ANY }, { "no_stream", VARVE_EXPECTED_NO_STREAM },
    { "stream_exists", VARVE_EXPECTED_STREAM_EXISTS },
};
enum { WORDS = sizeof(words) / sizeof(words[0]) };

bool varve_expected_parse(struct varve_view text, int64_t *ret)
{
    uint64_t version;

    for (size_t i = 0; i < WORDS; i++) {
        if (varve_view_equal(text, varve_view_str(words[i].word))) {
            *ret = words[i].expected;
            return true;
        }
    }
    if (!varve_number_parse(text, &version) || version > INT64_MAX)
        return false;
    *ret = (int64_t)version;
    return true;
}

void varve_json_write_expected(struct varve_wire_buffer *out, int64_t expected)
{
    for (size_t i = 0; i < WORDS; i++) {
        if (words[i].expected == expected) {
            varve_json_write_text(out, varve_view_str(words[i].word));
            return;
        }
    }
    varve_json_write_number(out, (uint64_t)expected);
}

/* ---- the body ---------------------------------------------------------------------------------------------------- */

struct body {
    struct varve_view stream;
    size_t max_events;
    struct varve_wire_arena *arena;
    struct varve_append_json *append;
    struct varve_error *error;
};

static enum varve_status take_expected(const struct body *body, struct varve_view raw)
{
    struct varve_view text = raw;

    if (raw.data[0] == '"' && varve_json_string(raw, body->arena, &text) == VARVE_NO_MEMORY)
        return varve_fail(body->error, VARVE_NO_MEMORY, NULL, "no memory for an append of JSON");
    if (!varve_expected_parse(text, &body->append->expected))
        return varve_fail(body->error, VARVE_INVALID_ARGUMENT, "expected",
                          "\"expected\" must be \"any\", \"no_stream\", \"stream_exists\" or the version last seen");
    body->append->has_expected = true;
    return VARVE_OK;
}

/* Which of the events is wrong goes in front of what is wrong about it. */
static enum varve_status name_event(const struct body *body, size_t index, enum varve_status status)
{
    struct varve_error *error = body->error, reason;
    char field[sizeof(error->field) + 32];

    if (error == NULL || status != VARVE_INVALID_ARGUMENT)
        return status;
    reason = *error;
    snprintf(field, sizeof(field), "events[%zu]%s%s", index, reason.field[0] != '\0' ? "." : "", reason.field);
    return varve_fail(error, status, field, "events[%zu]: %s", index, reason.message);
}

static enum varve_status take_events(const struct body *body, struct varve_view list)
{
    struct varve_append_json *append = body->append;
    struct varve_view item;
    size_t cursor = 0, count = 0;
    enum varve_status status = VARVE_OK;

    while (varve_json_next_item(list, &cursor, &item))
        count++;
    if (count == 0)
        return varve_fail(body->error, VARVE_INVALID_ARGUMENT, "events",
                          "\"events\" must be an array of events, one at least");
    if (count > body->max_events)
        return varve_fail(body->error, VARVE_APPEND_TOO_LARGE, "events", "%zu events; one append takes %zu at most",
                          count, body->max_events);
    append->events = arena_take(body->arena, count, sizeof(*append->events));
    if (append->events == NULL)
        return varve_fail(body->error, VARVE_NO_MEMORY, NULL, "no memory for an append of JSON");
    append->count = count;
    cursor = 0;
    for (size_t i = 0; i < count && status == VARVE_OK; i++) {
        varve_json_next_item(list, &cursor, &item);
        if (item.data[0] != '{')
            status = varve_fail(body->error, VARVE_INVALID_ARGUMENT, NULL, "not a JSON object");
        else
            status = event_json_take(item, body->stream, body->arena, &append->events[i], body->error);
        status = name_event(body, i, status);
    }
    return status;
}

static enum varve_status take_one(const struct body *body, struct varve_view object)
{
    body->append->events = arena_take(body->arena, 1, sizeof(*body->append->events));
    body->append->count = 1;
    if (body->append->events == NULL)
        return varve_fail(body->error, VARVE_NO_MEMORY, NULL, "no memory for an append of JSON");
    return event_json_take(object, body->stream, body->arena, body->append->events, body->error);
}

/* An object with "events" or "expected" in it is the whole append; one without, an event. */
static enum varve_status take_object(const struct body *body, struct varve_view object)
{
    struct varve_view key, value, events = { NULL, 0 }, expected = { NULL, 0 };
    size_t cursor = 0, others = 0;

    while (varve_json_next_member(object, &cursor, &key, &value)) {
        if (varve_view_equal(key, varve_view_str("events")) && events.data == NULL)
            events = value;
        else if (varve_view_equal(key, varve_view_str("expected")) && expected.data == NULL)
            expected = value;
        else
            others++;
    }
    if (events.data == NULL && expected.data == NULL)
        return take_one(body, object);
    if (others > 0 || events.data == NULL)
        return varve_fail(body->error, VARVE_INVALID_ARGUMENT, "events",
                          "expected {\"expected\": ..., \"events\": [...]}, with \"events\" and nothing else");
    enum varve_status status = expected.data == NULL ? VARVE_OK : take_expected(body, expected);
    return status == VARVE_OK ? take_events(body, events) : status;
}

enum varve_status varve_append_json_read(struct varve_view json, struct varve_view stream, size_t max_events,
                                         struct varve_wire_arena *arena, struct varve_append_json *ret,
                                         struct varve_error *error)
{
    struct varve_append_json append = { .expected = VARVE_EXPECTED_ANY };
    struct body body = { stream, max_events, arena, &append, error };
    enum varve_status status;
    size_t offset, at = 0;
    const char *why;

    /* Of the data of an event in an array in an object. */
    if (!varve_json_check_envelope(json, 3, &offset, &why))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "body", "not JSON at byte %zu: %s", offset, why);
    while (strchr(" \t\r\n", json.data[at]) != NULL) /* A value comes, so the end does not. */
        at++;
    if (json.data[at] == '{')
        status = take_object(&body, json);
    else if (json.data[at] == '[')
        status = take_events(&body, json);
    else
        status = varve_fail(error, VARVE_INVALID_ARGUMENT, "body", "not an event, an array of events, or an append");
    if (status == VARVE_OK)
        *ret = append;
    return status;
}
