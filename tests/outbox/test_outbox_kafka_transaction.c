/* test_outbox_kafka_transaction.c - the transactional id taken over, and what can be in the way of that. */
#include "kafka_fixture.h"

#include "server/outbox/outbox_kafka_parts.h"

static enum outbox_result init(struct kafka_fixture *fixture)
{
    fixture_create(fixture);
    return outbox_kafka_init(fixture->kafka, &fixture->fault);
}

static void answers_to_init(void **state)
{
    static const struct {
        const char *label;
        int16_t api;
        rd_kafka_resp_err_t error;
        enum outbox_result result;
        const char *code;
    } cases[] = {
        { "no right to the id", KAFKA_API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
          OUTBOX_MISCONFIGURED, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" },
        { "no right to find it", KAFKA_API_FIND_COORDINATOR, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
          OUTBOX_MISCONFIGURED, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" },
        { "timeout too long", KAFKA_API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
          OUTBOX_MISCONFIGURED, "INVALID_TRANSACTION_TIMEOUT" },
        { "fenced", KAFKA_API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_PRODUCER_FENCED, OUTBOX_FENCED, "_FENCED" },
        { "another's transaction is open", KAFKA_API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS,
          OUTBOX_DONE, "" },
        { "coordinator moves", KAFKA_API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR_NOT_COORDINATOR, OUTBOX_DONE, "" },
        { "coordinator not there yet", KAFKA_API_FIND_COORDINATOR, RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE,
          OUTBOX_DONE, "" },
        { "cut", KAFKA_API_INIT_PRODUCER_ID, RD_KAFKA_RESP_ERR__TRANSPORT, OUTBOX_DONE, "" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct kafka_fixture *fixture = fixture_begin(1);

        fixture_fail_requests(fixture, cases[i].api, cases[i].error, 1);
        enum outbox_result result = init(fixture);
        if (result != cases[i].result)
            print_error("result %d: %s: %s\n", (int)result, fixture->fault.code, fixture->fault.reason);
        CHECK_CASE(result == cases[i].result, cases[i].label);
        CHECK_CASE(result == OUTBOX_DONE || strcmp(fixture->fault.code, cases[i].code) == 0, cases[i].label);
        CHECK_CASE(fixture->figures.fenced == (result == OUTBOX_FENCED), cases[i].label);
        fixture_end(fixture);
    }
}

static void nobody_is_there(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    assert_int_equal(init(fixture), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "_TRANSPORT");
    assert_string_equal(fixture->fault.call, "init_transactions");
    assert_non_null(strstr(fixture->fault.reason, "refused")); /* Connection refused */
    fixture_end(fixture);
}

static void nobody_is_there_for_at_least_once(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture->config.mode = VARVE_OUTBOX_AT_LEAST_ONCE;
    fixture->interrupt_at = 1;
    assert_int_equal(init(fixture), OUTBOX_INTERRUPTED);
    assert_string_equal(fixture->fault.call, "connect");
    fixture_end(fixture);
}

static void waiting_for_nobody_ends_by_order(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture->interrupt_at = 1;
    assert_int_equal(init(fixture), OUTBOX_INTERRUPTED);
    assert_int_equal(fixture->asked, 1);
    fixture_end(fixture);
}

static void a_broker_that_comes_up_later_is_found(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    rd_kafka_mock_broker_set_down(fixture->cluster, -1);
    fixture->interrupt_at = 1;
    assert_int_equal(init(fixture), OUTBOX_INTERRUPTED);
    fixture->interrupt_at = 0;
    rd_kafka_mock_broker_set_up(fixture->cluster, -1);
    assert_int_equal(outbox_kafka_init(fixture->kafka, &fixture->fault), OUTBOX_DONE); /* resumed */
    fixture_end(fixture);
}

/* What librdkafka keeps of a failure is asked for without committing anything. */
static void the_kept_error(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    char sentence[200] = "";

    kafka_fixture_open(fixture);
    assert_int_equal(kafka_transaction_begin(fixture->kafka, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(kafka_transaction_error(fixture->kafka, sentence, sizeof(sentence)), RD_KAFKA_RESP_ERR_NO_ERROR);
    kafka_transaction_abort(fixture->kafka, 1000);
    assert_int_equal(fixture->figures.transaction_aborts, 1);
    assert_int_equal(kafka_transaction_begin(fixture->kafka, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(kafka_transaction_commit(fixture->kafka, &fixture->fault), OUTBOX_DONE);
    rd_kafka_test_fatal_error(fixture->kafka->rk, RD_KAFKA_RESP_ERR__FENCED, "made up");
    assert_int_equal(kafka_transaction_error(fixture->kafka, sentence, sizeof(sentence)), RD_KAFKA_RESP_ERR__FENCED);
    assert_int_equal(kafka_transaction_begin(fixture->kafka, &fixture->fault), OUTBOX_FENCED);
    fixture_end(fixture);
}

/* The coordinator does not answer any more: the end of the transaction's time ends the wait. */
static void a_commit_waits_no_longer_than_a_transaction_lives(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    fixture->config.transaction_timeout_ms = 2000;
    fixture->config.message_timeout_ms = 1500;
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    fixture_fail_requests(fixture, KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, 1000);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.call, "commit_transaction");
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_to_init),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(nobody_is_there_for_at_least_once),
        cmocka_unit_test(waiting_for_nobody_ends_by_order),
        cmocka_unit_test(a_broker_that_comes_up_later_is_found),
        cmocka_unit_test(the_kept_error),
        cmocka_unit_test(a_commit_waits_no_longer_than_a_transaction_lives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
