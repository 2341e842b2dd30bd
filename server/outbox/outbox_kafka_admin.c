/* outbox_kafka_admin.c - topics made and looked at by Kafka's administrative requests; the checkpoint's topic. */
#include <stdio.h>
#include <string.h>

#include "outbox_kafka_parts.h"

enum { ADMIN_TEXT = 512 };

/* ---- one request and its answer ---- */

struct request {
    struct outbox_kafka *kafka;
    const char *call;
    rd_kafka_queue_t *queue;
    rd_kafka_AdminOptions_t *options;
    struct outbox_fault *fault;
};

static void begin(struct request *request, struct outbox_kafka *kafka, const char *call, rd_kafka_admin_op_t kind,
                  struct outbox_fault *fault)
{
    char text[ADMIN_TEXT];

    *request = (struct request){ .kafka = kafka, .call = call, .fault = fault };
    request->queue = rd_kafka_queue_new(kafka->rk);
    request->options = rd_kafka_AdminOptions_new(kafka->rk, kind);
    rd_kafka_AdminOptions_set_request_timeout(request->options, KAFKA_MANAGE_MS, text, sizeof(text));
}

static void end(struct request *request)
{
    rd_kafka_AdminOptions_destroy(request->options);
    rd_kafka_queue_destroy(request->queue);
}

/* NULL: *ret_result says why. The caller destroys the event. */
static rd_kafka_event_t *answer(struct request *request, enum outbox_result *ret_result)
{
    struct outbox_kafka *kafka = request->kafka;
    int64_t until_ms = kafka_now_ms() + KAFKA_MANAGE_MS + 1000;

    for (;;) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(request->queue, KAFKA_SLICE_MS);

        rd_kafka_poll(kafka->rk, 0);
        if (event != NULL && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
            *ret_result = OUTBOX_DONE;
            return event;
        }
        if (event != NULL) {
            *ret_result = kafka_fail(&kafka->ear, request->fault, request->call, rd_kafka_event_error(event),
                                     rd_kafka_event_error_string(event));
            rd_kafka_event_destroy(event);
            return NULL;
        }
        if (kafka_now_ms() >= until_ms)
            *ret_result = kafka_fail(&kafka->ear, request->fault, request->call, RD_KAFKA_RESP_ERR__TIMED_OUT, NULL);
        else if (kafka_is_interrupted(&kafka->options))
            *ret_result = kafka_interrupted(request->fault, request->call);
        else
            continue;
        return NULL;
    }
}

/* Rights are granted and brokers come back: nothing here needs an operator of ours. */
static enum outbox_result refused(struct request *request, const char *topic, rd_kafka_resp_err_t error,
                                  const char *sentence)
{
    char text[ADMIN_TEXT];

    snprintf(text, sizeof(text), "topic %s: %s", topic,
             sentence == NULL || sentence[0] == 0 ? rd_kafka_err2str(error) : sentence);
    kafka_fail(&request->kafka->ear, request->fault, request->call, error, text);
    request->fault->is_poison = false;
    return OUTBOX_AGAIN;
}

/* ---- making ---- */

static rd_kafka_NewTopic_t *new_topic(struct outbox_kafka *kafka, const char *topic, int partitions,
                                      const struct kafka_setting *settings, size_t count)
{
    uint32_t replication = kafka->options.config->topic_replication;
    char text[ADMIN_TEXT];
    rd_kafka_NewTopic_t *made = rd_kafka_NewTopic_new(topic, partitions, replication == 0 ? -1 : (int)replication,
                                                      text, sizeof(text));

    for (size_t i = 0; made != NULL && i < count; i++)
        rd_kafka_NewTopic_set_config(made, settings[i].name, settings[i].value);
    return made;
}

static enum outbox_result creation_of(struct request *request, const char *topic, rd_kafka_event_t *event)
{
    const rd_kafka_CreateTopics_result_t *created = rd_kafka_event_CreateTopics_result(event);
    size_t count = 0;
    const rd_kafka_topic_result_t **results = rd_kafka_CreateTopics_result_topics(created, &count);

    if (count != 1)
        return refused(request, topic, RD_KAFKA_RESP_ERR__BAD_MSG, "Kafka did not say whether it was made");
    rd_kafka_resp_err_t error = rd_kafka_topic_result_error(results[0]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR || error == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS)
        return OUTBOX_DONE;
    return refused(request, topic, error, rd_kafka_topic_result_error_string(results[0]));
}

