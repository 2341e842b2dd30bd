/* test_http_target.c - targets taken apart: paths, escapes, queries, and what is refused. */
#include "fixture.h"

#include <stdlib.h>

static enum varve_status parse(const char *text, size_t size, struct http_target *ret, struct varve_error *error)
{
    static char copy[16384];

    memcpy(copy, text, size);
    return http_target_parse(copy, size, ret, error);
}

static struct http_target good(const char *text)
{
    struct http_target target;
    struct varve_error error;

    if (parse(text, strlen(text), &target, &error) != VARVE_OK)
        fail_msg("%s: %s", text, error.message);
    return target;
}

#define CHECK_VIEW(view, text) assert_true(varve_view_equal(view, varve_view_str(text)))

static void paths(void **state)
{
    struct http_target target = good("/");
    assert_int_equal(target.segment_count, 0);
    target = good("/v1/streams/order-42%2Fa%20b/?");
    assert_int_equal(target.segment_count, 3);
    CHECK_VIEW(target.segments[0], "v1");
    CHECK_VIEW(target.segments[2], "order-42/a b");
    target = good("/a+b/%C3%A4");
    CHECK_VIEW(target.segments[0], "a+b");
    CHECK_VIEW(target.segments[1], "\xc3\xa4");
    target = good("HTTP://localhost:8279/x");
    CHECK_VIEW(target.authority, "localhost:8279");
    CHECK_VIEW(target.segments[0], "x");
    assert_null(good("/x").authority.data);
    target = good("/..%2f../.");
    CHECK_VIEW(target.segments[0], "../.."); /* Names are names; nothing here is a file. */
}

static void queries(void **state)
{
    struct http_target target = good("/x?a=1&b=%26+%2B&&flag&empty=&c=d=e");

    assert_int_equal(target.parameter_count, 5);
    CHECK_VIEW(target.parameters[0].name, "a");
    CHECK_VIEW(target.parameters[0].value, "1");
    CHECK_VIEW(target.parameters[1].value, "& +");
    CHECK_VIEW(target.parameters[2].name, "flag");
    assert_false(target.parameters[2].has_value);
    assert_true(target.parameters[3].has_value);
    assert_int_equal(target.parameters[3].value.size, 0);
    CHECK_VIEW(target.parameters[4].value, "d=e");
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        { "", "neither" }, { "*", "neither" }, { "x", "neither" }, { "http://localhost", "neither" },
        { "http://localhost?x", "neither" }, { "https://localhost/", "neither" }, { "localhost:80", "neither" },
        { "//x", "two slashes" }, { "/a//b", "two slashes" }, { "/%", "hexadecimal" }, { "/%4", "hexadecimal" },
        { "/%4g", "hexadecimal" }, { "/%00", "zero" }, { "/x?a=%zz", "hexadecimal" }, { "/x?%00=1", "zero" },
        { "/x?a=1&a=2", "parameter a twice" }, { "/x?=1", "without a name" }, { "/x?a&=", "without a name" },
        { "/x#y", "fragment" }, { "/a b", "a space" },
        { "/x?a=\t", "a space" }, { "/\x7f", "a space" }, { "/1/2/3/4/5/6/7/8/9/10/11/12/13", "segments" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_target target;
        struct varve_error error;

        if (parse(cases[i].text, strlen(cases[i].text), &target, &error) != VARVE_INVALID_ARGUMENT ||
            strstr(error.message, cases[i].message) == NULL)
            fail_msg("%s", cases[i].text);
    }
}

static void one_named_twice_is_the_field(void **state)
{
    static char text[] = "/x?b=1&%61&a=";
    struct http_target target;
    struct varve_error error;

    assert_int_equal(http_target_parse(text, sizeof(text) - 1, &target, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "a");
}

static void too_many_parameters(void **state)
{
    struct http_target target;
    struct varve_error error;
    char text[1024] = "/x?";

    for (unsigned i = 0; i <= HTTP_MAX_PARAMETERS; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "p%u=%u&", i, i);
    assert_int_equal(parse(text, strlen(text), &target, &error), VARVE_INVALID_ARGUMENT);
    *strstr(text, "p31=") = 0;
    assert_int_equal(parse(text, strlen(text), &target, &error), VARVE_OK);
}

/* Whatever the bytes: an answer, and what was taken apart lies within them. */
static void any_bytes(void **state)
{
    char text[64];
    unsigned seed = 1;

    for (unsigned round = 0; round < 200000; round++) {
        static const char some[] = "/%?&=+#aF0:ht p\0\xc3";
        size_t size = rand_r(&seed) % sizeof(text);
        struct http_target target;

        for (size_t i = 0; i < size; i++)
            text[i] = some[(unsigned)rand_r(&seed) % sizeof(some)];
        if (size > 0)
            text[0] = '/';
        if (http_target_parse(text, size, &target, NULL) != VARVE_OK)
            continue;
        for (size_t i = 0; i < target.segment_count; i++)
            assert_true(target.segments[i].data >= text &&
                        target.segments[i].data + target.segments[i].size <= text + size);
    }
}

static void patterns(void **state)
{
    static const struct {
        const char *path, *pattern;
        bool matches;
    } cases[] = {
        { "/", "/", true }, { "/", "/v1", false }, { "/v1", "/", false }, { "/v1/", "/v1", true },
        { "/v1/all", "/v1/all", true }, { "/v1/al", "/v1/all", false }, { "/v1/all/x", "/v1/all", false },
        { "/v1", "/v1/all", false }, { "/v1/streams/a", "/v1/streams/{stream}", true },
        { "/v1/streams", "/v1/streams/{stream}", false }, { "/v1/streams/a/info", "/v1/streams/{stream}/info", true },
        { "/v1/streams/a/b", "/v1/streams/{stream}/info", false },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct varve_view parts[HTTP_MAX_PARTS] = { { 0 } };
        struct http_target target = good(cases[i].path);

        if (http_target_matches(&target, cases[i].pattern, parts) != cases[i].matches)
            fail_msg("%s with %s", cases[i].path, cases[i].pattern);
        if (cases[i].matches && strchr(cases[i].pattern, '{') != NULL)
            CHECK_VIEW(parts[0], "a");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths),
        cmocka_unit_test(queries),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(one_named_twice_is_the_field),
        cmocka_unit_test(too_many_parameters),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(patterns),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
