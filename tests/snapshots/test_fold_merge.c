/* test_fold_merge.c - events merged as RFC 7396 says, and what cannot be merged. */
#include "snapshots/folding.h"

#include <stdlib.h>

static struct folding folding;

static int begin(void **state)
{
    folding_begin(&folding, "merge");
    return 0;
}

static int end(void **state)
{
    folding_end(&folding);
    return 0;
}

/* Appendix A: original, patch, result (with sorted members). */
static void the_examples_of_the_rfc_come_out(void **state)
{
    static const char *const cases[][3] = {
        { "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
        { "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
        { "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
        { "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
        { "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
        { "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}", "{\"a\":{\"b\":\"d\"}}" },
        { "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
        { "[\"a\",\"b\"]", "[\"c\",\"d\"]", "[\"c\",\"d\"]" },
        { "{\"a\":\"b\"}", "[\"c\"]", "[\"c\"]" },
        { "{\"a\":\"foo\"}", "null", "null" },
        { "{\"a\":\"foo\"}", "\"bar\"", "\"bar\"" },
        { "{\"e\":null}", "{\"a\":1}", "{\"a\":1,\"e\":null}" },
        { "[1,2]", "{\"a\":\"b\",\"c\":null}", "{\"a\":\"b\"}" },
        { "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(folding_stream(&folding, "rfc", cases[i][0]), VARVE_OK);
        assert_int_equal(folding_event(&folding, "patched", cases[i][1]), VARVE_OK);
        folding_expect(&folding, cases[i][2]);
    }
}

static void the_example_of_its_section_3_comes_out(void **state)
{
    folding_stream(&folding, "rfc", "{\"title\":\"Goodbye!\",\"author\":{\"givenName\":\"John\","
                   "\"familyName\":\"Doe\"},\"tags\":[\"example\",\"sample\"],\"content\":\"This will be unchanged\"}");
    folding_event(&folding, "patched", "{\"title\":\"Hello!\",\"phoneNumber\":\"+01-123-456-7890\","
                  "\"author\":{\"familyName\":null},\"tags\":[\"example\"]}");
    folding_expect(&folding, "{\"author\":{\"givenName\":\"John\"},\"content\":\"This will be unchanged\","
                   "\"phoneNumber\":\"+01-123-456-7890\",\"tags\":[\"example\"],\"title\":\"Hello!\"}");
}

static void a_stream_begins_with_nothing(void **state)
{
    folding_stream(&folding, "empty", NULL);
    folding_expect(&folding, "null");
    assert_int_equal(folding_event(&folding, "noted", NULL), VARVE_OK);
    assert_int_equal(folding_event(&folding, "noted", ""), VARVE_OK);
    folding_expect(&folding, "null");
    folding_event(&folding, "set", "{\"a\":{\"b\":1,\"c\":null},\"d\":null}");
    folding_expect(&folding, "{\"a\":{\"b\":1}}");
}

static void folding_goes_on_behind_a_saved_state(void **state)
{
    folding_stream(&folding, "account-1", NULL);
    folding_event(&folding, "set", "{\"a\":{\"x\":1},\"b\":[1,2]}");
    folding_expect(&folding, "{\"a\":{\"x\":1},\"b\":[1,2]}");
    folding_event(&folding, "set", "{\"a\":{\"y\":2}}");
    folding_expect(&folding, "{\"a\":{\"x\":1,\"y\":2},\"b\":[1,2]}");
    folding_expect(&folding, "{\"a\":{\"x\":1,\"y\":2},\"b\":[1,2]}");
}

/* From any snapshot on the way the same bytes come out as from the beginning. */
static void snapshots_on_the_way_make_no_difference(void **state)
{
    static const char *const patches[] = {
        "{\"name\":\"x\",\"n\":1.10}", "{\"list\":[3,{\"b\":1,\"a\":2}]}",
        "{\"deep\":{\"er\":{\"z\":true,\"a\":\"\\u00fc\"}}}",
        "{\"name\":null}", "{\"deep\":{\"er\":{\"z\":null}},\"big\":9007199254740993}",
    };
    char *states[COUNT_OF(patches) + 1] = { 0 };
    struct varve_view data;

    folding_stream(&folding, "s", NULL);
    for (size_t i = 0; i <= COUNT_OF(patches); i++) {
        assert_int_equal(varve_fold_save(folding.fold, &data, NULL), VARVE_OK);
        states[i] = strndup(data.data, data.size);
        if (i < COUNT_OF(patches))
            folding_event(&folding, "set", patches[i]);
    }
    for (size_t from = 0; from <= COUNT_OF(patches); from++) {
        folding_stream(&folding, "s", states[from]);
        for (size_t i = from; i < COUNT_OF(patches); i++)
            folding_event(&folding, "set", patches[i]);
        folding_expect(&folding, states[COUNT_OF(patches)]);
    }
    for (size_t i = 0; i <= COUNT_OF(patches); i++)
        free(states[i]);
}

static void what_cannot_be_merged_names_stream_and_event(void **state)
{
    folding_stream(&folding, "loan-7", NULL);
    folding_event(&folding, "set", "{\"a\":1}");
    assert_int_equal(folding_event(&folding, "set", "{\"a\":9223372036854775808}"), VARVE_INVALID_ARGUMENT);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"loan-7\", event 1: a number in the data is too");
    folding_stream(&folding, "loan-8", NULL);
    folding_event(&folding, "set", "[1e400]");
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"loan-8\", event 0: a number in the data is too");
    folding_stream(&folding, "loan-9", NULL);
    folding_bytes(&folding, VARVE_CONTENT_MSGPACK, "\x01", 1);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"loan-9\", event 0: its data is application/msgp");
    folding_stream(&folding, "loan-10", NULL);
    folding_event(&folding, "set", "{\"a\"");
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"loan-10\", event 0: the data cannot be merged");
    assert_int_equal(folding_stream(&folding, "loan-11", "{"), VARVE_INVALID_ARGUMENT);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"loan-11\": the data cannot be merged");
    folding_stream(&folding, "loan-12", NULL); /* and the next one does */
    folding_event(&folding, "set", "{\"a\":1}");
    folding_expect(&folding, "{\"a\":1}");
}

static void depth_has_a_bound(void **state)
{
    char text[3 * 5000];

    for (size_t depth = 100; depth <= 5000; depth += 100) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        text[2 * depth] = '\0';
        folding_stream(&folding, "deep", NULL);
        enum varve_status status = folding_event(&folding, "set", text);
        if (depth <= 128) {
            assert_int_equal(status, VARVE_OK);
            folding_expect(&folding, text);
            continue;
        }
        struct varve_view data;
        if (status == VARVE_OK)
            status = varve_fold_save(folding.fold, &data, &folding.error);
        assert_int_equal(status, VARVE_INVALID_ARGUMENT);
        folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"deep\"");
    }
}

