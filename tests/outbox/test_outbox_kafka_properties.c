/* test_outbox_kafka_properties.c - what librdkafka is told, and what it does not take. */
#include "kafka_fixture.h"

#include "server/outbox/outbox_kafka_parts.h"

static enum outbox_result create(struct kafka_fixture *fixture)
{
    return outbox_kafka_create(&fixture->options, &fixture->kafka, &fixture->fault);
}

/* Of the running instance; librdkafka 2.0.2 gives a copy of its configuration. */
static void expect_property(struct kafka_fixture *fixture, const char *name, const char *value)
{
    char text[512] = "";
    size_t size = sizeof(text);

    CHECK_CASE(rd_kafka_conf_get(rd_kafka_conf(fixture->kafka->rk), name, text, &size) == RD_KAFKA_CONF_OK, name);
    if (strcmp(text, value) != 0)
        print_error("%s is %s, not %s\n", name, text, value);
    CHECK_CASE(strcmp(text, value) == 0, name);
}

static void a_producer_is_told(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture_set(fixture, "retry.backoff.ms", "7"); /* the operator's come after ours */
    fixture_create(fixture);
    expect_property(fixture, "bootstrap.servers", "127.0.0.1:1");
    expect_property(fixture, "transactional.id", "varve.01020304-0506-7008-800a-0b0c0d0e0f10.test.l0");
    expect_property(fixture, "transaction.timeout.ms", "15000");
    expect_property(fixture, "socket.timeout.ms", "4000");
    expect_property(fixture, "enable.idempotence", "true");
    expect_property(fixture, "max.in.flight.requests.per.connection", "5");
    expect_property(fixture, "linger.ms", "0");
    expect_property(fixture, "socket.nagle.disable", "true");
    expect_property(fixture, "retry.backoff.ms", "7");
    expect_property(fixture, "allow.auto.create.topics", "false");
    expect_property(fixture, "message.max.bytes", "1000000");
    expect_property(fixture, "queue.buffering.max.messages", "100000");
    expect_property(fixture, "compression.codec", "lz4");
    expect_property(fixture, "log.queue", "true");
    fixture_end(fixture);
}

static void queues_are_as_large_as_batches_need(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture->config.max_events = 100000;
    fixture->config.max_bytes = 100 << 20;
    fixture->config.max_message_bytes = 5000000;
    fixture_create(fixture);
    expect_property(fixture, "queue.buffering.max.messages", "400000");
    expect_property(fixture, "queue.buffering.max.kbytes", "409600");
    expect_property(fixture, "message.max.bytes", "5000000");
    fixture_end(fixture);
}

static void at_least_once_has_no_transactional_id(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture->config.mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    fixture_create(fixture);
    char text[64];
    size_t size = sizeof(text);
    assert_int_equal(rd_kafka_conf_get(rd_kafka_conf(fixture->kafka->rk), "transactional.id", text, &size),
                     RD_KAFKA_CONF_UNKNOWN);
    expect_property(fixture, "enable.idempotence", "true");
    fixture_end(fixture);
}

static void wrong_ones_are_an_operators(void **state)
{
    static const struct { const char *name, *value, *said; } cases[] = {
        { "no.such.thing", "1", "no.such.thing" },
        { "security.protocol", "pigeon", "security.protocol" },
        { "socket.timeout.ms", "many", "socket.timeout.ms" },
        { "ssl.ca.location", "/nowhere/ca.pem", "ssl.ca.location" },
        { "transactional.id", "mine", "not for others" },
        { "isolation.level", "read_uncommitted", "not for others" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

        fixture_set(fixture, "security.protocol", "ssl");
        fixture_set(fixture, cases[i].name, cases[i].value);
        CHECK_CASE(create(fixture) == OUTBOX_MISCONFIGURED, cases[i].name);
        CHECK_CASE(strstr(fixture->fault.reason, cases[i].said) != NULL, fixture->fault.reason);
        CHECK_CASE(fixture->kafka == NULL, cases[i].name);
        fixture_end(fixture);
    }
}

static void a_messages_time_is_within_its_transactions(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture->config.message_timeout_ms = fixture->config.transaction_timeout_ms + 1;
    assert_int_equal(create(fixture), OUTBOX_MISCONFIGURED);
    assert_non_null(strstr(fixture->fault.reason, "message.timeout.ms"));
    fixture_end(fixture);
}

static void secrets_are_not_told(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture_set(fixture, "socket.timeout.ms", "hunter2");
    fixture->properties[0].is_secret = true;
    assert_int_equal(create(fixture), OUTBOX_MISCONFIGURED);
    assert_null(strstr(fixture->fault.reason, "hunter2"));
    assert_non_null(strstr(fixture->fault.reason, "rdkafka.socket.timeout.ms"));
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_producer_is_told),
        cmocka_unit_test(queues_are_as_large_as_batches_need),
        cmocka_unit_test(at_least_once_has_no_transactional_id),
        cmocka_unit_test(wrong_ones_are_an_operators),
        cmocka_unit_test(a_messages_time_is_within_its_transactions),
        cmocka_unit_test(secrets_are_not_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
