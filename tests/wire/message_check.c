/* message_check.c - what every message must stand: going there and back, being cut short, being tampered with. */
#include "message_check.h"

#include "server/wire/arena.h"
#include "support/random.h"
#include "support/wire_pass.h"

#include <stdlib.h>

/* The arena holds at most this much of a body, and a grain for each of its arrays. */
#define ARENA_FACTOR 16u
#define ARENA_ROOM 64u
#define MOST_CUTS 3000u

/* The body in memory of exactly its size, so that a sanitizer sees a read past it. */
static enum varve_status pass_exactly(uint8_t opcode, const char *bytes, size_t size, struct varve_wire_arena *arena,
                                      struct varve_wire_buffer *out, struct varve_error *error)
{
    char *copy = malloc(size == 0 ? 1 : size);

    assert_non_null(copy);
    if (size > 0)
        memcpy(copy, bytes, size);
    *error = (struct varve_error){ 0 };
    varve_wire_arena_reset(arena);
    out->size = 0;
    enum varve_status status = wire_pass_of(opcode)(opcode, varve_view_of(copy, size), arena, out, error);

    free(copy);
    assert_true(arena_taken(arena) <= ARENA_FACTOR * size + ARENA_ROOM);
    assert_false(out->failed);
    return status;
}

static void assert_same_body(const struct varve_wire_buffer *out, uint8_t opcode, struct varve_view body)
{
    struct varve_view again = frame_body(out, opcode);

    assert_int_equal(again.size, body.size);
    assert_memory_equal(again.data, body.data, body.size);
}

static void check_cut(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                      struct varve_wire_buffer *out)
{
    size_t step = 1 + body.size / MOST_CUTS;
    struct varve_error error;

    for (size_t size = 0; size < body.size; size += step)
        assert_int_equal(pass_exactly(opcode, body.data, size, arena, out, &error), VARVE_PROTOCOL);
    assert_int_equal(pass_exactly(opcode, body.data, body.size - 1, arena, out, &error), VARVE_PROTOCOL);
}

/* One element more than is known: [1, "a text"]. */
static void check_later(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                        struct varve_wire_buffer *out)
{
    static const char more[] = "\x92\x01\xa6" "a text";
    size_t size = body.size + sizeof(more) - 1;
    char *bytes = malloc(size);
    struct varve_error error;

    assert_non_null(bytes);
    memcpy(bytes, body.data, body.size);
    memcpy(bytes + body.size, more, sizeof(more) - 1);
    assert_int_equal(pass_exactly(opcode, bytes, body.size + 1, arena, out, &error), VARVE_PROTOCOL);
    assert_true((uint8_t)bytes[0] >= 0x90 && (uint8_t)bytes[0] < 0x9f);
    bytes[0]++;
    assert_int_equal(pass_exactly(opcode, bytes, size, arena, out, &error), VARVE_OK);
    assert_same_body(out, opcode, body);
    free(bytes);
}

static void check_tampered(uint8_t opcode, struct varve_view body, struct varve_wire_arena *arena,
                           struct varve_wire_buffer *out, uint64_t *random)
{
    char *bytes = malloc(body.size);

    assert_non_null(bytes);
    for (unsigned i = 0; i < 20; i++) {
        struct varve_error error;

        memcpy(bytes, body.data, body.size);
        for (uint64_t changes = 1 + random_below(random, 3); changes > 0; changes--)
            bytes[random_below(random, body.size)] = (char)random_next(random);
        enum varve_status status = pass_exactly(opcode, bytes, body.size, arena, out, &error);

        if (status == VARVE_OK)
            continue;
        assert_true(status == VARVE_PROTOCOL || status == VARVE_INVALID_ARGUMENT);
        assert_int_equal(error.status, status);
        assert_true(error.message[0] != '\0');
        assert_true((status == VARVE_INVALID_ARGUMENT) == (error.field[0] != '\0'));
    }
    free(bytes);
}

void message_check(struct varve_wire_buffer *buffer, uint8_t opcode, struct varve_wire_arena *arena, uint64_t *random)
{
    struct varve_view body = frame_body(buffer, opcode);
    struct varve_wire_buffer out = { 0 };
    struct varve_error error;
    enum varve_status status = pass_exactly(opcode, body.data, body.size, arena, &out, &error);

    if (status != VARVE_OK)
        print_error("%s: %s\n", varve_opcode_name(opcode), error.message);
    assert_int_equal(status, VARVE_OK);
    assert_same_body(&out, opcode, body);
    check_cut(opcode, body, arena, &out);
    check_later(opcode, body, arena, &out);
    check_tampered(opcode, body, arena, &out, random);
    varve_wire_buffer_free(&out);
    buffer->size = 0;
}

void message_check_field(struct varve_wire_buffer *buffer, uint8_t opcode, struct varve_wire_arena *arena,
                         const char *field)
{
    struct varve_view body = frame_body(buffer, opcode);
    struct varve_wire_buffer out = { 0 };
    struct varve_error error;
    enum varve_status status = pass_exactly(opcode, body.data, body.size, arena, &out, &error);

    if (status != VARVE_INVALID_ARGUMENT || strcmp(error.field, field) != 0)
        print_error("%s: expected \"%s\" to be refused: %s \"%s\" (%s)\n", varve_opcode_name(opcode), field,
                    varve_status_name(status), error.field, error.message);
    assert_int_equal(status, VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, field);
    assert_non_null(strstr(error.message, field));
    varve_wire_buffer_free(&out);
    buffer->size = 0;
}

void message_check_hostile(uint8_t opcode, const char *bytes, size_t size, struct varve_wire_arena *arena)
{
    struct varve_wire_buffer out = { 0 };
    struct varve_error error;

    assert_int_equal(pass_exactly(opcode, bytes, size, arena, &out, &error), VARVE_PROTOCOL);
    varve_wire_buffer_free(&out);
}
