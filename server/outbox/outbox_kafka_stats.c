/* outbox_kafka_stats.c - a few numbers out of the long statistics of librdkafka. */
#include <jansson.h>
#include <string.h>

#include "outbox_kafka_parts.h"

struct digest {
    json_int_t brokers, up;
    json_int_t rtt_average_us, rtt_p99_us; /* of the slowest broker that is up */
    json_int_t waiting_us;                 /* of requests before they are sent, average, likewise */
    json_int_t retries, timeouts, disconnects;
};

static json_int_t number_of(const json_t *object, const char *name)
{
    return json_integer_value(json_object_get(object, name));
}

static void keep_largest(json_int_t *largest, json_int_t value)
{
    if (value > *largest)
        *largest = value;
}

/* Without a node's number it is only the way in, and the coordinator is there twice: what they did counts, but they are
 * no more brokers. */
static void add_broker(struct digest *digest, const json_t *broker)
{
    const char *state = json_string_value(json_object_get(broker, "state"));
    const char *source = json_string_value(json_object_get(broker, "source"));
    bool is_up = state != NULL && (strcmp(state, "UP") == 0 || strcmp(state, "UPDATE") == 0);

    digest->retries += number_of(broker, "txretries");
    digest->timeouts += number_of(broker, "req_timeouts");
    digest->disconnects += number_of(broker, "disconnects");
    if (is_up) {
        keep_largest(&digest->rtt_average_us, number_of(json_object_get(broker, "rtt"), "avg"));
        keep_largest(&digest->rtt_p99_us, number_of(json_object_get(broker, "rtt"), "p99"));
        keep_largest(&digest->waiting_us, number_of(json_object_get(broker, "outbuf_latency"), "avg"));
    }
    if (source == NULL || strcmp(source, "logical") == 0 || number_of(broker, "nodeid") < 0)
        return;
    digest->brokers++;
    digest->up += is_up;
}

static json_t *digest_of(const json_t *stats)
{
    struct digest digest = { 0 };
    const json_t *broker;
    const char *name;

    json_object_foreach((json_t *)json_object_get(stats, "brokers"), name, broker)
        add_broker(&digest, broker);
    const char *state = json_string_value(json_object_get(json_object_get(stats, "eos"), "txn_state"));
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:s}", "brokers", digest.brokers, "up", digest.up,
                     "rtt_average_us", digest.rtt_average_us, "rtt_p99_us", digest.rtt_p99_us,
                     "waiting_us", digest.waiting_us, "retries", digest.retries,
                     "timeouts", digest.timeouts, "disconnects", digest.disconnects,
                     "queued", number_of(stats, "msg_cnt"), "transaction", state == NULL ? "" : state);
}

bool kafka_stats_digest(const char *json, size_t size, char *ret, size_t room)
{
    json_t *stats = json_loadb(json, size, 0, NULL);
    json_t *digest = stats == NULL ? NULL : digest_of(stats);
    size_t length = digest == NULL ? 0 : json_dumpb(digest, ret, room - 1, JSON_COMPACT);

    json_decref(digest);
    json_decref(stats);
    if (length == 0 || length > room - 1)
        return false;
    ret[length] = 0;
    return true;
}
