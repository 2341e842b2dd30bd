/* outbox_kafka_topics.c - the topics an instance knows, and how many partitions they have. */
#include <stdlib.h>
#include <string.h>

#include "outbox_kafka_parts.h"

enum { ASK_SLICE_MS = 1000, MISSING_FRESH_MS = 3000, KNOWN_FRESH_MS = 300000, AGAIN_MS = 50 };

/* ---- the table ---- */

void kafka_topics_end(struct kafka_topics *topics)
{
    for (size_t i = 0; i < topics->count; i++) {
        rd_kafka_topic_destroy(topics->all[i]->rkt);
        free(topics->all[i]);
    }
    free(topics->all);
    *topics = (struct kafka_topics){ 0 };
}

static size_t place_of(const struct kafka_topics *topics, const char *name)
{
    size_t low = 0, high = topics->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(topics->all[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct kafka_topic *kafka_topics_find(struct kafka_topics *topics, const char *name)
{
    if (topics->last != NULL && strcmp(topics->last->name, name) == 0)
        return topics->last;
    size_t place = place_of(topics, name);
    if (place == topics->count || strcmp(topics->all[place]->name, name) != 0)
        return NULL;
    topics->last = topics->all[place];
    return topics->last;
}

static struct kafka_topic *insert(struct kafka_topics *topics, struct kafka_topic *topic)
{
    if (topics->count == topics->room) {
        size_t room = topics->room == 0 ? 16 : topics->room * 2;
        struct kafka_topic **all = realloc(topics->all, room * sizeof(*all));

        if (all == NULL)
            return NULL;
        topics->all = all;
        topics->room = room;
    }
    size_t place = place_of(topics, topic->name);
    memmove(&topics->all[place + 1], &topics->all[place], (topics->count - place) * sizeof(*topics->all));
    topics->all[place] = topic;
    topics->count++;
    return topic;
}

/* librdkafka begins to look for it as well, so that the first message need not wait for that. */
static struct kafka_topic *add(struct outbox_kafka *kafka, const char *name)
{
    struct kafka_topic *topic = strlen(name) < KAFKA_TOPIC_NAME ? calloc(1, sizeof(*topic)) : NULL;

    if (topic == NULL)
        return NULL;
    memcpy(topic->name, name, strlen(name) + 1);
    topic->rkt = rd_kafka_topic_new(kafka->rk, name, NULL);
    if (topic->rkt != NULL && insert(&kafka->topics, topic) != NULL)
        return topic;
    if (topic->rkt != NULL)
        rd_kafka_topic_destroy(topic->rkt);
    free(topic);
    return NULL;
}

/* ---- asking ---- */

static bool is_missing(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
           error == RD_KAFKA_RESP_ERR__NOENT;
}

/* A topic is being made, or its leader chosen. */
static bool will_be_known(rd_kafka_resp_err_t error)
{
    return error == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE || error == RD_KAFKA_RESP_ERR__TIMED_OUT ||
           error == RD_KAFKA_RESP_ERR__TRANSPORT || error == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
}

static rd_kafka_resp_err_t ask_once(struct outbox_kafka *kafka, struct kafka_topic *topic)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t error = rd_kafka_metadata(kafka->rk, 0, topic->rkt, &metadata, ASK_SLICE_MS);

    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error;
    error = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        topic->partitions = metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partitions == 0)
        error = RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE;
    return error;
}

static enum outbox_result fail(struct outbox_kafka *kafka, const char *name, rd_kafka_resp_err_t error,
                               struct outbox_fault *fault)
{
    char sentence[KAFKA_TOPIC_NAME + 128];

    snprintf(sentence, sizeof(sentence), "topic %s: %s", name, rd_kafka_err2str(error));
    return kafka_fail(&kafka->ear, fault, "metadata", error, sentence);
}

/* With `await`, a topic that is missing is waited for, too. */
static enum outbox_result ask(struct outbox_kafka *kafka, const char *name, bool await, struct kafka_topic **ret,
                              struct outbox_fault *fault)
{
    struct kafka_topic *topic = (struct kafka_topic *)kafka_topics_find(&kafka->topics, name);
    int64_t began_ms = kafka_now_ms();

    if (topic == NULL)
        topic = add(kafka, name);
    if (topic == NULL)
        return fail(kafka, name, RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, fault);
    for (;;) {
        rd_kafka_resp_err_t error = ask_once(kafka, topic);

        *ret = topic;
        if (is_missing(error) && !await)
            topic->partitions = 0;
        bool answered = error == RD_KAFKA_RESP_ERR_NO_ERROR || (is_missing(error) && !await);
        topic->asked_at_ms = answered || topic->partitions > 0 ? kafka_now_ms() : 0;
        if (answered)
            return OUTBOX_DONE;
        rd_kafka_poll(kafka->rk, 0);
        bool may_come = is_missing(error) || will_be_known(error);
        if (may_come && kafka_is_interrupted(&kafka->options))
            return kafka_interrupted(fault, "metadata");
        if (!may_come || kafka_now_ms() >= began_ms + kafka_ear_patience_ms(&kafka->ear, KAFKA_MANAGE_MS))
            return fail(kafka, name, error, fault);
        rd_kafka_poll(kafka->rk, AGAIN_MS);
    }
}

enum outbox_result kafka_topics_ask(struct outbox_kafka *kafka, const char *name, struct kafka_topic **ret,
                                    struct outbox_fault *fault)
{
    return ask(kafka, name, false, ret, fault);
}

enum outbox_result kafka_topics_await(struct outbox_kafka *kafka, const char *name, struct kafka_topic **ret,
                                      struct outbox_fault *fault)
{
    return ask(kafka, name, true, ret, fault);
}

/* ---- for the outbox ---- */

int32_t outbox_kafka_partition_of(struct varve_view key, int32_t partitions)
{
    return rd_kafka_msg_partitioner_murmur2(NULL, key.data, key.size, partitions, NULL, NULL);
}

static enum outbox_result make(struct outbox_kafka *kafka, const char *name, struct kafka_topic **ret,
                               struct outbox_fault *fault)
{
    uint32_t partitions = kafka->options.config->topic_partitions;
    enum outbox_result result = kafka_admin_create(kafka, name, partitions == 0 ? -1 : (int)partitions, NULL, 0, fault);

    return result == OUTBOX_DONE ? kafka_topics_await(kafka, name, ret, fault) : result;
}

static bool is_fresh(const struct kafka_topic *topic)
{
    int64_t age_ms = kafka_now_ms() - topic->asked_at_ms;

    return topic->asked_at_ms != 0 && age_ms < (topic->partitions > 0 ? KNOWN_FRESH_MS : MISSING_FRESH_MS);
}

void outbox_kafka_forget_missing(struct outbox_kafka *kafka)
{
    for (size_t i = 0; i < kafka->topics.count; i++)
        if (kafka->topics.all[i]->partitions == 0)
            kafka->topics.all[i]->asked_at_ms = 0;
}

/* A topic that is known serves on when Kafka cannot be asked again just now. A mock makes what it is asked for. */
enum outbox_result outbox_kafka_partitions(struct outbox_kafka *kafka, const char *topic, int32_t *ret_partitions,
                                           struct outbox_fault *fault)
{
    const struct outbox_config *config = kafka->options.config;
    const struct kafka_topic *known = kafka_topics_find(&kafka->topics, topic);
    int32_t before = known == NULL ? 0 : known->partitions;
    struct kafka_topic *asked;

    if (known != NULL && is_fresh(known)) {
        *ret_partitions = before;
        return OUTBOX_DONE;
    }
    enum outbox_result result = config->is_mock ? kafka_topics_await(kafka, topic, &asked, fault)
                                                : kafka_topics_ask(kafka, topic, &asked, fault);
    if (result == OUTBOX_DONE && asked->partitions == 0 && config->topic_missing == OUTBOX_TOPIC_CREATE)
        result = make(kafka, topic, &asked, fault);
    if (result == OUTBOX_DONE || (before > 0 && result == OUTBOX_AGAIN))
        *ret_partitions = result == OUTBOX_DONE ? asked->partitions : before;
    return before > 0 && result == OUTBOX_AGAIN ? OUTBOX_DONE : result;
}
