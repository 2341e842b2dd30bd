/* outbox_kafka_send.c - a batch of messages: produced in order, acknowledged, committed; all of it or nothing. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "outbox_kafka_parts.h"

enum { POLL_EVERY = 1024, ACK_POLL_MS = 10, CAUSE_MS = 100, ABORT_MS = 3000, ABORT_BY_ORDER_MS = 1000,
       ASK_EVERY_MS = 100, LATE_MS = 5000 /* beyond message.timeout.ms: then librdkafka itself is stuck */ };

struct sending {
    struct outbox_kafka *kafka;
    struct outbox_fault *fault;
    int64_t asked_ms;              /* when `interrupted` was */
    int64_t until_ms;
    uint64_t bytes;
};

/* ---- acknowledgements ---- */

/* What was thrown away because something else failed is no cause. */
static bool is_consequence(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR__PURGE_QUEUE || error == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
           error == RD_KAFKA_RESP_ERR__FATAL;
}

static void take_error(struct outbox_kafka *kafka, rd_kafka_resp_err_t error, uint64_t position, const char *topic)
{
    struct kafka_delivery *delivery = &kafka->delivery;
    struct outbox_figures *figures = kafka->options.figures;
    bool is_poison = kafka_is_poison(error);

    if (is_consequence(error))
        return;
    delivery->note_refused = delivery->note_refused || (is_poison && position == 0);
    if (figures != NULL)
        outbox_figures_count_code(figures, &figures->delivery_errors, rd_kafka_err2name(error));
    if (is_poison && position > 0 && (delivery->first_refused == 0 || position < delivery->first_refused))
        delivery->first_refused = position;
    if (delivery->cause != RD_KAFKA_RESP_ERR_NO_ERROR && (!is_poison || kafka_is_poison(delivery->cause)))
        return;
    delivery->cause = error;
    snprintf(delivery->sentence, sizeof(delivery->sentence), "topic %s: %s", topic, rd_kafka_err2str(error));
}

void kafka_delivery_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct outbox_kafka *kafka = opaque; /* its ear is what librdkafka was given, and comes first */
    struct kafka_delivery *delivery = &kafka->delivery;

    delivery->reported++;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        delivery->failed++;
        take_error(kafka, message->err, (uint64_t)(uintptr_t)message->_private, rd_kafka_topic_name(message->rkt));
        return;
    }
    delivery->last_us = kafka_now_us();
    if (delivery->first_us == 0)
        delivery->first_us = delivery->last_us;
}

/* ---- failures ---- */

/* The report that says why may be behind those of what was thrown away for it. */
static void hear_causes(struct outbox_kafka *kafka)
{
    int64_t until_ms = kafka_now_ms() + CAUSE_MS;

    rd_kafka_poll(kafka->rk, 0);
    while (kafka->delivery.reported < kafka->delivery.produced && kafka->delivery.failed > 0 &&
           kafka_now_ms() < until_ms)
        rd_kafka_poll(kafka->rk, ACK_POLL_MS);
}

/* A note that is refused says nothing about events: it is Kafka's settings that have to change. */
static enum outbox_result whose_fault(struct sending *sending)
{
    const struct kafka_delivery *delivery = &sending->kafka->delivery;

    sending->fault->first_refused = delivery->first_refused;
    if (!delivery->note_refused || delivery->first_refused > 0)
        return OUTBOX_REFUSED;
    sending->fault->is_poison = false;
    return OUTBOX_AGAIN;
}

/* Why the batch failed: a fatal error before what the broker said of a message, that before what librdkafka made of it,
 * and `error`, of the call that failed, when nothing else is known. */
