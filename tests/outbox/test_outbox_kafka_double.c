/* test_outbox_kafka_double.c - what librdkafka's mock cannot do: fences, isolation, topics made, a broker that hangs.
 * Before tests/kafka/txbroker, which keeps transactions as Kafka does. */
#include "kafka_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/outbox/outbox_kafka_parts.h"
#include "support/broker_double.h"

#define CKPT "__varve.01020304-0506-7008-800a-0b0c0d0e0f10.test.ckpt"

static struct broker_double broker;

static int begin(void **state)
{
    broker_double_start(&broker, NULL);
    *state = fixture_begin_at(broker.brokers);
    return 0;
}

static int end(void **state)
{
    fixture_end(*state);
    broker_double_end(&broker);
    return 0;
}

static enum outbox_result prepare(struct kafka_fixture *fixture)
{
    return outbox_kafka_prepare(fixture->kafka, &fixture->fault);
}

static enum outbox_result partitions(struct kafka_fixture *fixture, const char *topic, int32_t *ret)
{
    return outbox_kafka_partitions(fixture->kafka, topic, ret, &fixture->fault);
}

/* A second instance of the same outbox; the first stays. */
static struct outbox_kafka *open_rival(struct kafka_fixture *fixture)
{
    struct outbox_kafka *first = fixture->kafka;

    kafka_fixture_open(fixture);
    struct outbox_kafka *rival = fixture->kafka;
    fixture->kafka = first;
    return rival;
}

static void expect_checkpoint(struct kafka_fixture *fixture, uint64_t position)
{
    struct outbox_found found = fixture_found(fixture, false);

    assert_int_equal(found.has_checkpoint, position > 0);
    if (position > 0)
        assert_int_equal(found.checkpoint.position, position);
    outbox_found_end(&found);
}

/* ---- topics ---- */

static void the_checkpoints_topic_is_made_and_compacted(void **state)
{
    struct kafka_fixture *fixture = *state;
    char value[64];

    fixture_create(fixture);
    assert_int_equal(prepare(fixture), OUTBOX_DONE);
    assert_int_equal(kafka_topics_find(&fixture->kafka->topics, CKPT)->partitions, 1);
    assert_int_equal(kafka_admin_setting(fixture->kafka, CKPT, "cleanup.policy", value, sizeof(value),
                                         &fixture->fault), OUTBOX_DONE);
    assert_string_equal(value, "compact");
    assert_int_equal(kafka_admin_setting(fixture->kafka, CKPT, "segment.bytes", value, sizeof(value),
                                         &fixture->fault), OUTBOX_DONE);
    assert_string_equal(value, "33554432");
    kafka_fixture_reopen(fixture); /* it is there now, and as it should be */
}

static void a_checkpoints_topic_that_forgets_is_refused(void **state)
{
    static const char *const policies[] = { "delete", "compact,delete" };
    struct kafka_fixture *fixture = *state;

    fixture_create(fixture);
    broker_double_order(&broker, "{\"do\":\"create_topic\",\"name\":\"%s\",\"partitions\":1}", CKPT);
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        broker_double_order(&broker, "{\"do\":\"configure_topic\",\"name\":\"%s\",\"settings\":"
                            "{\"cleanup.policy\":\"%s\"}}", CKPT, policies[i]);
        CHECK_CASE(prepare(fixture) == OUTBOX_MISCONFIGURED, policies[i]);
        assert_non_null(strstr(fixture->fault.reason, "cleanup.policy"));
        assert_non_null(strstr(fixture->fault.reason, "compact"));
    }
}

static void a_right_to_make_topics_may_come_later(void **state)
{
    struct kafka_fixture *fixture = *state;

    broker_double_order(&broker, "{\"do\":\"deny\",\"topic\":\"%s\",\"operations\":[\"create\"]}", CKPT);
    fixture_create(fixture);
    assert_int_equal(prepare(fixture), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "TOPIC_AUTHORIZATION_FAILED");
    assert_non_null(strstr(fixture->fault.reason, CKPT));
    broker_double_order(&broker, "{\"do\":\"allow\",\"topic\":\"%s\"}", CKPT);
    assert_int_equal(prepare(fixture), OUTBOX_DONE);
}

