/* fake_kafka.h - Kafka in memory in place of outbox_kafka.c, for tests of the outbox's thread: whole transactions or
 * nothing, epochs, compacted notes, and failures by order.
 *
 * Included by one file of a program: what it defines is linked instead of the real thing. */
#ifndef TESTS_FAKE_KAFKA_H
#define TESTS_FAKE_KAFKA_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/outbox/outbox_kafka.h"

enum { FAKE_RECORDS = 60000, FAKE_TEXT = 128 };

struct fake_record {
    char topic[FAKE_TEXT];        /* empty: a note */
    char key[FAKE_TEXT * 5], value[FAKE_TEXT];
    size_t value_size;
    bool is_tombstone;
    int32_t partition;
    uint64_t position, replay, gap_after;
};
enum fake_call { FAKE_CREATE, FAKE_PREPARE, FAKE_INIT, FAKE_READ, FAKE_PARTITIONS, FAKE_SEND, FAKE_CALLS };
struct fake_plan {
    enum outbox_result result;
    const char *code;
    unsigned skip, times;         /* calls that go well first; then so many fail */
    bool is_applied;              /* SEND: all happens, and the answer is lost */
};
static struct fake {
    pthread_mutex_t lock;
    struct fake_record *records;  /* committed, in order */
    size_t count;
    uint64_t epoch, instances;    /* takeovers; producers that are alive */
    uint64_t sends, calls[FAKE_CALLS];
    struct fake_plan plans[FAKE_CALLS];
    uint64_t poison[8];           /* positions of messages that are refused */
    const char *poison_topic;     /* or a whole topic is */
    const char *missing;          /* topic that is not there */
    int32_t partitions;           /* of all topics */
    bool suspect;                 /* the next instances are, */
    bool hold;                    /* sends wait while it is set; */
    unsigned held;                /* so many did */
    char damage[FAKE_TEXT];
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER, .partitions = 3 };

struct outbox_kafka {
    struct outbox_kafka_options options;
    uint64_t epoch;
    bool suspect;
};

static inline void fake_reset(void)
{
    pthread_mutex_lock(&fake.lock);
    free(fake.records);
    fake.records = calloc(FAKE_RECORDS, sizeof(*fake.records));
    fake.count = fake.epoch = fake.sends = 0;
    memset(fake.calls, 0, sizeof(fake.calls));
    memset(fake.plans, 0, sizeof(fake.plans));
    memset(fake.poison, 0, sizeof(fake.poison));
    fake.poison_topic = fake.missing = NULL;
    fake.partitions = 3;
    fake.suspect = fake.hold = false;
    fake.held = 0;
    fake.damage[0] = 0;
    pthread_mutex_unlock(&fake.lock);
}

static inline void fake_end(void)
{
    free(fake.records);
    fake.records = NULL;
}

static inline void fake_plan(enum fake_call call, enum outbox_result result, const char *code, unsigned skip,
                             unsigned times)
{
    pthread_mutex_lock(&fake.lock);
    fake.plans[call] = (struct fake_plan){ result, code, skip, times, false };
    pthread_mutex_unlock(&fake.lock);
}

/* How often events of the topic (NULL: any) were sent, replays left out; of one position, when it is not 0. */
static inline size_t fake_sent(const char *topic, uint64_t position, bool replays)
{
    size_t count = 0;

    pthread_mutex_lock(&fake.lock);
    for (size_t i = 0; i < fake.count; i++) {
        const struct fake_record *record = &fake.records[i];
        count += record->topic[0] != 0 && (topic == NULL || strcmp(topic, record->topic) == 0) &&
                 (position == 0 || position == record->position) && (record->replay != 0) == replays;
    }
    pthread_mutex_unlock(&fake.lock);
    return count;
}

/* The newest note with a key that begins so; false: none, or a tombstone. */
static inline bool fake_note(const char *prefix, struct fake_record *ret)
{
    bool found = false;

    pthread_mutex_lock(&fake.lock);
    for (size_t i = 0; i < fake.count; i++)
        if (fake.records[i].topic[0] == 0 && strncmp(fake.records[i].key, prefix, strlen(prefix)) == 0) {
            *ret = fake.records[i];
            found = !ret->is_tombstone;
        }
    pthread_mutex_unlock(&fake.lock);
    return found;
}

