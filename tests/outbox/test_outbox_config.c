/* test_outbox_config.c - which outboxes there may be. */
#include "config_text.h"
#include "support/check.h"

static void names_have_rules(void **state)
{
    static const struct { const char *text, *message; } cases[] = {
        { "[outbox ]\n", "f.ini:1: an outbox's name has 1 to 64 letters, digits, '.', '_' and '-'" },
        { "[outbox a b]\n", "f.ini:1: an outbox's name has 1 to 64 letters, digits, '.', '_' and '-'" },
        { "[outbox x]\nbrokers = a\n\n[outbox x]\n", "f.ini:4: there are two outboxes named x" },
        { "[outbox x]\n[outbox y]\n", "f.ini:1: [outbox x] needs brokers = HOST:PORT,..." },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_complains(cases[i].text, cases[i].message);
}

static void there_is_an_end_to_outboxes(void **state)
{
    char text[2048] = "";
    size_t used = 0;

    for (unsigned i = 0; i < VARVE_MAX_OUTBOXES; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "[outbox o%u]\nbrokers=a\n", i);
    struct outbox_configs configs = config_text(text);
    assert_int_equal(configs.count, VARVE_MAX_OUTBOXES);
    outbox_configs_end(&configs);
    snprintf(text + used, sizeof(text) - used, "[outbox more]\n");
    config_complains(text, "f.ini:33: a server has at most 16 outboxes");
}

static void one_outbox_needs_no_file(void **state)
{
    struct outbox_configs configs = { .count = 0 };
    struct varve_error error;

    assert_int_equal(outbox_configs_add(&configs, "kafka", "127.0.0.1:9092,b:1", &error), VARVE_OK);
    assert_string_equal(configs.all[0]->brokers, "127.0.0.1:9092,b:1");
    assert_int_equal(configs.all[0]->max_events, 10000);
    assert_int_equal(outbox_configs_add(&configs, "kafka", "a", &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "kafka: brokers: there are two outboxes named kafka");
    assert_int_equal(outbox_configs_add(&configs, "other", "a:x", &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(outbox_configs_add(&configs, "third", "", &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "third: brokers: has no value");
    assert_int_equal(outbox_configs_add(&configs, "a b", "a", NULL), VARVE_INVALID_ARGUMENT);
    outbox_configs_end(&configs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_have_rules), cmocka_unit_test(there_is_an_end_to_outboxes),
        cmocka_unit_test(one_outbox_needs_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