static void topics_are_made_as_configured(void **state)
{
    struct kafka_fixture *fixture = *state;
    int32_t count = -1;

    fixture->config.topic_partitions = 7;
    kafka_fixture_open(fixture);
    assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
    assert_int_equal(count, 7);
    kafka_fixture_fill(fixture, "orders", 1, 500);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 500, 500, 1), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 500);
}

/* Nothing is made by asking, whatever the broker would do; and what is made later is found. */
static void topics_are_not_made_unless_configured(void **state)
{
    struct kafka_fixture *fixture = *state;
    int64_t until = kafka_now_ms() + 60000;
    int32_t count = -1;

    fixture->config.topic_missing = OUTBOX_TOPIC_BLOCK;
    kafka_fixture_open(fixture);
    assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
    assert_int_equal(count, 0);
    broker_double_order(&broker, "{\"do\":\"topics\"}");
    assert_null(strstr(broker.answer, "orders"));
    broker_double_order(&broker, "{\"do\":\"create_topic\",\"name\":\"orders\",\"partitions\":3}");
    while (count == 0 && kafka_now_ms() < until) {
        assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
        usleep(20000);
    }
    assert_int_equal(count, 3);
}

/* Who orders another attempt has perhaps made the topic just now. */
static void what_was_missing_can_be_asked_for_at_once(void **state)
{
    struct kafka_fixture *fixture = *state;
    int32_t count = -1;

    fixture->config.topic_missing = OUTBOX_TOPIC_DEAD_LETTER;
    kafka_fixture_open(fixture);
    assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
    assert_int_equal(count, 0);
    broker_double_order(&broker, "{\"do\":\"create_topic\",\"name\":\"orders\",\"partitions\":3}");
    outbox_kafka_forget_missing(fixture->kafka);
    assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
    assert_int_equal(count, 3);
}

/* Also when the broker would make them for anybody who asks. */
static void nothing_is_made_by_asking(void **state)
{
    static const char *const options[] = { "--auto-create", "3", NULL };
    struct broker_double eager;
    int32_t count = -1;

    broker_double_start(&eager, options);
    struct kafka_fixture *fixture = fixture_begin_at(eager.brokers);
    fixture->config.topic_missing = OUTBOX_TOPIC_BLOCK;
    kafka_fixture_open(fixture);
    assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
    assert_int_equal(count, 0);
    struct fixture_records *records = kafka_fixture_read(fixture, "orders", 0);
    assert_int_equal(records->count, 0);
    free(records);
    broker_double_order(&eager, "{\"do\":\"topics\"}");
    assert_null(strstr(eager.answer, "orders"));
    fixture_end(fixture);
    broker_double_end(&eager);
}

/* Without metadata before it, librdkafka would try for twelve seconds. */
static void nothing_is_begun_for_a_topic_that_is_not_there(void **state)
{
    struct kafka_fixture *fixture = *state;

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    fixture->messages[3].topic = "nothing";
    assert_int_equal(fixture_send(fixture, 10), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "_UNKNOWN_TOPIC");
    broker_double_order(&broker, "{\"do\":\"transactions\"}");
    assert_non_null(strstr(broker.answer, "\"partitions\": []"));
}

static void a_new_instance_sees_more_partitions(void **state)
{
    struct kafka_fixture *fixture = *state;
    int32_t count = -1;

    fixture->config.topic_partitions = 2;
    kafka_fixture_open(fixture);
    assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
    broker_double_order(&broker, "{\"do\":\"add_partitions\",\"name\":\"orders\",\"count\":5}");
    kafka_fixture_reopen(fixture);
    assert_int_equal(partitions(fixture, "orders", &count), OUTBOX_DONE);
    assert_int_equal(count, 5);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    assert_int_equal(fixture_send(fixture, 100), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 100);
}

