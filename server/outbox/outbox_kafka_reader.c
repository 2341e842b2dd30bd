/* outbox_kafka_reader.c - a consumer without a group that reads a partition's committed records to the end. */
#include <stdio.h>

#include "outbox_kafka_parts.h"

enum { RANGE_SLICE_MS = 1000, POLL_MS = 5, QUIET_MS = 10000 /* without any progress: something is wrong */ };

enum outbox_result kafka_reader_open(struct kafka_reader *reader, enum kafka_role role,
                                     const struct outbox_kafka_options *options, struct outbox_fault *fault)
{
    reader->options = *options;
    reader->options.figures = NULL; /* those are the producer's */
    kafka_ear_init(&reader->ear, &reader->options);
    return kafka_instance_new(role, &reader->ear, &reader->rk, fault);
}

/* There is no group to leave. */
void kafka_reader_close(struct kafka_reader *reader)
{
    rd_kafka_destroy_flags(reader->rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

/* ---- how far a partition reaches ---- */

/* A fresh instance calls a partition unknown before it has asked anybody, so that is no answer, either. */
static bool may_be_asked_again(rd_kafka_resp_err_t error)
{
    switch (error) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__WAIT_CACHE:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: /* of no use to us: we join none */
        return true;
    default:
        return false;
    }
}

/* Callbacks come with what is polled, and a producer's must not wait here for a consumer's. */
static void serve(rd_kafka_t *rk)
{
    if (rd_kafka_type(rk) == RD_KAFKA_PRODUCER)
        rd_kafka_poll(rk, 0);
}

static enum outbox_result fail(const struct kafka_ear *ear, struct outbox_fault *fault, const char *call,
                               const struct kafka_range *range, rd_kafka_resp_err_t error)
{
    char sentence[KAFKA_TOPIC_NAME + 160];

    snprintf(sentence, sizeof(sentence), "topic %s, partition %d: %s", range->topic, (int)range->partition,
             rd_kafka_err2str(error));
    return kafka_fail(ear, fault, call, error, sentence);
}

/* `which`: RD_KAFKA_OFFSET_BEGINNING or _END. Not by rd_kafka_query_watermark_offsets(): while the leader is away, that
 * takes no notice of its timeout (librdkafka before 2.3.0). */
static rd_kafka_resp_err_t ask(rd_kafka_t *rk, const struct kafka_range *range, int64_t which, int64_t *ret)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *asked = rd_kafka_topic_partition_list_add(list, range->topic, range->partition);

    asked->offset = which;
    rd_kafka_resp_err_t error = rd_kafka_offsets_for_times(rk, list, RANGE_SLICE_MS);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        error = asked->err;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && asked->offset < 0)
        error = RD_KAFKA_RESP_ERR__TIMED_OUT; /* still the question */
    *ret = asked->offset;
    rd_kafka_topic_partition_list_destroy(list);
    return error;
}

enum outbox_result kafka_reader_range(rd_kafka_t *rk, const struct kafka_ear *ear, struct kafka_range *range,
                                      struct outbox_fault *fault)
{
    int64_t began_ms = kafka_now_ms();

    for (;;) {
        rd_kafka_resp_err_t error = ask(rk, range, RD_KAFKA_OFFSET_BEGINNING, &range->low);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            error = ask(rk, range, RD_KAFKA_OFFSET_END, &range->high);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            return OUTBOX_DONE;
        serve(rk);
        if (may_be_asked_again(error) && kafka_is_interrupted(ear->options))
            return kafka_interrupted(fault, "list offsets");
        if (!may_be_asked_again(error) || kafka_now_ms() >= began_ms + kafka_ear_patience_ms(ear, KAFKA_MANAGE_MS))
            return fail(ear, fault, "list offsets", range, error);
    }
}

/* ---- reading ---- */

static enum outbox_result assign(struct kafka_reader *reader, const struct kafka_range *range,
                                 struct outbox_fault *fault)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, range->topic, range->partition)->offset = range->low;
    rd_kafka_resp_err_t error = rd_kafka_assign(reader->rk, list);
    rd_kafka_topic_partition_list_destroy(list);
    return error == RD_KAFKA_RESP_ERR_NO_ERROR ? OUTBOX_DONE : fail(&reader->ear, fault, "assign", range, error);
}

/* Where the consumer stands, transaction markers and aborted records included; no record ever shows those. */
static int64_t position_of(struct kafka_reader *reader, const struct kafka_range *range)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add(list, range->topic, range->partition);
    rd_kafka_resp_err_t error = rd_kafka_position(reader->rk, list);
    int64_t position = error == RD_KAFKA_RESP_ERR_NO_ERROR && place->offset >= 0 ? place->offset : -1;

    rd_kafka_topic_partition_list_destroy(list);
    return position;
}

struct run {
    struct kafka_reader *reader;
    const struct kafka_range *range;
    kafka_each *each;
    void *user;
    struct outbox_fault *fault;
    int64_t stands_at, moved_at_ms;
    bool ended;
};

static void advance(struct run *run, int64_t offset)
{
    if (offset <= run->stands_at)
        return;
    run->stands_at = offset;
    run->moved_at_ms = kafka_now_ms();
}

static enum outbox_result take(struct run *run, const rd_kafka_message_t *message)
{
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        advance(run, message->offset); /* the offset that comes next */
    } else if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        return may_be_asked_again(message->err) ? OUTBOX_DONE
               : fail(&run->reader->ear, run->fault, "fetch", run->range, message->err);
    } else {
        run->ended = message->offset < run->range->high && !run->each(run->user, message);
        advance(run, message->offset + 1);
    }
    return OUTBOX_DONE;
}

/* The last thing in a partition is a marker as a rule: it moves the position, but wakes nobody. So polls are short. */
static enum outbox_result step(struct run *run)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(run->reader->rk, POLL_MS);
    enum outbox_result result = OUTBOX_DONE;

    if (message != NULL) {
        result = take(run, message);
        rd_kafka_message_destroy(message);
    }
    if (result != OUTBOX_DONE || message != NULL)
        return result;
    advance(run, position_of(run->reader, run->range));
    if (run->stands_at < run->range->high && kafka_now_ms() - run->moved_at_ms > QUIET_MS)
        return fail(&run->reader->ear, run->fault, "fetch", run->range, RD_KAFKA_RESP_ERR__TIMED_OUT);
    return OUTBOX_DONE;
}

enum outbox_result kafka_reader_run(struct kafka_reader *reader, const struct kafka_range *range, kafka_each *each,
                                    void *user, struct outbox_fault *fault)
{
    struct run run = { .reader = reader, .range = range, .each = each, .user = user, .fault = fault,
                       .stands_at = range->low, .moved_at_ms = kafka_now_ms() };
    enum outbox_result result = range->low < range->high ? assign(reader, range, fault) : OUTBOX_DONE;
    int64_t asked_ms = run.moved_at_ms;

    while (result == OUTBOX_DONE && run.stands_at < range->high && !run.ended) {
        result = step(&run);
        if (result == OUTBOX_DONE && kafka_now_ms() - asked_ms >= KAFKA_SLICE_MS) {
            asked_ms = kafka_now_ms();
            if (kafka_is_interrupted(&reader->options))
                result = kafka_interrupted(fault, "fetch");
        }
    }
    return result;
}
