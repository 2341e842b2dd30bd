/* test_config.c - CONFIG, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "frame_body.h"
#include "server/wire/arena.h"
#include "support/effort.h"
#include "varve/wire_config.h"

enum { MOST_ENTRIES = 8 };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261122) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_config_entry entries[MOST_ENTRIES];

        parts_begin(&parts);
        size_t count = parts_number(&parts, 0, MOST_ENTRIES);
        for (size_t i = 0; i < count; i++)
            entries[i] = (struct varve_config_entry){ parts_text(&parts, 40), parts_text(&parts, 200),
                                                      parts_text(&parts, 60), parts_chance(&parts) };
        varve_encode_config(&buffer, 1);
        message_check(&buffer, VARVE_OP_CONFIG, arena, &parts.random);
        varve_encode_config_ok(&buffer, 1, entries, count);
        message_check(&buffer, VARVE_OP_CONFIG_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_config_entry entries[] = {
        { varve_view_str("a.b"), varve_view_str("1"), varve_view_str("default"), true },
        { varve_view_str("c.d"), varve_view_str(""), varve_view_str("--c.d"), false },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_config_entry *got;
    size_t count;

    varve_encode_config_ok(&buffer, 1, entries, 2);
    assert_int_equal(varve_decode_config_ok(frame_body(&buffer, VARVE_OP_CONFIG_OK), arena, &got, &count, NULL),
                     VARVE_OK);
    assert_int_equal(count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(varve_view_equal(got[i].key, entries[i].key));
        assert_true(varve_view_equal(got[i].value, entries[i].value));
        assert_true(varve_view_equal(got[i].origin, entries[i].origin));
        assert_int_equal(got[i].reloadable, entries[i].reloadable);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back), cmocka_unit_test(every_field_comes_through) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
