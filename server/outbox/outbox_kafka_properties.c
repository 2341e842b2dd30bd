/* outbox_kafka_properties.c - an instance of librdkafka with all its properties: ours, then those of the operator. */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "outbox_kafka_parts.h"
#include "varve/uuid.h"

enum { ERROR_TEXT = 512, VALUE_TEXT = 320, SOCKET_TIMEOUT_MS = 4000, QUEUE_MESSAGES = 100000, QUEUE_KIB = 65536,
       SMALLEST_MAX_MESSAGE = 1000 /* librdkafka's */ };

/* docs/decisions tells why each is as it is. `receive.message.max.bytes` and the like are librdkafka's own affair. */
static const struct kafka_setting for_all[] = {
    { "socket.nagle.disable", "true" },
    { "socket.keepalive.enable", "true" },
    { "reconnect.backoff.ms", "50" },
    { "reconnect.backoff.max.ms", "5000" },
    { "retry.backoff.ms", "100" },
    { "log.connection.close", "true" },
    { "log.queue", "true" },
};
static const struct kafka_setting for_producers[] = {
    { "enable.idempotence", "true" },
    { "acks", "all" },
    { "max.in.flight", "5" },
    { "linger.ms", "0" },
    { "batch.num.messages", "10000" },
    { "batch.size", "1000000" },
    { "statistics.interval.ms", "5000" },
    { "topic.metadata.propagation.max.ms", "5000" },
    { "isolation.level", "read_uncommitted" }, /* the checkpoint's partition ends behind what is open, too */
};
static const struct kafka_setting for_consumers[] = {
    { "group.id", "varve-ckpt" }, /* joins no group; librdkafka wants it */
    { "enable.partition.eof", "true" },
    { "auto.offset.reset", "error" },
    { "enable.auto.commit", "false" },
    { "enable.auto.offset.store", "false" },
    { "allow.auto.create.topics", "false" },
    { "fetch.wait.max.ms", "100" },
    { "fetch.error.backoff.ms", "50" },
};

struct making {
    rd_kafka_conf_t *conf;
    struct outbox_fault *fault;
    enum outbox_result result; /* of the first property that was not taken */
};

