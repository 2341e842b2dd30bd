/* test_event_json_read.c - events out of JSON: what is taken, what is refused and why, and that a round trip changes
 * nothing. */
#include "support/check.h"
#include "varve/event_json.h"
#include "varve/json.h"
#include "varve/uuid.h"

#define ID "0192f0c1-7a3b-7cde-8f01-23456789abcd"

static enum varve_status parse(struct varve_wire_arena *arena, const char *line, struct varve_event *event,
                               struct varve_error *error)
{
    return varve_event_json_read(varve_view_str(line), arena, event, error);
}

static void check_view(struct varve_view view, const char *expected)
{
    assert_non_null(view.data);
    assert_int_equal(view.size, strlen(expected));
    assert_memory_equal(view.data, expected, view.size);
}

static void the_least_a_line_needs(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_event event;

    assert_int_equal(parse(arena, " {\"type\": \"t\", \"stream\":\"s-1\"} ", &event, NULL), VARVE_OK);
    check_view(event.stream, "s-1");
    check_view(event.type, "t");
    assert_true(varve_uuid_is_nil(&event.id));
    assert_true(event.time_us == VARVE_TIME_NONE);
    assert_int_equal(event.schema_version, 1);
    assert_int_equal(event.class_, VARVE_CLASS_DOMAIN);
    assert_int_equal(event.content_type, VARVE_CONTENT_JSON);
    assert_null(event.data.data);
    assert_null(event.metadata.data);
    assert_null(event.source.data);
    varve_wire_arena_free(arena);
}

static const char whole_line[] =
    "{\"stream\":\"s-1\",\"type\":\"t\",\"id\":\"" ID "\",\"time\":\"2011-09-30T22:38:44.546000Z\","
    "\"correlation_id\":\"" ID "\",\"causation_id\":\"" ID "\",\"source\":\"billing\",\"user_id\":\"u \\\"7\\\"\","
    "\"class\":\"integration\",\"schema_version\":4294967295,\"metadata\":{ \"b\" : [1.50] },"
    "\"data\":{\"n\":12345678901234567890.000,\"e\":\"\\u00e4\\ud83d\\ude00\", \"x\":null},"
    "\"version\":3,\"position\":17,\"recorded_at\":\"1970-01-01T00:00:00.000005Z\"}";

static void a_whole_line_survives_byte_for_byte(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_event event;
    struct varve_wire_buffer out = { 0 };

    assert_int_equal(parse(arena, whole_line, &event, NULL), VARVE_OK);
    check_view(event.user_id, "u \"7\"");
    check_view(event.metadata, "{ \"b\" : [1.50] }");
    assert_true(event.time_us == INT64_C(1317422324546000));
    assert_int_equal(event.position, 0); /* the store's to say */
    event.version = 3;
    event.position = 17;
    event.recorded_at_us = 5;
    varve_event_json_write(&out, &event, 0);
    check_view(varve_view_of((const char *)out.bytes, out.size), whole_line);
    varve_wire_buffer_free(&out);
    varve_wire_arena_free(arena);
}

static void bytes_travel_as_base64(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_event event;
    struct varve_wire_buffer out = { 0 };

    assert_int_equal(parse(arena, "{\"stream\":\"s\",\"type\":\"t\",\"data\":\"AAEC/w==\","
                                   "\"content_type\":\"application/octet-stream\"}", &event, NULL), VARVE_OK);
    assert_int_equal(event.data.size, 4);
    assert_memory_equal(event.data.data, "\x00\x01\x02\xff", 4);
    varve_event_json_write(&out, &event, 0);
    assert_non_null(memmem(out.bytes, out.size, "\"data\":\"AAEC/w==\"", 17));
    varve_wire_buffer_free(&out);
    varve_wire_arena_free(arena);
}

