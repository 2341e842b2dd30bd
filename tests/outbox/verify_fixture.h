/* verify_fixture.h - a store with events and an outbox's history, and topics that are lists in memory. */
#ifndef TESTS_VERIFY_FIXTURE_H
#define TESTS_VERIFY_FIXTURE_H

#include "server/outbox/outbox_verify.h"
#include "support/temp_dir.h"

enum { VERIFY_RECORDS = 6000, VERIFY_PARTITIONS = 3 };

struct verify_fixture {
    char directory[TEMP_DIR_PATH];
    struct varve_store *store;
    struct outbox_configs configs;         /* one outbox, "x" */
    struct outbox_dead *dead;
    struct verify_record {
        char topic[OUTBOX_MAX_TOPIC + 1], key[64], value[64];
        int32_t partition;
        uint64_t position;
        bool is_replay;
    } records[VERIFY_RECORDS];
    size_t count;
    uint64_t checkpoints[4];               /* as they are read, one after another; the last stays */
    size_t checkpoint_reads, topic_reads;
    enum outbox_result result;             /* of the topics' reading */
    void (*meanwhile)(struct verify_fixture *f); /* done once while topics are read */
    struct outbox_verification found;
    struct varve_error error;
};

struct verify_fixture *verify_begin(const char *lines); /* of the configuration */
void verify_end(struct verify_fixture *f);

/* An event; returns its position. */
uint64_t verify_append(struct verify_fixture *f, const char *stream, const char *type, const char *data);
/* An event of $outbox-x. */
void verify_say(struct verify_fixture *f, const char *type, const char *json);
/* Into the topic and partition that the routes say. */
struct verify_record *verify_publish(struct verify_fixture *f, uint64_t position);
void verify_publish_all(struct verify_fixture *f, uint64_t from, uint64_t until); /* what a route takes of it */
enum varve_status verify_run(struct verify_fixture *f, uint64_t depth, bool (*interrupted)(void *user));

#endif
