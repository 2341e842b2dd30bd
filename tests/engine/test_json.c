/* test_json.c - what is JSON and what is not, to the byte, with jansson as a second opinion. */
#include "support/check.h"
#include "support/random.h"
#include "varve/json.h"

#include <jansson.h>
#include <stdlib.h>

static void good_texts_pass(void **state)
{
    static const char *const cases[] = {
        "{}", "[]", " [ ] ", "\t{\n}\r ", "null", "true", "false", "0", "-0", "-0.0e-0", "1E+2", "12.50", "1e400",
        "-123456789012345678901234567890", "\"\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\uABCD\"", "\"\\ud800\"",
        "\"\\u0000\"", "\"caf\xc3\xa9 \xf0\x9f\x8c\x8d\"", "\"\x7f\"", "[1,2,3]", "[[],{},[[]]]",
        "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":[1,{\"c\":null}]}, \"d\" : true }", "[ 1 , 2 ]", "{\"\":\"\"}",
        "\"a rather long string, longer than eight bytes, with nothing special in it at all\"", "[-1.5e+10,0.0]",
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(varve_json_check(varve_view_str(cases[i]), NULL, NULL), cases[i]);
}

static void bad_texts_fail_where_they_stop_being_json(void **state)
{
    static const struct { const char *text; size_t offset; const char *why; } cases[] = {
        { "", 0, "a value was expected" },
        { "  ", 2, "a value was expected" },
        { "nul", 3, "a value was expected" },
        { "nulL", 3, "a value was expected" },
        { "True", 0, "a value was expected" },
        { "NaN", 0, "a value was expected" },
        { "-Infinity", 1, "a digit was expected" },
        { "'a'", 0, "a value was expected" },
        { "\xef\xbb\xbf{}", 0, "a value was expected" },
        { "1 2", 2, "something follows the value" },
        { "{}{}", 2, "something follows the value" },
        { "nullx", 4, "something follows the value" },
        { "01", 1, "a number must not begin with 0" },
        { "-012", 2, "a number must not begin with 0" },
        { "-", 1, "a digit was expected" },
        { "+1", 0, "a value was expected" },
        { ".5", 0, "a value was expected" },
        { "1.", 2, "a digit was expected" },
        { "1.e3", 2, "a digit was expected" },
        { "1e", 2, "a digit was expected" },
        { "1e+", 3, "a digit was expected" },
        { "1e+-2", 3, "a digit was expected" },
        { "0x10", 1, "something follows the value" },
        { "\"abc", 4, "the string has no end" },
        { "\"abc\\", 5, "the string has no end" },
        { "\"\\x\"", 2, "no such escape" },
        { "\"\\u12g4\"", 5, "\\u needs four hexadecimal digits" },
        { "\"\\u12\"", 5, "\\u needs four hexadecimal digits" },
        { "\"a\nb\"", 2, "a control character must be written as an escape" },
        { "\"01234567\t\"", 9, "a control character must be written as an escape" },
        { "\"caf\xe9\"", 4, "not UTF-8" },
        { "\"\xed\xa0\x80\"", 1, "not UTF-8" },
        { "\"\xc0\x80\"", 1, "not UTF-8" },
        { "[", 1, "a value was expected" },
        { "[1", 2, "a comma or ] was expected" },
        { "[1}", 2, "a comma or ] was expected" },
        { "[1,]", 3, "a value was expected" },
        { "[,1]", 1, "a value was expected" },
        { "[1 2]", 3, "a comma or ] was expected" },
        { "]", 0, "a value was expected" },
        { "{", 1, "a member's name in quotes was expected" },
        { "{a:1}", 1, "a member's name in quotes was expected" },
        { "{1:1}", 1, "a member's name in quotes was expected" },
        { "{\"a\"}", 4, "a colon was expected" },
        { "{\"a\" 1}", 5, "a colon was expected" },
        { "{\"a\":}", 5, "a value was expected" },
        { "{\"a\":1,}", 7, "a member's name in quotes was expected" },
        { "{\"a\":1]", 6, "a comma or } was expected" },
        { "{\"a\":1 \"b\":2}", 7, "a comma or } was expected" },
        { "// a\n1", 0, "a value was expected" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t offset = 999;
        const char *why = "";
        CHECK_CASE(!varve_json_check(varve_view_str(cases[i].text), &offset, &why), cases[i].text);
        CHECK_CASE(offset == cases[i].offset, cases[i].text);
        assert_string_equal(why, cases[i].why);
        CHECK_CASE(!varve_json_check(varve_view_str(cases[i].text), NULL, NULL), cases[i].text);
    }
}

static void a_nul_byte_is_never_json(void **state)
{
    size_t offset;

    assert_false(varve_json_check(varve_view_of("\0", 1), &offset, NULL));
    assert_false(varve_json_check(varve_view_of("1\0", 2), &offset, NULL));
    assert_int_equal(offset, 1);
    assert_false(varve_json_check(varve_view_of("\"a\0b\"", 5), &offset, NULL));
    assert_int_equal(offset, 2);
    assert_false(varve_json_check(varve_view_of(NULL, 0), &offset, NULL));
    assert_int_equal(offset, 0);
}

static size_t nest(char *text, unsigned depth, const char *open, const char *close)
{
    size_t size = 0;

    for (unsigned i = 0; i < depth; i++)
        size += (size_t)sprintf(text + size, "%s", open);
    size += (size_t)sprintf(text + size, "1");
    for (unsigned i = 0; i < depth; i++)
        size += (size_t)sprintf(text + size, "%s", close);
    return size;
}

static void nesting_is_bounded(void **state)
{
    static const struct { const char *open, *close; unsigned levels; } kinds[] = {
        { "[", "]", 1 }, { "{\"a\":", "}", 1 }, { "[{\"a\":", "}]", 2 },
    };
    static char text[4096];
    const char *why;

    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        unsigned most = VARVE_JSON_MAX_DEPTH / kinds[i].levels;
        size_t size = nest(text, most, kinds[i].open, kinds[i].close);
        assert_true(varve_json_check(varve_view_of(text, size), NULL, NULL));
        size = nest(text, most + 1, kinds[i].open, kinds[i].close);
        assert_false(varve_json_check(varve_view_of(text, size), NULL, &why));
        assert_string_equal(why, "nested too deep");
    }
    size_t line = nest(text, VARVE_JSON_MAX_DEPTH + 1, "[", "]"); /* What holds a value may be one level deeper. */
    assert_true(varve_json_check_envelope(varve_view_of(text, line), 1, NULL, NULL));
    line = nest(text, VARVE_JSON_MAX_DEPTH + 2, "[", "]");
    assert_false(varve_json_check_envelope(varve_view_of(text, line), 1, NULL, &why));
    assert_string_equal(why, "nested too deep");

    size_t huge = 1 << 20; /* And hostile depth costs nothing. */
    char *brackets = malloc(huge);
    assert_non_null(brackets);
    memset(brackets, '[', huge);
    assert_false(varve_json_check(varve_view_of(brackets, huge), NULL, NULL));
    free(brackets);
}

static const char sample[] =
    " {\"id\":\"order-42\", \"lines\":[{\"sku\":\"a\\u00e4\\n\",\"n\":-12.5e+3},{\"sku\":\"\xc3\xa4\",\"n\":0}],"
    " \"paid\":true,\"note\":null,\"long text that fills eights\":\"0123456789abcdefghijklmnopqrstuvwxyz\"} ";

static void every_prefix_of_an_object_is_refused(void **state)
{
    size_t whole = strlen(sample) - 1; /* Without the space at its end. */

    assert_true(varve_json_check(varve_view_of(sample, whole), NULL, NULL));
    for (size_t size = 0; size < whole; size++) {
        char *exact = malloc(size + 1); /* So that a sanitizer sees any step beyond. */
        size_t offset = 0;
        memcpy(exact, sample, size);
        char *tight = realloc(exact, size == 0 ? 1 : size);
        assert_false(varve_json_check(varve_view_of(tight, size), &offset, NULL));
        assert_true(offset <= size);
        free(tight);
    }
}

static bool jansson_accepts(const char *text, size_t size, enum json_error_code *ret_code)
{
    json_error_t error;
    json_t *value = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);

    *ret_code = value == NULL ? json_error_code(&error) : json_error_unknown;
    json_decref(value);
    return value != NULL;
}

/* The two may differ only where jansson cannot hold the number. Texts with \u are left out: jansson refuses lone
 * surrogates, which RFC 8259 allows. */
static void random_damage_is_judged_as_jansson_does(void **state)
{
    static const char alphabet[] = "{}[]\",:0123456789.eE+-truefalsn \t\n\\\x80\xc3\xff";
    uint64_t seed = 20240501;
    unsigned accepted = 0;

    for (unsigned round = 0; round < 60000; round++) {
        char text[sizeof(sample)];
        size_t size = strlen(sample);
        memcpy(text, sample, size);
        for (uint64_t n = 1 + random_below(&seed, 3); n > 0; n--)
            text[random_below(&seed, size)] = alphabet[random_below(&seed, sizeof(alphabet) - 1)];

        char *copy = strndup(text, size), *escape = copy;
        while ((escape = strstr(escape, "\\u")) != NULL)
            memcpy(escape, "zz", 2);
        enum json_error_code code;
        bool theirs = jansson_accepts(copy, size, &code);
        bool ours = varve_json_check(varve_view_of(copy, size), NULL, NULL);
        accepted += ours;
        if (ours != theirs && !(ours && code == json_error_numeric_overflow))
            fail_msg("round %u: we say %d, jansson %d: %s", round, ours, theirs, copy);
        free(copy);
    }
    assert_true(accepted > 1000);
}

static void members_are_walked_in_order(void **state)
{
    static const char *const expected[][2] = {
        { "a", "1" }, { "b\\\"}", "\"x\\\"y, }\"" }, { "c", "{\"d\":[1,{\"}\":\"]\"}]}" }, { "", "[]" },
        { "e", "-1.5e3" }, { "f", "null" }, { "g", "{ }" },
    };
    static const char object[] = " { \"a\" : 1 ,\"b\\\"}\":\"x\\\"y, }\",\"c\":{\"d\":[1,{\"}\":\"]\"}]},\"\":[],"
                                 "\"e\":-1.5e3 , \"f\":null\n,\"g\":{ } } ";
    struct varve_view key, value, text = varve_view_str(object);
    size_t cursor = 0, found = 0;

    assert_true(varve_json_check(text, NULL, NULL));
    for (; varve_json_next_member(text, &cursor, &key, &value); found++) {
        assert_true(found < COUNT_OF(expected));
        CHECK_CASE(varve_view_equal(key, varve_view_str(expected[found][0])), expected[found][0]);
        CHECK_CASE(varve_view_equal(value, varve_view_str(expected[found][1])), expected[found][1]);
    }
    assert_int_equal(found, COUNT_OF(expected));
    assert_false(varve_json_next_member(text, &cursor, &key, &value));
}

static void what_is_no_object_has_no_members(void **state)
{
    static const char *const cases[] = { "{}", " { } ", "[]", "[\"a\",1]", "\"a\"", "1", "null", "" };
    struct varve_view key, value;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t cursor = 0;
        CHECK_CASE(!varve_json_next_member(varve_view_str(cases[i]), &cursor, &key, &value), cases[i]);
    }
}

static void items_are_walked_in_order(void **state)
{
    static const char *const expected[] = { "1", "\"]\"", "[2, 3]", "{\"a\":[]}", "null" };
    struct varve_view array = varve_view_str(" [1,\"]\" , [2, 3],{\"a\":[]},null ] "), value;
    size_t cursor = 0, found = 0;

    for (; varve_json_next_item(array, &cursor, &value); found++) {
        assert_true(found < COUNT_OF(expected));
        CHECK_CASE(varve_view_equal(value, varve_view_str(expected[found])), expected[found]);
    }
    assert_int_equal(found, COUNT_OF(expected));
    static const char *const without[] = { "[]", " [ ] ", "{}", "{\"a\":1}", "\"a\"", "1", "null", "" };
    for (size_t i = 0; i < COUNT_OF(without); i++) {
        cursor = 0;
        CHECK_CASE(!varve_json_next_item(varve_view_str(without[i]), &cursor, &value), without[i]);
    }
}

static void escaped_quotes_end_no_string(void **state)
{
    static const char *const strings[] = {
        "\"\"", "\"\\\\\"", "\"\\\"\"", "\"\\\\\\\"\"", "\"\\\"\\\"\"", "\"a\\\\\\\\\"", "\"\\\"\\\\\"", "\"\\n\\\"x\"",
    };

    for (size_t i = 0; i < COUNT_OF(strings); i++) {
        char text[64];
        struct varve_view key, value;
        size_t cursor = 0;

        snprintf(text, sizeof(text), "{%s:%s,\"b\":2}", strings[i], strings[i]);
        CHECK_CASE(varve_json_check(varve_view_str(text), NULL, NULL), text);
        CHECK_CASE(varve_json_next_member(varve_view_str(text), &cursor, &key, &value), text);
        CHECK_CASE(varve_view_equal(value, varve_view_str(strings[i])) && key.size == value.size - 2, text);
        CHECK_CASE(varve_json_next_member(varve_view_str(text), &cursor, &key, &value), text);
        CHECK_CASE(varve_view_equal(value, varve_view_str("2")), text);
    }
}

/* A caller that forgot the check gets nonsense, but never a view outside the text, and an end. */
static void damaged_objects_never_lead_outside(void **state)
{
    uint64_t seed = 7;

    for (unsigned round = 0; round < 20000; round++) {
        size_t size = random_below(&seed, strlen(sample)), cursor = 0, steps = 0;
        char *text = malloc(size + 1);
        memcpy(text, sample, size);
        if (size > 0)
            text[random_below(&seed, size)] = (char)random_next(&seed);
        char *tight = realloc(text, size == 0 ? 1 : size);
        struct varve_view key, value;
        while (varve_json_next_member(varve_view_of(tight, size), &cursor, &key, &value)) {
            assert_true(key.data >= tight && key.data + key.size <= tight + size);
            assert_true(value.data >= tight && value.data + value.size <= tight + size);
            assert_true(++steps <= size);
        }
        free(tight);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_texts_pass),
        cmocka_unit_test(bad_texts_fail_where_they_stop_being_json),
        cmocka_unit_test(a_nul_byte_is_never_json),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(every_prefix_of_an_object_is_refused),
        cmocka_unit_test(random_damage_is_judged_as_jansson_does),
        cmocka_unit_test(members_are_walked_in_order),
        cmocka_unit_test(what_is_no_object_has_no_members),
        cmocka_unit_test(items_are_walked_in_order),
        cmocka_unit_test(escaped_quotes_end_no_string),
        cmocka_unit_test(damaged_objects_never_lead_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
