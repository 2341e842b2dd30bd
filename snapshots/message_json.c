/* message_json.c - messages as lines of JSON; see message.h. */
#include <string.h>

#include "message.h"
#include "varve/json.h"

/* Valid JSON has line breaks only between its tokens, where a space means the same. */
static void add_raw(struct grow *out, struct varve_view json)
{
    size_t start = out->size;

    grow_add(out, json.data, json.size);
    for (size_t i = start; i < out->size; i++) {
        if (out->bytes[i] == '\n' || out->bytes[i] == '\r')
            out->bytes[i] = ' ';
    }
}

static void begin(struct message *message, uint64_t n, struct varve_view stream, bool begins, struct varve_view state)
{
    struct grow *out = &message->bytes;

    grow_clear(out);
    message->events = 0;
    grow_str(out, "{\"n\":");
    grow_uint(out, n);
    grow_str(out, ",\"stream\":");
    grow_json_string(out, stream);
    if (begins) {
        grow_str(out, ",\"state\":");
        add_raw(out, state.data != NULL ? state : varve_view_str("null"));
    }
    grow_str(out, ",\"events\":[");
}

static void add_event(struct message *message, const struct varve_event *event)
{
    struct grow *out = &message->bytes;

    if (message->events++ > 0)
        grow_str(out, ",");
    grow_str(out, "{\"type\":");
    grow_json_string(out, event->type);
    grow_str(out, ",\"version\":");
    grow_uint(out, event->version);
    grow_str(out, ",\"position\":");
    grow_uint(out, event->position);
    grow_str(out, ",\"recorded_at_us\":");
    grow_int(out, event->recorded_at_us);
    grow_str(out, ",\"schema_version\":");
    grow_uint(out, event->schema_version);
    grow_str(out, ",\"data\":");
    if (event->content_type != VARVE_CONTENT_JSON) {
        grow_base64(out, event->data);
        grow_str(out, ",\"content_type\":");
        grow_json_string(out, varve_view_str(varve_content_type_name(event->content_type)));
    } else {
        add_raw(out, event->data.size > 0 ? event->data : varve_view_str("null"));
    }
    grow_str(out, "}");
}

static void end(struct message *message, bool save)
{
    grow_str(&message->bytes, save ? "],\"save\":true}\n" : "],\"save\":false}\n");
}

static size_t framing(struct varve_view bytes)
{
    const char *line_feed = memchr(bytes.data, '\n', bytes.size);

    return line_feed != NULL ? (size_t)(line_feed - bytes.data) + 1 : 0;
}

static bool is_key(struct varve_view key, const char *name)
{
    return varve_view_equal(key, varve_view_str(name));
}

/* Digits alone, as we wrote it. */
static bool parse_n(struct varve_view text, uint64_t *ret_n)
{
    uint64_t n = 0;

    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i > 18)
            return false;
        n = n * 10 + (uint64_t)(text.data[i] - '0');
    }
    *ret_n = n;
    return true;
}

static const char *read_answer(struct varve_view answer, struct message_answer *ret)
{
    struct varve_view key, value;
    size_t cursor = 0;
    bool has_n = false;

    *ret = (struct message_answer){ 0 };
    for (; answer.size > 0 && answer.data[0] == ' '; answer.size--)
        answer.data++;
    if (!varve_json_check_envelope(answer, 1, NULL, NULL))
        return "its answer is not JSON";
    if (answer.data[0] != '{')
        return "its answer is not a JSON object";
    while (varve_json_next_member(answer, &cursor, &key, &value)) {
        if (is_key(key, "n"))
            has_n = parse_n(value, &ret->n);
        if (is_key(key, "state")) {
            ret->has_state = true;
            ret->state = value;
        }
        if (is_key(key, "error") && value.data[0] == '"')
            ret->error = varve_view_of(value.data + 1, value.size - 2);
        else if (is_key(key, "error") && !is_key(value, "null"))
            return "\"error\" in its answer is not a string";
    }
    return has_n ? NULL : "its answer does not repeat the message's \"n\"";
}

const struct message_form message_json = {
    .begin = begin, .event = add_event, .end = end, .framing = framing, .read = read_answer,
};
