/* test_config_outboxes.c - outboxes told of in file, environment and on the command line. */
#include "config_lines.h"
#include "support/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/config_outboxes.h"

static char path[256];

static const char *with_file(const char *text, const char *line)
{
    static char whole[600];
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    snprintf(whole, sizeof(whole), "--config %s %s", path, line);
    return whole;
}

static int make_path(void **state)
{
    const char *place = getenv("TMPDIR");
    int fd;

    snprintf(path, sizeof(path), "%s/varve-outboxes-XXXXXX", place != NULL ? place : "/tmp");
    fd = mkstemp(path);
    return fd < 0 || close(fd) != 0;
}

static int remove_path(void **state)
{
    return unlink(path);
}

static void each_source_may_make_one(void **state)
{
    struct config config;

    config_line_good(with_file("[outbox loans]\nbrokers = a:1\n", "--outbox.Cards.brokers b:1 --kafka c:1"),
                     "VARVED_OUTBOX__MAIL_EU__BROKERS=d:1", &config);
    assert_int_equal(config.outboxes.count, 4);
    assert_string_equal(config.outboxes.all[0]->name, "loans");
    assert_string_equal(config.outboxes.all[1]->name, "mail_eu");
    assert_string_equal(config.outboxes.all[2]->name, "Cards");
    assert_string_equal(config.outboxes.all[3]->name, "kafka");
    assert_string_equal(config.outboxes.all[3]->brokers, "c:1");
    config_end(&config);
}

static void that_of_the_mock_is_shown(void **state)
{
    struct config config;

    config_line_good("--kafka-mock", "", &config);
    assert_int_equal(config_outboxes_add_mock(&config, "127.0.0.1:9", NULL), VARVE_OK);
    assert_int_equal(config.outboxes.count, 1);
    assert_true(config.outboxes.all[0]->is_mock);
    assert_string_equal(config.outboxes.all[0]->brokers, "127.0.0.1:9");
    assert_string_equal(config_line_value(&config, "outbox.kafka.brokers")->text, "127.0.0.1:9");
    assert_string_equal(config_line_value(&config, "outbox.kafka.brokers")->origin, "--kafka-mock");
    assert_string_equal(config_line_value(&config, "outbox.kafka.mock")->text, "yes");
    assert_string_equal(config_line_value(&config, "outbox.kafka.mock")->origin, "--kafka-mock");
    assert_string_equal(config_line_value(&config, "outbox.kafka.mode")->origin, "default");
    assert_int_equal(config_outboxes_add_mock(&config, "127.0.0.1:9", NULL), VARVE_INVALID_ARGUMENT);
    config_end(&config);
}

static void names_of_keys_are_spelled_as_one_likes(void **state)
{
    struct config config;
    const char *line = with_file("[outbox a]\nBrokers = b:1\ntxn_max-events = 7\nTOPIC.missing = block\n"
                                 "RDKAFKA.client.rack = x\n",
                                 "--outbox.A.Txn-Max_Events 9 --outbox.a.RdKafka-client.id y");

    config_line_good(line, "", &config);
    assert_int_equal(config.outboxes.count, 1);
    assert_string_equal(config.outboxes.all[0]->brokers, "b:1");
    assert_int_equal(config.outboxes.all[0]->max_events, 9);
    assert_int_equal(config.outboxes.all[0]->topic_missing, OUTBOX_TOPIC_BLOCK);
    assert_string_equal(config_line_value(&config, "outbox.a.txn.max_events")->text, "9");
    assert_string_equal(config_line_value(&config, "outbox.a.rdkafka.client.rack")->text, "x");
    assert_string_equal(config_line_value(&config, "outbox.a.rdkafka.client.id")->text, "y");
    config_end(&config);
}

static void the_later_source_holds(void **state)
{
    struct config config;
    const char *line = with_file("[outbox loans-eu.1]\nbrokers = a:1\nmode = at_least_once\ntxn.max_events = 7\n"
                                 "route = type=a -> drop\nroute = type=b -> drop\nrdkafka.client.rack = x\n",
                                 "--outbox.loans-eu.1.txn.max_events 9 --outbox.LOANS_EU_1.rdkafka.client.id me");

    config_line_good(line, "VARVED_OUTBOX__LOANS_EU_1__TXN_MAX_EVENTS=8 VARVED_OUTBOX__LOANS_EU_1__POISON_POLICY=halt "
                     "VARVED_OUTBOX__LOANS_EU_1__RDKAFKA_CLIENT_RACK=y", &config);
    const struct outbox_config *outbox = config.outboxes.all[0];
    assert_int_equal(config.outboxes.count, 1);
    assert_int_equal(outbox->mode, VARVE_OUTBOX_AT_LEAST_ONCE);
    assert_int_equal(outbox->max_events, 9);
    assert_int_equal(outbox->poison_policy, OUTBOX_POISON_HALT);
    assert_int_equal(outbox->route_count, 2);
    assert_int_equal(outbox->property_count, 2);
    assert_string_equal(config_line_value(&config, "outbox.loans-eu.1.txn.max_events")->origin,
                        "--outbox.loans-eu.1.txn.max_events");
    assert_string_equal(config_line_value(&config, "outbox.loans-eu.1.rdkafka.client.rack")->text, "y");
    assert_string_equal(config_line_value(&config, "outbox.loans-eu.1.compression")->origin, "default");
    assert_string_equal(config_line_value(&config, "outbox.loans-eu.1.poison.policy")->origin,
                        "VARVED_OUTBOX__LOANS_EU_1__POISON_POLICY");
    config_end(&config);
}

