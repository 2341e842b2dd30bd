/* test_message_json.c - messages to reducers as lines of JSON, and answers that are none. */
#include "snapshots/message.h"
#include "support/check.h"
#include "varve/json.h"

static const struct message_form *const form = &message_json;

static void a_message_is_one_line(void **state)
{
    const struct varve_event json = {
        .type = varve_view_str("a\"b"), .version = 3, .position = UINT64_MAX, .recorded_at_us = -5, .schema_version = 2,
        .data = varve_view_str("{\n\"x\" :\r\n1e5}"),
    };
    const struct varve_event bytes = { .type = varve_view_str("b"), .content_type = VARVE_CONTENT_OCTET_STREAM,
                                       .data = varve_view_of("\0\n", 2) };
    const struct varve_event empty = { .type = varve_view_str("c") };
    struct message message = { .bytes = { 0 } };

    form->begin(&message, 7, varve_view_str("s\n"), true, varve_view_str("{\n}"));
    form->event(&message, &json);
    form->event(&message, &bytes);
    form->event(&message, &empty);
    form->end(&message, true);
    assert_false(message.bytes.failed);
    struct varve_view line = grow_view(&message.bytes);
    assert_ptr_equal(memchr(line.data, '\n', line.size), line.data + line.size - 1);
    assert_true(varve_json_check(line, NULL, NULL));
    const char *expected =
        "{\"n\":7,\"stream\":\"s\\n\",\"state\":{ },\"events\":["
        "{\"type\":\"a\\\"b\",\"version\":3,\"position\":18446744073709551615,\"recorded_at_us\":-5,"
        "\"schema_version\":2,\"data\":{ \"x\" :  1e5}},"
        "{\"type\":\"b\",\"version\":0,\"position\":0,\"recorded_at_us\":0,\"schema_version\":0,\"data\":\"AAo=\","
        "\"content_type\":\"application/octet-stream\"},"
        "{\"type\":\"c\",\"version\":0,\"position\":0,\"recorded_at_us\":0,\"schema_version\":0,\"data\":null}],"
        "\"save\":true}\n";
    assert_int_equal(line.size, strlen(expected));
    assert_memory_equal(line.data, expected, line.size);
    grow_free(&message.bytes);
}

static void a_message_may_go_on_or_begin_with_nothing(void **state)
{
    struct message message = { .bytes = { 0 } };
    const char *on = "{\"n\":8,\"stream\":\"s\",\"events\":[],\"save\":false}\n";
    const char *begun = "{\"n\":9,\"stream\":\"t\",\"state\":null,\"events\":[],\"save\":true}\n";

    form->begin(&message, 8, varve_view_str("s"), false, varve_view_str(NULL));
    form->end(&message, false);
    assert_memory_equal(message.bytes.bytes, on, strlen(on));
    form->begin(&message, 9, varve_view_str("t"), true, varve_view_str(NULL));
    form->end(&message, true);
    assert_memory_equal(message.bytes.bytes, begun, strlen(begun));
    grow_free(&message.bytes);
}

static void answers_end_with_their_line(void **state)
{
    assert_int_equal(form->framing(varve_view_str("")), 0);
    assert_int_equal(form->framing(varve_view_str("{\"n\":1}")), 0);
    assert_int_equal(form->framing(varve_view_str("{\"n\":1}\n")), 8);
    assert_int_equal(form->framing(varve_view_str("a\nb\n")), 2);
}

static void answers_are_read(void **state)
{
    struct message_answer answer;

    assert_null(form->read(varve_view_str("{\"n\":12}\n"), &answer));
    assert_int_equal(answer.n, 12);
    assert_false(answer.has_state);
    assert_null(answer.error.data);
    assert_null(form->read(varve_view_str(" {\"x\":[],\"state\": {\"a\" : 1.50} ,\"n\":1,\"error\":null}\n"), &answer));
    assert_true(answer.has_state && varve_view_equal(answer.state, varve_view_str("{\"a\" : 1.50}")));
    assert_null(answer.error.data);
    assert_null(form->read(varve_view_str("{\"n\":1,\"error\":\"no\",\"state\":null}\n"), &answer));
    assert_true(varve_view_equal(answer.error, varve_view_str("no")));
    assert_true(varve_view_equal(answer.state, varve_view_str("null")));
}

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const cases[][2] = {
        { "", "not JSON" }, { "\n", "not JSON" }, { "hello\n", "not JSON" }, { "{\"n\":1\n", "not JSON" },
        { "{\"n\":1}{\"n\":1}\n", "not JSON" }, { "{\"n\":1,\"state\":\xff}\n", "not JSON" },
        { "7\n", "not a JSON object" }, { "[]\n", "not a JSON object" }, { "{}\n", "does not repeat" },
        { "{\"state\":1}\n", "does not repeat" }, { "{\"n\":-1}\n", "does not repeat" },
        { "{\"n\":\"1\"}\n", "does not repeat" }, { "{\"n\":1.5}\n", "does not repeat" },
        { "{\"n\":99999999999999999999}\n", "does not repeat" }, { "{\"n\":1,\"error\":{}}\n", "not a string" },
    };
    struct message_answer answer;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *why = form->read(varve_view_str(cases[i][0]), &answer);
        CHECK_CASE(why != NULL && strstr(why, cases[i][1]) != NULL, cases[i][0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_is_one_line),
        cmocka_unit_test(a_message_may_go_on_or_begin_with_nothing),
        cmocka_unit_test(answers_end_with_their_line),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(what_is_no_answer_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