static inline uint64_t fake_checkpoint(uint64_t *ret_generation)
{
    struct outbox_checkpoint checkpoint;
    struct fake_record note;

    if (!fake_note("ck/", &note) ||
        outbox_checkpoint_decode(varve_view_of(note.value, note.value_size), &checkpoint, NULL) != VARVE_OK)
        return 0;
    if (ret_generation != NULL)
        *ret_generation = checkpoint.generation;
    return checkpoint.position;
}

/* ---- outbox_kafka.h --------------------------------------------------------------------------------------------- */

static enum outbox_result fake_fault(struct outbox_fault *fault, enum outbox_result result, const char *code,
                                     const char *call)
{
    *fault = (struct outbox_fault){ .call = call, .is_poison = result == OUTBOX_REFUSED };
    snprintf(fault->code, sizeof(fault->code), "%s", code);
    snprintf(fault->reason, sizeof(fault->reason), "%s: so it was ordered", call);
    return result;
}

/* With the lock. */
static bool fake_fails(enum fake_call call, const char *name, struct outbox_fault *fault, enum outbox_result *ret)
{
    struct fake_plan *plan = &fake.plans[call];

    fake.calls[call]++;
    if (plan->skip > 0) {
        plan->skip--;
        return false;
    }
    if (plan->times == 0)
        return false;
    plan->times--;
    *ret = fake_fault(fault, plan->result, plan->code, name);
    return true;
}

static enum outbox_result fake_simply(enum fake_call call, const char *name, struct outbox_fault *fault)
{
    enum outbox_result result = OUTBOX_DONE;

    pthread_mutex_lock(&fake.lock);
    fake_fails(call, name, fault, &result);
    pthread_mutex_unlock(&fake.lock);
    return result;
}

enum outbox_result outbox_kafka_create(const struct outbox_kafka_options *options, struct outbox_kafka **ret,
                                       struct outbox_fault *fault)
{
    enum outbox_result result = fake_simply(FAKE_CREATE, "create", fault);

    if (result != OUTBOX_DONE)
        return result;
    *ret = calloc(1, sizeof(**ret));
    (*ret)->options = *options;
    pthread_mutex_lock(&fake.lock);
    fake.instances++;
    pthread_mutex_unlock(&fake.lock);
    return OUTBOX_DONE;
}

void outbox_kafka_destroy(struct outbox_kafka *kafka)
{
    if (kafka == NULL)
        return;
    pthread_mutex_lock(&fake.lock);
    fake.instances--;
    pthread_mutex_unlock(&fake.lock);
    free(kafka);
}

enum outbox_result outbox_kafka_init(struct outbox_kafka *kafka, struct outbox_fault *fault)
{
    if (kafka->epoch != 0) /* librdkafka does that once for each producer. */
        return fake_fault(fault, OUTBOX_AGAIN, "_STATE", "init");
    enum outbox_result result = fake_simply(FAKE_INIT, "init", fault);

    pthread_mutex_lock(&fake.lock);
    if (result == OUTBOX_DONE)
        kafka->epoch = ++fake.epoch;
    kafka->suspect = fake.suspect;
    pthread_mutex_unlock(&fake.lock);
    return result;
}

enum outbox_result outbox_kafka_prepare(struct outbox_kafka *kafka, struct outbox_fault *fault)
{
    return fake_simply(FAKE_PREPARE, "prepare", fault);
}

/* With the lock: the newest of each parked stream. */
static void fake_find_parked(const char *name, struct outbox_found *ret)
{
    struct outbox_progress progress;
    struct varve_view stream;

    ret->parked = calloc(fake.count + 1, sizeof(*ret->parked));
    for (size_t i = 0; i < fake.count; i++) {
        const struct fake_record *record = &fake.records[i];
        size_t at = 0;
        if (record->topic[0] != 0 ||
            outbox_note_parse(varve_view_str(record->key), name, &stream) != OUTBOX_NOTE_PARKED)
            continue;
        while (at < ret->parked_count && !varve_view_equal(varve_view_str(ret->parked[at].stream), stream))
            at++;
        if (record->is_tombstone) {
            if (at < ret->parked_count)
                ret->parked[at] = ret->parked[--ret->parked_count];
            continue;
        }
        outbox_progress_decode(varve_view_of(record->value, record->value_size), &progress, NULL);
        snprintf(ret->parked[at].stream, sizeof(ret->parked[at].stream), "%.*s", (int)stream.size, stream.data);
        ret->parked[at].position = progress.position;
        ret->parked_count += at == ret->parked_count;
    }
}

