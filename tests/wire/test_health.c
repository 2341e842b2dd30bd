/* test_health.c - HEALTH, there and back. */
#include "message_check.h"
#include "random_parts.h"
#include "frame_body.h"
#include "server/wire/arena.h"
#include "support/effort.h"
#include "varve/wire_health.h"

enum { MOST_CHECKS = 6 };

static void there_and_back(void **state)
{
    struct parts parts = { .random = test_seed(20261121) };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };

    for (unsigned round = 0; round < TEST_EFFORT(200); round++) {
        struct varve_health_check checks[MOST_CHECKS];
        struct varve_health health = { .live = parts_chance(&parts), .ready = parts_chance(&parts), .checks = checks };

        parts_begin(&parts);
        health.check_count = parts_number(&parts, 0, MOST_CHECKS);
        for (size_t i = 0; i < health.check_count; i++)
            checks[i] = (struct varve_health_check){ parts_text(&parts, 20), parts_chance(&parts),
                                                     parts_text(&parts, 200) };
        health.uptime_s = parts_number(&parts, 0, UINT64_MAX);
        health.version = parts_text(&parts, 20);
        varve_encode_health(&buffer, 1);
        message_check(&buffer, VARVE_OP_HEALTH, arena, &parts.random);
        varve_encode_health_ok(&buffer, 1, &health);
        message_check(&buffer, VARVE_OP_HEALTH_OK, arena, &parts.random);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void every_field_comes_through(void **state)
{
    const struct varve_health_check checks[] = { { varve_view_str("store"), true, varve_view_str("") },
                                                 { varve_view_str("disk"), false, varve_view_str("it is full") } };
    const struct varve_health health = { .live = true, .ready = false, .checks = checks, .check_count = 2,
                                         .uptime_s = 4711, .version = varve_view_str("1.2.3") };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_health got;

    varve_encode_health_ok(&buffer, 1, &health);
    assert_int_equal(varve_decode_health_ok(frame_body(&buffer, VARVE_OP_HEALTH_OK), arena, &got, NULL), VARVE_OK);
    assert_true(got.live);
    assert_false(got.ready);
    assert_int_equal(got.uptime_s, 4711);
    assert_true(varve_view_equal(got.version, health.version));
    assert_int_equal(got.check_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(varve_view_equal(got.checks[i].name, checks[i].name));
        assert_int_equal(got.checks[i].good, checks[i].good);
        assert_true(varve_view_equal(got.checks[i].reason, checks[i].reason));
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(there_and_back), cmocka_unit_test(every_field_comes_through) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
