/* kafka_bench.c - see kafka_bench.h: the broker or the mock, and its topics. */
#include "kafka_bench.h"

#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ANSWER_MS = 10000, TRIES = 300, TRY_US = 100000 };

struct kafka_bench {
    char brokers[512];
    rd_kafka_t *host;                  /* of the mock; of topics' removal */
    rd_kafka_mock_cluster_t *cluster;  /* NULL: a real one */
};

rd_kafka_conf_t *kafka_bench_conf(const struct kafka_bench *kafka, const char *const (*properties)[2], size_t count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[256];

    if (kafka->brokers[0] != '\0')
        rd_kafka_conf_set(conf, "bootstrap.servers", kafka->brokers, NULL, 0);
    rd_kafka_conf_set(conf, "socket.nagle.disable", "true", NULL, 0);
    rd_kafka_conf_set(conf, "log_level", "3", NULL, 0);
    for (size_t i = 0; i < count; i++)
        if (rd_kafka_conf_set(conf, properties[i][0], properties[i][1], why, sizeof(why)) != RD_KAFKA_CONF_OK)
            die("librdkafka: %s", why);
    return conf;
}

struct kafka_bench *kafka_bench_open(const char *brokers)
{
    struct kafka_bench *kafka = calloc(1, sizeof(*kafka));
    char why[256];

    if (kafka == NULL)
        die("no memory");
    snprintf(kafka->brokers, sizeof(kafka->brokers), "%s", brokers != NULL ? brokers : "");
    kafka->host = rd_kafka_new(RD_KAFKA_PRODUCER, kafka_bench_conf(kafka, NULL, 0), why, sizeof(why));
    if (kafka->host == NULL)
        die("librdkafka: %s", why);
    if (brokers == NULL) {
        kafka->cluster = rd_kafka_mock_cluster_new(kafka->host, 1);
        if (kafka->cluster == NULL)
            die("librdkafka has no mock");
        snprintf(kafka->brokers, sizeof(kafka->brokers), "%s", rd_kafka_mock_cluster_bootstraps(kafka->cluster));
    } else {
        const rd_kafka_metadata_t *metadata;
        if (rd_kafka_metadata(kafka->host, 0, NULL, &metadata, ANSWER_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
            die("no Kafka answers at %s", brokers);
        rd_kafka_metadata_destroy(metadata);
    }
    return kafka;
}

void kafka_bench_close(struct kafka_bench *kafka)
{
    if (kafka->cluster != NULL)
        rd_kafka_mock_cluster_destroy(kafka->cluster);
    rd_kafka_destroy(kafka->host);
    free(kafka);
}

const char *kafka_bench_brokers(const struct kafka_bench *kafka)
{
    return kafka->brokers;
}

bool kafka_bench_is_mock(const struct kafka_bench *kafka)
{
    return kafka->cluster != NULL;
}

void kafka_bench_remove_topic(struct kafka_bench *kafka, const char *topic)
{
    rd_kafka_DeleteTopic_t *one = rd_kafka_DeleteTopic_new(topic);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(kafka->host);

    if (kafka->cluster == NULL) {
        rd_kafka_DeleteTopics(kafka->host, &one, 1, NULL, queue);
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ANSWER_MS);
        if (event != NULL)
            rd_kafka_event_destroy(event);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_DeleteTopic_destroy(one);
}

int kafka_bench_partitions(rd_kafka_t *rk, const char *topic)
{
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(rk, topic, NULL);
    int count = 0;

    for (int i = 0; i < TRIES && count == 0; i++) {
        const rd_kafka_metadata_t *metadata;
        if (rd_kafka_metadata(rk, 0, rkt, &metadata, ANSWER_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            if (metadata->topic_cnt == 1 && metadata->topics[0].err == RD_KAFKA_RESP_ERR_NO_ERROR)
                count = metadata->topics[0].partition_cnt;
            rd_kafka_metadata_destroy(metadata);
        }
        if (count == 0)
            usleep(TRY_US);
    }
    rd_kafka_topic_destroy(rkt);
    if (count == 0)
        die("Kafka has no topic %s", topic);
    return count;
}

uint64_t bench_number_of(const char *data, size_t size)
{
    char digits[BENCH_NUMBER_DIGITS + 1] = "", *end;

    if (size < BENCH_NUMBER_DIGITS)
        return UINT64_MAX;
    memcpy(digits, data, BENCH_NUMBER_DIGITS);
    unsigned long long number = strtoull(digits, &end, 16);
    return *end == '\0' ? number : UINT64_MAX;
}
