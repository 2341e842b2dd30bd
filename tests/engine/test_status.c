/* test_status.c - the registry is consistent, and an error is always one line that fits. */
#include "support/check.h"
#include "varve/status.h"

static const struct {
    unsigned number;
    const char *name, *details, *meaning;
    bool retryable;
} registry[] = {
#define VARVE_ERROR(number, name, retryable, details, meaning) { number, #name, details, meaning, retryable },
#include "varve/errors.def"
#undef VARVE_ERROR
};

static void every_entry_is_found_by_its_number(void **state)
{
    for (size_t i = 0; i < COUNT_OF(registry); i++) {
        enum varve_status status = (enum varve_status)registry[i].number;
        assert_string_equal(varve_status_name(status), registry[i].name);
        assert_string_equal(varve_status_meaning(status), registry[i].meaning);
        assert_int_equal(varve_status_retryable(status), registry[i].retryable);
        assert_true(i == 0 || registry[i].number > registry[i - 1].number);
        assert_true(registry[i].number > 0 && registry[i].number < 300);
    }
}

static void numbers_outside_the_registry_have_names(void **state)
{
    assert_string_equal(varve_status_name(VARVE_OK), "OK");
    assert_false(varve_status_retryable(VARVE_OK));
    assert_true(strlen(varve_status_meaning(VARVE_OK)) > 0);
    assert_string_equal(varve_status_name((enum varve_status)9999), "UNKNOWN");
    assert_false(varve_status_retryable((enum varve_status)9999));
    assert_true(strlen(varve_status_meaning((enum varve_status)9999)) > 0);
}

static void fail_fills_in_everything(void **state)
{
    struct varve_error error;

    memset(&error, 0xff, sizeof(error));
    assert_int_equal(varve_fail(&error, VARVE_INVALID_ARGUMENT, "type", "%s: is %d", "type", 7),
                     VARVE_INVALID_ARGUMENT);
    assert_int_equal(error.status, VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "type");
    assert_string_equal(error.message, "type: is 7");
    assert_int_equal(error.limit, 0);
    assert_int_equal(error.retry_after_ms, 0);

    assert_int_equal(varve_fail(&error, VARVE_IO, NULL, "disk"), VARVE_IO);
    assert_string_equal(error.field, "");
    assert_int_equal(varve_fail(NULL, VARVE_IO, NULL, "nobody asked"), VARVE_IO);
}

static void long_messages_are_cut_between_characters(void **state)
{
    static const char *const characters[] = { "x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x8c\x8d" };
    struct varve_error error;
    char text[1200];

    for (size_t c = 0; c < COUNT_OF(characters); c++)
        for (size_t shift = 0; shift < 4; shift++) {
            size_t size = strlen(characters[c]), filled = shift;
            memset(text, '-', shift);
            for (; filled + size < 1000; filled += size)
                memcpy(text + filled, characters[c], size);
            text[filled] = '\0';
            varve_fail(&error, VARVE_IO, text, "%s", text);
            size_t kept = strlen(error.message);
            assert_true(kept < sizeof(error.message) && kept + 4 >= sizeof(error.message));
            assert_int_equal((kept - shift) % size, 0);
            assert_int_equal(strlen(error.field), sizeof(error.field) - 1);
        }
}

static void a_message_is_one_line_and_may_quote_the_error_itself(void **state)
{
    struct varve_error error;

    varve_fail(&error, VARVE_IO, NULL, "a\nb\tc\x7f");
    assert_string_equal(error.message, "a?b?c?");
    varve_fail(&error, VARVE_CORRUPT, error.field, "again: %s", error.message);
    assert_string_equal(error.message, "again: a?b?c?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_entry_is_found_by_its_number),
        cmocka_unit_test(numbers_outside_the_registry_have_names),
        cmocka_unit_test(fail_fills_in_everything),
        cmocka_unit_test(long_messages_are_cut_between_characters),
        cmocka_unit_test(a_message_is_one_line_and_may_quote_the_error_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