static void a_right_to_write_may_come_later(void **state)
{
    struct kafka_fixture *fixture = *state;

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    broker_double_order(&broker, "{\"do\":\"deny\",\"topic\":\"orders\",\"operations\":[\"write\"]}");
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "TOPIC_AUTHORIZATION_FAILED");
    broker_double_order(&broker, "{\"do\":\"allow\",\"topic\":\"orders\"}");
    kafka_fixture_reopen(fixture);
    expect_checkpoint(fixture, 0);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 10);
}

/* ---- fences ---- */

static void the_younger_of_two_fences_the_older(void **state)
{
    struct kafka_fixture *fixture = *state;

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_DONE);
    struct outbox_kafka *older = fixture->kafka;
    fixture->kafka = open_rival(fixture);
    struct outbox_kafka *younger = fixture->kafka;
    fixture->kafka = older;
    kafka_fixture_fill(fixture, "orders", 11, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 20, 1), OUTBOX_FENCED);
    assert_string_equal(fixture->fault.code, "_FENCED");
    assert_int_equal(fixture->figures.fenced, 1);
    outbox_kafka_destroy(older);
    fixture->kafka = younger;
    expect_checkpoint(fixture, 10);
    kafka_fixture_fill(fixture, "orders", 11, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 20, 2), OUTBOX_DONE);
    expect_checkpoint(fixture, 20);
    fixture_expect_positions(fixture, "orders", 1, 20);
}

/* Kafka forgets the id of an outbox that was silent for days. */
static void an_id_that_was_forgotten(void **state)
{
    struct kafka_fixture *fixture = *state;

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_DONE);
    broker_double_order(&broker, "{\"do\":\"expire_producer\",\"transactional_id\":"
                        "\"varve.01020304-0506-7008-800a-0b0c0d0e0f10.test.l0\"}");
    kafka_fixture_fill(fixture, "orders", 11, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 20, 1), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "INVALID_PRODUCER_ID_MAPPING");
    kafka_fixture_reopen(fixture);
    expect_checkpoint(fixture, 10);
    kafka_fixture_fill(fixture, "orders", 11, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 20, 1), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 20);
}

/* ---- what is open, and what was taken back ---- */

/* Stops in the middle of a transaction, with records written and nobody to abort it. */
static void leave_open(struct kafka_fixture *fixture, uint64_t position)
{
    kafka_fixture_fill(fixture, "orders", position, 10);
    broker_double_order(&broker, "{\"do\":\"fault\",\"api\":\"EndTxn\",\"action\":\"drop_before\",\"times\":-1}");
    fixture->config.transaction_timeout_ms = 1000; /* of the wait: Kafka was told another */
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, position + 9, 1), OUTBOX_AGAIN);
    fixture->config.transaction_timeout_ms = 15000;
    outbox_kafka_destroy(fixture->kafka); /* As long as it lives it tries to end it. */
    fixture->kafka = NULL;
    broker_double_order(&broker, "{\"do\":\"clear_faults\"}");
}

/* Who only looks does not wait for another's transaction; who has taken over sees that it was taken back. */
static void what_is_open_is_not_there(void **state)
{
    struct kafka_fixture *fixture = *state;

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_DONE);
    leave_open(fixture, 11);
    fixture_create(fixture);
    expect_checkpoint(fixture, 10); /* before init */
    assert_int_equal(prepare(fixture), OUTBOX_DONE);
    assert_int_equal(outbox_kafka_init(fixture->kafka, &fixture->fault), OUTBOX_DONE);
    expect_checkpoint(fixture, 10); /* behind the marker of the abort */
    kafka_fixture_fill(fixture, "orders", 11, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 20, 1), OUTBOX_DONE);
    expect_checkpoint(fixture, 20);
    fixture_expect_positions(fixture, "orders", 1, 20);
}

/* All that is in the partition was taken back. */
static void only_what_was_taken_back(void **state)
{
    struct kafka_fixture *fixture = *state;

    kafka_fixture_open(fixture);
    for (int i = 0; i < 2; i++) {
        leave_open(fixture, 1);
        kafka_fixture_open(fixture);
    }
    expect_checkpoint(fixture, 0);
    struct outbox_found found = fixture_found(fixture, true);
    assert_false(found.has_checkpoint);
    outbox_found_end(&found);
}

