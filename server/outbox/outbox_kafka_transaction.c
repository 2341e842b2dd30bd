/* outbox_kafka_transaction.c - the transactional id taken over, transactions begun, committed, aborted. */
#include <stdio.h>
#include <string.h>

#include "outbox_kafka_parts.h"

enum { INIT_MS = 15000, INIT_SLICE_MS = 500, COMMIT_TRIES = 3 };

static enum outbox_result fail_and_destroy(struct outbox_kafka *kafka, struct outbox_fault *fault, const char *call,
                                           rd_kafka_error_t *error)
{
    enum outbox_result result = kafka_fail(&kafka->ear, fault, call, rd_kafka_error_code(error),
                                           rd_kafka_error_string(error));

    rd_kafka_error_destroy(error);
    if (result == OUTBOX_FENCED && kafka->options.figures != NULL)
        kafka->options.figures->fenced++;
    return result;
}

/* ---- taking over ---- */

/* at_least_once takes nothing over: it is ready when somebody answers. */
static rd_kafka_error_t *wait_for_broker(struct outbox_kafka *kafka)
{
    if (rd_kafka_controllerid(kafka->rk, INIT_SLICE_MS) >= 0)
        return NULL;
    rd_kafka_resp_err_t error = RD_KAFKA_RESP_ERR__TIMED_OUT;
    return rd_kafka_error_new(error, "no broker answers");
}

static bool is_under_way(const rd_kafka_error_t *error)
{
    return rd_kafka_error_is_retriable(error) || rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT;
}

/* The call goes on in the background when its slice is over; the same call again finds it there. */
enum outbox_result outbox_kafka_init(struct outbox_kafka *kafka, struct outbox_fault *fault)
{
    const char *call = kafka->transactional ? "init_transactions" : "connect";
    int64_t began_ms = kafka_now_ms();

    for (;;) {
        rd_kafka_error_t *error = kafka->transactional ? rd_kafka_init_transactions(kafka->rk, INIT_SLICE_MS)
                                                       : wait_for_broker(kafka);
        rd_kafka_poll(kafka->rk, 0);
        if (error == NULL)
            break;
        bool interrupted = is_under_way(error) && kafka_is_interrupted(&kafka->options);
        if (!interrupted && (!is_under_way(error) ||
                             kafka_now_ms() >= began_ms + kafka_ear_patience_ms(&kafka->ear, INIT_MS)))
            return fail_and_destroy(kafka, fault, call, error);
        rd_kafka_error_destroy(error);
        if (interrupted)
            return kafka_interrupted(fault, call);
    }
    kafka->is_ready = true;
    return OUTBOX_DONE;
}

/* ---- transactions ---- */

/* After a fatal error librdkafka may hang in begin. */
enum outbox_result kafka_transaction_begin(struct outbox_kafka *kafka, struct outbox_fault *fault)
{
    char sentence[VARVE_MAX_OUTBOX_REASON];
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(kafka->rk, sentence, sizeof(sentence));

    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
        return kafka_fail(&kafka->ear, fault, "begin_transaction", fatal, sentence);
    rd_kafka_error_t *error = rd_kafka_begin_transaction(kafka->rk);
    return error == NULL ? OUTBOX_DONE : fail_and_destroy(kafka, fault, "begin_transaction", error);
}

/* One call, not slices: librdkafka (2.0.2) keeps one result for the call under way, and a second call may take an
 * older one for its own. When a transaction's time is over without an answer, Kafka alone knows what became of it. */
enum outbox_result kafka_transaction_commit(struct outbox_kafka *kafka, struct outbox_fault *fault)
{
    int64_t until_ms = kafka_now_ms() + kafka->options.config->transaction_timeout_ms;

    for (int tries = 1;; tries++) {
        int64_t left = until_ms - kafka_now_ms();
        rd_kafka_error_t *error = rd_kafka_commit_transaction(kafka->rk, left > 1 ? (int)left : 1);

        if (error == NULL)
            return OUTBOX_DONE;
        if (!rd_kafka_error_is_retriable(error) || tries == COMMIT_TRIES || kafka_now_ms() >= until_ms ||
            rd_kafka_error_code(error) == RD_KAFKA_RESP_ERR__TIMED_OUT)
            return fail_and_destroy(kafka, fault, "commit_transaction", error);
        rd_kafka_error_destroy(error);
        rd_kafka_poll(kafka->rk, KAFKA_SLICE_MS);
    }
}

void kafka_transaction_abort(struct outbox_kafka *kafka, int timeout_ms)
{
    rd_kafka_error_t *error = rd_kafka_abort_transaction(kafka->rk, timeout_ms);

    if (error == NULL && kafka->options.figures != NULL)
        kafka->options.figures->transaction_aborts++;
    rd_kafka_error_destroy(error);
}

/* To begin another one is refused with the error of the one that failed. (To commit it would be, too; but that is a
 * question that nobody should ask who does not want the answer "done".) */
rd_kafka_resp_err_t kafka_transaction_error(struct outbox_kafka *kafka, char *ret_sentence, size_t room)
{
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(kafka->rk, ret_sentence, room);

    if (code != RD_KAFKA_RESP_ERR_NO_ERROR || !kafka->transactional)
        return code;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(kafka->rk);
    if (error != NULL && rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR__STATE) {
        code = rd_kafka_error_code(error);
        snprintf(ret_sentence, room, "%s", rd_kafka_error_string(error));
    }
    rd_kafka_error_destroy(error);
    return code;
}