static void line_breaks_between_tokens_become_spaces(void **state)
{
    struct varve_event event = {
        .stream = varve_view_str("s"), .type = varve_view_str("t"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
        .data = varve_view_str("\n {\r\n\"a\":\n1}\t\r\n"),
    };
    struct varve_wire_buffer out = { 0 };

    varve_event_json_write(&out, &event, 0);
    assert_null(memchr(out.bytes, '\n', out.size));
    assert_non_null(memmem(out.bytes, out.size, "\"data\":{  \"a\": 1},", 18));
    varve_wire_buffer_free(&out);
}

static void json_null_is_data_or_metadata_but_absent_elsewhere(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_event event;

    assert_int_equal(parse(arena, "{\"stream\":\"s\",\"type\":\"t\",\"data\":null,\"id\":null,\"time\":null,"
                                   "\"metadata\":null,\"source\":null,\"class\":null,\"content_type\":null,"
                                   "\"schema_version\":null}", &event, NULL), VARVE_OK);
    check_view(event.data, "null");
    check_view(event.metadata, "null");
    assert_null(event.source.data);
    assert_true(varve_uuid_is_nil(&event.id));
    assert_int_equal(parse(arena, "{\"stream\":\"s\",\"type\":\"t\",\"data\":null,"
                                   "\"content_type\":\"application/msgpack\"}", &event, NULL), VARVE_OK);
    assert_null(event.data.data);
    varve_wire_arena_free(arena);
}

/* What an append takes, an export and an import bring back. */
static void data_may_nest_as_deep_as_in_an_append(void **state)
{
    char line[64 + 4 * VARVE_JSON_MAX_DEPTH] = "{\"stream\":\"s\",\"type\":\"t\",\"data\":";
    size_t start = strlen(line);
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_event event;

    memset(line + start, '[', VARVE_JSON_MAX_DEPTH);
    memset(line + start + VARVE_JSON_MAX_DEPTH, ']', VARVE_JSON_MAX_DEPTH);
    strcpy(line + start + 2 * VARVE_JSON_MAX_DEPTH, "}");
    assert_int_equal(parse(arena, line, &event, NULL), VARVE_OK);
    assert_int_equal(event.data.size, 2 * VARVE_JSON_MAX_DEPTH);
    assert_true(varve_json_check(event.data, NULL, NULL));
    varve_wire_arena_free(arena);
}

static void escapes_are_resolved_in_texts_and_names(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_event event;

    assert_int_equal(parse(arena, "{\"\\u0073tream\":\"\\u00e4-1\",\"type\":\"\\/t\"}", &event, NULL), VARVE_OK);
    check_view(event.stream, "\xc3\xa4-1");
    check_view(event.type, "/t");
    varve_wire_arena_free(arena);
}

static void bad_lines_are_refused_with_a_reason(void **state)
{
    static const struct { const char *line, *says; } cases[] = {
        { "", "not JSON at byte 0" },
        { "{\"stream\":\"s\",\"type\":\"t\"", "not JSON at byte 24" },
        { "{\"stream\":\"s\",\"type\":\"t\"} x", "not JSON at byte" },
        { "[1]", "not a JSON object" },
        { "\"text\"", "not a JSON object" },
        { "{}", "\"stream\" is missing" },
        { "{\"stream\":\"s\"}", "\"type\" is missing" },
        { "{\"stream\":7,\"type\":\"t\"}", "\"stream\" must be a string" },
        { "{\"stream\":null,\"type\":\"t\"}", "\"stream\" must be a string" },
        { "{\"stream\":\"\\ud800\",\"type\":\"t\"}", "\"stream\" must be text: half of a surrogate pair (\\ud800 to" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"\\udc00\\ud800\"}", "\"time\" must be text: half of" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"stream\":\"s\"}", "\"stream\" stands there twice" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"corelation_id\":\"x\"}",
          "unknown member \"corelation_id\"; did you mean correlation_id?" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"xyzzy\":1}", "unknown member \"xyzzy\"" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"7\"}", "\"id\" must be a UUID" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"id\":7}", "\"id\" must be a UUID" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"id\":\"00000000-0000-0000-0000-000000000000\"}",
          "\"id\" must be a UUID" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"causation_id\":\"\"}", "\"causation_id\" must be a UUID" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"time\":\"2024-05-01\"}", "\"time\" must be a time" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"time\":1714564800}", "\"time\" must be a time" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"class\":\"urgent\"}", "\"class\" must be" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"content_type\":\"text/plain\"}", "\"content_type\" must be" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"schema_version\":-1}", "\"schema_version\" must be" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"schema_version\":1.0}", "\"schema_version\" must be" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"schema_version\":4294967296}", "\"schema_version\" must be" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"schema_version\":99999999999999999999999}",
          "\"schema_version\" must be" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"source\":[]}", "\"source\" must be a string" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"data\":{},\"content_type\":\"application/octet-stream\"}",
          "\"data\" must be a base64" },
        { "{\"stream\":\"s\",\"type\":\"t\",\"data\":\"Zg\",\"content_type\":\"application/octet-stream\"}",
          "\"data\" must be base64" },
    };
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_event event;
        struct varve_error error;
        CHECK_CASE(parse(arena, cases[i].line, &event, &error) == VARVE_INVALID_ARGUMENT, cases[i].line);
        CHECK_CASE(strncmp(error.message, cases[i].says, strlen(cases[i].says)) == 0, error.message);
    }
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_a_line_needs),
        cmocka_unit_test(a_whole_line_survives_byte_for_byte),
        cmocka_unit_test(bytes_travel_as_base64),
        cmocka_unit_test(line_breaks_between_tokens_become_spaces),
        cmocka_unit_test(json_null_is_data_or_metadata_but_absent_elsewhere),
        cmocka_unit_test(data_may_nest_as_deep_as_in_an_append),
        cmocka_unit_test(escapes_are_resolved_in_texts_and_names),
        cmocka_unit_test(bad_lines_are_refused_with_a_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
