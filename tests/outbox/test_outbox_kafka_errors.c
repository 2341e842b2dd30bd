/* test_outbox_kafka_errors.c - the table of errors: what is poison, what is the environment, what is an operator's. */
#include "support/check.h"

#include "server/outbox/outbox_kafka_parts.h"

static const struct {
    rd_kafka_resp_err_t error;
    enum outbox_result result;
} meanings[] = {
    { RD_KAFKA_RESP_ERR_NO_ERROR, OUTBOX_DONE },
    { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, OUTBOX_REFUSED },
    { RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, OUTBOX_REFUSED },
    { RD_KAFKA_RESP_ERR_INVALID_RECORD, OUTBOX_REFUSED },
    { RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP, OUTBOX_REFUSED },
    { RD_KAFKA_RESP_ERR_INVALID_MSG, OUTBOX_REFUSED },
    { RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, OUTBOX_REFUSED },
    { RD_KAFKA_RESP_ERR__FENCED, OUTBOX_FENCED },
    { RD_KAFKA_RESP_ERR_PRODUCER_FENCED, OUTBOX_FENCED },
    { RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH, OUTBOX_FENCED },
    { RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OUTBOX_MISCONFIGURED },
    { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, OUTBOX_MISCONFIGURED },
    { RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT, OUTBOX_MISCONFIGURED },
    { RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, OUTBOX_MISCONFIGURED },
    /* Mended or granted on Kafka's side while we try again: */
    { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__AUTHENTICATION, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__SSL, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__TRANSPORT, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__TIMED_OUT, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__STATE, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__INCONSISTENT, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR__PURGE_QUEUE, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_UNKNOWN, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_INVALID_PRODUCER_ID_MAPPING, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, OUTBOX_AGAIN },
    { RD_KAFKA_RESP_ERR_POLICY_VIOLATION, OUTBOX_AGAIN },
};

static void every_row_of_the_table(void **state)
{
    for (size_t i = 0; i < COUNT_OF(meanings); i++) {
        CHECK_CASE(kafka_result_of(meanings[i].error) == meanings[i].result, rd_kafka_err2name(meanings[i].error));
        CHECK_CASE(kafka_is_poison(meanings[i].error) == (meanings[i].result == OUTBOX_REFUSED),
                   rd_kafka_err2name(meanings[i].error));
    }
}

static void codes_that_nobody_knows_are_the_environment(void **state)
{
    for (int code = 95; code < 400; code++)
        assert_int_equal(kafka_result_of((rd_kafka_resp_err_t)code), OUTBOX_AGAIN);
}

static void a_fault_has_code_call_and_sentence(void **state)
{
    struct outbox_fault fault;

    assert_int_equal(kafka_fail(NULL, &fault, "commit_transaction", RD_KAFKA_RESP_ERR__FENCED, "fenced by another"),
                     OUTBOX_FENCED);
    assert_string_equal(fault.code, "_FENCED");
    assert_string_equal(fault.call, "commit_transaction");
    assert_string_equal(fault.reason, "commit_transaction: fenced by another");
    assert_false(fault.is_poison);
    assert_int_equal(kafka_fail(NULL, &fault, "produce", RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, NULL), OUTBOX_REFUSED);
    assert_true(fault.is_poison);
    assert_non_null(strstr(fault.reason, rd_kafka_err2str(RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE)));
}

/* "Timed out" alone helps nobody: the connections know that the password was wrong. */
static void silence_is_explained(void **state)
{
    struct kafka_ear ear = { .trouble = RD_KAFKA_RESP_ERR__AUTHENTICATION, .sentence = "SASL: wrong password" };
    struct outbox_fault fault;

    assert_int_equal(kafka_fail(&ear, &fault, "init_transactions", RD_KAFKA_RESP_ERR__TIMED_OUT, "timed out"),
                     OUTBOX_AGAIN);
    assert_string_equal(fault.code, "_AUTHENTICATION");
    assert_string_equal(fault.reason, "init_transactions: timed out; SASL: wrong password");
    kafka_fail(&ear, &fault, "produce", RD_KAFKA_RESP_ERR_INVALID_TXN_STATE, "state");
    assert_string_equal(fault.code, "INVALID_TXN_STATE");
    assert_string_equal(fault.reason, "produce: state");
    kafka_fail(&ear, &fault, "produce", RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "late"); /* keeps its code: it is counted */
    assert_string_equal(fault.code, "_MSG_TIMED_OUT");
    assert_string_equal(fault.reason,
                        "produce: late (brokers away, or too few replicas in sync); SASL: wrong password");
}

static void long_sentences_are_cut(void **state)
{
    struct kafka_ear ear = { .trouble = RD_KAFKA_RESP_ERR__TRANSPORT };
    struct outbox_fault fault;
    char sentence[2000];

    memset(sentence, 'x', sizeof(sentence) - 1);
    sentence[sizeof(sentence) - 1] = 0;
    snprintf(ear.sentence, sizeof(ear.sentence), "the reason%.380s", sentence);
    kafka_fail(&ear, &fault, "init_transactions", RD_KAFKA_RESP_ERR__TIMED_OUT, sentence);
    assert_non_null(strstr(fault.reason, "the reason")); /* that one is not pushed out by the other */
}

static void an_order_is_no_error(void **state)
{
    struct outbox_fault fault;

    assert_int_equal(kafka_interrupted(&fault, "fetch"), OUTBOX_INTERRUPTED);
    assert_string_equal(fault.call, "fetch");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_of_the_table),
        cmocka_unit_test(codes_that_nobody_knows_are_the_environment),
        cmocka_unit_test(a_fault_has_code_call_and_sentence),
        cmocka_unit_test(silence_is_explained),
        cmocka_unit_test(long_sentences_are_cut),
        cmocka_unit_test(an_order_is_no_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