enum outbox_result outbox_kafka_read_checkpoint(struct outbox_kafka *kafka, bool parked, struct outbox_found *ret,
                                                struct outbox_fault *fault)
{
    enum outbox_result result = fake_simply(FAKE_READ, "read", fault);
    struct fake_record note;

    if (result != OUTBOX_DONE)
        return result;
    *ret = (struct outbox_found){ .has_checkpoint = fake_note("ck/", &note) };
    snprintf(ret->damage, sizeof(ret->damage), "%s", fake.damage);
    if (ret->has_checkpoint)
        outbox_checkpoint_decode(varve_view_of(note.value, note.value_size), &ret->checkpoint, NULL);
    if (!parked)
        return OUTBOX_DONE;
    ret->has_replay = fake_note("rp/", &note);
    if (ret->has_replay)
        outbox_progress_decode(varve_view_of(note.value, note.value_size), &ret->replay, NULL);
    pthread_mutex_lock(&fake.lock);
    fake_find_parked(kafka->options.config->name, ret);
    pthread_mutex_unlock(&fake.lock);
    return OUTBOX_DONE;
}

void outbox_found_end(struct outbox_found *found)
{
    free(found->parked);
    found->parked = NULL;
}

enum outbox_result outbox_kafka_partitions(struct outbox_kafka *kafka, const char *topic, int32_t *ret_partitions,
                                           struct outbox_fault *fault)
{
    enum outbox_result result = fake_simply(FAKE_PARTITIONS, "partitions", fault);

    pthread_mutex_lock(&fake.lock);
    *ret_partitions = fake.missing != NULL && strcmp(topic, fake.missing) == 0 ? 0 : fake.partitions;
    pthread_mutex_unlock(&fake.lock);
    return result;
}

void outbox_kafka_forget_missing(struct outbox_kafka *kafka)
{
    /* It looks each time. */
}

int32_t outbox_kafka_partition_of(struct varve_view key, int32_t partitions)
{
    uint32_t sum = 0;

    for (size_t i = 0; i < key.size; i++)
        sum = sum * 31 + (uint8_t)key.data[i];
    return (int32_t)(sum % (uint32_t)partitions);
}

static void fake_copy(char *to, size_t room, struct varve_view from)
{
    snprintf(to, room, "%.*s", (int)from.size, from.data == NULL ? "" : from.data);
}

static uint64_t fake_header(const struct outbox_message *message, const char *name)
{
    for (size_t i = 0; i < message->header_count; i++)
        if (strcmp(message->headers[i].name, name) == 0)
            return strtoull(message->headers[i].value.data, NULL, 10);
    return 0;
}

/* With the lock. */
static void fake_apply(const struct outbox_message *messages, size_t count, const struct outbox_note *notes,
                       size_t note_count)
{
    if (fake.count + count + note_count > FAKE_RECORDS)
        abort();
    for (size_t i = 0; i < count; i++) {
        struct fake_record *record = &fake.records[fake.count++];
        *record = (struct fake_record){ .partition = messages[i].partition, .position = messages[i].position,
                                        .is_tombstone = messages[i].value.data == NULL,
                                        .replay = fake_header(&messages[i], "v-replay"),
                                        .gap_after = fake_header(&messages[i], "v-gap-after") };
        snprintf(record->topic, sizeof(record->topic), "%s", messages[i].topic);
        fake_copy(record->key, sizeof(record->key), messages[i].key);
        fake_copy(record->value, sizeof(record->value), messages[i].value);
    }
    for (size_t i = 0; i < note_count; i++) {
        struct fake_record *record = &fake.records[fake.count++];
        *record = (struct fake_record){ .is_tombstone = notes[i].value.data == NULL };
        fake_copy(record->key, sizeof(record->key), notes[i].key);
        record->value_size = notes[i].value.size;
        if (record->value_size > 0)
            memcpy(record->value, notes[i].value.data, record->value_size);
    }
}

