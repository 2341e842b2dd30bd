/* test_append_json.c - appends out of JSON: the three forms, what they expect, and what is wrong with others. */
#include <stdlib.h>

#include "support/check.h"
#include "varve/append_json.h"
#include "varve/json.h"

enum { MAX_EVENTS = 4 };

static enum varve_status parse(struct varve_wire_arena *arena, const char *json, struct varve_append_json *append,
                               struct varve_error *error)
{
    return varve_append_json_read(varve_view_str(json), varve_view_str("s-1"), MAX_EVENTS, arena, append, error);
}

static void one_event_many_or_a_whole_append(void **state)
{
    static const struct { const char *json; size_t count; bool has_expected; int64_t expected; } cases[] = {
        { " {\"type\":\"a\"}", 1, false, VARVE_EXPECTED_ANY },
        { "{\"type\":\"a\",\"stream\":\"s-1\"}", 1, false, VARVE_EXPECTED_ANY },
        { "[{\"type\":\"a\"} , {\"type\":\"b\"}]", 2, false, VARVE_EXPECTED_ANY },
        { "{\"events\":[{\"type\":\"a\"},{\"type\":\"b\"},{\"type\":\"c\"}]}", 3, false, VARVE_EXPECTED_ANY },
        { "{\"expected\":\"no_stream\",\"events\":[{\"type\":\"a\"}]}", 1, true, VARVE_EXPECTED_NO_STREAM },
        { "{\"expected\":\"stream_exists\",\"events\":[{\"type\":\"a\"}]}", 1, true, VARVE_EXPECTED_STREAM_EXISTS },
        { "{\"events\":[{\"type\":\"a\"}],\"expected\":\"any\"}", 1, true, VARVE_EXPECTED_ANY },
        { "{\"events\":[{\"type\":\"a\"}],\"expected\":0}", 1, true, 0 },
        { "{\"events\":[{\"type\":\"a\"}],\"expected\":\"9223372036854775807\"}", 1, true, INT64_MAX },
        { "{\"events\":[{\"type\":\"a\"}],\"expected\":\"\\u0061ny\"}", 1, true, VARVE_EXPECTED_ANY },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_append_json append;
        struct varve_error error = { .message = "" };

        CHECK_CASE(parse(arena, cases[i].json, &append, &error) == VARVE_OK, error.message);
        CHECK_CASE(append.count == cases[i].count, cases[i].json);
        CHECK_CASE(append.has_expected == cases[i].has_expected, cases[i].json);
        CHECK_CASE(append.expected == cases[i].expected, cases[i].json);
        for (size_t e = 0; e < append.count; e++) {
            CHECK_CASE(varve_view_equal(append.events[e].stream, varve_view_str("s-1")), cases[i].json);
            CHECK_CASE(append.events[e].type.data[0] == (char)('a' + e), cases[i].json);
        }
    }
    varve_wire_arena_free(arena);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct { const char *json; enum varve_status status; const char *field, *says; } cases[] = {
        { "", VARVE_INVALID_ARGUMENT, "body", "not JSON at byte 0" },
        { "{\"type\":\"a\"", VARVE_INVALID_ARGUMENT, "body", "not JSON at byte" },
        { "7", VARVE_INVALID_ARGUMENT, "body", "not an event" },
        { "[]", VARVE_INVALID_ARGUMENT, "events", "\"events\" must be an array" },
        { "{}", VARVE_INVALID_ARGUMENT, "type", "\"type\" is missing" },
        { "{\"type\":\"a\",\"stream\":\"s-2\"}", VARVE_INVALID_ARGUMENT, "stream", "\"stream\" must be the stream" },
        { "{\"tipe\":\"a\"}", VARVE_INVALID_ARGUMENT, "tipe", "unknown member \"tipe\"; did you mean type?" },
        { "[{\"type\":\"a\"},7]", VARVE_INVALID_ARGUMENT, "events[1]", "events[1]: not a JSON object" },
        { "[{\"type\":\"a\"},{\"type\":7}]", VARVE_INVALID_ARGUMENT, "events[1].type", "events[1]: \"type\" must be" },
        { "{\"events\":7}", VARVE_INVALID_ARGUMENT, "events", "\"events\" must be an array" },
        { "{\"events\":[{\"type\":\"a\"}],\"type\":\"a\"}", VARVE_INVALID_ARGUMENT, "events", "expected {" },
        { "{\"events\":[{\"type\":\"a\"}],\"events\":[]}", VARVE_INVALID_ARGUMENT, "events", "expected {" },
        { "{\"expected\":1}", VARVE_INVALID_ARGUMENT, "events", "expected {" },
        { "{\"expected\":-1,\"events\":[{\"type\":\"a\"}]}",
          VARVE_INVALID_ARGUMENT, "expected", "\"expected\" must be" },
        { "{\"expected\":1.5,\"events\":[{\"type\":\"a\"}]}",
          VARVE_INVALID_ARGUMENT, "expected", "\"expected\" must be" },
        { "{\"expected\":null,\"events\":[{\"type\":\"a\"}]}",
          VARVE_INVALID_ARGUMENT, "expected", "\"expected\" must" },
        { "{\"expected\":\"\",\"events\":[{\"type\":\"a\"}]}",
          VARVE_INVALID_ARGUMENT, "expected", "\"expected\" must be" },
        { "{\"expected\":9223372036854775808,\"events\":[{\"type\":\"a\"}]}", VARVE_INVALID_ARGUMENT, "expected", "" },
        { "[{},{},{},{},{}]", VARVE_APPEND_TOO_LARGE, "events", "5 events; one append takes 4" },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_append_json append;
        struct varve_error error = { .message = "" };

        CHECK_CASE(parse(arena, cases[i].json, &append, &error) == cases[i].status, cases[i].json);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, error.field);
        CHECK_CASE(strncmp(error.message, cases[i].says, strlen(cases[i].says)) == 0, error.message);
    }
    varve_wire_arena_free(arena);
}

