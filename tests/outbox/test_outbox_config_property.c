/* test_outbox_config_property.c - properties for librdkafka: where their values come from, and which are refused. */
#include "config_text.h"
#include "support/check.h"
#include "support/outbox_text.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[256], path[300];

static int make_folder(void **state)
{
    const char *place = getenv("TMPDIR");

    snprintf(folder, sizeof(folder), "%s/varve-property-XXXXXX", place != NULL ? place : "/tmp");
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/secret", folder);
    return 0;
}

static int remove_folder(void **state)
{
    unlink(path);
    return rmdir(folder);
}

static void write_secret(const char *text, size_t size, mode_t mode)
{
    FILE *file;

    unlink(path);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static const char *password_in(const char *where)
{
    static char line[600];

    snprintf(line, sizeof(line), "rdkafka.sasl.password_file = %s", where);
    return line;
}

static void values_stand_for_themselves(void **state)
{
    struct outbox_configs configs = config_lines("rdkafka.security.protocol = SASL_SSL\n"
                                                 "rdkafka.sasl.password = a ;b#c = d\n"
                                                 "rdkafka.sasl.username=$$ann\n");
    const struct outbox_property *properties = configs.all[0]->properties;

    assert_int_equal(configs.all[0]->property_count, 3);
    assert_string_equal(properties[0].name, "security.protocol");
    assert_string_equal(properties[0].value, "SASL_SSL");
    assert_false(properties[0].is_secret);
    assert_string_equal(properties[1].value, "a ;b#c = d");
    assert_true(properties[1].is_secret);
    assert_string_equal(properties[2].value, "$ann");
    outbox_configs_end(&configs);
}

static void files_hold_secrets(void **state)
{
    static const struct { const char *text; size_t size; const char *value; } cases[] = {
        { "secret", 6, "secret" }, { "secret\n", 7, "secret" }, { "secret\r\n", 8, "secret" },
        { "two\nlines\n\n", 11, "two\nlines\n" }, { " blanks ", 8, " blanks " },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        write_secret(cases[i].text, cases[i].size, 0640);
        struct outbox_configs configs = config_lines(password_in(path));
        const struct outbox_property *property = &configs.all[0]->properties[0];

        CHECK_CASE(strcmp(property->name, "sasl.password") == 0, cases[i].text);
        CHECK_CASE(strcmp(property->value, cases[i].value) == 0, cases[i].text);
        CHECK_CASE(property->is_secret, cases[i].text);
        outbox_configs_end(&configs);
    }
}

static void files_that_are_no_secrets_are_refused(void **state)
{
    static char large[70000];
    const char *line = password_in(path);

    memset(large, 'x', sizeof(large));
    write_secret("x", 1, 0644);
    config_line_complains(line, "its mode is 0644");
    write_secret("x", 1, 0620);
    config_line_complains(line, "its mode is 0620");
    write_secret("\n", 1, 0600);
    config_line_complains(line, "expected a text of 1 to 65536 bytes");
    write_secret("a\0b", 3, 0600);
    config_line_complains(line, "expected a text");
    write_secret(large, sizeof(large), 0600);
    config_line_complains(line, "expected a text");
    unlink(path);
    config_line_complains(line, "cannot be opened: No such file or directory");
    config_line_complains(password_in(folder), "expected a file");
    assert_int_equal(mkfifo(path, 0600), 0);
    config_line_complains(password_in(path), "expected a file");
}

static void variables_come_from_the_environment(void **state)
{
    assert_int_equal(setenv("VARVE_TEST_SECRET", "pass word", 1), 0);
    unsetenv("VARVE_TEST_MISSING");
    struct outbox_configs configs = config_lines("rdkafka.client.rack = $VARVE_TEST_SECRET\n");

    assert_string_equal(configs.all[0]->properties[0].value, "pass word");
    assert_true(configs.all[0]->properties[0].is_secret);
    outbox_configs_end(&configs);
    config_line_complains("rdkafka.sasl.password = $VARVE_TEST_MISSING", "the environment has no $VARVE_TEST_MISSING");
    config_line_complains("rdkafka.sasl.password = $a-b", "written with $$");
    config_line_complains("rdkafka.sasl.password = $", "written with $$");
    config_line_complains("rdkafka.sasl.password = $1x", "written with $$");
}

static void secrets_in_files_for_all_are_refused(void **state)
{
    const char text[] = "[outbox x]\nbrokers = b:9092\nrdkafka.sasl.password = hush\n";
    const char asked[] = "[outbox x]\nbrokers = b:9092\nrdkafka.sasl.password = $VARVE_TEST_SECRET\n";
    struct outbox_configs configs = { .count = 0 };
    struct varve_error error;

    assert_int_equal(setenv("VARVE_TEST_SECRET", "hush", 1), 0);
    write_secret(text, sizeof(text) - 1, 0644);
    assert_int_equal(outbox_text_read(&configs, path, &error), VARVE_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "secret:3: rdkafka.sasl.password: a secret where others may read it"));
    assert_null(strstr(error.message, "hush"));
    outbox_configs_end(&configs);
    write_secret(text, sizeof(text) - 1, 0600);
    assert_int_equal(outbox_text_read(&configs, path, &error), VARVE_OK);
    outbox_configs_end(&configs);
    write_secret(asked, sizeof(asked) - 1, 0644);
    assert_int_equal(outbox_text_read(&configs, path, &error), VARVE_OK);
    outbox_configs_end(&configs);
}

