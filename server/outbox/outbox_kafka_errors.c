/* outbox_kafka_errors.c - what an error of librdkafka means for the outbox, and how it is told. */
#include <stdio.h>
#include <string.h>

#include "outbox_kafka_parts.h"

/* The broker has looked at the record and does not take it: it never will. */
bool kafka_is_poison(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_MSG: /* CORRUPT_MESSAGE */
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION: /* INVALID_TOPIC_EXCEPTION */
        return true;
    default:
        return false;
    }
}

/* Rights to topics and wrong passwords are not among the misconfigured: they are granted and mended on Kafka's side
 * while we try again. */
static bool needs_an_operator(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR__NOT_CONFIGURED:
        return true;
    default:
        return false;
    }
}

enum outbox_result kafka_result_of(rd_kafka_resp_err_t error)
{
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OUTBOX_DONE;
    if (kafka_is_poison(error))
        return OUTBOX_REFUSED;
    if (needs_an_operator(error))
        return OUTBOX_MISCONFIGURED;
    if (error == RD_KAFKA_RESP_ERR__FENCED || error == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
        error == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH)
        return OUTBOX_FENCED;
    return OUTBOX_AGAIN;
}

/* Does the error only say that an answer did not come? Then the connections know why. */
static bool is_silence(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__TIMED_OUT || error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ||
           error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN ||
           error == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE || error == RD_KAFKA_RESP_ERR__WAIT_COORD;
}

/* librdkafka tries again what a broker refuses for want of replicas, until time is up, and does not say so. */
static const char *hint_for(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ? " (brokers away, or too few replicas in sync)" : "";
}

enum outbox_result kafka_fail(const struct kafka_ear *ear, struct outbox_fault *fault, const char *call,
                              rd_kafka_resp_err_t error, const char *sentence)
{
    bool explained = ear != NULL && ear->trouble != RD_KAFKA_RESP_ERR_NO_ERROR && is_silence(error);
    rd_kafka_resp_err_t named = explained && error != RD_KAFKA_RESP_ERR__MSG_TIMED_OUT ? ear->trouble : error;

    *fault = (struct outbox_fault){ .call = call };
    snprintf(fault->code, sizeof(fault->code), "%s", rd_kafka_err2name(named));
    if (sentence == NULL || sentence[0] == 0)
        sentence = rd_kafka_err2str(error);
    snprintf(fault->reason, sizeof(fault->reason), "%.30s: %.150s%s%s%.160s", call, sentence, hint_for(error),
             explained ? "; " : "", explained ? ear->sentence : "");
    enum outbox_result result = kafka_result_of(named);
    fault->is_poison = result == OUTBOX_REFUSED;
    return result;
}

enum outbox_result kafka_interrupted(struct outbox_fault *fault, const char *call)
{
    *fault = (struct outbox_fault){ .code = "INTERRUPTED", .call = call };
    snprintf(fault->reason, sizeof(fault->reason), "%s: given up by order", call);
    return OUTBOX_INTERRUPTED;
}
