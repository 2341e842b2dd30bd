/* test_error.c - errors over the wire: every number, conflicts, texts too long or unfit for a line. */
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

static void conflicts_say_what_they_are_about(void **state)
{
    const struct varve_conflict conflicts[] = {
        { VARVE_PART_STREAM, 7, VARVE_WRONG_EXPECTED_VERSION, 3, 4 },
        { VARVE_PART_SAGA, 8, VARVE_SAGA_CONFLICT, -3, -1 },
        { VARVE_PART_SYSTEM, 9, VARVE_ID_REUSED, 0, 0 },
        { VARVE_PART_ACK, 10, VARVE_FENCED, 0, 0 },
        { (enum varve_part)11, 1, (enum varve_status)98, 0, 0 }, /* Of a newer registry. */
    };
    const struct varve_wire_error error = { { .status = VARVE_SAGA_CONFLICT }, conflicts, COUNT_OF(conflicts) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_wire_error decoded = round_trip(&error, arena, &buffer);

    assert_int_equal(decoded.conflict_count, COUNT_OF(conflicts));
    for (size_t i = 0; i < COUNT_OF(conflicts); i++) {
        assert_int_equal(decoded.conflicts[i].part, conflicts[i].part);
        assert_int_equal(decoded.conflicts[i].stream_index, conflicts[i].stream_index);
        assert_int_equal(decoded.conflicts[i].status, conflicts[i].status);
        assert_int_equal(decoded.conflicts[i].expected, conflicts[i].expected);
        assert_int_equal(decoded.conflicts[i].actual, conflicts[i].actual);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

/* Of an older server, and of one that says more than is known here. */
static void conflicts_of_other_versions(void **state)
{
    static const char body[] = "\x97\x01\xa1" "E\xa1m\xc0\xc0\xc0"
                               "\x92\x94\x00\x01\x03\x04\x96\x05\x01\x03\x04\x02\x91\xc0";
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_error decoded;

    assert_int_equal(varve_decode_error(varve_view_of(body, sizeof(body) - 1), arena, &decoded, NULL), VARVE_OK);
    assert_int_equal(decoded.conflict_count, 2);
    assert_int_equal(decoded.conflicts[0].part, VARVE_PART_STREAM);
    assert_int_equal(decoded.conflicts[0].actual, 4);
    assert_int_equal(decoded.conflicts[1].stream_index, 5);
    assert_int_equal(decoded.conflicts[1].part, VARVE_PART_SYSTEM);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_of_the_registry),
        cmocka_unit_test(a_number_of_a_newer_registry),
        cmocka_unit_test(texts_are_made_fit_for_a_line),
        cmocka_unit_test(texts_are_cut_between_characters),
        cmocka_unit_test(conflicts_say_what_they_are_about),
        cmocka_unit_test(conflicts_of_other_versions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
