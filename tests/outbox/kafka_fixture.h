/* kafka_fixture.h - an instance of outbox_kafka before librdkafka's mock cluster, in this process. */
#ifndef TESTS_KAFKA_FIXTURE_H
#define TESTS_KAFKA_FIXTURE_H

#include "support/check.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "server/outbox/outbox_kafka.h"

enum { FIXTURE_MESSAGES = 4000, FIXTURE_PARTITIONS = 4 /* of topics that the mock makes by itself */ };

/* Requests by their number in Kafka's protocol. */
enum { KAFKA_API_PRODUCE = 0, KAFKA_API_METADATA = 3, KAFKA_API_FIND_COORDINATOR = 10,
       KAFKA_API_INIT_PRODUCER_ID = 22, KAFKA_API_ADD_PARTITIONS = 24, KAFKA_API_END_TXN = 26,
       KAFKA_API_FETCH = 1, KAFKA_API_LIST_OFFSETS = 2 };

struct kafka_fixture {
    rd_kafka_t *host;
    rd_kafka_mock_cluster_t *cluster; /* NULL: another Kafka, see fixture_begin_at() */
    char brokers[256];
    struct outbox_config config;
    struct outbox_property properties[8];
    struct outbox_figures figures;
    struct outbox_kafka_options options;
    struct outbox_kafka *kafka;
    struct outbox_fault fault;       /* of the last call that had one */
    struct outbox_sent sent;
    unsigned asked, interrupt_at;    /* `interrupted` says true from so many questions on; 0: never */
    struct outbox_message messages[FIXTURE_MESSAGES];
    struct outbox_header headers[FIXTURE_MESSAGES];
    char keys[FIXTURE_MESSAGES][32], values[FIXTURE_MESSAGES][32];
};

/* A mock cluster with so many brokers, and a configuration for it that may be changed before the instance is made. */
struct kafka_fixture *fixture_begin(int brokers);
/* Without a cluster of its own: the Kafka at `brokers`. */
struct kafka_fixture *fixture_begin_at(const char *brokers);
void fixture_end(struct kafka_fixture *fixture);   /* with its instance */
void fixture_set(struct kafka_fixture *fixture, const char *name, const char *value); /* rdkafka.NAME */

void fixture_create(struct kafka_fixture *fixture); /* must go well, like those below */
void kafka_fixture_open(struct kafka_fixture *fixture);   /* create, prepare, init */
void kafka_fixture_reopen(struct kafka_fixture *fixture); /* destroy, open */

/* Messages first .. first + count - 1 as positions, keys key-0, -1, ... -9 in turn, to `topic`. */
void kafka_fixture_fill(struct kafka_fixture *fixture, const char *topic, uint64_t first, size_t count);
enum outbox_result fixture_send(struct kafka_fixture *fixture, size_t count); /* what was filled, without a note */
/* With a checkpoint at `position`, of `generation`. */
enum outbox_result fixture_send_with_checkpoint(struct kafka_fixture *fixture, size_t count, uint64_t position,
                                                uint64_t generation);

/* Read what a topic holds; at most FIXTURE_MESSAGES of it. */
struct fixture_record {
    int32_t partition;
    int64_t offset;
    uint64_t position;
    bool is_replay;
    char key[32], value[32];
};
struct fixture_records {
    struct fixture_record all[FIXTURE_MESSAGES];
    size_t count;
};
/* Free with free(). */
struct fixture_records *kafka_fixture_read(struct kafka_fixture *fixture, const char *topic, uint64_t depth);
/* Each of first .. last is there once, in its key's partition, and the positions of a partition ascend. */
void fixture_expect_positions(struct kafka_fixture *fixture, const char *topic, uint64_t first, uint64_t last);
struct outbox_found fixture_found(struct kafka_fixture *fixture, bool parked); /* outbox_found_end() */

void fixture_fail_requests(struct kafka_fixture *fixture, int16_t api, rd_kafka_resp_err_t error, size_t times);

#endif
