/* test_outbox_kafka_send.c - batches before a mock cluster: sent, acknowledged, refused, given up. */
#include "kafka_fixture.h"

#include <stdlib.h>

static void a_batch_arrives_whole_and_in_order(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 3000);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 3000, 3000, 1), OUTBOX_DONE);
    assert_true(fixture->sent.first_ack_us > 0 && fixture->sent.ack_us >= fixture->sent.first_ack_us);
    assert_true(fixture->sent.commit_us > 0);
    assert_true(fixture->sent.bytes > 3000 * 10);
    assert_false(outbox_kafka_is_suspect(fixture->kafka));
    fixture_expect_positions(fixture, "orders", 1, 3000);
    fixture_end(fixture);
}

static void many_batches_one_after_another(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(3);

    kafka_fixture_open(fixture);
    for (uint64_t i = 0; i < 30; i++) {
        kafka_fixture_fill(fixture, "orders", i * 7 + 1, 7);
        assert_int_equal(fixture_send_with_checkpoint(fixture, 7, i * 7 + 7, 1), OUTBOX_DONE);
    }
    fixture_expect_positions(fixture, "orders", 1, 210);
    struct outbox_found found = fixture_found(fixture, false);
    assert_int_equal(found.checkpoint.position, 210);
    outbox_found_end(&found);
    fixture_end(fixture);
}

static void only_a_checkpoint(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 0, 77, 5), OUTBOX_DONE);
    assert_int_equal(fixture_send(fixture, 0), OUTBOX_DONE);
    struct outbox_found found = fixture_found(fixture, false);
    assert_true(found.has_checkpoint);
    assert_int_equal(found.checkpoint.position, 77);
    assert_int_equal(found.checkpoint.generation, 5);
    outbox_found_end(&found);
    fixture_end(fixture);
}

static void at_least_once_has_neither_transactions_nor_notes(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    fixture->config.mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 2000);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 2000, 2000, 1), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 2000);
    struct outbox_found found = fixture_found(fixture, false);
    assert_false(found.has_checkpoint);
    outbox_found_end(&found);
    fixture_end(fixture);
}

/* What Kafka answers to a request, and what that must mean. Errors that librdkafka bears by itself are DONE. */
static void answers_and_what_they_mean(void **state)
{
    static const struct {
        const char *label;
        int16_t api;
        rd_kafka_resp_err_t error;
        enum outbox_result result;
        const char *code;
        uint64_t refused;
    } cases[] = {
        { "too large", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, OUTBOX_REFUSED,
          "MSG_SIZE_TOO_LARGE", 1 },
        { "list too large", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, OUTBOX_REFUSED,
          "RECORD_LIST_TOO_LARGE", 1 },
        { "record", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_RECORD, OUTBOX_REFUSED, "INVALID_RECORD", 1 },
        { "timestamp", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, OUTBOX_REFUSED,
          "INVALID_TIMESTAMP", 1 },
        { "corrupt", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_MSG, OUTBOX_REFUSED, "INVALID_MSG", 1 },
        { "no right to the topic", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, OUTBOX_AGAIN,
          "TOPIC_AUTHORIZATION_FAILED", 0 },
        { "leader moved", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, OUTBOX_DONE, "", 0 },
        { "too few replicas", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, OUTBOX_DONE, "", 0 },
        { "unheard of", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_UNKNOWN, OUTBOX_AGAIN, "UNKNOWN", 0 },
        { "sequence", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, OUTBOX_AGAIN, NULL, 0 },
        { "fenced at produce", KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, OUTBOX_FENCED,
          "_FENCED", 0 },
        { "fenced at add", KAFKA_API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, OUTBOX_FENCED, "_FENCED", 0 },
        { "no right at add", KAFKA_API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, OUTBOX_AGAIN,
          "TOPIC_AUTHORIZATION_FAILED", 0 },
        { "id expired at add", KAFKA_API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, OUTBOX_AGAIN,
          "INVALID_PRODUCER_ID_MAPPING", 0 },
        { "concurrent at add", KAFKA_API_ADD_PARTITIONS, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS, OUTBOX_DONE,
          "", 0 },
        { "fenced at end", KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, OUTBOX_FENCED, "_FENCED", 0 },
        { "state at end", KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, OUTBOX_AGAIN,
          "INVALID_TXN_STATE", 0 },
        { "id without rights", KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
          OUTBOX_MISCONFIGURED, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", 0 },
        { "unheard of at end", KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR_UNKNOWN, OUTBOX_AGAIN, "UNKNOWN", 0 },
        { "coordinator loads", KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, OUTBOX_DONE, "", 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct kafka_fixture *fixture = fixture_begin(1);

        kafka_fixture_open(fixture);
        kafka_fixture_fill(fixture, "orders", 1, 1); /* one partition, so that one answer is for all of it */
        fixture_fail_requests(fixture, cases[i].api, cases[i].error, 1);
        enum outbox_result result = fixture_send(fixture, 1);
        if (result != cases[i].result)
            print_error("result %d: %s: %s\n", (int)result, fixture->fault.code, fixture->fault.reason);
        CHECK_CASE(result == cases[i].result, cases[i].label);
        if (result != OUTBOX_DONE) {
            CHECK_CASE(cases[i].code == NULL || strcmp(fixture->fault.code, cases[i].code) == 0, cases[i].label);
            CHECK_CASE(fixture->fault.first_refused == cases[i].refused, cases[i].label);
            CHECK_CASE(fixture->fault.is_poison == (result == OUTBOX_REFUSED), cases[i].label);
            CHECK_CASE(strlen(fixture->fault.reason) > 20, cases[i].label);
        }
        fixture_end(fixture);
    }
}

/* The checkpoint's topic takes no record of this size: no event is to blame. */
static void a_note_that_is_refused_is_no_poison(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    fixture_fail_requests(fixture, KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 0, 10, 1), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "MSG_SIZE_TOO_LARGE");
    assert_false(fixture->fault.is_poison);
    assert_int_equal(fixture->fault.first_refused, 0);
    fixture_end(fixture);
}

static void a_message_that_is_too_large_for_librdkafka(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    char *large = calloc(1, 200000);

    fixture->config.max_message_bytes = 100000;
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    fixture->messages[4].value = varve_view_of(large, 200000);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_REFUSED);
    assert_string_equal(fixture->fault.code, "MSG_SIZE_TOO_LARGE");
    assert_int_equal(fixture->fault.first_refused, 5);
    assert_int_equal(fixture->figures.transaction_aborts, 1);
    struct outbox_found found = fixture_found(fixture, false);
    assert_false(found.has_checkpoint);
    outbox_found_end(&found);
    free(large);
    fixture_end(fixture);
}