static void what_the_outbox_sets_nobody_else_does(void **state)
{
    static const struct { const char *line, *part; } cases[] = {
        { "rdkafka.transactional.id = x", "is right only with its own value" },
        { "rdkafka.acks = 1", "is right only" },
        { "rdkafka.max.in.flight = 9", "is right only" },
        { "rdkafka.max.in.flight.requests.per.connection = 9", "is right only" },
        { "rdkafka.test.mock.num.brokers = 3", "is right only" },
        { "rdkafka.dr_msg_cb = x", "is right only" },
        { "rdkafka.log_cb = x", "is right only" },
        { "rdkafka.bootstrap.servers = x:1", "the outbox sets this itself: see brokers" },
        { "rdkafka.enable.idempotence = false", "see mode" },
        { "rdkafka.transaction.timeout.ms = 1", "see transaction.timeout" },
        { "rdkafka.message.max.bytes = 1", "see max_message_bytes" },
        { "rdkafka.acks_file = /x", "is right only" },
        { "rdkafka.sasl.pasword = hunter2", " has no such property" },
        { "rdkafka.sasl.pasword_file = /x", "/x: cannot be opened" },
        { "rdkafka.socket.timeout.ms = soon", " does not take this value" },
        { "rdkafka.security.protocol = tls", " does not take this value" },
        { "rdkafka. = x", "expected rdkafka.NAME" },
        { "rdkafka._file = x", "expected rdkafka.NAME" },
        { "rdkafka.Client.Id = x", "expected rdkafka.NAME" },
        { "rdkafka.client.id =", "has no value" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_complains(cases[i].line, cases[i].part);
    config_complains("[outbox x]\nbrokers=b\nrdkafka.client.id=1\nrdkafka.client.id=2\n",
                     "f.ini:4: rdkafka.client.id: is there twice");
    assert_true(outbox_property_is_denied("isolation.level"));
    assert_true(outbox_property_is_denied("retries"));
    assert_false(outbox_property_is_denied("retry.backoff.ms"));
    assert_false(outbox_property_is_denied("sasl.mechanism"));
    assert_false(outbox_property_is_denied("linger.ms"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_stand_for_themselves), cmocka_unit_test(files_hold_secrets),
        cmocka_unit_test(files_that_are_no_secrets_are_refused), cmocka_unit_test(variables_come_from_the_environment),
        cmocka_unit_test(secrets_in_files_for_all_are_refused), cmocka_unit_test(what_the_outbox_sets_nobody_else_does),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
