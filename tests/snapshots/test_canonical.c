/* test_canonical.c - equal JSON values are written as equal bytes. */
#include "snapshots/canonical.h"
#include "support/check.h"
#include "support/random.h"
#include "varve/json.h"

static void write_text(const char *text, struct grow *out)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);

    grow_clear(out);
    CHECK_CASE(value != NULL && canonical_write(value, out), text);
    json_decref(value);
}

static void values_have_one_form(void **state)
{
    static const struct { const char *text, *canonical; } cases[] = {
        { " null ", "null" }, { "true", "true" }, { "false", "false" }, { "\"\\u00e4\\/\\u000a\"", "\"\xc3\xa4/\\n\"" },
        { "\"a\\u0000b\"", "\"a\\u0000b\"" },
        { "[ ]", "[]" }, { "{ }", "{}" }, { "[ 1 , [ ] , {} ]", "[1,[],{}]" },
        { "{\"b\": 1, \"a\": {\"d\": [2], \"c\": null}}", "{\"a\":{\"c\":null,\"d\":[2]},\"b\":1}" },
        { "{\"b\":1,\"aa\":2,\"a\":3,\"B\":4,\"\":5,\"\xc3\xa4\":6}",
          "{\"\":5,\"B\":4,\"a\":3,\"aa\":2,\"b\":1,\"\xc3\xa4\":6}" },
        { "0", "0" }, { "-9223372036854775808", "-9223372036854775808" },
        { "9223372036854775807", "9223372036854775807" },
        { "0.1", "0.1" }, { "1.10", "1.1" }, { "100.0", "100.0" }, { "1e2", "100.0" }, { "-0.0", "-0.0" },
        { "1E+22", "1e+22" }, { "1.5e-7", "1.5e-07" }, { "0.30000000000000004", "0.30000000000000004" },
        { "1.7976931348623157e308", "1.7976931348623157e+308" }, { "5e-324", "4.94065645841247e-324" },
    };
    struct grow out = { 0 };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_text(cases[i].text, &out);
        CHECK_CASE(varve_view_equal(grow_view(&out), varve_view_str(cases[i].canonical)), cases[i].text);
        CHECK_CASE(varve_json_check(grow_view(&out), NULL, NULL), cases[i].text);
    }
    grow_free(&out);
}

static void many_members_are_sorted_whatever_their_order(void **state)
{
    struct grow first = { 0 }, second = { 0 };
    json_t *up = json_object(), *down = json_object();
    char key[16];

    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof(key), "k%d", i);
        json_object_set_new(up, key, json_integer(i));
        snprintf(key, sizeof(key), "k%d", 999 - i);
        json_object_set_new(down, key, json_integer(999 - i));
    }
    assert_true(canonical_write(up, &first));
    assert_true(canonical_write(down, &second));
    assert_true(varve_view_equal(grow_view(&first), grow_view(&second)));
    json_decref(up);
    json_decref(down);
    grow_free(&first);
    grow_free(&second);
}

/* Every real number is the same after it was written and read. */
static void numbers_survive(void **state)
{
    uint64_t seed = 20;
    struct grow out = { 0 };

    for (unsigned i = 0; i < 100000; i++) {
        uint64_t bits = random_next(&seed);
        double number;

        memcpy(&number, &bits, sizeof(number));
        json_t *value = json_real(number);
        if (value == NULL)
            continue; /* no number */
        grow_clear(&out);
        assert_true(canonical_write(value, &out));
        json_t *back = json_loadb(out.bytes, out.size, JSON_DECODE_ANY, NULL);
        assert_true(json_is_real(back) && json_real_value(back) == number);
        json_decref(value);
        json_decref(back);
    }
    grow_free(&out);
}

static void what_is_too_deep_is_refused(void **state)
{
    struct grow out = { 0 };
    json_t *value = json_integer(1);

    for (unsigned depth = 0; depth < VARVE_JSON_MAX_DEPTH; depth++) {
        json_t *outer = depth % 2 ? json_array() : json_object();
        if (depth % 2)
            json_array_append_new(outer, value);
        else
            json_object_set_new(outer, "a", value);
        value = outer;
    }
    assert_true(canonical_write(value, &out));
    json_t *outer = json_array();
    json_array_append_new(outer, value);
    grow_clear(&out);
    assert_false(canonical_write(outer, &out));
    assert_false(out.failed);
    json_decref(outer);
    grow_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_have_one_form),
        cmocka_unit_test(many_members_are_sorted_whatever_their_order),
        cmocka_unit_test(numbers_survive),
        cmocka_unit_test(what_is_too_deep_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
