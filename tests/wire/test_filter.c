/* test_filter.c - a filter's array, there and back, and lists longer than they may be. */
#include "frame_body.h"
#include "server/wire/filter.h"

static void write_filter(struct varve_wire_buffer *buffer, const struct varve_filter *filter)
{
    struct pack pack;

    pack_begin(&pack, buffer, VARVE_OP_SUBSCRIBE, 1);
    pack_filter(&pack, filter);
    pack_end(&pack);
}

static enum varve_status read_filter(const struct varve_wire_buffer *buffer, struct varve_wire_arena *arena,
                                     struct varve_filter *ret, struct varve_error *error)
{
    struct fields fields;

    varve_wire_arena_reset(arena);
    fields_begin(&fields, "FILTER", frame_body(buffer, VARVE_OP_SUBSCRIBE), error);
    fields_filter(&fields, arena, ret);
    return fields_end(&fields);
}

static void no_filter_is_an_empty_one(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    struct varve_filter decoded = { 0 };

    write_filter(&buffer, NULL);
    assert_int_equal(buffer.size, VARVE_WIRE_HEADER + LEAST_FILTER_BYTES);
    assert_int_equal(read_filter(&buffer, arena, &decoded, NULL), VARVE_OK);
    assert_int_equal(decoded.stream_count + decoded.category_count + decoded.type_count + decoded.prefix_count, 0);
    assert_int_equal(decoded.classes, 0);
    assert_false(decoded.include_system);
    assert_int_equal(arena_taken(arena), 0);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

/* As many as may be are kept; one more is refused and takes no more memory than they did. */
static void lists_up_to_their_bound(void **state)
{
    static const char *const fields[] = { "filter.streams", "filter.categories", "filter.types", "filter.prefixes" };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_view names[4 * VARVE_FILTER_MAX_ITEMS];

    for (size_t i = 0; i < COUNT_OF(names); i++)
        names[i] = varve_view_str("name");
    for (size_t which = 0; which < COUNT_OF(fields); which++) {
        for (size_t count = VARVE_FILTER_MAX_ITEMS; count <= COUNT_OF(names); count *= 4) {
            struct varve_filter filter = { 0 }, decoded = { 0 };
            struct varve_wire_buffer buffer = { 0 };
            struct varve_error error;

            *(const struct varve_view **[]){ &filter.streams, &filter.categories, &filter.types,
                                             &filter.prefixes }[which] = names;
            *(size_t *[]){ &filter.stream_count, &filter.category_count, &filter.type_count,
                           &filter.prefix_count }[which] = count;
            write_filter(&buffer, &filter);
            enum varve_status status = read_filter(&buffer, arena, &decoded, &error);

            assert_int_equal(status, count == VARVE_FILTER_MAX_ITEMS ? VARVE_OK : VARVE_INVALID_ARGUMENT);
            if (status != VARVE_OK)
                assert_string_equal(error.field, fields[which]);
            assert_true(arena_taken(arena) <= VARVE_FILTER_MAX_ITEMS * sizeof(names[0]));
            varve_wire_buffer_free(&buffer);
        }
    }
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_filter_is_an_empty_one),
        cmocka_unit_test(lists_up_to_their_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
