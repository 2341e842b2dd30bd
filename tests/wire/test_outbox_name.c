/* test_outbox_name.c - what an outbox may be called. */
#include "message_check.h"
#include "varve/wire_outbox.h"

static enum varve_status check(const char *name, struct varve_error *error)
{
    return varve_check_outbox_name(varve_view_str(name), "name", error);
}

static void names_that_are_good(void **state)
{
    char longest[VARVE_MAX_OUTBOX_NAME + 1] = { 0 };

    memset(longest, 'Z', VARVE_MAX_OUTBOX_NAME);
    assert_int_equal(check("kafka", NULL), VARVE_OK);
    assert_int_equal(check("a", NULL), VARVE_OK);
    assert_int_equal(check("Kafka_2.eu-west", NULL), VARVE_OK);
    assert_int_equal(check("azAZ09._-", NULL), VARVE_OK);
    assert_int_equal(check(longest, NULL), VARVE_OK);
}

static void names_that_are_not(void **state)
{
    static const char *const names[] = { "", "a b", "$kafka", "a/b", "\xc3\xa9", "a\n", "a:b", "a@", "[", "`", "{" };
    char too_long[VARVE_MAX_OUTBOX_NAME + 2] = { 0 };
    struct varve_error error;

    memset(too_long, 'a', VARVE_MAX_OUTBOX_NAME + 1);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(check(names[i], &error), VARVE_INVALID_ARGUMENT);
        assert_string_equal(error.field, "name");
        assert_non_null(strstr(error.message, "1 to 64 letters"));
    }
    assert_int_equal(check(too_long, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_check_outbox_name(varve_view_of("a\0b", 3), "name", NULL), VARVE_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_good),
        cmocka_unit_test(names_that_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
