/* outbox_kafka.c - an instance: made, asked how it is, destroyed. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "outbox_kafka_parts.h"
#include "varve/uuid.h"

int64_t kafka_now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static char version_text[64];

static void make_version_text(void)
{
    snprintf(version_text, sizeof(version_text), "librdkafka %s", rd_kafka_version_str());
}

const char *outbox_kafka_version(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_version_text);
    return version_text;
}

static struct outbox_kafka *new_instance(const struct outbox_kafka_options *options)
{
    struct outbox_kafka *kafka = calloc(1, sizeof(*kafka));
    char uuid[VARVE_UUID_TEXT];

    if (kafka == NULL)
        return NULL;
    kafka->options = *options;
    kafka->transactional = options->config->mode == VARVE_OUTBOX_EXACTLY_ONCE;
    kafka_ear_init(&kafka->ear, &kafka->options);
    varve_uuid_format(&options->database_id, uuid);
    snprintf(kafka->checkpoint_topic, sizeof(kafka->checkpoint_topic), "__varve.%s.%s.ckpt", uuid,
             options->config->name);
    return kafka;
}

enum outbox_result outbox_kafka_create(const struct outbox_kafka_options *options, struct outbox_kafka **ret,
                                       struct outbox_fault *fault)
{
    struct outbox_kafka *kafka = new_instance(options);

    if (kafka == NULL)
        return kafka_fail(NULL, fault, "instance", RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, "no memory");
    enum outbox_result result = kafka_instance_new(KAFKA_PRODUCER, &kafka->ear, &kafka->rk, fault);
    if (result != OUTBOX_DONE)
        free(kafka);
    else
        *ret = kafka;
    return result;
}

/* What is still queued is thrown away first, or librdkafka would wait for hung brokers. */
void outbox_kafka_destroy(struct outbox_kafka *kafka)
{
    if (kafka == NULL)
        return;
    rd_kafka_purge(kafka->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
    rd_kafka_poll(kafka->rk, 0);
    kafka_topics_end(&kafka->topics);
    rd_kafka_destroy(kafka->rk);
    free(kafka);
}

bool outbox_kafka_is_suspect(const struct outbox_kafka *kafka)
{
    return kafka->ear.is_suspect;
}

void outbox_kafka_serve(struct outbox_kafka *kafka)
{
    rd_kafka_poll(kafka->rk, 0);
}