/* Whatever may be appended by itself may be appended in a list, too. */
static void data_may_be_as_deep_in_a_list(void **state)
{
    static const char before[] = "{\"events\":[{\"type\":\"a\",\"data\":";
    struct varve_wire_arena *arena = varve_wire_arena_create();
    char json[sizeof(before) + 2 * VARVE_JSON_MAX_DEPTH + 8];
    struct varve_append_json append;

    memcpy(json, before, sizeof(before) - 1);
    memset(json + sizeof(before) - 1, '[', VARVE_JSON_MAX_DEPTH);
    memset(json + sizeof(before) - 1 + VARVE_JSON_MAX_DEPTH, ']', VARVE_JSON_MAX_DEPTH);
    memcpy(json + sizeof(before) - 1 + 2 * VARVE_JSON_MAX_DEPTH, "}]}", 4);
    assert_int_equal(parse(arena, json, &append, NULL), VARVE_OK);
    assert_int_equal(append.events[0].data.size, 2 * VARVE_JSON_MAX_DEPTH);
    varve_wire_arena_free(arena);
}

static void expectations_are_written_as_they_are_read(void **state)
{
    static const struct { int64_t expected; const char *json; } cases[] = {
        { VARVE_EXPECTED_ANY, "\"any\"" }, { VARVE_EXPECTED_NO_STREAM, "\"no_stream\"" },
        { VARVE_EXPECTED_STREAM_EXISTS, "\"stream_exists\"" }, { 0, "0" }, { 41, "41" },
        { INT64_MAX, "\"9223372036854775807\"" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_wire_buffer out = { 0 };
        int64_t back;

        varve_json_write_expected(&out, cases[i].expected);
        struct varve_view json = varve_view_of((const char *)out.bytes, out.size);
        CHECK_CASE(varve_view_equal(json, varve_view_str(cases[i].json)), cases[i].json);
        if (json.data[0] == '"')
            json = varve_view_of(json.data + 1, json.size - 2);
        CHECK_CASE(varve_expected_parse(json, &back) && back == cases[i].expected, cases[i].json);
        varve_wire_buffer_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_event_many_or_a_whole_append),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(data_may_be_as_deep_in_a_list),
        cmocka_unit_test(expectations_are_written_as_they_are_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