static enum outbox_result blame(struct sending *sending, const char *call, rd_kafka_resp_err_t error,
                                const char *sentence)
{
    struct outbox_kafka *kafka = sending->kafka;
    const struct kafka_delivery *delivery = &kafka->delivery;
    char kept[VARVE_MAX_OUTBOX_REASON] = "";

    hear_causes(kafka);
    rd_kafka_resp_err_t keeps = kafka_transaction_error(kafka, kept, sizeof(kept));
    bool is_fatal = rd_kafka_fatal_error(kafka->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
    enum outbox_result result;

    if (!is_fatal && delivery->cause != RD_KAFKA_RESP_ERR_NO_ERROR)
        result = kafka_fail(&kafka->ear, sending->fault, "produce", delivery->cause, delivery->sentence);
    else if (keeps != RD_KAFKA_RESP_ERR_NO_ERROR)
        result = kafka_fail(&kafka->ear, sending->fault, call, keeps, kept);
    else
        result = kafka_fail(&kafka->ear, sending->fault, call, error, sentence);
    if (result == OUTBOX_REFUSED)
        result = whose_fault(sending);
    if (result == OUTBOX_FENCED && kafka->options.figures != NULL)
        kafka->options.figures->fenced++;
    return result;
}

/* Aborted where that is cheap, so that the next instance and all consumers need not wait; but not over a connection
 * that is not trusted. The instance is of no use any more in any case. */
static void give_up(struct sending *sending, enum outbox_result result)
{
    struct outbox_kafka *kafka = sending->kafka;

    if (kafka->transactional && result != OUTBOX_FENCED && !kafka->ear.is_suspect &&
        rd_kafka_fatal_error(kafka->rk, NULL, 0) == RD_KAFKA_RESP_ERR_NO_ERROR)
        kafka_transaction_abort(kafka, result == OUTBOX_INTERRUPTED ? ABORT_BY_ORDER_MS : ABORT_MS);
}

/* What may end any wait: an order, a report of a failure, time. */
static enum outbox_result look_around(struct sending *sending, const char *call)
{
    struct outbox_kafka *kafka = sending->kafka;
    int64_t now = kafka_now_ms();

    if (kafka->delivery.failed > 0 || rd_kafka_fatal_error(kafka->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return blame(sending, call, RD_KAFKA_RESP_ERR__FAIL, "messages were not delivered");
    if (now >= sending->until_ms)
        return blame(sending, call, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT, "no acknowledgement in time");
    if (now - sending->asked_ms >= ASK_EVERY_MS) {
        sending->asked_ms = now;
        if (kafka_is_interrupted(&kafka->options))
            return kafka_interrupted(sending->fault, call);
    }
    return OUTBOX_DONE;
}

/* ---- producing ---- */

static rd_kafka_headers_t *headers_of(const struct outbox_message *message, uint64_t *bytes)
{
    rd_kafka_headers_t *headers = message->header_count == 0 ? NULL : rd_kafka_headers_new(message->header_count);

    for (size_t i = 0; i < message->header_count; i++) {
        const struct outbox_header *header = &message->headers[i];

        rd_kafka_header_add(headers, header->name, -1, header->value.data, (ssize_t)header->value.size);
        *bytes += strlen(header->name) + header->value.size;
    }
    return headers;
}

/* A full queue is waited for; any other refusal fails the batch: librdkafka itself would commit without the message. */
static enum outbox_result produce(struct sending *sending, rd_kafka_topic_t *rkt, const struct outbox_message *message)
{
    struct outbox_kafka *kafka = sending->kafka;
    rd_kafka_headers_t *headers = headers_of(message, &sending->bytes);
    enum outbox_result result = OUTBOX_DONE;
    rd_kafka_resp_err_t error;

    for (;;) {
        error = rd_kafka_producev(
            kafka->rk, RD_KAFKA_V_RKT(rkt), RD_KAFKA_V_PARTITION(message->partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(message->key.data, message->key.size),
            RD_KAFKA_V_VALUE((void *)message->value.data, message->value.size), RD_KAFKA_V_HEADERS(headers),
            RD_KAFKA_V_TIMESTAMP(message->timestamp_ms), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)message->position),
            RD_KAFKA_V_END);
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            break;
        if (kafka->options.figures != NULL)
            kafka->options.figures->queue_full++;
        rd_kafka_poll(kafka->rk, 1);
        result = look_around(sending, "produce");
        if (result != OUTBOX_DONE)
            break;
    }
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
        kafka->delivery.produced++;
        sending->bytes += message->key.size + message->value.size;
        return OUTBOX_DONE;
    }
    if (headers != NULL)
        rd_kafka_headers_destroy(headers);
    if (result != OUTBOX_DONE)
        return result;
    if (kafka_is_poison(error))
        take_error(kafka, error, message->position, rd_kafka_topic_name(rkt));
    return blame(sending, "produce", error, NULL);
}

static enum outbox_result produce_messages(struct sending *sending, const struct outbox_message *messages, size_t count)
{
    struct outbox_kafka *kafka = sending->kafka;
    enum outbox_result result = OUTBOX_DONE;

    for (size_t i = 0; i < count && result == OUTBOX_DONE; i++) {
        result = produce(sending, kafka_topics_find(&kafka->topics, messages[i].topic)->rkt, &messages[i]);
        if (result == OUTBOX_DONE && i % POLL_EVERY == POLL_EVERY - 1) {
            rd_kafka_poll(kafka->rk, 0);
            result = look_around(sending, "produce");
        }
    }
    return result;
}

static enum outbox_result produce_notes(struct sending *sending, const struct outbox_note *notes, size_t count)
{
    enum outbox_result result = OUTBOX_DONE;

    for (size_t i = 0; i < count && result == OUTBOX_DONE; i++) {
        const struct outbox_message message = { .topic = sending->kafka->checkpoint_topic, .key = notes[i].key,
                                                .value = notes[i].value };

        result = produce_messages(sending, &message, 1);
    }
    return result;
}

static enum outbox_result await_reports(struct sending *sending)
{
    struct outbox_kafka *kafka = sending->kafka;
    const struct kafka_delivery *delivery = &kafka->delivery;
    enum outbox_result result = look_around(sending, "produce");

    while (delivery->reported < delivery->produced && result == OUTBOX_DONE) {
        rd_kafka_poll(kafka->rk, ACK_POLL_MS);
        result = look_around(sending, "produce");
    }
    return result;
}

/* ---- the whole ---- */

/* A first message to a topic that librdkafka (2.0.2) knows nothing of yet waits a second; one to a topic that does not
 * exist, until it times out. So nothing is begun before all are known. */
static enum outbox_result know_topic(struct sending *sending, const char *name)
{
    struct outbox_kafka *kafka = sending->kafka;
    const struct kafka_topic *topic = kafka_topics_find(&kafka->topics, name);
    enum outbox_result result = OUTBOX_DONE;
    struct kafka_topic *asked;

    if (topic == NULL || topic->partitions == 0) {
        result = kafka_topics_ask(kafka, name, &asked, sending->fault);
        topic = asked;
    }
    if (result == OUTBOX_DONE && topic->partitions == 0)
        result = kafka_fail(&kafka->ear, sending->fault, "produce", RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, name);
    return result;
}

static enum outbox_result begin(struct sending *sending, const struct outbox_message *messages, size_t count,
                                bool with_notes)
{
    struct outbox_kafka *kafka = sending->kafka;
    enum outbox_result result = with_notes ? know_topic(sending, kafka->checkpoint_topic) : OUTBOX_DONE;

    for (size_t i = 0; i < count && result == OUTBOX_DONE; i++)
        result = know_topic(sending, messages[i].topic);
    kafka->delivery = (struct kafka_delivery){ .began_us = kafka_now_us() };
    sending->asked_ms = kafka_now_ms();
    sending->until_ms = sending->asked_ms + kafka->options.config->message_timeout_ms + LATE_MS;
    if (result != OUTBOX_DONE || !kafka->transactional)
        return result;
    return kafka_transaction_begin(kafka, sending->fault);
}

static void tell(const struct sending *sending, int64_t acked_us, struct outbox_sent *ret)
{
    const struct kafka_delivery *delivery = &sending->kafka->delivery;

    *ret = (struct outbox_sent){ .commit_us = kafka_now_us() - acked_us, .bytes = sending->bytes };
    if (delivery->first_us != 0) {
        ret->first_ack_us = delivery->first_us - delivery->began_us;
        ret->ack_us = delivery->last_us - delivery->began_us;
    }
}

enum outbox_result outbox_kafka_send(struct outbox_kafka *kafka, const struct outbox_message *messages, size_t count,
                                     const struct outbox_note *notes, size_t note_count, struct outbox_sent *ret,
                                     struct outbox_fault *fault)
{
    struct sending sending = { .kafka = kafka, .fault = fault };
    enum outbox_result result;

    if (!kafka->transactional)
        note_count = 0;
    result = begin(&sending, messages, count, note_count > 0);
    if (result != OUTBOX_DONE)
        return result;
    result = produce_messages(&sending, messages, count);
    if (result == OUTBOX_DONE)
        result = produce_notes(&sending, notes, note_count);
    if (result == OUTBOX_DONE)
        result = await_reports(&sending);
    int64_t acked_us = kafka_now_us();
    if (result == OUTBOX_DONE && kafka->transactional)
        result = kafka_transaction_commit(kafka, fault);
    rd_kafka_poll(kafka->rk, 0); /* is the connection still trusted? */
    if (result == OUTBOX_DONE)
        tell(&sending, acked_us, ret);
    else
        give_up(&sending, result);
    return result;
}
