/* test_error.c - errors over the wire: every number, texts too long or unfit for a line. */
#include "frame_body.h"
#include "server/wire/pack.h"

static struct varve_wire_error round_trip(const struct varve_wire_error *error, struct varve_wire_arena *arena,
                                          struct varve_wire_buffer *buffer)
{
    struct varve_wire_error decoded;

    buffer->size = 0;
    varve_encode_error(buffer, 1, error);
    assert_int_equal(varve_decode_error(frame_body(buffer, VARVE_OP_ERROR), arena, &decoded, NULL), VARVE_OK);
    return decoded;
}

static void every_error_of_the_registry(void **state)
{
    static const enum varve_status statuses[] = {
#define VARVE_ERROR(number, name, retryable, details, meaning) VARVE_##name,
#include "varve/errors.def"
#undef VARVE_ERROR
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        struct varve_wire_error error = { .conflicts = NULL };

        varve_fail(&error.error, statuses[i], i % 2 ? "field" : NULL, "number %zu", i);
        error.error.limit = i * 1000;
        error.error.retry_after_ms = (uint32_t)i;

        struct varve_wire_error decoded = round_trip(&error, arena, &buffer);

        assert_int_equal(decoded.error.status, statuses[i]);
        assert_string_equal(decoded.error.message, error.error.message);
        assert_string_equal(decoded.error.field, error.error.field);
        assert_int_equal(decoded.error.limit, i * 1000);
        assert_int_equal(decoded.error.retry_after_ms, i);
        assert_int_equal(decoded.conflict_count, 0);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void a_number_of_a_newer_registry(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_wire_error error = { .error = { .status = (enum varve_status)98, .message = "news" } };
    struct varve_wire_error decoded = round_trip(&error, arena, &buffer);

    assert_int_equal(decoded.error.status, 98);
    assert_string_equal(varve_status_name(decoded.error.status), "UNKNOWN");
    assert_string_equal(decoded.error.message, "news");
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

/* A body with a message and a field of our making, as an ill-meaning server might send it. */
static struct varve_error decode_texts(struct varve_view message, struct varve_view field)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_wire_error decoded;
    struct pack pack;

    pack_begin(&pack, &buffer, VARVE_OP_ERROR, 1);
    pack_array(&pack, 7);
    pack_uint(&pack, VARVE_INTERNAL);
    pack_str(&pack, varve_view_str("INTERNAL"));
    pack_str(&pack, message);
    pack_str(&pack, field);
    pack_nil(&pack);
    pack_nil(&pack);
    pack_array(&pack, 0);
    pack_end(&pack);
    assert_int_equal(varve_decode_error(frame_body(&buffer, VARVE_OP_ERROR), arena, &decoded, NULL), VARVE_OK);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
    return decoded.error;
}

static void texts_are_made_fit_for_a_line(void **state)
{
    struct varve_error error = decode_texts(varve_view_of("a\nb\0c\x7f" "d\x1b[31m", 12), varve_view_str("x\ry"));

    assert_string_equal(error.message, "a b c d [31m");
    assert_string_equal(error.field, "x y");
}

/* The message has 464 bytes: with one letter in front of the two-byte characters, the cut would fall inside of one. */
static void texts_are_cut_between_characters(void **state)
{
    char longer[1001] = "";

    for (size_t lead = 0; lead < 2; lead++) {
        memset(longer, 'x', lead);
        for (size_t at = lead; at + 2 <= 1000; at += 2)
            memcpy(longer + at, "\xc3\xa9", 2);

        struct varve_error error = decode_texts(varve_view_of(longer, 900), varve_view_of(longer, 100));
        size_t size = strlen(error.message), field_size = strlen(error.field);

        assert_int_equal((size - lead) % 2, 0);
        assert_true(size >= sizeof(error.message) - 2 && size < sizeof(error.message));
        assert_int_equal((field_size - lead) % 2, 0);
        assert_memory_equal(error.message, longer, size);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_of_the_registry),
        cmocka_unit_test(a_number_of_a_newer_registry),
        cmocka_unit_test(texts_are_made_fit_for_a_line),
        cmocka_unit_test(texts_are_cut_between_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
