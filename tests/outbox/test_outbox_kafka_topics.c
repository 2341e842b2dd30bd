/* test_outbox_kafka_topics.c - partitions of topics, and which of them a key belongs to. */
#include "kafka_fixture.h"

#include "server/outbox/outbox_kafka_parts.h"

/* The same as Java's: vectors of its own tests of murmur2. */
static void keys_belong_where_java_puts_them(void **state)
{
    static const struct { const char *key; uint32_t hash; } cases[] = {
        { "kafka", 0xd067cf64 }, { "giberish123456789", 0x8f552b0c }, { "1234", 0x9fc97b14 }, { "234", 0xe7c009ca },
        { "34", 0x873930da }, { "4", 0x5a4b5ca1 }, { "", 0x106e08d9 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (int32_t partitions = 1; partitions < 100; partitions++) {
            int32_t expected = (int32_t)(cases[i].hash & 0x7fffffff) % partitions;

            CHECK_CASE(outbox_kafka_partition_of(varve_view_str(cases[i].key), partitions) == expected, cases[i].key);
        }
    }
}

static int32_t partitions_of(struct kafka_fixture *fixture, const char *topic)
{
    int32_t partitions = -1;

    assert_int_equal(outbox_kafka_partitions(fixture->kafka, topic, &partitions, &fixture->fault), OUTBOX_DONE);
    return partitions;
}

static void many_topics_are_remembered(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    char name[32];

    kafka_fixture_open(fixture);
    rd_kafka_mock_topic_create(fixture->cluster, "wide", 17, 1);
    assert_int_equal(partitions_of(fixture, "wide"), 17);
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "topic-%d", i * 37 % 50);
        assert_int_equal(partitions_of(fixture, name), FIXTURE_PARTITIONS);
    }
    rd_kafka_mock_broker_set_down(fixture->cluster, -1); /* nobody has to be asked again */
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof(name), "topic-%d", i);
        assert_int_equal(partitions_of(fixture, name), FIXTURE_PARTITIONS);
        assert_string_equal(kafka_topics_find(&fixture->kafka->topics, name)->name, name);
    }
    assert_null(kafka_topics_find(&fixture->kafka->topics, "unknown"));
    fixture_end(fixture);
}

static void a_right_that_is_missing_is_told_and_may_come(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    int32_t partitions = -1;

    kafka_fixture_open(fixture);
    rd_kafka_mock_topic_set_error(fixture->cluster, "secret", RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
    assert_int_equal(outbox_kafka_partitions(fixture->kafka, "secret", &partitions, &fixture->fault), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "TOPIC_AUTHORIZATION_FAILED");
    assert_non_null(strstr(fixture->fault.reason, "secret"));
    rd_kafka_mock_topic_set_error(fixture->cluster, "secret", RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(partitions_of(fixture, "secret") > 0);
    fixture_end(fixture);
}

static void a_name_that_kafka_does_not_allow_is_poison(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    int32_t partitions = -1;

    kafka_fixture_open(fixture);
    rd_kafka_mock_topic_set_error(fixture->cluster, "odd", RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION);
    assert_int_equal(outbox_kafka_partitions(fixture->kafka, "odd", &partitions, &fixture->fault), OUTBOX_REFUSED);
    assert_true(fixture->fault.is_poison);
    fixture_end(fixture);
}

static void asking_ends_by_order(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");
    int32_t partitions = -1;

    fixture_create(fixture);
    fixture->interrupt_at = 1;
    assert_int_equal(outbox_kafka_partitions(fixture->kafka, "orders", &partitions, &fixture->fault),
                     OUTBOX_INTERRUPTED);
    assert_int_equal(partitions, -1);
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_belong_where_java_puts_them),
        cmocka_unit_test(many_topics_are_remembered),
        cmocka_unit_test(a_right_that_is_missing_is_told_and_may_come),
        cmocka_unit_test(a_name_that_kafka_does_not_allow_is_poison),
        cmocka_unit_test(asking_ends_by_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
