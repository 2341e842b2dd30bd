/* test_stats_map.c - maps of figures, by themselves and many in one message. */
#include "message_check.h"
#include "server/wire/arena.h"
#include "server/wire/stats_map.h"

enum { MANY = 5000 };

static struct varve_stat number(const char *name, uint64_t value)
{
    return (struct varve_stat){ .name = varve_view_str(name), .number = value };
}

static void write_map(struct varve_wire_buffer *out, const struct varve_stat *stats, size_t count)
{
    struct pack pack;

    pack_begin(&pack, out, VARVE_OP_STATS_OK, 1);
    pack_stats(&pack, stats, count);
    pack_end(&pack);
}

static void numbers_and_texts_come_through(void **state)
{
    const struct varve_stat stats[] = {
        number("zero", 0), number("most", UINT64_MAX),
        { .name = varve_view_str("text"), .is_text = true, .text = varve_view_str("caf\xc3\xa9") },
        { .name = varve_view_str("empty"), .is_text = true, .text = varve_view_str("") },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct fields fields;
    size_t count;

    write_map(&buffer, stats, COUNT_OF(stats));
    fields_begin(&fields, "a map", frame_body(&buffer, VARVE_OP_STATS_OK), NULL);
    const struct varve_stat *read = fields_stats(&fields, arena, &count);

    assert_int_equal(fields_end(&fields), VARVE_OK);
    assert_int_equal(count, COUNT_OF(stats));
    for (size_t i = 0; i < count; i++) {
        assert_true(varve_view_equal(read[i].name, stats[i].name));
        assert_int_equal(read[i].is_text, stats[i].is_text);
        assert_true(read[i].number == stats[i].number);
        assert_true(!read[i].is_text || varve_view_equal(read[i].text, stats[i].text));
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

static void what_a_later_version_says_is_skipped(void **state)
{
    static const char body[] = "\x84\xa1" "a\x01\xa1" "b\xff\xa1" "c\x92\x01\xc0\xa1" "d\xa1x"; /* b: -1, c: [1, nil] */
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct fields fields;
    size_t count;

    fields_begin(&fields, "a map", varve_view_of(body, sizeof(body) - 1), NULL);
    const struct varve_stat *read = fields_stats(&fields, arena, &count);

    assert_int_equal(fields_end(&fields), VARVE_OK);
    assert_int_equal(count, 2);
    assert_true(varve_view_equal(read[0].name, varve_view_str("a")));
    assert_true(varve_view_equal(read[1].name, varve_view_str("d")));
    varve_wire_arena_free(arena);
}

static void counts_are_held_against_the_bytes(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
    } bodies[] = {
        { "\xdf\xff\xff\xff\xff", 5 }, { "\x82\xa1" "a\x01", 4 }, { "\x81\xa0\x01\x01", 4 }, { "\x90", 1 },
        { "\x81\x01\x01\x01", 4 }, { "\x81\xa1" "a", 3 },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct fields fields;
        struct varve_error error;
        size_t count;

        varve_wire_arena_reset(arena);
        fields_begin(&fields, "a map", varve_view_of(bodies[i].bytes, bodies[i].size), &error);
        fields_stats(&fields, arena, &count);
        assert_int_equal(fields_end(&fields), VARVE_PROTOCOL);
        assert_true(arena_taken(arena) <= 64);
    }
    varve_wire_arena_free(arena);
}

static void many_small_ones_take_what_is_promised(void **state)
{
    static struct varve_stat stats[MANY];
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct fields fields;
    size_t count;

    for (size_t i = 0; i < MANY; i++)
        stats[i] = number("n", i % 100);
    write_map(&buffer, stats, MANY);
    fields_begin(&fields, "a map", frame_body(&buffer, VARVE_OP_STATS_OK), NULL);
    fields_stats(&fields, arena, &count);
    assert_int_equal(fields_end(&fields), VARVE_OK);
    assert_int_equal(count, MANY);
    assert_true(arena_taken(arena) <= 16 * buffer.size);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_texts_come_through),
        cmocka_unit_test(what_a_later_version_says_is_skipped),
        cmocka_unit_test(counts_are_held_against_the_bytes),
        cmocka_unit_test(many_small_ones_take_what_is_promised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
