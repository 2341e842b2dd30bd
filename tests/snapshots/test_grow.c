/* test_grow.c - bytes that grow, and JSON written into them. */
#include "snapshots/grow.h"
#include "support/check.h"

static void expect(struct grow *grow, const char *text)
{
    assert_false(grow->failed);
    assert_int_equal(grow_view(grow).size, strlen(text));
    assert_memory_equal(grow_view(grow).data, text, strlen(text));
    grow_clear(grow);
}

static void what_is_added_is_there(void **state)
{
    struct grow grow = { 0 };

    expect(&grow, "");
    grow_str(&grow, "");
    grow_str(&grow, "a");
    grow_add(&grow, "bcd", 2);
    grow_add(&grow, NULL, 0);
    grow_uint(&grow, UINT64_MAX);
    grow_str(&grow, " ");
    grow_int(&grow, INT64_MIN);
    expect(&grow, "abc18446744073709551615 -9223372036854775808");
    grow_free(&grow);
    expect(&grow, "");
}

static void much_is_whole(void **state)
{
    struct grow grow = { 0 };

    for (unsigned i = 0; i < 100000; i++)
        grow_add(&grow, &(char){ (char)i }, 1);
    assert_int_equal(grow.size, 100000);
    for (unsigned i = 0; i < 100000; i++)
        assert_int_equal(grow.bytes[i], (char)i);
    grow_free(&grow);
}

static void memory_that_is_not_there_is_noticed(void **state)
{
    struct grow grow = { 0 };

    assert_null(grow_room(&grow, SIZE_MAX / 4));
    assert_true(grow.failed);
    grow_clear(&grow);
    assert_false(grow.failed);
    grow_free(&grow);
}

static void strings_have_the_shortest_escapes(void **state)
{
    struct grow grow = { 0 };

    grow_json_string(&grow, varve_view_of("\"\\\b\f\n\r\t\0\x1f/\x7f\xc3\xa4", 13));
    expect(&grow, "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f/\x7f\xc3\xa4\"");
    grow_json_string(&grow, varve_view_of("", 0));
    expect(&grow, "\"\"");
    grow_free(&grow);
}

static void base64_follows_the_vectors_of_rfc_4648(void **state)
{
    static const char *const cases[][2] = {
        { "", "\"\"" }, { "f", "\"Zg==\"" }, { "fo", "\"Zm8=\"" }, { "foo", "\"Zm9v\"" }, { "foob", "\"Zm9vYg==\"" },
        { "fooba", "\"Zm9vYmE=\"" }, { "foobar", "\"Zm9vYmFy\"" },
    };
    struct grow grow = { 0 };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        grow_base64(&grow, varve_view_str(cases[i][0]));
        expect(&grow, cases[i][1]);
    }
    grow_free(&grow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_there),
        cmocka_unit_test(much_is_whole),
        cmocka_unit_test(memory_that_is_not_there_is_noticed),
        cmocka_unit_test(strings_have_the_shortest_escapes),
        cmocka_unit_test(base64_follows_the_vectors_of_rfc_4648),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
