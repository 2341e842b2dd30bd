/* kafka_plain.c - see kafka_bench.h: the limit for an outbox, a producer that takes records from memory and sends them
 * with librdkafka's idempotence alone, never waiting for anything. */
#include "kafka_bench.h"

#include <stdlib.h>

enum { SAMPLE = 20000, ANSWER_MS = 10000, FLUSH_MS = 120000, POLL_EVERY = 1024 };

struct plain {
    rd_kafka_message_t *sample[SAMPLE];
    rd_kafka_headers_t *headers[SAMPLE]; /* theirs; NULL: none */
    size_t count;
    uint64_t failed;
};

/* ---- what is sent ---- */

static rd_kafka_t *open_instance(struct kafka_bench *kafka, rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[256];
    rd_kafka_t *rk = rd_kafka_new(type, conf, why, sizeof(why));

    if (rk == NULL)
        die("librdkafka: %s", why);
    return rk;
}

/* The first records of each partition, mixed as they come. */
static rd_kafka_t *take_sample(struct kafka_bench *kafka, const char *like, struct plain *plain)
{
    static const char *const properties[][2] = {
        { "group.id", "varve-bench" },     { "isolation.level", "read_committed" },
        { "enable.auto.commit", "false" }, { "auto.offset.reset", "earliest" },
        { "enable.partition.eof", "true" },
    };
    rd_kafka_t *rk = open_instance(kafka, RD_KAFKA_CONSUMER,
                                   kafka_bench_conf(kafka, properties, sizeof(properties) / sizeof(properties[0])));
    rd_kafka_poll_set_consumer(rk);
    int partitions = kafka_bench_partitions(rk, like), ended = 0;
    rd_kafka_topic_partition_list_t *all = rd_kafka_topic_partition_list_new(partitions);

    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(all, like, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
    rd_kafka_assign(rk, all);
    rd_kafka_topic_partition_list_destroy(all);
    while (plain->count < SAMPLE && ended < partitions) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, ANSWER_MS);
        if (message == NULL)
            die("topic %s cannot be read", like);
        if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            rd_kafka_message_headers(message, &plain->headers[plain->count]);
            plain->sample[plain->count++] = message;
            continue;
        }
        ended += message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
        rd_kafka_message_destroy(message);
    }
    if (plain->count == 0)
        die("topic %s is empty", like);
    return rk;
}

/* ---- sending ---- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
    struct plain *plain = opaque;

    plain->failed += message->err != RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_t *open_producer(struct kafka_bench *kafka, struct plain *plain)
{
    static const char *const properties[][2] = {
        { "enable.idempotence", "true" },     { "compression.type", "lz4" },
        { "batch.num.messages", "10000" },    { "queue.buffering.max.messages", "100000" },
        { "queue.buffering.max.kbytes", "65536" }, { "linger.ms", "5" },
    };
    rd_kafka_conf_t *conf = kafka_bench_conf(kafka, properties, sizeof(properties) / sizeof(properties[0]));

    rd_kafka_conf_set_opaque(conf, plain);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    return open_instance(kafka, RD_KAFKA_PRODUCER, conf);
}

static void produce(rd_kafka_t *rk, rd_kafka_topic_t *rkt, struct plain *plain, uint64_t number)
{
    const rd_kafka_message_t *like = plain->sample[number % plain->count];
    const rd_kafka_headers_t *headers = plain->headers[number % plain->count];

    for (;;) {
        rd_kafka_headers_t *copy = headers != NULL ? rd_kafka_headers_copy(headers) : NULL;
        rd_kafka_resp_err_t error = rd_kafka_producev(
            rk, RD_KAFKA_V_RKT(rkt), RD_KAFKA_V_PARTITION(like->partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY(like->key, like->key_len), RD_KAFKA_V_VALUE(like->payload, like->len),
            RD_KAFKA_V_HEADERS(copy), RD_KAFKA_V_END);
        if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
            return;
        if (copy != NULL)
            rd_kafka_headers_destroy(copy);
        if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("the plain producer: %s", rd_kafka_err2str(error));
        rd_kafka_poll(rk, 1);
    }
}

/* As many partitions as the other has. A mock makes it when it is asked for. */
static void make_topic(struct kafka_bench *kafka, rd_kafka_t *rk, const char *topic, int partitions)
{
    char why[256];

    if (!kafka_bench_is_mock(kafka)) {
        rd_kafka_NewTopic_t *one = rd_kafka_NewTopic_new(topic, partitions, -1, why, sizeof(why));
        rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
        rd_kafka_CreateTopics(rk, &one, 1, NULL, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS);
        if (event != NULL)
            rd_kafka_event_destroy(event);
        rd_kafka_queue_destroy(queue);
        rd_kafka_NewTopic_destroy(one);
    }
    kafka_bench_partitions(rk, topic);
}

uint64_t kafka_produce_plainly(struct kafka_bench *kafka, const char *like, const char *topic, uint64_t count)
{
    struct plain *plain = calloc(1, sizeof(*plain));

    if (plain == NULL)
        die("no memory");
    rd_kafka_t *reader = take_sample(kafka, like, plain), *rk = open_producer(kafka, plain);
    make_topic(kafka, rk, topic, kafka_bench_partitions(reader, like));
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    uint64_t began = now_ns();
    for (uint64_t i = 0; i < count; i++) {
        produce(rk, rkt, plain, i);
        if (i % POLL_EVERY == 0)
            rd_kafka_poll(rk, 0);
    }
    if (rd_kafka_flush(rk, FLUSH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR || plain->failed > 0)
        die("the plain producer lost messages");
    uint64_t elapsed = now_ns() - began;
    rd_kafka_topic_destroy(rkt);
    rd_kafka_destroy(rk);
    for (size_t i = 0; i < plain->count; i++)
        rd_kafka_message_destroy(plain->sample[i]);
    rd_kafka_consumer_close(reader);
    rd_kafka_destroy(reader);
    free(plain);
    return elapsed;
}
