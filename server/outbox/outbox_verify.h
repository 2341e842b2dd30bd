/* outbox_verify.h - reads the ends of all topics and holds them against the log: outbox_verify() of outbox.h, with all
 * it needs handed in. Nothing of the outbox's thread is touched. Blocks. */
#ifndef SERVER_OUTBOX_VERIFY_H
#define SERVER_OUTBOX_VERIFY_H

#include "outbox.h"
#include "outbox_dead.h"
#include "outbox_kafka.h"

/* Where records and checkpoint come from: Kafka, or a test. */
struct outbox_verify_source {
    void *user;
    enum outbox_result (*read_checkpoint)(void *user, uint64_t *ret_position, struct outbox_fault *fault);
    enum outbox_result (*read_topic)(void *user, const char *topic, uint64_t depth,
                                     bool (*each)(void *user, const struct outbox_seen *seen), void *each_user,
                                     struct outbox_fault *fault);
};
struct outbox_verify_options {
    const struct outbox_config *config;
    struct varve_store *store;
    const struct outbox_dead *dead;
    struct outbox_verify_source source;
    uint64_t depth;                     /* records of each partition; 0: all */
    bool (*interrupted)(void *user);
    void *user;
};
/* Kafka itself, by consumers of their own and without taking anything over. `options` must live as long. */
struct outbox_verify_source outbox_verify_kafka(const struct outbox_kafka_options *options);

/* OUTBOX_BUSY: Kafka cannot be read now, and the message says why. CANCELLED: interrupted. NO_MEMORY, or the store's
 * fault. */
enum varve_status outbox_verify_topics(const struct outbox_verify_options *options, struct outbox_verification *ret,
                                       struct varve_error *error);

#endif
