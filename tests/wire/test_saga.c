/* test_saga.c - asking for one saga and for how many there are, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "support/effort.h"

enum { MOST = 40 };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261123) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        struct varve_saga saga;

        parts_begin(&parts);
        struct varve_view type = parts_saga_type(&parts);

        varve_encode_saga_get(&buffer, 1, type, parts_text(&parts, VARVE_SAGA_MAX_ID));
        message_check(&buffer, VARVE_OP_SAGA_GET, arena, &parts.random);
        parts_saga(&parts, &saga);
        varve_encode_saga_get_ok(&buffer, 1, &saga);
        message_check(&buffer, VARVE_OP_SAGA_GET_OK, arena, &parts.random);
    }
    varve_encode_saga_counts(&buffer, 1);
    message_check(&buffer, VARVE_OP_SAGA_COUNTS, arena, &parts.random);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void counts_there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261124) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(300); round++) {
        struct varve_saga_count types[MOST];
        const struct varve_saga_counts counts = { types, parts_number(&parts, 0, MOST) };

        parts_begin(&parts);
        for (size_t i = 0; i < counts.count; i++) {
            types[i].type = parts_saga_type(&parts);
            for (size_t status = 0; status < VARVE_SAGA_STATUSES; status++)
                types[i].by_status[status] = parts_number(&parts, 0, UINT64_MAX);
        }
        varve_encode_saga_counts_ok(&buffer, 1, &counts);
        message_check(&buffer, VARVE_OP_SAGA_COUNTS_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void statuses_of_a_later_version_are_skipped(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_saga_counts counts;
    struct varve_error error;

    assert_int_equal(varve_decode_saga_counts_ok(varve_view_of("\x91\x91\x92\xa1t\x97\x01\x02\x03\x04\x05\x06\x07", 13),
                                                 arena, &counts, &error), VARVE_OK);
    assert_int_equal(counts.count, 1);
    assert_int_equal(counts.types[0].by_status[VARVE_SAGA_RUNNING], 1);
    assert_int_equal(counts.types[0].by_status[VARVE_SAGA_FAILED], 5);
    assert_int_equal(varve_decode_saga_counts_ok(varve_view_of("\x91\x91\x92\xa1t\x95\x01\x02\x03\x04\xff", 11), arena,
                                                 &counts, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "types[0].by_status");
    varve_wire_arena_free(arena);
}

static void names_are_checked(void **state)
{
    char longest[VARVE_SAGA_MAX_ID + 1];
    const struct varve_view fine = varve_view_str("t");
    const struct {
        const char *field;
        struct varve_view type, id;
    } cases[] = {
        { "type", varve_view_str(""), fine },          { "type", varve_view_str("a-b"), fine },
        { "type", varve_view_str("a b"), fine },       { "type", varve_view_str("a\xc3\xa9"), fine },
        { "type", varve_view_of(longest, VARVE_SAGA_MAX_TYPE + 1), fine },
        { "id", fine, varve_view_str("") },            { "id", fine, varve_view_str("a\nb") },
        { "id", fine, varve_view_str("\xff") },        { "id", fine, varve_view_of(longest, sizeof(longest)) },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    memset(longest, 'x', sizeof(longest));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        varve_encode_saga_get(&buffer, 1, cases[i].type, cases[i].id);
        message_check_field(&buffer, VARVE_OP_SAGA_GET, arena, cases[i].field);
    }
    varve_encode_saga_get(&buffer, 1, varve_view_of(longest, VARVE_SAGA_MAX_TYPE),
                          varve_view_of(longest, VARVE_SAGA_MAX_ID));
    assert_int_equal(varve_decode_saga_get(frame_body(&buffer, VARVE_OP_SAGA_GET), &(struct varve_view){ 0 },
                                           &(struct varve_view){ 0 }, NULL), VARVE_OK);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void hostile_counts(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    message_check_hostile(VARVE_OP_SAGA_COUNTS_OK, "\x91\xdd\xff\xff\xff\xff", 6, arena);
    message_check_hostile(VARVE_OP_SAGA_COUNTS_OK, "\x91\x91\x92\xa1t\xdd\xff\xff\xff\xff\x01\x01\x01\x01\x01", 15,
                          arena);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(counts_there_and_back),
        cmocka_unit_test(statuses_of_a_later_version_are_skipped),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(hostile_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
