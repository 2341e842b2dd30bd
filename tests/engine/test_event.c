/* test_event.c - the shape rules of an event, each at its edge, and the sentences that name an offence. */
#include "support/check.h"
#include "varve/event.h"
#include "varve/json.h"
#include "varve/pull.h"

static char many[600]; /* 'a' all over */

static struct varve_event good_event(void)
{
    return (struct varve_event){ .type = varve_view_str("order.placed"), .schema_version = 1,
                                 .time_us = VARVE_TIME_NONE, .data = varve_view_str("{}") };
}

static void stream_names(void **state)
{
    const struct { const char *label; struct varve_view name; bool system; const char *message; } cases[] = {
        { "one byte", varve_view_str("a"), false, NULL },
        { "longest", varve_view_of(many, 480), false, NULL },
        { "absent", varve_view_of(NULL, 0), false, "stream: must be 1 to 480 bytes, is 0" },
        { "empty", varve_view_str(""), false, "stream: must be 1 to 480 bytes, is 0" },
        { "too long", varve_view_of(many, 512), false, "stream: must be 1 to 480 bytes, is 512" },
        { "one too long", varve_view_of(many, 481), false, "stream: must be 1 to 480 bytes, is 481" },
        { "reserved", varve_view_str("$all"), false,
          "stream: must not begin with '$', which is reserved for the store's own streams" },
        { "dollar later", varve_view_str("a$b"), false, NULL },
        { "system", varve_view_str("$$order-1"), true, NULL },
        { "longest system", varve_view_of(many, 490), true, NULL },
        { "too long system", varve_view_of(many, 491), true, "stream: must be 1 to 490 bytes, is 491" },
        { "newline", varve_view_str("order-\n"), false,
          "stream: must be free of control characters, has one at byte 6" },
        { "NUL", varve_view_of("a\0b", 3), false, "stream: must be free of control characters, has one at byte 1" },
        { "C1", varve_view_str("a\xc2\x9f"), false, "stream: must be free of control characters, has one at byte 1" },
        { "not UTF-8", varve_view_str("caf\xe9"), false, "stream: must be UTF-8, is not at byte 3" },
        { "beyond ASCII", varve_view_str("caf\xc3\xa9-\xf0\x9f\x8c\x8d"), false, NULL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_error error = { .message = "" };
        enum varve_status status = varve_check_stream_name(cases[i].name, cases[i].system, "stream", &error);
        CHECK_CASE(status == (cases[i].message == NULL ? VARVE_OK : VARVE_INVALID_ARGUMENT), cases[i].label);
        if (cases[i].message != NULL) {
            assert_string_equal(error.message, cases[i].message);
            assert_string_equal(error.field, "stream");
        }
    }
    assert_int_equal(varve_check_stream_name(varve_view_str(""), false, "stream", NULL), VARVE_INVALID_ARGUMENT);
}

static void a_plain_event_passes(void **state)
{
    struct varve_event event = good_event();

    assert_int_equal(varve_check_event(&event, 0, NULL), VARVE_OK);
    event.source = event.user_id = varve_view_of(many, 255);
    event.type = varve_view_of(many, 255);
    event.metadata = varve_view_str(" [1e400] ");
    assert_int_equal(varve_check_event(&event, 0, NULL), VARVE_OK);
    event.content_type = VARVE_CONTENT_OCTET_STREAM;
    event.data = varve_view_of("\xff\x00\xc1", 3);
    assert_int_equal(varve_check_event(&event, 0, NULL), VARVE_OK);
    event.content_type = VARVE_CONTENT_MSGPACK;
    event.data = varve_view_of("\x92\x01\xc0", 3);
    assert_int_equal(varve_check_event(&event, 0, NULL), VARVE_OK);
}

static void times_are_those_that_can_be_written(void **state)
{
    const struct { int64_t time_us; bool fine; } cases[] = {
        { VARVE_TIME_NONE, true },    { 0, true },
        { VARVE_TIME_MIN, true },     { VARVE_TIME_MAX, true },
        { VARVE_TIME_MIN - 1, false }, { VARVE_TIME_MAX + 1, false },
        { INT64_MAX, false },         { INT64_MIN + 1, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_event event = good_event();
        struct varve_error error = { .field = "" };
        event.time_us = cases[i].time_us;
        enum varve_status status = varve_check_event(&event, 2, &error);
        assert_int_equal(status, cases[i].fine ? VARVE_OK : VARVE_INVALID_ARGUMENT);
        assert_string_equal(error.field, cases[i].fine ? "" : "events[2].time");
    }
}

static void no_data_is_fine_under_every_content_type(void **state)
{
    for (unsigned type = 0; type < 3; type++)
        for (unsigned form = 0; form < 2; form++) {
            struct varve_event event = good_event();
            event.content_type = (enum varve_content_type)type;
            event.data = form == 0 ? varve_view_of(NULL, 0) : varve_view_str("");
            assert_int_equal(varve_check_event(&event, 0, NULL), VARVE_OK);
        }
}

struct wrong {
    const char *field, *message;
    void (*spoil)(struct varve_event *event);
};
static void spoil_type(struct varve_event *e) { e->type = varve_view_str(""); }
static void spoil_type_absent(struct varve_event *e) { e->type = varve_view_of(NULL, 0); }
static void spoil_type_long(struct varve_event *e) { e->type = varve_view_of(many, 256); }
static void spoil_source(struct varve_event *e) { e->source = varve_view_str(""); }
static void spoil_user_id(struct varve_event *e) { e->user_id = varve_view_str("a\tb"); }
static void spoil_class(struct varve_event *e) { e->class_ = (enum varve_class)3; }
static void spoil_content_type(struct varve_event *e) { e->content_type = (enum varve_content_type)77; }
static void spoil_json(struct varve_event *e) { e->data = varve_view_str("{\"a\":}"); }
static void spoil_msgpack(struct varve_event *e)
{
    e->content_type = VARVE_CONTENT_MSGPACK;
    e->data = varve_view_of("\x92\x01", 2);
}
static void spoil_metadata(struct varve_event *e) { e->metadata = varve_view_str("nul"); }
static void spoil_metadata_empty(struct varve_event *e) { e->metadata = varve_view_str(""); }

static const struct wrong wrongs[] = {
    { "type", ": must be 1 to 255 bytes, is 0", spoil_type },
    { "type", ": must be 1 to 255 bytes, is 0", spoil_type_absent },
    { "type", ": must be 1 to 255 bytes, is 256", spoil_type_long },
    { "source", ": must be 1 to 255 bytes, is 0", spoil_source },
    { "user_id", ": must be free of control characters, has one at byte 1", spoil_user_id },
    { "class", ": must be 0 (domain), 1 (integration) or 2 (realtime), is 3", spoil_class },
    { "content_type", ": must be 0 (application/json), 1 (application/msgpack) or 2 (application/octet-stream), is 77",
      spoil_content_type },
    { "data", ": must be JSON, is not at byte 5: a value was expected", spoil_json },
    { "data", ": must be one msgpack value, nested at most 128 deep, is not", spoil_msgpack },
    { "metadata", ": must be JSON, is not at byte 3: a value was expected", spoil_metadata },
    { "metadata", ": must be JSON, is not at byte 0: a value was expected", spoil_metadata_empty },
};

static void a_wrong_field_is_named_with_its_place(void **state)
{
    for (size_t i = 0; i < COUNT_OF(wrongs); i++) {
        struct varve_event event = good_event();
        struct varve_error error;
        char field[64], message[256];

        wrongs[i].spoil(&event);
        snprintf(field, sizeof(field), "events[%zu].%s", i, wrongs[i].field);
        snprintf(message, sizeof(message), "%s%s", field, wrongs[i].message);
        assert_int_equal(varve_check_event(&event, i, &error), VARVE_INVALID_ARGUMENT);
        assert_string_equal(error.field, field);
        assert_string_equal(error.message, message);
        assert_int_equal(varve_check_event(&event, i, NULL), VARVE_INVALID_ARGUMENT);
    }
}

static void categories(void **state)
{
    static const char *const cases[][2] = {
        { "order-42", "order" }, { "order-42-7", "order" }, { "order", "order" }, { "-42", "" }, { "", "" },
        { "$$order-42", "$$order" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_view stream = varve_view_str(cases[i][0]);
        struct varve_view category = varve_category(stream);
        CHECK_CASE(varve_view_equal(category, varve_view_str(cases[i][1])), cases[i][0]);
        CHECK_CASE(category.data == stream.data, cases[i][0]);
    }
}

static void views(void **state)
{
    struct varve_view absent = varve_view_str(NULL), empty = varve_view_str("");

    assert_null(absent.data);
    assert_true(varve_view_equal(absent, absent));
    assert_true(varve_view_equal(empty, empty));
    assert_false(varve_view_equal(absent, empty));
    assert_true(varve_view_equal(varve_view_str("ab"), varve_view_of("abc", 2)));
    assert_false(varve_view_equal(varve_view_str("ab"), varve_view_str("ac")));
    assert_false(varve_view_equal(varve_view_str("ab"), varve_view_str("abc")));
}

static void enums_as_text(void **state)
{
    enum varve_class class_ = VARVE_CLASS_REALTIME;
    enum varve_content_type type = VARVE_CONTENT_MSGPACK;

    for (unsigned i = 0; i < 3; i++) {
        assert_true(varve_class_parse(varve_view_str(varve_class_name((enum varve_class)i)), &class_));
        assert_int_equal(class_, i);
        assert_true(varve_content_type_parse(
            varve_view_str(varve_content_type_name((enum varve_content_type)i)), &type));
        assert_int_equal(type, i);
    }
    assert_string_equal(varve_class_name(VARVE_CLASS_INTEGRATION), "integration");
    assert_string_equal(varve_content_type_name(VARVE_CONTENT_JSON), "application/json");
    assert_null(varve_class_name((enum varve_class)3));
    assert_null(varve_content_type_name((enum varve_content_type)3));

    static const char *const strangers[] = { "", "Domain", "domain ", "domai", "application/xml" };
    for (size_t i = 0; i < COUNT_OF(strangers); i++) {
        CHECK_CASE(!varve_class_parse(varve_view_str(strangers[i]), &class_), strangers[i]);
        CHECK_CASE(!varve_content_type_parse(varve_view_str(strangers[i]), &type), strangers[i]);
    }
    assert_int_equal(class_, 2);
    assert_int_equal(type, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stream_names),
        cmocka_unit_test(a_plain_event_passes),
        cmocka_unit_test(times_are_those_that_can_be_written),
        cmocka_unit_test(no_data_is_fine_under_every_content_type),
        cmocka_unit_test(a_wrong_field_is_named_with_its_place),
        cmocka_unit_test(categories),
        cmocka_unit_test(views),
        cmocka_unit_test(enums_as_text),
    };

    memset(many, 'a', sizeof(many));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
