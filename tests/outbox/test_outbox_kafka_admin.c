/* test_outbox_kafka_admin.c - topics that a mock makes by itself. What it cannot do is tried with others. */
#include "kafka_fixture.h"

#include "server/outbox/outbox_kafka_parts.h"

static void a_mock_makes_the_checkpoints_topic_when_asked_for_it(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    fixture_create(fixture);
    assert_int_equal(outbox_kafka_prepare(fixture->kafka, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(outbox_kafka_prepare(fixture->kafka, &fixture->fault), OUTBOX_DONE); /* there already */
    assert_string_equal(fixture->kafka->checkpoint_topic,
                        "__varve.01020304-0506-7008-800a-0b0c0d0e0f10.test.ckpt");
    assert_true(kafka_topics_find(&fixture->kafka->topics, fixture->kafka->checkpoint_topic)->partitions > 0);
    fixture_end(fixture);
}

static void nobody_is_there_for_long_enough(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture_create(fixture);
    assert_int_equal(outbox_kafka_prepare(fixture->kafka, &fixture->fault), OUTBOX_AGAIN);
    assert_non_null(strstr(fixture->fault.reason, "refused"));
    fixture_end(fixture);
}

static void preparing_ends_by_order(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture_create(fixture);
    fixture->interrupt_at = 1;
    assert_int_equal(outbox_kafka_prepare(fixture->kafka, &fixture->fault), OUTBOX_INTERRUPTED);
    fixture_end(fixture);
}

/* A mock knows no such request, and librdkafka looks for a broker that does. */
static void making_a_topic_ends_by_order(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    fixture_create(fixture);
    fixture->interrupt_at = 1;
    assert_int_equal(kafka_admin_create(fixture->kafka, "orders", 3, NULL, 0, &fixture->fault), OUTBOX_INTERRUPTED);
    assert_string_equal(fixture->fault.call, "create topic");
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mock_makes_the_checkpoints_topic_when_asked_for_it),
        cmocka_unit_test(nobody_is_there_for_long_enough),
        cmocka_unit_test(preparing_ends_by_order),
        cmocka_unit_test(making_a_topic_ends_by_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
