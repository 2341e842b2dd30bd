/* test_options.c - defaults, ranges and names of a client's options. */
#include "support/check.h"

#include "clients/c/options.h"

static void test_defaults_are_the_documented_ones(void **state)
{
    struct varve_client_options options;

    varve_client_options_init(&options);
    assert_int_equal(options.connect_timeout_ms, 5000);
    assert_int_equal(options.request_timeout_ms, 30000);
    assert_int_equal(options.reconnect_attempts, 5);
    assert_int_equal(options.reconnect_delay_ms, 50);
    assert_int_equal(options.max_in_flight, 256);
    assert_int_equal(options.read_credit_bytes, 4 << 20);
    assert_non_null(options.client_name);
    assert_int_equal(options_check(&options, NULL), VARVE_OK);
}

static void test_names_and_ranges(void **state)
{
    static const struct {
        const char *name, *text;
        enum varve_status status;
        const char *field;
    } cases[] = {
        { "connect_timeout_ms", "1", VARVE_OK, "" },
        { "connect_timeout_ms", "0", VARVE_INVALID_ARGUMENT, "connect_timeout_ms" },
        { "request_timeout_ms", "0", VARVE_OK, "" },
        { "request_timeout_ms", "86400001", VARVE_INVALID_ARGUMENT, "request_timeout_ms" },
        { "max_in_flight", "65536", VARVE_OK, "" },
        { "max_in_flight", "65537", VARVE_INVALID_ARGUMENT, "max_in_flight" },
        { "max_in_flight", "99999999999999999999", VARVE_INVALID_ARGUMENT, "max_in_flight" },
        { "max_in_flight", "", VARVE_INVALID_ARGUMENT, "max_in_flight" },
        { "max_in_flight", "-1", VARVE_INVALID_ARGUMENT, "max_in_flight" },
        { "max_in_flight", "0x10", VARVE_INVALID_ARGUMENT, "max_in_flight" },
        { "read_credit_bytes", "4095", VARVE_INVALID_ARGUMENT, "read_credit_bytes" },
        { "max_in_fligh", "1", VARVE_INVALID_ARGUMENT, "url" },
        { "", "1", VARVE_INVALID_ARGUMENT, "url" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_client_options options;
        struct varve_error error = { .status = VARVE_OK };

        varve_client_options_init(&options);
        enum varve_status status = options_set(&options, varve_view_str(cases[i].name),
                                               varve_view_str(cases[i].text), &error);
        CHECK_CASE(status == cases[i].status, cases[i].name);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].name);
    }
}

static void test_a_struct_is_held_to_the_same_ranges(void **state)
{
    struct varve_client_options options;
    struct varve_error error;

    varve_client_options_init(&options);
    options.max_in_flight = 0;
    assert_int_equal(options_check(&options, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "max_in_flight");

    varve_client_options_init(&options);
    options.client_name = "a\nb";
    assert_int_equal(options_check(&options, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "client_name");
    options.client_name = NULL;
    assert_int_equal(options_check(&options, &error), VARVE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults_are_the_documented_ones),
        cmocka_unit_test(test_names_and_ranges),
        cmocka_unit_test(test_a_struct_is_held_to_the_same_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
