/* outbox_kafka_tails.c - the ends of a topic's partitions, for verification. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_kafka_parts.h"

enum { ASK_MS = 1000 };

struct tail {
    bool (*each)(void *user, const struct outbox_seen *seen);
    void *user;
    const char *topic;
    bool ended;
};

/* ---- which event is it? ---- */

static bool header_text(const rd_kafka_headers_t *headers, const char *name, struct varve_view *ret)
{
    const void *value;
    size_t size;

    if (headers == NULL || rd_kafka_header_get_last(headers, name, &value, &size) != RD_KAFKA_RESP_ERR_NO_ERROR)
        return false;
    *ret = varve_view_of(value, size);
    return true;
}

/* 0: no number */
static uint64_t number_of(struct varve_view text)
{
    uint64_t number = 0;

    if (text.data == NULL || text.size == 0 || text.size > 19)
        return 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return 0;
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return number;
}

static uint64_t json_number(const json_t *value)
{
    if (json_is_string(value))
        return number_of(varve_view_of(json_string_value(value), json_string_length(value)));
    return json_is_integer(value) && json_integer_value(value) > 0 ? (uint64_t)json_integer_value(value) : 0;
}

/* Formats without a header for it have it in their document. */
static void look_into_value(struct outbox_seen *seen)
{
    json_t *document = seen->value.data == NULL ? NULL
                       : json_loadb(seen->value.data, seen->value.size, JSON_DISABLE_EOF_CHECK, NULL);
    const json_t *metadata = json_object_get(document, "metadata");

    seen->position = json_number(json_object_get(document, "vpos"));
    if (seen->position == 0)
        seen->position = json_number(json_object_get(metadata, "position"));
    json_decref(document);
}

static void identify(struct outbox_seen *seen, const rd_kafka_message_t *message)
{
    rd_kafka_headers_t *headers = NULL;
    struct varve_view text = { NULL, 0 };

    if (rd_kafka_message_headers(message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
        headers = NULL;
    if (header_text(headers, "v-pos", &text) || header_text(headers, "ce_vpos", &text))
        seen->position = number_of(text);
    else
        look_into_value(seen);
    seen->is_replay = header_text(headers, "v-replay", &text);
}

/* ---- reading ---- */

static bool see(void *user, const rd_kafka_message_t *message)
{
    struct tail *tail = user;
    struct outbox_seen seen = {
        .topic = tail->topic, .partition = message->partition, .offset = message->offset,
        .key = varve_view_of(message->key, message->key_len),
        .value = varve_view_of(message->payload, message->len),
    };

    identify(&seen, message);
    tail->ended = !tail->each(tail->user, &seen);
    return !tail->ended;
}

static rd_kafka_resp_err_t ask_partitions(struct kafka_reader *reader, rd_kafka_topic_t *rkt, int32_t *ret)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t error = rd_kafka_metadata(reader->rk, 0, rkt, &metadata, ASK_MS);

    if (error != RD_KAFKA_RESP_ERR_NO_ERROR)
        return error;
    error = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    *ret = error == RD_KAFKA_RESP_ERR_NO_ERROR ? metadata->topics[0].partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    return error == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? RD_KAFKA_RESP_ERR_NO_ERROR : error;
}

/* 0: there is no such topic, and so nothing in it. */
static enum outbox_result count_partitions(struct kafka_reader *reader, const char *topic, int32_t *ret,
                                           struct outbox_fault *fault)
{
    int64_t began_ms = kafka_now_ms();
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(reader->rk, topic, NULL);
    rd_kafka_resp_err_t error = rkt == NULL ? rd_kafka_last_error() : RD_KAFKA_RESP_ERR__IN_PROGRESS;
    bool interrupted = false;

    while (rkt != NULL && error != RD_KAFKA_RESP_ERR_NO_ERROR && !interrupted &&
           kafka_now_ms() < began_ms + kafka_ear_patience_ms(&reader->ear, KAFKA_MANAGE_MS)) {
        error = ask_partitions(reader, rkt, ret);
        interrupted = error != RD_KAFKA_RESP_ERR_NO_ERROR && kafka_is_interrupted(&reader->options);
    }
    if (rkt != NULL)
        rd_kafka_topic_destroy(rkt);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR)
        return OUTBOX_DONE;
    return interrupted ? kafka_interrupted(fault, "metadata")
                       : kafka_fail(&reader->ear, fault, "metadata", error, topic);
}

/* What was committed a moment ago may still lack its marker in some partition. So the end is that behind everything,
 * and what is open there now is waited for. */
static enum outbox_result read_partitions(struct kafka_reader *looker, struct kafka_reader *reader, struct tail *tail,
                                          uint64_t depth, struct outbox_fault *fault)
{
    int32_t partitions = 0;
    enum outbox_result result = count_partitions(looker, tail->topic, &partitions, fault);

    for (int32_t i = 0; i < partitions && result == OUTBOX_DONE && !tail->ended; i++) {
        struct kafka_range range = { .topic = tail->topic, .partition = i };

        result = kafka_reader_range(looker->rk, &looker->ear, &range, fault);
        if (result == OUTBOX_DONE && depth > 0 && (uint64_t)(range.high - range.low) > depth)
            range.low = range.high - (int64_t)depth;
        if (result == OUTBOX_DONE)
            result = kafka_reader_run(reader, &range, see, tail, fault);
    }
    return result;
}

enum outbox_result outbox_kafka_read_topic(const struct outbox_kafka_options *options, const char *topic,
                                           uint64_t depth,
                                           bool (*each)(void *user, const struct outbox_seen *seen), void *user,
                                           struct outbox_fault *fault)
{
    struct tail tail = { .each = each, .user = user, .topic = topic };
    struct kafka_reader looker, reader;
    enum outbox_result result = kafka_reader_open(&looker, KAFKA_LOOKER, options, fault);

    if (result != OUTBOX_DONE)
        return result;
    result = kafka_reader_open(&reader, KAFKA_CONSUMER, options, fault);
    if (result == OUTBOX_DONE) {
        result = read_partitions(&looker, &reader, &tail, depth, fault);
        kafka_reader_close(&reader);
    }
    kafka_reader_close(&looker);
    return result;
}
