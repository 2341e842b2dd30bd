/* test_group_settings.c - defaults, bounds and names of a group's settings. */
#include "frame_body.h"
#include "server/wire/group_settings.h"

static void defaults_are_in_range(void **state)
{
    struct varve_group_settings settings;

    varve_group_settings_init(&settings);
    assert_int_equal(varve_group_settings_check(&settings, NULL), VARVE_OK);
    assert_null(settings.filter);
    assert_int_equal(settings.backoff_count, 3);
}

static void bounds(void **state)
{
    struct varve_group_settings good;

    varve_group_settings_init(&good);
    for (unsigned which = 0; which < 5; which++) {
        static const struct {
            const char *field;
            uint32_t min, max;
        } ranges[] = {
            { "settings.max_in_flight", 1, 10000 },          { "settings.consumer_max_in_flight", 1, 10000 },
            { "settings.ack_timeout_ms", 100, 86400000 },    { "settings.max_attempts", 1, 1000 },
            { "settings.backoff_ms[2]", 0, 86400000 },
        };
        struct varve_group_settings settings = good;
        uint32_t *value = (uint32_t *[]){ &settings.max_in_flight, &settings.consumer_max_in_flight,
                                          &settings.ack_timeout_ms, &settings.max_attempts,
                                          &settings.backoff_ms[2] }[which];
        const uint32_t tried[] = { ranges[which].min, ranges[which].max, ranges[which].min - 1, ranges[which].max + 1 };

        for (size_t i = 0; i < COUNT_OF(tried); i++) {
            bool fine = tried[i] >= ranges[which].min && tried[i] <= ranges[which].max;
            struct varve_error error;

            *value = tried[i];
            assert_int_equal(varve_group_settings_check(&settings, &error), fine ? VARVE_OK : VARVE_INVALID_ARGUMENT);
            if (!fine)
                assert_string_equal(error.field, ranges[which].field);
        }
    }
}

static void what_else_is_refused(void **state)
{
    const struct varve_view types[] = { varve_view_str("") };
    const struct varve_filter filter = { .types = types, .type_count = 1 };
    struct varve_group_settings settings;
    struct varve_error error;

    varve_group_settings_init(&settings);
    settings.filter = &filter;
    assert_int_equal(varve_group_settings_check(&settings, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "settings.filter.types[0]");
    settings.filter = NULL;
    settings.key = (enum varve_group_key)3;
    assert_int_equal(varve_group_settings_check(&settings, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "settings.key");
    settings.key = VARVE_GROUP_KEY_CORRELATION;
    settings.backoff_count = VARVE_MAX_BACKOFFS + 1;
    assert_int_equal(varve_group_settings_check(&settings, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "settings.backoff_ms");
}

static void keys_by_name(void **state)
{
    enum varve_group_key key;

    for (int i = 0; i <= VARVE_GROUP_KEY_CORRELATION; i++) {
        assert_true(varve_group_key_parse(varve_view_str(varve_group_key_name((enum varve_group_key)i)), &key));
        assert_int_equal(key, i);
    }
    assert_null(varve_group_key_name((enum varve_group_key)3));
    assert_false(varve_group_key_parse(varve_view_str("Stream"), &key));
    assert_false(varve_group_key_parse(varve_view_str(""), &key));
}

static void names(void **state)
{
    char longest[VARVE_MAX_GROUP_NAME + 1];
    struct varve_error error;

    memset(longest, 'g', sizeof(longest));
    assert_int_equal(varve_check_group_name(varve_view_of(longest, sizeof(longest) - 1), "group", NULL), VARVE_OK);
    assert_int_equal(varve_check_group_name(varve_view_of(longest, sizeof(longest)), "group", &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "group");
    assert_int_equal(varve_check_group_name(varve_view_str("a$"), "group", NULL), VARVE_OK);
    assert_int_equal(varve_check_group_name(varve_view_str("$a"), "name", &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "name");
    assert_int_equal(varve_check_group_name(varve_view_str(""), "group", &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_check_group_name(varve_view_str("a\n"), "group", &error), VARVE_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_in_range), cmocka_unit_test(bounds), cmocka_unit_test(what_else_is_refused),
        cmocka_unit_test(keys_by_name),          cmocka_unit_test(names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
