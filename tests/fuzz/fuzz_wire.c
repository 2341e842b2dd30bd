/* fuzz_wire.c - every decoder of a body, chosen by the input's first byte, the opcode.
 *
 * Whatever is accepted can be encoded, and what was encoded means the same: encoding what that decodes to gives the
 * same bytes again. The arena stays within a small multiple of the body, and a refusal says why. */
#include "fuzz.h"
#include "server/wire/arena.h"
#include "support/wire_pass.h"

#define ARENA_FACTOR 16u
#define ARENA_ROOM 64u

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
    wire_pass pass = size == 0 ? NULL : wire_pass_of(bytes[0]);

    if (pass == NULL)
        return 0;
    if (arena == NULL)
        arena = varve_wire_arena_create();
    MUST(arena != NULL);
    varve_wire_arena_reset(arena);

    struct varve_wire_buffer first = { 0 }, second = { 0 };
    struct varve_error error = { 0 };
    struct varve_view body = varve_view_of((const char *)bytes + 1, size - 1);
    enum varve_status status = pass(bytes[0], body, arena, &first, &error);

    MUST(arena_taken(arena) <= ARENA_FACTOR * size + ARENA_ROOM);
    if (status == VARVE_OK) {
        MUST(pass(bytes[0], body_of(&first), arena, &second, &error) == VARVE_OK);
        MUST(first.size == second.size && memcmp(first.bytes, second.bytes, first.size) == 0);
    } else {
        check_refused(status, &error);
    }
    varve_wire_buffer_free(&first);
    varve_wire_buffer_free(&second);
    return 0;
}
