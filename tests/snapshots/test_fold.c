/* test_fold.c - reducers are opened by what they are called. */
#include "snapshots/folding.h"

static void what_is_no_reducer_is_refused(void **state)
{
    static const struct { struct varve_reducing_options options; const char *field, *words; } cases[] = {
        { { .reducer = "" }, "reducer", "a reducer is \"merge\"" },
        { { .reducer = "merger" }, "reducer", "not \"merger\"" },
        { { .reducer = "reducer.so" }, "reducer", "(./name.so)" },
        { { .reducer = "programs" }, "reducer", "a reducer is" },
        { { .reducer = "program" }, "reducer", "a command must follow" },
        { { .reducer = "program  " }, "reducer", "a command must follow" },
        { { .reducer = "program cat" }, "type", "need a type" },
        { { .reducer = "program cat", .type = "" }, "type", "need a type" },
        { { .reducer = "merge", .type = "a\nb" }, "type", "" },
        { { .reducer = "merge", .msgpack = true }, "reducer", "only programs" },
    };
    struct varve_reducing *reducing;
    struct varve_error error;

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK_CASE(varve_reducing_open(&cases[i].options, &reducing, &error) == VARVE_INVALID_ARGUMENT,
                   cases[i].options.reducer);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].options.reducer);
        CHECK_CASE(strstr(error.message, cases[i].words) != NULL, cases[i].options.reducer);
    }
}

static void long_types_are_refused(void **state)
{
    char type[VARVE_SNAPSHOT_MAX_TYPE + 2] = "";
    struct varve_reducing_options options;
    struct varve_reducing *reducing;
    struct varve_error error;

    varve_reducing_options_init(&options);
    options.reducer = "merge";
    options.type = memset(type, 'a', VARVE_SNAPSHOT_MAX_TYPE + 1);
    assert_int_equal(varve_reducing_open(&options, &reducing, &error), VARVE_INVALID_ARGUMENT);
    type[VARVE_SNAPSHOT_MAX_TYPE] = '\0';
    assert_int_equal(varve_reducing_open(&options, &reducing, &error), VARVE_OK);
    varve_reducing_close(reducing);
}

static void type_and_schema_version_are_what_was_asked(void **state)
{
    static const struct {
        struct varve_reducing_options options;
        const char *type;
        uint32_t schema_version;
        enum varve_content_type content_type;
    } cases[] = {
        { { .reducer = "merge" }, "merge", 1, VARVE_CONTENT_JSON },
        { { .reducer = "merge", .type = "loan", .schema_version = 7 }, "loan", 7, VARVE_CONTENT_JSON },
        { { .reducer = "program cat", .type = "loan" }, "loan", 1, VARVE_CONTENT_JSON },
        { { .reducer = "program cat", .type = "loan", .msgpack = true }, "loan", 1, VARVE_CONTENT_MSGPACK },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_reducing *reducing;

        assert_int_equal(varve_reducing_open(&cases[i].options, &reducing, NULL), VARVE_OK);
        assert_true(varve_view_equal(varve_reducing_type(reducing), varve_view_str(cases[i].type)));
        assert_int_equal(varve_reducing_schema_version(reducing), cases[i].schema_version);
        assert_int_equal(varve_reducing_content_type(reducing), cases[i].content_type);
        varve_reducing_close(reducing);
    }
    varve_reducing_close(NULL);
    varve_fold_end(NULL);
}

static void shared_objects_are_told_by_their_names(void **state)
{
    static const struct { const char *reducer; bool object; } cases[] = {
        { "./a.so", true }, { "/usr/lib/a.so.1", true }, { "a.so", false }, { "merge", false }, { "./a", false },
        { "program ./a.so", false }, { "program/a.so", true },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(varve_reducing_is_object(cases[i].reducer) == cases[i].object, cases[i].reducer);
}

static void long_names_leave_room_for_the_reason(void **state)
{
    char name[VARVE_MAX_STREAM_NAME + 1] = "";
    struct folding folding;

    memset(name, 'n', sizeof(name) - 1);
    folding_begin(&folding, "merge");
    folding_stream(&folding, name, NULL);
    folding_event(&folding, "a", "{");
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "event 0: the data cannot be merged");
    folding_end(&folding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_reducer_is_refused),
        cmocka_unit_test(long_types_are_refused),
        cmocka_unit_test(type_and_schema_version_are_what_was_asked),
        cmocka_unit_test(shared_objects_are_told_by_their_names),
        cmocka_unit_test(long_names_leave_room_for_the_reason),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