static void routes_come_from_one_source(void **state)
{
    struct config config;
    const char *line = with_file("[outbox x]\nbrokers = a:1\nroute = type=a -> drop\nroute = type=b -> drop\n", "");
    char *argv[] = { "varved", "--config", path, "--outbox.x.route", "type=c -> drop",
                     "--outbox.x.route=type=d -> drop", "--outbox.x.route", "type=e -> drop", NULL };
    struct config_complaints complaints;

    config_line_good(line, "", &config);
    assert_int_equal(config.outboxes.all[0]->route_count, 2);
    config_end(&config);
    assert_int_equal(config_parse(COUNT_OF(argv) - 1, argv, &config, &complaints), CONFIG_SERVE);
    assert_int_equal(config.outboxes.all[0]->route_count, 3);
    assert_string_equal(config.outboxes.all[0]->routes[0].types[0], "c");
    config_end(&config);
}

static void secrets_are_marked(void **state)
{
    struct config config;

    config_line_good("--outbox.x.brokers a", "VARVED_OUTBOX__X__RDKAFKA_SASL_PASSWORD=hush "
                     "VARVED_OUTBOX__X__RDKAFKA_SSL_KEY_PASSWORD=$HUSH HUSH=hush VARVED_OUTBOX__X__MODE=at_least_once",
                     &config);
    assert_true(config_line_value(&config, "outbox.x.rdkafka.sasl.password")->is_secret);
    assert_false(config_line_value(&config, "outbox.x.rdkafka.ssl.key.password")->is_secret); /* It is a name. */
    assert_false(config_line_value(&config, "outbox.x.mode")->is_secret);
    assert_string_equal(config.outboxes.all[0]->properties[0].value, "hush");
    config_end(&config);
}

static void a_secrets_file_hides_the_secret(void **state)
{
    struct config config;
    char environment[400];
    FILE *file = fopen(path, "w");

    fputs("hush\n", file);
    assert_int_equal(fclose(file), 0); /* mkstemp() made it for us alone. */
    snprintf(environment, sizeof(environment), "VARVED_OUTBOX__X__RDKAFKA_SASL_PASSWORD=other");
    char *argv[] = { "varved", "--outbox.x.brokers=a", "--outbox.x.rdkafka.sasl.password_file", path, NULL };
    char line[600];
    snprintf(line, sizeof(line), "%s %s %s", argv[1], argv[2], argv[3]);
    config_line_good(line, environment, &config);
    assert_int_equal(config.outboxes.all[0]->property_count, 1);
    assert_string_equal(config.outboxes.all[0]->properties[0].value, "hush");
    assert_string_equal(config_line_value(&config, "outbox.x.rdkafka.sasl.password_file")->text, path);
    config_end(&config);
}

static void mistakes(void **state)
{
    static const struct { const char *file, *line, *environment, *complaint; } cases[] = {
        { "", "--outbox.x.txn.max_event=5", "",
          "--outbox.x.txn.max_event: txn.max_event: no such key of an outbox; did you mean txn.max_events?" },
        { "", "--outbox.x=5", "", "--outbox.x: expected an outbox's name and a key, such as --outbox.loans.brokers" },
        { "", "", "VARVED_OUTBOX__X=5", "VARVED_OUTBOX__X: expected an outbox's name and a key, such as "
          "VARVED_OUTBOX__LOANS__BROKERS" },
        { "", "", "VARVED_OUTBOX__X__MODUS=5", "VARVED_OUTBOX__X__MODUS: modus: no such key of an outbox; did you mean "
          "mode?" },
        { "", "--outbox.x.mode exactly_once", "", "--outbox.x.mode: [outbox x] needs brokers = HOST:PORT,..." },
        { "", "--outbox.x.mode often --kafka a:1", "", "--outbox.x.mode: mode: often: expected "
          "exactly_once|at_least_once" },
        { "", "--outbox.x.brokers a --outbox.x.rdkafka.sasl.password=hush", "",
          "--outbox.x.rdkafka.sasl.password: rdkafka.sasl.password: a secret where others may read it: write it into a "
          "file of its own and say rdkafka.sasl.password_file = PATH, or $VARIABLE, or chmod 600 the file it is in" },
        { "[outbox a-b]\nbrokers=a\n[outbox a_b]\nbrokers=a\n", "", "VARVED_OUTBOX__A_B__MODE=at_least_once",
          "VARVED_OUTBOX__A_B__MODE: may mean outbox a-b or outbox a_b" },
        { "", "--kafka-mock --kafka a:1", "",
          "--kafka-mock: there is an outbox named kafka already: brokers = a:1 (--kafka)" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_bad(with_file(cases[i].file, cases[i].line), cases[i].environment, cases[i].complaint);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_source_may_make_one), cmocka_unit_test(that_of_the_mock_is_shown),
        cmocka_unit_test(names_of_keys_are_spelled_as_one_likes),
        cmocka_unit_test(the_later_source_holds),
        cmocka_unit_test(routes_come_from_one_source), cmocka_unit_test(secrets_are_marked),
        cmocka_unit_test(a_secrets_file_hides_the_secret), cmocka_unit_test(mistakes),
    };

    return cmocka_run_group_tests(tests, make_path, remove_path);
}
