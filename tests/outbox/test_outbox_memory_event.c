/* test_outbox_memory_event.c - events of an outbox as JSON: back as they went, and what is refused. */
#include "support/check.h"

#include <stdlib.h>

#include "server/outbox/outbox_memory_event.h"

static const struct {
    enum memory_kind kind;
    const char *data; /* exactly what is written */
} samples[] = {
    { MEMORY_PUBLISHED, "{\"position\":9,\"generation\":2,\"fold_from\":3,\"topics_at\":1,\"replays\":4,"
                        "\"paused\":true}" },
    { MEMORY_PUBLISHED, "{\"position\":0,\"generation\":0,\"fold_from\":0,\"replays\":0}" },
    { MEMORY_PARKED, "{\"stream\":\"a \\\"b\\\"\",\"position\":9,\"version\":2,\"skipped\":true,\"code\":\"C\","
                     "\"error\":\"E\",\"attempts\":3,\"first_attempt_us\":-5,\"last_attempt_us\":6}" },
    { MEMORY_PARKED, "{\"stream\":\"a\",\"position\":9,\"attempts\":0,\"first_attempt_us\":0,"
                     "\"last_attempt_us\":0}" },
    { MEMORY_WAITING, "{\"stream\":\"a\",\"positions\":[1,2,9223372036854775807]}" },
    { MEMORY_WAITING, "{\"stream\":\"a\",\"positions\":[]}" },
    { MEMORY_ATTEMPTED, "{\"stream\":\"a\",\"position\":9,\"version\":0,\"code\":\"C\",\"error\":\"E\",\"attempts\":3,"
                        "\"first_attempt_us\":1,\"last_attempt_us\":6}" },
    { MEMORY_RETRIED, "{\"stream\":\"a\",\"through\":9}" },
    { MEMORY_DISCARDED, "{\"stream\":\"a\",\"position\":9,\"reason\":\"why\"}" },
    { MEMORY_DISCARDED, "{\"stream\":\"a\",\"position\":9}" },
    { MEMORY_PAUSED, "{\"position\":9,\"generation\":2,\"reason\":\"why\"}" },
    { MEMORY_RESUMED, "{\"position\":9,\"generation\":2}" },
    { MEMORY_RESET, "{\"position\":0,\"generation\":2}" },
    { MEMORY_TOPICS, "{\"topics\":{\"a\":1,\"b\":2147483647}}" },
    { MEMORY_REPLAY, "{\"number\":1,\"from\":2,\"until\":3,\"stream\":\"a\",\"type\":\"t\",\"reason\":\"why\"}" },
    { MEMORY_REPLAY, "{\"number\":1,\"from\":0,\"until\":0}" },
    { MEMORY_REPLAYED, "{\"number\":1,\"sent\":2}" },
};

static void what_is_read_is_written_again_as_it_was(void **state)
{
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        struct memory_event event;
        struct varve_view data;

        CHECK_CASE(memory_event_decode(samples[i].kind, varve_view_str(samples[i].data), &event, NULL) == VARVE_OK,
                   samples[i].data);
        data = memory_event_encode(&event);
        assert_non_null(data.data);
        assert_string_equal(data.data, samples[i].data);
        free((char *)data.data);
        memory_event_end(&event);
    }
}

static void what_a_later_version_adds_is_not_looked_at(void **state)
{
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        char text[400];
        struct memory_event event;
        struct varve_view data;

        snprintf(text, sizeof(text), "{\"later\":{\"x\":[1,null]},%s", samples[i].data + 1);
        CHECK_CASE(memory_event_decode(samples[i].kind, varve_view_str(text), &event, NULL) == VARVE_OK, text);
        data = memory_event_encode(&event);
        assert_string_equal(data.data, samples[i].data);
        free((char *)data.data);
        memory_event_end(&event);
    }
}

