/* test_outbox_config_keys.c - every key, its default, and what it does not take. */
#include "config_text.h"
#include "support/check.h"

#include "server/outbox/outbox_config_keys.h"

static void defaults_are_set(void **state)
{
    struct outbox_configs configs = config_lines("");
    const struct outbox_config *config = configs.all[0];

    assert_int_equal(config->mode, VARVE_OUTBOX_EXACTLY_ONCE);
    assert_string_equal(config->brokers, "b:9092");
    assert_false(config->is_mock);
    assert_int_equal(config->route_count, 0);
    assert_null(config->allow_types);
    assert_null(config->required_fields);
    assert_null(config->priority);
    assert_int_equal(config->start_from, 1);
    assert_int_equal(config->max_events, 10000);
    assert_int_equal(config->max_bytes, 4 << 20);
    assert_int_equal(config->gap_us, -1);
    assert_int_equal(config->transaction_timeout_ms, 15000);
    assert_int_equal(config->message_timeout_ms, 12000);
    assert_int_equal(config->max_message_bytes, 1000000);
    assert_int_equal(config->poison_policy, OUTBOX_POISON_PARK);
    assert_int_equal(config->poison_attempts, 3);
    assert_int_equal(config->poison_max_parked, 1000000);
    assert_int_equal(config->poison_max_streams, 10000);
    assert_int_equal(config->poison_retry_after_ms, 0);
    assert_null(config->dead_letter_topic);
    assert_int_equal(config->topic_missing, OUTBOX_TOPIC_CREATE);
    assert_int_equal(config->topic_partitions, 0);
    assert_int_equal(config->topic_replication, 0);
    assert_int_equal(config->partitions_changed, OUTBOX_CHANGE_WARN);
    assert_int_equal(config->backoff_min_ms, 100);
    assert_int_equal(config->backoff_max_ms, 30000);
    assert_string_equal(config->compression, "lz4");
    outbox_configs_end(&configs);
}

static void every_key_can_be_set(void **state)
{
    struct outbox_configs configs = config_text(
        "[outbox all]\n"
        "brokers = a:1, SASL_SSL://b.example:2,[::1]:3 c\n"
        "mode = at_least_once\nallow_types = payment.*, order.?\n"
        "required_fields = time,data.amount metadata.tenant\npriority = critical\nstart_from = 4711\n"
        "txn.max_events = 7\ntxn.max_bytes = 64KiB\ntxn.gap = 3ms\ntransaction.timeout = 1m\n"
        "message.timeout = 59s\nmax_message_bytes = 2MiB\npoison.policy = skip\npoison.attempts = 5\n"
        "poison.max_parked = 8\npoison.max_streams = 9\npoison.retry_after = 1h\ndead_letter_topic = dead.letters\n"
        "topic.missing = dead_letter\ntopic.partitions = 12\ntopic.replication = 3\npartitions.changed = halt\n"
        "backoff.min = 1s\nbackoff.max = 1s\ncompression = zstd\nmock = yes\n");
    const struct outbox_config *config = configs.all[0];

    assert_string_equal(config->name, "all");
    assert_string_equal(config->brokers, "a:1,SASL_SSL://b.example:2,[::1]:3,c");
    assert_int_equal(config->mode, VARVE_OUTBOX_AT_LEAST_ONCE);
    assert_int_equal(config->allow_type_count, 2);
    assert_string_equal(config->allow_types[1], "order.?");
    assert_int_equal(config->required_field_count, 3);
    assert_string_equal(config->required_fields[2], "metadata.tenant");
    assert_string_equal(config->priority, "critical");
    assert_int_equal(config->start_from, 4711);
    assert_int_equal(config->max_events, 7);
    assert_int_equal(config->max_bytes, 65536);
    assert_int_equal(config->gap_us, 3000);
    assert_int_equal(config->transaction_timeout_ms, 60000);
    assert_int_equal(config->message_timeout_ms, 59000);
    assert_int_equal(config->max_message_bytes, 2 << 20);
    assert_int_equal(config->poison_policy, OUTBOX_POISON_SKIP);
    assert_int_equal(config->poison_attempts, 5);
    assert_int_equal(config->poison_max_parked, 8);
    assert_int_equal(config->poison_max_streams, 9);
    assert_int_equal(config->poison_retry_after_ms, 3600000);
    assert_string_equal(config->dead_letter_topic, "dead.letters");
    assert_int_equal(config->topic_missing, OUTBOX_TOPIC_DEAD_LETTER);
    assert_int_equal(config->topic_partitions, 12);
    assert_int_equal(config->topic_replication, 3);
    assert_int_equal(config->partitions_changed, OUTBOX_CHANGE_HALT);
    assert_int_equal(config->backoff_min_ms, 1000);
    assert_string_equal(config->compression, "zstd");
    assert_true(config->is_mock);
    outbox_configs_end(&configs);

    configs = config_lines("start_from = end\ntxn.gap = auto\n");
    assert_true(configs.all[0]->start_from == UINT64_MAX);
    outbox_configs_end(&configs);
}

