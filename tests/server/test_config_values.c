/* test_config_values.c - the list of what holds. */
#include "support/check.h"

#include "server/config_values.h"

static void values_are_kept_in_order(void **state)
{
    struct config config = { .values = NULL };
    char text[16];

    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "k%d", i);
        struct config_value *value =
            config_values_add(&config, &(struct config_value){ .key = text, .text = "v", .origin = "o",
                                                                .is_secret = i % 2 == 0, .is_reloadable = i % 3 == 0 });
        assert_non_null(value);
        assert_string_equal(value->key, text);
    }
    assert_int_equal(config.value_count, 100);
    assert_string_equal(config.values[99].key, "k99");
    assert_ptr_equal(config_values_find(&config, "k50"), &config.values[50]);
    assert_true(config.values[50].is_secret);
    assert_true(config.values[51].is_reloadable);
    assert_null(config_values_find(&config, "k100"));
    config_values_end(&config);
    config_values_end(&config);
    assert_null(config_values_find(&config, "k1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(values_are_kept_in_order) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