/* Compaction and retention take the beginning away, at last all of it. */
static void a_partition_that_does_not_begin_at_nought(void **state)
{
    struct kafka_fixture *fixture = *state;

    kafka_fixture_open(fixture);
    for (uint64_t i = 1; i <= 100; i++)
        assert_int_equal(fixture_send_with_checkpoint(fixture, 0, i, 1), OUTBOX_DONE);
    broker_double_order(&broker, "{\"do\":\"delete_before\",\"topic\":\"%s\",\"index\":0,\"offset\":150}", CKPT);
    expect_checkpoint(fixture, 100);
    broker_double_order(&broker, "{\"do\":\"delete_before\",\"topic\":\"%s\",\"index\":0,\"offset\":-1}", CKPT);
    kafka_fixture_reopen(fixture);
    expect_checkpoint(fixture, 0);
}

/* A topic that vanished after the take-over is no "none". */
static void a_checkpoints_topic_that_vanished_is_an_error(void **state)
{
    struct kafka_fixture *fixture = *state;
    struct outbox_found found = { 0 };

    kafka_fixture_open(fixture);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 0, 10, 1), OUTBOX_DONE);
    broker_double_order(&broker, "{\"do\":\"delete_topic\",\"name\":\"%s\"}", CKPT);
    assert_int_equal(outbox_kafka_read_checkpoint(fixture->kafka, false, &found, &fixture->fault), OUTBOX_AGAIN);
}

/* ---- answers that do not come ---- */

static void lost_answers_are_borne_but_not_trusted(void **state)
{
    static const char *const apis[] = { "Produce", "AddPartitionsToTxn", "EndTxn" };
    static const char *const actions[] = { "drop_before", "drop_after" };
    struct kafka_fixture *fixture = *state;
    uint64_t position = 1;

    kafka_fixture_open(fixture);
    for (size_t i = 0; i < COUNT_OF(apis) * COUNT_OF(actions); i++) {
        broker_double_order(&broker, "{\"do\":\"fault\",\"api\":\"%s\",\"action\":\"%s\"}", apis[i / 2],
                            actions[i % 2]);
        kafka_fixture_fill(fixture, "orders", position, 10);
        enum outbox_result result = fixture_send_with_checkpoint(fixture, 10, position + 9, 1);
        if (result != OUTBOX_DONE)
            print_error("%s %s: %s\n", apis[i / 2], actions[i % 2], fixture->fault.reason);
        assert_int_equal(result, OUTBOX_DONE);
        assert_true(outbox_kafka_is_suspect(fixture->kafka));
        kafka_fixture_reopen(fixture);
        assert_false(outbox_kafka_is_suspect(fixture->kafka));
        expect_checkpoint(fixture, position + 9);
        position += 10;
    }
    fixture_expect_positions(fixture, "orders", 1, position - 1);
}

/* Kafka ends the transaction first: that looks like a fence, and a new instance goes on. */
static void a_transaction_that_takes_too_long(void **state)
{
    struct kafka_fixture *fixture = *state;

    fixture->config.transaction_timeout_ms = 2000;
    fixture->config.message_timeout_ms = 1500;
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    broker_double_order(&broker, "{\"do\":\"fault\",\"api\":\"EndTxn\",\"action\":\"hang_before\",\"times\":-1}");
    enum outbox_result result = fixture_send_with_checkpoint(fixture, 10, 10, 1);
    assert_true(result == OUTBOX_AGAIN || result == OUTBOX_FENCED);
    broker_double_order(&broker, "{\"do\":\"clear_faults\"}");
    kafka_fixture_reopen(fixture);
    broker_double_order(&broker, "{\"do\":\"release\"}");
    expect_checkpoint(fixture, 0);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 10);
}