static void mistakes_are_told(void **state)
{
    static const struct { const char *line, *part; } cases[] = {
        { "txn.max_event = 5", "txn.max_event: no such key; did you mean txn.max_events?" },
        { "colour = red", "colour: no such key (varved --help-config lists them all)" },
        { "brokers = c:1", "brokers: is there twice" },
        { "mode = exactly", "mode: exactly: expected exactly_once|at_least_once" },
        { "mode = exactly_once|at_least_once", "expected exactly_once|at_least_once" },
        { "mode =", "mode: has no value" },
        { "txn.max_events = 0", "0: expected 1 to 100000" },
        { "txn.max_events = many", "many: expected a number" },
        { "txn.max_events = 5x", "expected a number" },
        { "txn.max_bytes = 1", "expected 65536 to 268435456 bytes" },
        { "txn.max_bytes = lots", "expected a size, such as" },
        { "txn.gap = 2s", "expected auto or a time up to 1s" },
        { "txn.gap = soon", "expected auto" },
        { "transaction.timeout = 1ms", "expected 1000 to 3600000 ms" },
        { "backoff.min = x", "expected a time, such as 30s" },
        { "mock = maybe", "maybe: expected no|yes" },
        { "start_from = 0", "expected beginning, end, or a position from 1 on" },
        { "start_from = -1", "expected beginning" },
        { "allow_types = ,", "names parted by commas" },
        { "required_fields = corelation_id", "did you mean correlation_id?" },
        { "required_fields = data.", "expected correlation_id" },
        { "required_fields = type", "expected correlation_id" },
        { "priority = urgent", "expected critical|high|normal|low" },
        { "dead_letter_topic = a b", "expected the name of a topic" },
        { "dead_letter_topic = __x", "expected the name of a topic" },
        { "compression = lz5", "expected none|gzip|snappy|lz4|zstd" },
        { "topic.missing = make", "expected create|block|dead_letter" },
        { "poison.policy = PARK", "expected park|skip|halt" },
        { "priority = hi\x01gh", "has control characters" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        config_line_complains(cases[i].line, cases[i].part);
}

static void brokers_are_addresses(void **state)
{
    static const char *const bad[] = { "a:", "a:x", "a:0", "a:65536", ":9092", "a:1:2", "[::1", "[]:1", "[::1]x",
                                       "a/b:1", "PLAINTEXT://", "a:1,:2" };
    char text[128], message[256];

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        const char *word = strrchr(bad[i], ',') != NULL ? strrchr(bad[i], ',') + 1 : bad[i];

        snprintf(text, sizeof(text), "[outbox x]\nbrokers = %s\n", bad[i]);
        snprintf(message, sizeof(message),
                 "f.ini:2: brokers: %s: expected HOST:PORT,HOST:PORT such as 127.0.0.1:9092", word);
        config_complains(text, message);
    }
}

static void keys_must_fit_each_other(void **state)
{
    config_complains("\n[outbox x]\nmode = exactly_once\n", "f.ini:2: [outbox x] needs brokers = HOST:PORT,...");
    config_complains("[outbox x]\nbrokers = a\nmessage.timeout = 15s\n",
                     "f.ini:1: [outbox x]: message.timeout (15000 ms) must be shorter than transaction.timeout "
                     "(15000 ms)");
    config_complains("[outbox x]\nbrokers = a\nbackoff.min = 31s\n",
                     "f.ini:1: [outbox x]: backoff.min (31000 ms) must not be longer than backoff.max (30000 ms)");
}

static void rows_can_be_listed(void **state)
{
    struct outbox_key_row row;
    size_t count = 0;

    while (outbox_keys_row(count, &row)) {
        CHECK_CASE(*row.name != 0 && *row.values != 0 && *row.help != 0, row.name);
        CHECK_CASE(row.repeats == (strcmp(row.name, "route") == 0), row.name);
        count++;
    }
    assert_true(count > 20);
    assert_false(outbox_keys_row(count + 1, &row));
    assert_string_equal(outbox_keys_property.name, "rdkafka.NAME");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_set), cmocka_unit_test(every_key_can_be_set), cmocka_unit_test(mistakes_are_told),
        cmocka_unit_test(brokers_are_addresses), cmocka_unit_test(keys_must_fit_each_other),
        cmocka_unit_test(rows_can_be_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
