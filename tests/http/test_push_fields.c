/* test_push_fields.c - the allow-list of data on JSON of every shape. */
#include "support/check.h"

#include "server/http/push_fields.h"
#include "varve/json.h"

static struct varve_view written(struct varve_wire_buffer *out)
{
    return varve_view_of(out->size > 0 ? (char *)out->bytes : "", out->size);
}

static void only_what_is_named_goes_out(void **state)
{
    static const struct { const char *label; const char *fields[4]; const char *json, *out; } cases[] = {
        { "one of two", { "a" }, "{\"a\":1,\"b\":2}", "{\"a\":1}" },
        { "in the order of the data", { "b", "a" }, "{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2}" },
        { "none", { "c" }, "{\"a\":1,\"b\":2}", "{}" },
        { "nothing there", { "c" }, "{}", "{}" },
        { "white space", { "a" }, " \n{ \"b\" : 2 ,\n \"a\" :\r\n [ 1,\n2 ] } ", "{\"a\":[ 1, 2 ]}" },
        { "a whole object", { "a" }, "{\"a\":{\"x\":1,\"y\":[{}]},\"b\":2}", "{\"a\":{\"x\":1,\"y\":[{}]}}" },
        { "a part of an object", { "a.x" }, "{\"a\":{\"x\":1,\"y\":2},\"x\":3}", "{\"a\":{\"x\":1}}" },
        { "two parts", { "a.x", "a.z" }, "{\"a\":{\"x\":1,\"y\":2,\"z\":3}}", "{\"a\":{\"x\":1,\"z\":3}}" },
        { "the whole wins over a part", { "a.x", "a" }, "{\"a\":{\"x\":1,\"y\":2}}", "{\"a\":{\"x\":1,\"y\":2}}" },
        { "a part of what has none", { "a.x" }, "{\"a\":5,\"b\":2}", "{}" },
        { "a part of null", { "a.x" }, "{\"a\":null}", "{}" },
        { "a part that is not there", { "a.x" }, "{\"a\":{\"y\":2}}", "{\"a\":{}}" },
        { "deep", { "a.b.c" }, "{\"a\":{\"b\":{\"c\":[1],\"d\":1},\"c\":1}}", "{\"a\":{\"b\":{\"c\":[1]}}}" },
        { "items of an array", { "l.s" }, "{\"l\":[{\"s\":1,\"p\":2},{\"p\":3},4,[{\"s\":5}],\"s\"]}",
          "{\"l\":[{\"s\":1},{},[{\"s\":5}]]}" },
        { "an array at the top", { "a" }, "[{\"a\":1,\"b\":2},{\"b\":3},7]", "[{\"a\":1},{}]" },
        { "an empty array", { "a.b" }, "{\"a\":[]}", "{\"a\":[]}" },
        { "a name with a dot", { "a.b" }, "{\"a.b\":1,\"a.c\":2}", "{\"a.b\":1}" },
        { "a name with a dot, and parts of it", { "a.b.c" }, "{\"a.b\":{\"c\":1,\"d\":2}}", "{\"a.b\":{\"c\":1}}" },
        { "a name that only begins so", { "ab" }, "{\"a\":1,\"abc\":2,\"ab\":3}", "{\"ab\":3}" },
        { "a name in other letters", { "a" }, "{\"A\":1}", "{}" },
        { "a name written with escapes", { "a" }, "{\"\\u0061\":1,\"\\u0062\":2}", "{\"\\u0061\":1}" },
        { "a name with a zero in it", { "a" }, "{\"a\\u0000\":1,\"a\\u0000b\":2,\"\\u0000\":3}", "{}" },
        { "an empty name", { "a" }, "{\"\":1,\"a\":{\"\":2}}", "{\"a\":{\"\":2}}" },
        { "twice the same name: the first", { "a" }, "{\"a\":1,\"a\":2}", "{\"a\":1}" },
        { "twice, one time in part", { "a.x", "a.y" }, "{\"a\":{\"x\":1},\"a\":{\"y\":2}}", "{\"a\":{\"x\":1}}" },
        { "twice in two spellings", { "a" }, "{\"a\":1,\"\\u0061\":2}", "{\"a\":1}" },
        { "other alphabets", { "caf\xc3\xa9" }, "{\"caf\\u00e9\":1,\"cafe\":2}", "{\"caf\\u00e9\":1}" },
        { "texts like JSON", { "a" }, "{\"b\":\"\\\"a\\\":1,}\",\"a\":\"}{\\\\\"}", "{\"a\":\"}{\\\\\"}" },
        { "large numbers stay as written", { "a" }, "{\"a\":1234567890123456789012345.10e+5}",
          "{\"a\":1234567890123456789012345.10e+5}" },
        { "a number", { "a" }, "5", NULL },
        { "a string", { "a" }, "\"{a}\"", NULL },
        { "null", { "a" }, "null", NULL },
        { "nothing", { "a" }, "", NULL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct push_list fields = { .count = 0 };
        struct varve_wire_buffer out = { 0 };

        for (size_t k = 0; k < COUNT_OF(cases[i].fields) && cases[i].fields[k] != NULL; k++)
            fields.items[fields.count++] = cases[i].fields[k];
        bool any = push_fields_write(&out, &fields, varve_view_str(cases[i].json));
        CHECK_CASE(any == (cases[i].out != NULL), cases[i].label);
        if (!varve_view_equal(written(&out), varve_view_str(any ? cases[i].out : "")))
            print_error("%.*s\n", (int)out.size, (const char *)out.bytes);
        CHECK_CASE(varve_view_equal(written(&out), varve_view_str(any ? cases[i].out : "")), cases[i].label);
        CHECK_CASE(!any || varve_json_check(written(&out), NULL, NULL), cases[i].label);
        varve_wire_buffer_free(&out);
    }
}

/* As deep as an event may be, through arrays, of which no path takes a part. */
static void depth_is_no_matter(void **state)
{
    enum { DEPTH = 120 };
    struct push_list fields = { .count = 1, .items = { "a.b" } };
    struct varve_wire_buffer out = { 0 };
    char json[2 * DEPTH + 64] = "{\"a\":", expected[2 * DEPTH + 64] = "{\"a\":";

    memset(json + 5, '[', DEPTH);
    memset(expected + 5, '[', DEPTH);
    strcat(json, "{\"b\":1,\"c\":2}");
    strcat(expected, "{\"b\":1}");
    for (unsigned i = 0; i < DEPTH; i++) {
        strcat(json, "]");
        strcat(expected, "]");
    }
    strcat(json, "}");
    strcat(expected, "}");
    assert_true(varve_json_check(varve_view_str(json), NULL, NULL));
    assert_true(push_fields_write(&out, &fields, varve_view_str(json)));
    assert_true(varve_view_equal(written(&out), varve_view_str(expected)));
    varve_wire_buffer_free(&out);
}

static void as_many_fields_as_may_be(void **state)
{
    struct push_list fields = { .count = PUSH_LIST_MAX };
    char names[PUSH_LIST_MAX][8], json[PUSH_LIST_MAX * 16] = "{";
    struct varve_wire_buffer out = { 0 };

    for (size_t i = 0; i < PUSH_LIST_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "f%zu", i);
        fields.items[i] = names[i];
        snprintf(json + strlen(json), sizeof(json) - strlen(json), "%s\"f%zu\":%zu", i > 0 ? "," : "", i, i);
    }
    strcat(json, "}");
    assert_true(push_fields_write(&out, &fields, varve_view_str(json)));
    assert_true(varve_view_equal(written(&out), varve_view_str(json)));
    varve_wire_buffer_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_named_goes_out), cmocka_unit_test(depth_is_no_matter),
        cmocka_unit_test(as_many_fields_as_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