static void set(struct making *making, const char *name, const char *value)
{
    char text[ERROR_TEXT] = "";

    if (making->result != OUTBOX_DONE)
        return;
    if (rd_kafka_conf_set(making->conf, name, value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
        making->result = kafka_fail(NULL, making->fault, "property", RD_KAFKA_RESP_ERR__INVALID_ARG, text);
}

static void set_all(struct making *making, const struct kafka_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++)
        set(making, settings[i].name, settings[i].value);
}

static void set_number(struct making *making, const char *name, uint64_t number)
{
    char value[24];

    snprintf(value, sizeof(value), "%" PRIu64, number);
    set(making, name, value);
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t greatest(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* A lost answer must be asked for again well before the transaction times out, or it ends in a fence. */
static uint64_t socket_timeout_ms(const struct outbox_config *config)
{
    return least(SOCKET_TIMEOUT_MS, greatest(config->transaction_timeout_ms / 3, 1000));
}

static void set_producer(struct making *making, const struct outbox_kafka_options *options)
{
    const struct outbox_config *config = options->config;
    char id[VALUE_TEXT], uuid[VARVE_UUID_TEXT];

    varve_uuid_format(&options->database_id, uuid);
    snprintf(id, sizeof(id), "varve.%s.%s.l0", uuid, config->name);
    set_all(making, for_producers, sizeof(for_producers) / sizeof(for_producers[0]));
    if (config->mode == VARVE_OUTBOX_EXACTLY_ONCE) {
        set(making, "transactional.id", id);
        set_number(making, "transaction.timeout.ms", config->transaction_timeout_ms);
    }
    set_number(making, "message.timeout.ms", config->message_timeout_ms);
    set_number(making, "message.max.bytes", greatest(config->max_message_bytes, SMALLEST_MAX_MESSAGE));
    set_number(making, "queue.buffering.max.messages", greatest(QUEUE_MESSAGES, (uint64_t)config->max_events * 4));
    set_number(making, "queue.buffering.max.kbytes", greatest(QUEUE_KIB, (uint64_t)config->max_bytes / 1024 * 4));
    set(making, "compression.type", config->compression);
    set(making, "allow.auto.create.topics", config->is_mock ? "true" : "false"); /* a mock cannot be asked to */
}

static void refuse(struct making *making, const char *name, const char *why)
{
    char text[VALUE_TEXT];

    snprintf(text, sizeof(text), "rdkafka.%s %s", name, why);
    making->result = kafka_fail(NULL, making->fault, "property", RD_KAFKA_RESP_ERR__INVALID_ARG, text);
}

/* The configuration has refused what is ours alone; a transaction's guarantees do not rest on that alone. What
 * librdkafka says of a value that it does not take may hold the value. */
static void set_passed(struct making *making, const struct outbox_config *config)
{
    for (size_t i = 0; i < config->property_count && making->result == OUTBOX_DONE; i++) {
        const struct outbox_property *property = &config->properties[i];

        if (outbox_property_is_denied(property->name))
            refuse(making, property->name, "is not for others to set");
        else
            set(making, property->name, property->value);
        if (making->result != OUTBOX_DONE && property->is_secret)
            refuse(making, property->name, "has a value that librdkafka does not take");
    }
}

static enum outbox_result make_conf(enum kafka_role role, struct kafka_ear *ear, rd_kafka_conf_t *conf,
                                    struct outbox_fault *fault)
{
    const struct outbox_config *config = ear->options->config;
    struct making making = { .conf = conf, .fault = fault, .result = OUTBOX_DONE };
    char client[VALUE_TEXT];

    snprintf(client, sizeof(client), "varve-%s", config->name);
    set(&making, "bootstrap.servers", config->brokers);
    set(&making, "client.id", client);
    set_number(&making, "socket.timeout.ms", socket_timeout_ms(config));
    set_all(&making, for_all, sizeof(for_all) / sizeof(for_all[0]));
    if (role == KAFKA_PRODUCER) {
        set_producer(&making, ear->options);
        /* All reports, also good ones: without them a commit looks for its messages in steps of 10 ms. */
        rd_kafka_conf_set_dr_msg_cb(conf, kafka_delivery_report);
    } else {
        set_all(&making, for_consumers, sizeof(for_consumers) / sizeof(for_consumers[0]));
        set(&making, "isolation.level", role == KAFKA_LOOKER ? "read_uncommitted" : "read_committed");
    }
    set_passed(&making, config);
    kafka_ear_attach(ear, conf);
    return making.result;
}

/* The process's signals are for its own threads. */
static rd_kafka_t *start(enum kafka_role role, rd_kafka_conf_t *conf, char *text, size_t room)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    rd_kafka_t *rk = rd_kafka_new(role == KAFKA_PRODUCER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, text, room);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rk;
}

enum outbox_result kafka_instance_new(enum kafka_role role, struct kafka_ear *ear, rd_kafka_t **ret,
                                      struct outbox_fault *fault)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    enum outbox_result result = make_conf(role, ear, conf, fault);
    char text[ERROR_TEXT] = "";

    rd_kafka_t *rk = result == OUTBOX_DONE ? start(role, conf, text, sizeof(text)) : NULL;
    if (rk == NULL) {
        rd_kafka_resp_err_t error = result == OUTBOX_DONE ? rd_kafka_last_error() : RD_KAFKA_RESP_ERR_NO_ERROR;

        rd_kafka_conf_destroy(conf);
        return result == OUTBOX_DONE ? kafka_fail(NULL, fault, "instance", error, text) : result;
    }
    rd_kafka_set_log_queue(rk, NULL); /* log lines come with the other callbacks, on the caller's thread */
    if (role != KAFKA_PRODUCER)
        rd_kafka_poll_set_consumer(rk);
    *ret = rk;
    return OUTBOX_DONE;
}