static void what_an_earlier_version_did_not_say_is_taken_as_nothing(void **state)
{
    struct memory_event event;

    assert_int_equal(memory_event_decode(MEMORY_PUBLISHED, varve_view_str("{\"position\":9}"), &event, NULL), VARVE_OK);
    assert_true(event.position == 9 && event.generation == 0 && event.fold_from == 0 && !event.paused);
    assert_true(event.topics_at == UINT64_MAX);
    memory_event_end(&event);
    assert_int_equal(memory_event_decode(MEMORY_PARKED, varve_view_str("{\"stream\":\"a\",\"position\":9}"), &event,
                                         NULL), VARVE_OK);
    assert_true(event.letter.position == 9 && event.letter.version == UINT64_MAX && event.letter.retry_count == 0);
    assert_true(event.letter.error_code.size == 0 && event.letter.first_attempt_us == 0 && !event.letter.skipped);
    memory_event_end(&event);
    assert_int_equal(memory_event_decode(MEMORY_PAUSED, varve_view_str("{}"), &event, NULL), VARVE_OK);
    memory_event_end(&event);
}

static void what_cannot_be_is_refused(void **state)
{
    static const struct {
        enum memory_kind kind;
        const char *data, *names;
    } cases[] = {
        { MEMORY_PUBLISHED, "", "JSON" }, { MEMORY_PUBLISHED, "[]", "JSON" }, { MEMORY_PUBLISHED, "{", "JSON" },
        { MEMORY_PUBLISHED, "{\"position\":1,\"position\":2}", "JSON" },
        { MEMORY_PUBLISHED, "{}", "position" }, { MEMORY_PUBLISHED, "{\"position\":-1}", "position" },
        { MEMORY_PUBLISHED, "{\"position\":\"1\"}", "position" },
        { MEMORY_PUBLISHED, "{\"position\":1.5}", "position" },
        { MEMORY_PUBLISHED, "{\"position\":99999999999999999999}", "JSON" },
        { MEMORY_PUBLISHED, "{\"position\":1,\"paused\":1}", "paused" },
        { MEMORY_PUBLISHED, "{\"position\":1,\"topics_at\":-1}", "topics_at" },
        { MEMORY_PARKED, "{\"position\":1}", "stream" },
        { MEMORY_PARKED, "{\"stream\":\"\",\"position\":1}", "stream" },
        { MEMORY_PARKED, "{\"stream\":\"a\"}", "position" }, { MEMORY_PARKED, "{\"stream\":\"a\",\"position\":0}",
                                                              "position" },
        { MEMORY_PARKED, "{\"stream\":\"a\",\"position\":1,\"attempts\":4294967296}", "attempts" },
        { MEMORY_PARKED, "{\"stream\":\"a\",\"position\":1,\"first_attempt_us\":\"now\"}", "first_attempt_us" },
        { MEMORY_ATTEMPTED, "{\"stream\":7,\"position\":1}", "stream" },
        { MEMORY_WAITING, "{\"stream\":\"a\",\"positions\":7}", "positions" },
        { MEMORY_WAITING, "{\"stream\":\"a\",\"positions\":[1,0]}", "positions" },
        { MEMORY_WAITING, "{\"stream\":\"a\",\"positions\":[\"1\"]}", "positions" },
        { MEMORY_WAITING, "{\"positions\":[1]}", "stream" },
        { MEMORY_RETRIED, "{\"stream\":\"a\"}", "through" }, { MEMORY_RETRIED, "{\"through\":1}", "stream" },
        { MEMORY_DISCARDED, "{\"stream\":\"a\"}", "position" },
        { MEMORY_RESET, "{}", "position" }, { MEMORY_RESET, "{\"position\":true}", "position" },
        { MEMORY_PAUSED, "{\"reason\":7}", "reason" },
        { MEMORY_TOPICS, "{}", "topics" }, { MEMORY_TOPICS, "{\"topics\":[]}", "topics" },
        { MEMORY_TOPICS, "{\"topics\":{\"a\":0}}", "topics" },
        { MEMORY_TOPICS, "{\"topics\":{\"a\":2147483648}}", "topics" },
        { MEMORY_TOPICS, "{\"topics\":{\"\":1}}", "topics" },
        { MEMORY_REPLAY, "{\"number\":0,\"from\":1,\"until\":1}", "number" },
        { MEMORY_REPLAY, "{\"number\":1,\"until\":1}", "from" },
        { MEMORY_REPLAY, "{\"number\":1,\"from\":1}", "until" },
        { MEMORY_REPLAY, "{\"number\":1,\"from\":1,\"until\":1,\"type\":[]}", "type" },
        { MEMORY_REPLAYED, "{\"sent\":1}", "number" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct memory_event event;
        struct varve_error error = { .message = "" };

        CHECK_CASE(memory_event_decode(cases[i].kind, varve_view_str(cases[i].data), &event, &error) == VARVE_CORRUPT,
                   cases[i].data);
        CHECK_CASE(strstr(error.message, cases[i].names) != NULL, error.message);
    }
}

static void a_name_that_is_too_long_is_refused(void **state)
{
    char text[1000], name[VARVE_MAX_SYSTEM_STREAM_NAME + 2];
    struct memory_event event;

    memset(name, 'n', sizeof(name));
    for (size_t size = sizeof(name) - 2; size < sizeof(name); size++) {
        snprintf(text, sizeof(text), "{\"number\":1,\"from\":1,\"until\":1,\"stream\":\"%.*s\"}", (int)size, name);
        enum varve_status status = memory_event_decode(MEMORY_REPLAY, varve_view_str(text), &event, NULL);
        assert_int_equal(status, size <= VARVE_MAX_SYSTEM_STREAM_NAME ? VARVE_OK : VARVE_CORRUPT);
        if (status == VARVE_OK)
            memory_event_end(&event);
    }
}

static void types_have_names(void **state)
{
    enum memory_kind kind;

    for (int i = 0; i < MEMORY_KINDS; i++) {
        assert_true(memory_event_kind(varve_view_str(memory_event_type((enum memory_kind)i)), &kind));
        assert_int_equal(kind, i);
    }
    assert_false(memory_event_kind(varve_view_str("$outbox.later"), &kind));
    assert_false(memory_event_kind(varve_view_str("$outbox"), &kind));
    assert_false(memory_event_kind((struct varve_view){ NULL, 0 }, &kind));
}

static void texts_become_fit_to_be_written(void **state)
{
    static const struct {
        const char *text, *clean;
        size_t room;
    } cases[] = {
        { "", "", 10 }, { "plain", "plain", 10 }, { "plain", "plai", 5 }, { "\xc3\xa4", "\xc3\xa4", 3 },
        { "\xc3\xa4", "", 2 }, { "a\xc3\xa4" "b", "a", 3 }, { "a\nb", "a?b", 10 }, { "a\xff\xc3\xa4", "a???", 10 },
        { "\xe2\x82\xac\xe2\x82\xac", "\xe2\x82\xac", 6 }, { "x", "", 1 }, { "\x7f", "?", 5 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char room[16];
        struct varve_view clean = memory_clean_text(varve_view_str(cases[i].text), room, cases[i].room);

        CHECK_CASE(clean.size == strlen(cases[i].clean) && strcmp(room, cases[i].clean) == 0, cases[i].text);
    }
    char room[4] = "abc";
    assert_int_equal(memory_clean_text((struct varve_view){ NULL, 0 }, room, sizeof(room)).size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_is_written_again_as_it_was),
        cmocka_unit_test(what_a_later_version_adds_is_not_looked_at),
        cmocka_unit_test(what_an_earlier_version_did_not_say_is_taken_as_nothing),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(a_name_that_is_too_long_is_refused),
        cmocka_unit_test(types_have_names),
        cmocka_unit_test(texts_become_fit_to_be_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