static void a_state_has_at_most_a_mebibyte(void **state)
{
    size_t size = VARVE_SNAPSHOT_MAX_BYTES;
    char *text = malloc(size + 2);
    struct varve_view data;

    memset(text, 'a', size + 1);
    text[0] = '"';
    text[size - 1] = '"';
    text[size] = '\0';
    folding_stream(&folding, "large", NULL);
    folding_event(&folding, "set", text);
    folding_expect(&folding, text);
    text[size - 1] = 'a';
    text[size] = '"';
    text[size + 1] = '\0';
    folding_stream(&folding, "larger", NULL);
    folding_event(&folding, "set", text);
    assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_EVENT_TOO_LARGE);
    folding_expect_error(&folding, VARVE_EVENT_TOO_LARGE, "stream \"larger\": the state has 1048577 bytes");
    assert_int_equal(folding.error.limit, VARVE_SNAPSHOT_MAX_BYTES);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc_come_out),
        cmocka_unit_test(the_example_of_its_section_3_comes_out),
        cmocka_unit_test(a_stream_begins_with_nothing),
        cmocka_unit_test(folding_goes_on_behind_a_saved_state),
        cmocka_unit_test(snapshots_on_the_way_make_no_difference),
        cmocka_unit_test(what_cannot_be_merged_names_stream_and_event),
        cmocka_unit_test(depth_has_a_bound),
        cmocka_unit_test(a_state_has_at_most_a_mebibyte),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