/* librdkafka's queue holds fewer than the batch has. */
static void a_full_queue_is_waited_for(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    fixture_set(fixture, "queue.buffering.max.messages", "100");
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 3000);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 3000, 3000, 1), OUTBOX_DONE);
    assert_true(fixture->figures.queue_full > 0);
    fixture_expect_positions(fixture, "orders", 1, 3000);
    fixture_end(fixture);
}

static void a_broker_that_is_down_is_waited_for_no_longer_than_configured(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    fixture->config.message_timeout_ms = 1500;
    fixture->config.transaction_timeout_ms = 3000;
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    rd_kafka_mock_broker_set_down(fixture->cluster, -1);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 100, 100, 1), OUTBOX_AGAIN);
    assert_true(outbox_kafka_is_suspect(fixture->kafka));
    assert_string_equal(fixture->fault.code, "_MSG_TIMED_OUT");
    assert_non_null(strstr(fixture->fault.reason, "127.0.0.1")); /* what the connections said */
    fixture_end(fixture);
}

static void waiting_ends_by_order(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    rd_kafka_mock_broker_set_down(fixture->cluster, -1);
    fixture->asked = 0;
    fixture->interrupt_at = 3;
    assert_int_equal(fixture_send_with_checkpoint(fixture, 100, 100, 1), OUTBOX_INTERRUPTED);
    assert_int_equal(fixture->asked, 3);
    fixture_end(fixture);
}

/* The next instance takes over what the first left open. */
static void after_a_failure_a_new_instance_goes_on(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    fixture_fail_requests(fixture, KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, 1);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_AGAIN);
    kafka_fixture_reopen(fixture);
    kafka_fixture_fill(fixture, "others", 11, 10);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 20, 2), OUTBOX_DONE);
    fixture_expect_positions(fixture, "others", 11, 20);
    fixture_end(fixture);
}

static void errors_are_counted_by_their_code(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 1);
    fixture_fail_requests(fixture, KAFKA_API_PRODUCE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, 1);
    assert_int_equal(fixture_send(fixture, 1), OUTBOX_REFUSED);
    assert_int_equal(fixture->figures.delivery_errors.count, 1);
    assert_string_equal(fixture->figures.delivery_errors.codes[0], "MSG_SIZE_TOO_LARGE");
    assert_int_equal(fixture->figures.delivery_errors.counts[0], 1);
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_arrives_whole_and_in_order),
        cmocka_unit_test(many_batches_one_after_another),
        cmocka_unit_test(only_a_checkpoint),
        cmocka_unit_test(at_least_once_has_neither_transactions_nor_notes),
        cmocka_unit_test(answers_and_what_they_mean),
        cmocka_unit_test(a_note_that_is_refused_is_no_poison),
        cmocka_unit_test(a_message_that_is_too_large_for_librdkafka),
        cmocka_unit_test(a_full_queue_is_waited_for),
        cmocka_unit_test(a_broker_that_is_down_is_waited_for_no_longer_than_configured),
        cmocka_unit_test(waiting_ends_by_order),
        cmocka_unit_test(after_a_failure_a_new_instance_goes_on),
        cmocka_unit_test(errors_are_counted_by_their_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
