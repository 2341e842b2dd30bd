/* test_fold_object.c - shared objects: the example of the docs, and one that does all that it should not. */
#include "snapshots/folding.h"

#include <stdlib.h>

static void the_example_keeps_balances(void **state)
{
    struct folding folding;

    folding_begin(&folding, folding_built("examples/reducer.so"));
    assert_true(varve_view_equal(varve_reducing_type(folding.reducing), varve_view_str("account")));
    assert_int_equal(varve_reducing_schema_version(folding.reducing), 1);
    assert_int_equal(varve_reducing_content_type(folding.reducing), VARVE_CONTENT_JSON);
    folding_stream(&folding, "account-1", NULL);
    folding_expect(&folding, "{\"balance\":0,\"events\":0}");
    folding_event(&folding, "account.opened", "{}");
    folding_event(&folding, "account.deposited", "{\"amount\":500}");
    folding_event(&folding, "account.withdrawn", "{\"amount\":120}");
    folding_expect(&folding, "{\"balance\":380,\"events\":3}");
    folding_event(&folding, "account.withdrawn", "{\"amount\":381}");
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT,
                         "stream \"account-1\", event 3: the reducer says: more was withdrawn than there was");
    folding_stream(&folding, "account-2", "{\"balance\":10,\"events\":4}");
    folding_event(&folding, "account.deposited", "{\"amount\":1}");
    folding_expect(&folding, "{\"balance\":11,\"events\":5}");
    folding_event(&folding, "account.deposited", "{}");
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "event 1: the reducer says: the event has no amount");
    assert_int_equal(folding_stream(&folding, "account-3", "[]"), VARVE_INVALID_ARGUMENT);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"account-3\": the reducer has no state for it: the "
                         "snapshot is not an account");
    folding_end(&folding);
}

static void open_fails(const char *path, const char *words)
{
    struct varve_reducing *reducing;
    struct varve_reducing_options options;
    struct varve_error error;

    varve_reducing_options_init(&options);
    options.reducer = path;
    CHECK_CASE(varve_reducing_open(&options, &reducing, &error) == VARVE_INVALID_ARGUMENT, words);
    if (strstr(error.message, words) == NULL)
        fail_msg("\"%s\" has no \"%s\"", error.message, words);
}

static void an_object_that_cannot_be_one_is_refused(void **state)
{
    static const char *const cases[][2] = {
        { "null", "returns NULL" }, { "abi", "for version 77 of varve/reducer.h" }, { "function", "lacks a function" },
        { "type", "its type" }, { "long type", "its type" }, { "empty type", "type" },
        { "content type", "no content type 3" }, { "schema version", "count from 1" },
    };

    open_fails("./there-is-none.so", "there-is-none.so");
    open_fails("/dev/null.so", "null.so");
    open_fails(folding_built("tests/objects/no_reducer.so"), "has no function varve_reducer()");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        setenv("ODD_REDUCER", cases[i][0], 1);
        open_fails(folding_built("tests/objects/odd_reducer.so"), cases[i][1]);
    }
    unsetenv("ODD_REDUCER");
}

static void an_object_says_what_its_snapshots_are(void **state)
{
    struct varve_reducing *reducing;
    struct varve_reducing_options options;
    struct varve_error error;

    varve_reducing_options_init(&options);
    options.reducer = folding_built("tests/objects/odd_reducer.so");
    options.type = "even";
    assert_int_equal(varve_reducing_open(&options, &reducing, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "type");
    options.type = "odd";
    options.schema_version = 4;
    assert_int_equal(varve_reducing_open(&options, &reducing, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "schema_version");
    options.schema_version = 3;
    assert_int_equal(varve_reducing_open(&options, &reducing, &error), VARVE_OK);
    assert_int_equal(varve_reducing_schema_version(reducing), 3);
    assert_int_equal(varve_reducing_content_type(reducing), VARVE_CONTENT_OCTET_STREAM);
    varve_reducing_close(reducing);
}

static void what_it_does_wrong_fails_the_stream_alone(void **state)
{
    struct folding folding;
    struct varve_view data;

    folding_begin(&folding, folding_built("tests/objects/odd_reducer.so"));
    assert_int_equal(folding_stream(&folding, "silent-1", NULL), VARVE_INVALID_ARGUMENT);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"silent-1\": the reducer has no state for it: it "
                         "does not say why");
    assert_int_equal(folding_stream(&folding, "refused-1", NULL), VARVE_INVALID_ARGUMENT);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "never heard of it");
    assert_int_equal(folding_stream(&folding, "picky-1", NULL), VARVE_OK);
    assert_int_equal(folding_event(&folding, "a", "1"), VARVE_INVALID_ARGUMENT);
    folding_expect_error(&folding, VARVE_INVALID_ARGUMENT, "stream \"picky-1\", event 0: the reducer says: not to my");
    assert_int_equal(folding_stream(&folding, "large-1", NULL), VARVE_OK);
    assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_EVENT_TOO_LARGE);
    folding_expect_error(&folding, VARVE_EVENT_TOO_LARGE, "stream \"large-1\": the state has 2097152 bytes");
    assert_int_equal(folding_stream(&folding, "forgetful-1", NULL), VARVE_OK);
    assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_NO_MEMORY);
    assert_int_equal(folding_stream(&folding, "good-1", NULL), VARVE_OK);
    assert_int_equal(folding_event(&folding, "a", "1"), VARVE_OK);
    assert_int_equal(varve_fold_save(folding.fold, &data, &folding.error), VARVE_OK);
    assert_int_equal(data.size, 4);
    assert_null(varve_fold_at_work());
    assert_false(varve_fold_is_lost(folding.fold));
    folding_end(&folding);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_keeps_balances),
        cmocka_unit_test(an_object_that_cannot_be_one_is_refused),
        cmocka_unit_test(an_object_says_what_its_snapshots_are),
        cmocka_unit_test(what_it_does_wrong_fails_the_stream_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