/* With the lock: the lowest position that is refused; 0: none is. */
static uint64_t fake_refused(const struct outbox_message *messages, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (fake.poison_topic != NULL && strcmp(fake.poison_topic, messages[i].topic) == 0)
            return messages[i].position;
        for (size_t j = 0; j < sizeof(fake.poison) / sizeof(fake.poison[0]); j++)
            if (fake.poison[j] != 0 && fake.poison[j] == messages[i].position)
                return messages[i].position;
    }
    return 0;
}

/* With the lock. */
static enum outbox_result fake_decide(struct outbox_kafka *kafka, const struct outbox_message *messages, size_t count,
                                      bool *ret_apply, struct outbox_fault *fault)
{
    enum outbox_result result = OUTBOX_DONE;
    uint64_t refused = fake_refused(messages, count);

    *ret_apply = fake.plans[FAKE_SEND].is_applied;
    if (kafka->epoch != fake.epoch)
        return fake_fault(fault, OUTBOX_FENCED, "_FENCED", "send");
    if (fake_fails(FAKE_SEND, "send", fault, &result))
        return result;
    *ret_apply = refused == 0;
    if (refused == 0)
        return OUTBOX_DONE;
    fake_fault(fault, OUTBOX_REFUSED, "INVALID_RECORD", "send");
    fault->first_refused = refused;
    return OUTBOX_REFUSED;
}

static bool fake_is_held(void)
{
    pthread_mutex_lock(&fake.lock);
    bool hold = fake.hold;
    fake.held += hold;
    pthread_mutex_unlock(&fake.lock);
    return hold;
}

enum outbox_result outbox_kafka_send(struct outbox_kafka *kafka, const struct outbox_message *messages, size_t count,
                                     const struct outbox_note *notes, size_t note_count, struct outbox_sent *ret,
                                     struct outbox_fault *fault)
{
    bool apply;

    while (fake_is_held()) {
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
        if (kafka->options.interrupted(kafka->options.user))
            return fake_fault(fault, OUTBOX_INTERRUPTED, "INTERRUPTED", "send");
    }
    pthread_mutex_lock(&fake.lock);
    enum outbox_result result = fake_decide(kafka, messages, count, &apply, fault);
    fake.sends++;
    if (apply)
        fake_apply(messages, count, notes, note_count);
    pthread_mutex_unlock(&fake.lock);
    *ret = (struct outbox_sent){ .first_ack_us = 1000, .ack_us = 1500, .commit_us = 500, .bytes = count };
    return result;
}

bool outbox_kafka_is_suspect(const struct outbox_kafka *kafka)
{
    return kafka->suspect;
}

void outbox_kafka_serve(struct outbox_kafka *kafka)
{
    pthread_mutex_lock(&fake.lock);
    kafka->suspect = kafka->suspect || fake.suspect;
    pthread_mutex_unlock(&fake.lock);
}

enum outbox_result outbox_kafka_read_topic(const struct outbox_kafka_options *options, const char *topic,
                                           uint64_t depth, bool (*each)(void *user, const struct outbox_seen *seen),
                                           void *user, struct outbox_fault *fault)
{
    pthread_mutex_lock(&fake.lock);
    for (size_t i = 0; i < fake.count; i++) {
        const struct fake_record *record = &fake.records[i];
        const struct outbox_seen seen = {
            .topic = topic, .partition = record->partition, .offset = (int64_t)i, .position = record->position,
            .key = varve_view_str(record->key), .value = varve_view_str(record->value),
            .is_replay = record->replay != 0,
        };
        if (strcmp(record->topic, topic) == 0 && !each(user, &seen))
            break;
    }
    pthread_mutex_unlock(&fake.lock);
    return OUTBOX_DONE;
}

const char *outbox_kafka_version(void)
{
    return "a fake";
}

#endif
