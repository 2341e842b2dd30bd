/* message_msgpack.c - messages as msgpack behind four bytes of length, the highest first; see message.h. */
#include <string.h>

#include "message.h"
#include "reducer_process.h"
#include "varve/pull.h"

#define LENGTH_BYTES 4u

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static void put_big_endian(char *at, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        at[i] = (char)(number >> 8 * (size - 1 - i));
}

/* A tag byte and a number behind it. */
static void add_tagged(struct grow *out, uint8_t tag, uint64_t number, size_t size)
{
    char bytes[9] = { (char)tag };

    put_big_endian(bytes + 1, number, size);
    grow_add(out, bytes, 1 + size);
}

static void add_uint(struct grow *out, uint64_t number)
{
    if (number < 128)
        add_tagged(out, (uint8_t)number, 0, 0);
    else
        add_tagged(out, 0xcf, number, 8);
}

static void add_bytes(struct grow *out, uint8_t tag, struct varve_view bytes)
{
    add_tagged(out, tag, bytes.size, 4);
    grow_add(out, bytes.data, bytes.size);
}

static void add_str(struct grow *out, struct varve_view text)
{
    if (text.size < 32)
        add_tagged(out, (uint8_t)(0xa0 | text.size), 0, 0);
    else
        add_tagged(out, 0xdb, text.size, 4);
    grow_add(out, text.data, text.size);
}

static void add_key(struct grow *out, const char *key)
{
    add_str(out, varve_view_str(key));
}

static void begin(struct message *message, uint64_t n, struct varve_view stream, bool begins, struct varve_view state)
{
    struct grow *out = &message->bytes;

    grow_clear(out);
    message->events = 0;
    grow_add(out, "\0\0\0", LENGTH_BYTES); /* the length comes when it is known */
    add_tagged(out, (uint8_t)(0x80 | (begins ? 5 : 4)), 0, 0);
    add_key(out, "n");
    add_uint(out, n);
    add_key(out, "stream");
    add_str(out, stream);
    if (begins) {
        add_key(out, "state");
        if (state.data != NULL)
            grow_add(out, state.data, state.size);
        else
            add_tagged(out, 0xc0, 0, 0);
    }
    add_key(out, "events");
    add_tagged(out, 0xdd, 0, 4); /* so does their number */
    message->events_at = out->size - 4;
}

static void add_event(struct message *message, const struct varve_event *event)
{
    struct grow *out = &message->bytes;

    message->events++;
    add_tagged(out, 0x87, 0, 0);
    add_key(out, "type");
    add_str(out, event->type);
    add_key(out, "version");
    add_uint(out, event->version);
    add_key(out, "position");
    add_uint(out, event->position);
    add_key(out, "recorded_at_us");
    add_tagged(out, 0xd3, (uint64_t)event->recorded_at_us, 8);
    add_key(out, "schema_version");
    add_uint(out, event->schema_version);
    add_key(out, "content_type");
    add_key(out, varve_content_type_name(event->content_type));
    add_key(out, "data");
    add_bytes(out, 0xc6, event->data);
}

static void end(struct message *message, bool save)
{
    struct grow *out = &message->bytes;

    add_key(out, "save");
    add_tagged(out, save ? 0xc3 : 0xc2, 0, 0);
    if (out->failed)
        return;
    put_big_endian(out->bytes + message->events_at, message->events, 4);
    put_big_endian(out->bytes, out->size - LENGTH_BYTES, LENGTH_BYTES);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static size_t framing(struct varve_view bytes)
{
    size_t size = 0;

    if (bytes.size < LENGTH_BYTES)
        return 0;
    for (size_t i = 0; i < LENGTH_BYTES; i++)
        size = size << 8 | (uint8_t)bytes.data[i];
    if (size > REDUCER_ANSWER_MAX - LENGTH_BYTES)
        return SIZE_MAX;
    return bytes.size >= LENGTH_BYTES + size ? LENGTH_BYTES + size : 0;
}

static bool is_key(struct varve_view key, const char *name)
{
    return varve_view_equal(key, varve_view_str(name));
}

/* The value of one member; false: it is not of the kind it must be. */
static bool read_member(struct varve_pull *pull, struct varve_view key, struct message_answer *ret, bool *ret_has_n)
{
    const uint8_t *start = pull->at;

    if (is_key(key, "n")) {
        ret->n = varve_pull_uint(pull, UINT64_MAX);
        *ret_has_n = true;
    } else if (is_key(key, "error")) {
        ret->error = varve_pull_str_or_nil(pull);
    } else {
        varve_pull_skip(pull);
    }
    if (is_key(key, "state") && !pull->failed) {
        ret->has_state = true;
        ret->state = varve_view_of((const char *)start, (size_t)(pull->at - start));
    }
    return !pull->failed;
}

static const char *read_answer(struct varve_view answer, struct message_answer *ret)
{
    struct varve_pull pull;
    bool has_n = false;

    *ret = (struct message_answer){ 0 };
    answer = varve_view_of(answer.data + LENGTH_BYTES, answer.size - LENGTH_BYTES);
    if (!varve_msgpack_check(answer.data, answer.size, VARVE_MSGPACK_MAX_DEPTH))
        return "its answer is not one msgpack value";
    varve_pull_init(&pull, answer.data, answer.size);
    if (varve_pull_peek(&pull) != VARVE_PULL_MAP)
        return "its answer is not a msgpack map";
    for (uint32_t left = varve_pull_map(&pull); left > 0; left--) {
        struct varve_view key = varve_pull_str(&pull);
        if (pull.failed || !read_member(&pull, key, ret, &has_n))
            return "a member of its answer is not of the kind it must be";
    }
    return has_n ? NULL : "its answer does not repeat the message's \"n\"";
}

const struct message_form message_msgpack = {
    .begin = begin, .event = add_event, .end = end, .framing = framing, .read = read_answer,
};
