/* fuzz_wire.c - every decoder of a body, chosen by the input's first byte.
 *
 * Whatever is accepted can be encoded, and what was encoded means the same: encoding what that decodes to gives the
 * same bytes again. The arena stays within a small multiple of the body, and a refusal says why. */
#include "fuzz.h"
#include "server/wire/arena.h"

#define ARENA_FACTOR 16u
#define ARENA_ROOM 64u
#define ID 7u

/* Decode `body` and append the frame that says the same to *out. */
typedef enum varve_status (*pass)(struct varve_view body, struct varve_wire_arena *arena, struct varve_wire_buffer *out,
                                  struct varve_error *error);

#define PASS(name) \
    static enum varve_status pass_##name(struct varve_view body, struct varve_wire_arena *arena, \
                                         struct varve_wire_buffer *out, struct varve_error *error)

/* A message of one struct, decoded with or without an arena. */
#define PLAIN(name, type) \
    PASS(name) \
    { \
        type value; \
        enum varve_status status = varve_decode_##name(body, &value, error); \
        if (status == VARVE_OK) \
            varve_encode_##name(out, ID, &value); \
        return status; \
    }
#define IN_ARENA(name, type) \
    PASS(name) \
    { \
        type value; \
        enum varve_status status = varve_decode_##name(body, arena, &value, error); \
        if (status == VARVE_OK) \
            varve_encode_##name(out, ID, &value); \
        return status; \
    }
#define SCALAR(name, type) \
    PASS(name) \
    { \
        type value; \
        enum varve_status status = varve_decode_##name(body, &value, error); \
        if (status == VARVE_OK) \
            varve_encode_##name(out, ID, value); \
        return status; \
    }
#define COUNTED(name, type) \
    PASS(name) \
    { \
        type value; \
        size_t count; \
        enum varve_status status = varve_decode_##name(body, arena, &value, &count, error); \
        if (status == VARVE_OK) \
            varve_encode_##name(out, ID, value, count); \
        return status; \
    }
PLAIN(hello, struct varve_hello)
PLAIN(hello_ok, struct varve_hello_ok)
IN_ARENA(append, struct varve_append_request)
PLAIN(read, struct varve_read_request)
SCALAR(credit, uint32_t)
SCALAR(read_end, uint64_t)
SCALAR(stream_info, struct varve_view)
PLAIN(stream_info_ok, struct varve_stream_entry)
PLAIN(stream_list, struct varve_stream_list_request)
IN_ARENA(stream_list_ok, struct varve_stream_list)
PLAIN(stream_change, struct varve_stream_change)
COUNTED(find, const struct varve_uuid *)
COUNTED(find_ok, const uint64_t *)
SCALAR(get, uint64_t)
SCALAR(get_ok, struct varve_view)
COUNTED(stats_ok, const struct varve_stat *)
IN_ARENA(error, struct varve_wire_error)

PASS(ping)
{
    enum varve_status status = varve_decode_empty(body, VARVE_OP_PING, error);

    if (status == VARVE_OK)
        varve_encode_ping(out, ID);
    return status;
}

PASS(pong)
{
    int64_t now_us;
    uint64_t last_position;
    enum varve_status status = varve_decode_pong(body, &now_us, &last_position, error);

    if (status == VARVE_OK)
        varve_encode_pong(out, ID, now_us, last_position);
    return status;
}

PASS(append_ok)
{
    struct varve_append_outcome outcome;
    enum varve_status status = varve_decode_append_ok(body, arena, &outcome, error);

    if (status == VARVE_OK)
        varve_encode_append_ok(out, ID, VARVE_OP_APPEND_OK, &outcome);
    return status;
}

PASS(read_batch)
{
    const struct varve_view *views;
    uint32_t count;
    uint64_t next;
    enum varve_status status = varve_decode_read_batch(body, arena, &views, &count, &next, error);

    if (status != VARVE_OK)
        return status;

    const uint8_t **records = calloc(count + 1, sizeof(*records));
    uint32_t *sizes = calloc(count + 1, sizeof(*sizes));
    struct varve_batch batch = { records, sizes, count, next == VARVE_FROM_EDGE, next };

    for (uint32_t i = 0; i < count; i++) {
        records[i] = (const uint8_t *)views[i].data;
        sizes[i] = (uint32_t)views[i].size;
    }
    varve_encode_read_batch(out, ID, &batch);
    free(records);
    free(sizes);
    return status;
}

static const pass passes[] = {
    pass_hello,       pass_hello_ok,    pass_append,         pass_read,         pass_credit,
    pass_read_end,    pass_stream_info, pass_stream_info_ok, pass_stream_list,  pass_stream_list_ok,
    pass_stream_change, pass_find,      pass_find_ok,        pass_get,          pass_get_ok,
    pass_stats_ok,    pass_error,       pass_ping,           pass_pong,         pass_append_ok,
    pass_read_batch,
};

static struct varve_view body_of(const struct varve_wire_buffer *frame)
{
    MUST(!frame->failed && frame->size > VARVE_WIRE_HEADER);
    return varve_view_of((const char *)frame->bytes + VARVE_WIRE_HEADER, frame->size - VARVE_WIRE_HEADER);
}

static void check_refused(enum varve_status status, const struct varve_error *error)
{
    MUST(status == VARVE_PROTOCOL || status == VARVE_INVALID_ARGUMENT || status == VARVE_APPEND_TOO_LARGE);
    MUST(error->status == status && error->message[0] != '\0');
    MUST((status == VARVE_INVALID_ARGUMENT) == (error->field[0] != '\0'));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct varve_wire_arena *arena; /* Reused, as a server does. */

    if (size == 0 || bytes[0] >= sizeof(passes) / sizeof(passes[0]))
        return 0;
    if (arena == NULL)
        arena = varve_wire_arena_create();
    MUST(arena != NULL);
    varve_wire_arena_reset(arena);

    struct varve_wire_buffer first = { 0 }, second = { 0 };
    struct varve_error error = { 0 };
    pass one = passes[bytes[0]];
    enum varve_status status = one(varve_view_of((const char *)bytes + 1, size - 1), arena, &first, &error);

    MUST(arena_taken(arena) <= ARENA_FACTOR * size + ARENA_ROOM);
    if (status == VARVE_OK) {
        MUST(one(body_of(&first), arena, &second, &error) == VARVE_OK);
        MUST(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0);
    } else {
        check_refused(status, &error);
    }
    varve_wire_buffer_free(&first);
    varve_wire_buffer_free(&second);
    return 0;
}
