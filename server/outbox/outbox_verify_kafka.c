/* outbox_verify_kafka.c - what a verification reads, from Kafka: the checkpoint as anybody may see it, and topics. */
#include "outbox_verify.h"

static enum outbox_result read_checkpoint(void *user, uint64_t *ret_position, struct outbox_fault *fault)
{
    struct outbox_found found = { .has_checkpoint = false };
    struct outbox_kafka *kafka = NULL;
    enum outbox_result result = outbox_kafka_create(user, &kafka, fault);

    if (result == OUTBOX_DONE)
        result = outbox_kafka_read_checkpoint(kafka, false, &found, fault);
    if (result == OUTBOX_DONE) {
        *ret_position = found.has_checkpoint ? found.checkpoint.position : 0;
        outbox_found_end(&found);
    }
    outbox_kafka_destroy(kafka);
    return result;
}

static enum outbox_result read_topic(void *user, const char *topic, uint64_t depth,
                                     bool (*each)(void *user, const struct outbox_seen *seen), void *each_user,
                                     struct outbox_fault *fault)
{
    return outbox_kafka_read_topic(user, topic, depth, each, each_user, fault);
}

struct outbox_verify_source outbox_verify_kafka(const struct outbox_kafka_options *options)
{
    return (struct outbox_verify_source){ .user = (void *)options, .read_checkpoint = read_checkpoint,
                                          .read_topic = read_topic };
}