enum outbox_result kafka_admin_create(struct outbox_kafka *kafka, const char *topic, int partitions,
                                      const struct kafka_setting *settings, size_t count, struct outbox_fault *fault)
{
    rd_kafka_NewTopic_t *made = new_topic(kafka, topic, partitions, settings, count);
    struct request request;
    enum outbox_result result;

    if (made == NULL)
        return kafka_fail(&kafka->ear, fault, "create topic", RD_KAFKA_RESP_ERR__INVALID_ARG, topic);
    begin(&request, kafka, "create topic", RD_KAFKA_ADMIN_OP_CREATETOPICS, fault);
    rd_kafka_CreateTopics(kafka->rk, &made, 1, request.options, request.queue);
    rd_kafka_event_t *event = answer(&request, &result);
    if (event != NULL) {
        result = creation_of(&request, topic, event);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_NewTopic_destroy(made);
    end(&request);
    return result;
}

/* ---- looking ---- */

static void find_setting(rd_kafka_event_t *event, const char *name, char *ret, size_t room)
{
    size_t resources = 0, count = 0;
    const rd_kafka_ConfigResource_t **all = rd_kafka_DescribeConfigs_result_resources(
        rd_kafka_event_DescribeConfigs_result(event), &resources);

    ret[0] = 0;
    if (resources != 1 || rd_kafka_ConfigResource_error(all[0]) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(all[0], &count);
    for (size_t i = 0; i < count; i++) {
        const char *value = rd_kafka_ConfigEntry_value(entries[i]);

        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0 && value != NULL)
            snprintf(ret, room, "%s", value);
    }
}

/* Many a Kafka gives the right to write, and none to look at settings: that is no fault. */
enum outbox_result kafka_admin_setting(struct outbox_kafka *kafka, const char *topic, const char *name,
                                       char *ret, size_t room, struct outbox_fault *fault)
{
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    struct request request;
    enum outbox_result result;

    begin(&request, kafka, "describe topic", RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, fault);
    rd_kafka_DescribeConfigs(kafka->rk, &resource, 1, request.options, request.queue);
    rd_kafka_event_t *event = answer(&request, &result);
    if (event != NULL) {
        find_setting(event, name, ret, room);
        rd_kafka_event_destroy(event);
    }
    rd_kafka_ConfigResource_destroy(resource);
    end(&request);
    return result;
}

/* ---- the checkpoint's topic ---- */

static const struct kafka_setting checkpoint_settings[] = {
    { "cleanup.policy", "compact" },
    { "segment.bytes", "33554432" },
    { "min.cleanable.dirty.ratio", "0.05" },
};

/* A policy of `delete` would one day take the checkpoint away. */
static enum outbox_result check_policy(struct outbox_kafka *kafka, struct outbox_fault *fault)
{
    char policy[64], text[ADMIN_TEXT];
    enum outbox_result result = kafka_admin_setting(kafka, kafka->checkpoint_topic, "cleanup.policy", policy,
                                                    sizeof(policy), fault);

    if (result != OUTBOX_DONE || policy[0] == 0 || strcmp(policy, "compact") == 0)
        return result;
    snprintf(text, sizeof(text), "topic %s has cleanup.policy=%s, which loses checkpoints; it must be `compact`",
             kafka->checkpoint_topic, policy);
    return kafka_fail(NULL, fault, "describe topic", RD_KAFKA_RESP_ERR__INVALID_ARG, text);
}

enum outbox_result outbox_kafka_prepare(struct outbox_kafka *kafka, struct outbox_fault *fault)
{
    const char *name = kafka->checkpoint_topic;
    size_t count = sizeof(checkpoint_settings) / sizeof(checkpoint_settings[0]);
    struct kafka_topic *topic;
    enum outbox_result result;

    if (kafka->options.config->is_mock)
        return kafka_topics_await(kafka, name, &topic, fault);
    result = kafka_topics_ask(kafka, name, &topic, fault);
    if (result != OUTBOX_DONE)
        return result;
    if (topic->partitions > 0)
        return check_policy(kafka, fault);
    result = kafka_admin_create(kafka, name, 1, checkpoint_settings, count, fault);
    return result == OUTBOX_DONE ? kafka_topics_await(kafka, name, &topic, fault) : result;
}
