/* test_config_settings.c - which of several settings holds, and how many complaints are kept. */
#include "support/check.h"

#include "server/config_settings.h"

static void the_later_source_holds(void **state)
{
    static const struct { enum config_source source; const char *text, *holds; } steps[] = {
        { CONFIG_FROM_ENVIRONMENT, "e1", "e1" }, { CONFIG_FROM_FILE, "f1", "e1" },
        { CONFIG_FROM_ENVIRONMENT, "e2", "e2" }, { CONFIG_FROM_COMMAND_LINE, "c1", "c1" },
        { CONFIG_FROM_FILE, "f2", "c1" }, { CONFIG_FROM_COMMAND_LINE, "c2", "c2" },
    };
    struct config_complaints complaints = { .count = 0 };
    struct config_settings settings;

    assert_true(config_settings_begin(&settings, &complaints));
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        char text[8];

        snprintf(text, sizeof(text), "%s", steps[i].text); /* It is copied. */
        config_settings_add(&settings, &(struct config_setting){ .key = &config_keys[1], .source = steps[i].source,
                                                                 .text = text, .origin = text });
        CHECK_CASE(strcmp(config_settings_find(&settings, &config_keys[1])->text, steps[i].holds) == 0, steps[i].text);
        assert_null(config_settings_find(&settings, &config_keys[2]));
    }
    assert_string_equal(config_settings_text(&settings, "%d,%s", 7, "x"), "7,x");
    assert_int_equal(complaints.count, 0);
    config_settings_end(&settings);
}

static void a_complaint_is_one_line(void **state)
{
    struct config_complaints complaints = { .count = 0 };

    config_complain(&complaints, "%s: no such key", "VARVED_A\nvarved: \033[31mforged\x7f\xc3\xa4__X");
    assert_string_equal(complaints.lines[0], "VARVED_A?varved: ?[31mforged?\xc3\xa4__X: no such key");
}

static void settings_have_a_bound(void **state)
{
    struct config_complaints complaints = { .count = 0 };
    struct config_settings settings;

    assert_true(config_settings_begin(&settings, &complaints));
    for (int i = 0; i < CONFIG_MAX_SETTINGS + 100; i++)
        config_settings_add(&settings,
                            &(struct config_setting){ .key = &config_keys[1], .text = "x", .origin = "f:7" });
    assert_int_equal(settings.count, CONFIG_MAX_SETTINGS);
    assert_int_equal(complaints.count, 1);
    assert_string_equal(complaints.lines[0], "f:7: one setting more than the 10000 there may be");
    config_settings_end(&settings);
}

static void complaints_have_a_bound(void **state)
{
    struct config_complaints complaints = { .count = 0 };

    for (int i = 0; i < CONFIG_MAX_COMPLAINTS + 5; i++)
        assert_false(config_complain(&complaints, "number %d of %0700d", i, 0));
    assert_int_equal(complaints.count, CONFIG_MAX_COMPLAINTS + 5);
    assert_int_equal(strncmp(complaints.lines[CONFIG_MAX_COMPLAINTS - 1], "number 19 of 0", 14), 0);
    assert_int_equal(strlen(complaints.lines[0]), CONFIG_COMPLAINT_BYTES - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_later_source_holds), cmocka_unit_test(settings_have_a_bound),
        cmocka_unit_test(complaints_have_a_bound), cmocka_unit_test(a_complaint_is_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