/* In every call: what is configured, or an order, ends the wait, and the instance is gone at once. */
static void a_frozen_broker_holds_nothing_up(void **state)
{
    struct kafka_fixture *fixture = *state;
    struct outbox_found found = { 0 };
    int32_t count;

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    broker_double_freeze(&broker, true);
    fixture->interrupt_at = fixture->asked + 3;
    assert_int_equal(fixture_send_with_checkpoint(fixture, 100, 100, 1), OUTBOX_INTERRUPTED);
    outbox_kafka_destroy(fixture->kafka);
    for (int call = 0; call < 4; call++) {
        fixture->interrupt_at = fixture->asked + 1;
        fixture_create(fixture);
        enum outbox_result result = call == 0 ? outbox_kafka_init(fixture->kafka, &fixture->fault)
                                    : call == 1 ? prepare(fixture) : call == 2 ? partitions(fixture, "orders", &count)
                                    : outbox_kafka_read_checkpoint(fixture->kafka, false, &found, &fixture->fault);
        assert_int_equal(result, OUTBOX_INTERRUPTED);
        outbox_kafka_destroy(fixture->kafka);
    }
    fixture->kafka = NULL;
    fixture->interrupt_at = 0;
    broker_double_freeze(&broker, false);
    kafka_fixture_open(fixture);
    expect_checkpoint(fixture, 0);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 100, 100, 1), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 100);
}

static void at_least_once_goes_on_behind_a_cut(void **state)
{
    struct kafka_fixture *fixture = *state;

    fixture->config.mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    kafka_fixture_open(fixture);
    for (uint64_t i = 0; i < 5; i++) {
        kafka_fixture_fill(fixture, "orders", i * 100 + 1, 100);
        if (i == 2)
            broker_double_order(&broker, "{\"do\":\"fault\",\"api\":\"Produce\",\"action\":\"drop_after\"}");
        assert_int_equal(fixture_send(fixture, 100), OUTBOX_DONE);
    }
    fixture_expect_positions(fixture, "orders", 1, 500); /* its producer is idempotent */
}

/* Poison in a batch for one partition: the whole set of it is refused, and the lowest is named. */
static void a_refused_batch_names_its_first(void **state)
{
    struct kafka_fixture *fixture = *state;

    fixture->config.topic_partitions = 1;
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 100, 50);
    broker_double_order(&broker, "{\"do\":\"fault\",\"api\":\"Produce\",\"action\":\"error\","
                        "\"error\":\"MESSAGE_TOO_LARGE\",\"mentions\":\"orders\"}");
    assert_int_equal(fixture_send_with_checkpoint(fixture, 50, 149, 1), OUTBOX_REFUSED);
    assert_string_equal(fixture->fault.code, "MSG_SIZE_TOO_LARGE");
    assert_true(fixture->fault.first_refused >= 100 && fixture->fault.first_refused < 150);
    assert_int_equal(fixture->figures.transaction_aborts, 1);
    kafka_fixture_reopen(fixture);
    expect_checkpoint(fixture, 0);
}

#define DOUBLE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DOUBLE_TEST(the_checkpoints_topic_is_made_and_compacted),
        DOUBLE_TEST(a_checkpoints_topic_that_forgets_is_refused),
        DOUBLE_TEST(a_right_to_make_topics_may_come_later),
        DOUBLE_TEST(topics_are_made_as_configured),
        DOUBLE_TEST(topics_are_not_made_unless_configured),
        DOUBLE_TEST(what_was_missing_can_be_asked_for_at_once),
        cmocka_unit_test(nothing_is_made_by_asking),
        DOUBLE_TEST(nothing_is_begun_for_a_topic_that_is_not_there),
        DOUBLE_TEST(a_new_instance_sees_more_partitions),
        DOUBLE_TEST(a_right_to_write_may_come_later),
        DOUBLE_TEST(the_younger_of_two_fences_the_older),
        DOUBLE_TEST(an_id_that_was_forgotten),
        DOUBLE_TEST(what_is_open_is_not_there),
        DOUBLE_TEST(only_what_was_taken_back),
        DOUBLE_TEST(a_partition_that_does_not_begin_at_nought),
        DOUBLE_TEST(a_checkpoints_topic_that_vanished_is_an_error),
        DOUBLE_TEST(lost_answers_are_borne_but_not_trusted),
        DOUBLE_TEST(a_transaction_that_takes_too_long),
        DOUBLE_TEST(a_frozen_broker_holds_nothing_up),
        DOUBLE_TEST(at_least_once_goes_on_behind_a_cut),
        DOUBLE_TEST(a_refused_batch_names_its_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
