/* test_stats.c - the engine's figures under the names of their struct. */
#include "frame_body.h"

enum { ROOM = 64 };

static const struct varve_stat *find(const struct varve_stat *stats, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (varve_view_equal(stats[i].name, varve_view_str(name)))
            return &stats[i];
    }
    fail_msg("no figure is named %s", name);
    return NULL;
}

static void every_figure_is_listed_once(void **state)
{
    struct varve_stats stats = { .database_id = { { 1 } }, .indexes = VARVE_INDEX_TYPE | VARVE_INDEX_ID,
                                 .last_position = 4711, .memory_bound_bytes = UINT64_MAX, .disk_full = true };
    struct varve_stat list[ROOM];
    char text[2 * 64];
    size_t count = varve_stats_list(&stats, text, list, ROOM);

    assert_int_equal(count, 27);
    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(find(list, i + 1, list[i].name.data), &list[i]);
    assert_true(varve_view_equal(find(list, count, "database_id")->text,
                                 varve_view_str("01000000-0000-0000-0000-000000000000")));
    assert_true(varve_view_equal(find(list, count, "indexes")->text, varve_view_str("type,id")));
    assert_int_equal(find(list, count, "last_position")->number, 4711);
    assert_true(find(list, count, "memory_bound_bytes")->number == UINT64_MAX);
    assert_int_equal(find(list, count, "disk_full")->number, 1);
    assert_int_equal(find(list, count, "appends")->number, 0);
}

static void only_as_many_as_there_is_room_for(void **state)
{
    struct varve_stats stats = { .indexes = VARVE_INDEX_ALL };
    struct varve_stat list[3] = { 0 };
    char text[2 * 64];

    assert_int_equal(varve_stats_list(&stats, text, list, 2), 2);
    assert_null(list[2].name.data);
    assert_string_equal(text + 64, "type,category,correlation,id");
}

static void the_whole_list_over_the_wire(void **state)
{
    struct varve_stats stats = { .last_position = 7 };
    struct varve_stat list[ROOM];
    char text[2 * 64];
    size_t count = varve_stats_list(&stats, text, list, ROOM), decoded_count;
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_stat *decoded;

    varve_encode_stats_ok(&buffer, 1, list, count);
    assert_int_equal(varve_decode_stats_ok(frame_body(&buffer, VARVE_OP_STATS_OK), arena, &decoded, &decoded_count,
                                           NULL), VARVE_OK);
    assert_int_equal(decoded_count, count);
    for (size_t i = 0; i < count; i++) {
        assert_true(varve_view_equal(decoded[i].name, list[i].name));
        assert_int_equal(decoded[i].is_text, list[i].is_text);
        assert_int_equal(decoded[i].number, list[i].number);
        assert_true(!list[i].is_text || varve_view_equal(decoded[i].text, list[i].text));
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_figure_is_listed_once),
        cmocka_unit_test(only_as_many_as_there_is_room_for),
        cmocka_unit_test(the_whole_list_over_the_wire),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
