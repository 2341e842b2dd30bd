/* test_outbox_config.c - files with sections: lines, names, what is no configuration at all. */
#include "config_text.h"
#include "support/check.h"

#include <stdlib.h>
#include <unistd.h>

static void sections_are_outboxes(void **state)
{
    struct outbox_configs configs = config_text(
        "\xef\xbb\xbf# Two outboxes\r\n"
        "\n"
        "[outbox kafka]\r\n"
        "  brokers = 127.0.0.1:9092\n"
        "\tmode: at_least_once\n"
        "; more\n"
        " [outbox a.name_with-64-letters.........................................x]  \n"
        "brokers=b");

    assert_int_equal(configs.count, 2);
    assert_string_equal(configs.all[0]->name, "kafka");
    assert_string_equal(configs.all[0]->brokers, "127.0.0.1:9092");
    assert_int_equal(configs.all[0]->mode, VARVE_OUTBOX_AT_LEAST_ONCE);
    assert_string_equal(configs.all[1]->name, "a.name_with-64-letters.........................................x");
    assert_int_equal(strlen(configs.all[1]->name), VARVE_MAX_OUTBOX_NAME);
    outbox_configs_end(&configs);
    outbox_configs_end(&configs);
}

static void nothing_is_no_outbox(void **state)
{
    static const char *const texts[] = { "", "\n", "# only words\n\n;and more", " \t\n" };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct outbox_configs configs = config_text(texts[i]);

        CHECK_CASE(configs.count == 0, texts[i]);
        outbox_configs_end(&configs);
    }
}

static void mistakes_are_told_with_their_line(void **state)
{
    static const struct { const char *text, *message; } cases[] = {
        { "brokers = a\n", "f.ini:1: brokers: stands before the first [outbox NAME]" },
        { "\n\n[outbox]\n", "f.ini:3: expected [outbox NAME]" },
        { "[outbox ]\n", "f.ini:1: an outbox's name has 1 to 64 letters, digits, '.', '_' and '-'" },
        { "[outbox a b]\n", "f.ini:1: an outbox's name has 1 to 64 letters, digits, '.', '_' and '-'" },
        { "[outbox x\n", "f.ini:1: expected [outbox NAME]" },
        { "[outbox x] y\n", "f.ini:1: expected [outbox NAME]" },
        { "[outbox x]]\n", "f.ini:1: expected [outbox NAME]" },
        { "[kafka]\n", "f.ini:1: expected [outbox NAME]" },
        { "[Outbox x]\n", "f.ini:1: expected [outbox NAME]" },
        { "[outbox x]\nbrokers = a\n\n[outbox x]\n", "f.ini:4: there are two outboxes named x" },
        { "[outbox x]\n[outbox y]\n", "f.ini:1: [outbox x] needs brokers = HOST:PORT,..." },
        { "[outbox x]\nbrokers = a\nwhat is this\n", "f.ini:3: expected KEY = VALUE or [outbox NAME]" },
        { "[outbox x]\nbrokers = a\n= 5\n", "f.ini:3: no such key (varved --help-config lists them all)" },
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

static void lines_may_be_long_but_not_endless(void **state)
{
    static char text[40000];
    size_t used = (size_t)snprintf(text, sizeof(text), "[outbox x]\nbrokers=a\nallow_types=");

    while (used < 16000)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "type.number.%zu,", used);
    struct outbox_configs configs = config_text(text);
    assert_true(configs.all[0]->allow_type_count > 700);
    outbox_configs_end(&configs);
    while (used < 30000)
        text[used++] = 'x';
    config_complains(text, "f.ini:3: a line has at most 16384 bytes");
}

static void texts_have_no_nul(void **state)
{
    struct outbox_configs configs = { .count = 0 };
    struct varve_error error;

    assert_int_equal(outbox_configs_parse(&configs, "f", varve_view_of("[outbox\0x]", 10), &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "f: is no text: it has a NUL byte");
    assert_int_equal(outbox_configs_parse(&configs, "f", varve_view_of("x", 1), NULL), VARVE_INVALID_ARGUMENT);
    outbox_configs_end(&configs);
}

static void files_are_read(void **state)
{
    char path[256];
    const char *place = getenv("TMPDIR");
    struct outbox_configs configs = { .count = 0 };
    struct varve_error error;

    snprintf(path, sizeof(path), "%s/varve-config-XXXXXX", place != NULL ? place : "/tmp");
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    fputs("[outbox one]\nbrokers = a\n", file);
    fflush(file);
    assert_int_equal(outbox_configs_read(&configs, path, &error), VARVE_OK);
    assert_int_equal(configs.count, 1);
    assert_int_equal(outbox_configs_read(&configs, path, &error), VARVE_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, ":1: there are two outboxes named one"));
    for (unsigned i = 0; i < 70000; i++)
        fputs("# long and empty\n", file);
    fclose(file);
    assert_int_equal(outbox_configs_read(&configs, path, &error), VARVE_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "has more than 1048576 bytes"));
    unlink(path);
    assert_int_equal(outbox_configs_read(&configs, path, &error), VARVE_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "cannot be opened: No such file"));
    assert_int_equal(outbox_configs_read(&configs, "/", &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "/: is no file");
    outbox_configs_end(&configs);
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
        cmocka_unit_test(sections_are_outboxes), cmocka_unit_test(nothing_is_no_outbox),
        cmocka_unit_test(mistakes_are_told_with_their_line), cmocka_unit_test(there_is_an_end_to_outboxes),
        cmocka_unit_test(lines_may_be_long_but_not_endless), cmocka_unit_test(texts_have_no_nul),
        cmocka_unit_test(files_are_read), cmocka_unit_test(one_outbox_needs_no_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
