/* outbox_kafka_checkpoint.c - what the checkpoint topic says: the newest of each note, read committed, to its end. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outbox_kafka_parts.h"

enum { FIRST_STEP = 64, STEP_FACTOR = 8 };

struct finding {
    const char *name;
    struct outbox_found *found;
    size_t room;
    bool no_memory;
    bool damage_is_old; /* of a checkpoint; a newer one that is sound makes up for it */
};

void outbox_found_end(struct outbox_found *found)
{
    free(found->parked);
    *found = (struct outbox_found){ 0 };
}

/* ---- one record ---- */

static void tell_damage(struct finding *finding, const rd_kafka_message_t *message, const char *what,
                        const struct varve_error *error)
{
    struct outbox_found *found = finding->found;

    if (found->damage[0] != 0 && !finding->damage_is_old)
        return;
    snprintf(found->damage, sizeof(found->damage), "%s at offset %lld of %.160s: %.160s", what,
             (long long)message->offset, rd_kafka_topic_name(message->rkt), error->message);
}

static void tell_other_damage(struct finding *finding, const rd_kafka_message_t *message, const char *what,
                              const struct varve_error *error)
{
    tell_damage(finding, message, what, error);
    finding->damage_is_old = false;
}

static void find_checkpoint(struct finding *finding, const rd_kafka_message_t *message, struct varve_view value)
{
    struct outbox_found *found = finding->found;
    struct varve_error error = { 0 };

    if (value.data == NULL) { /* taken back by hand */
        found->has_checkpoint = false;
    } else if (outbox_checkpoint_decode(value, &found->checkpoint, &error) == VARVE_OK) {
        found->has_checkpoint = true;
        if (finding->damage_is_old)
            found->damage[0] = 0;
    } else {
        found->has_checkpoint = false; /* An older one is about a past that is over. */
        finding->damage_is_old = found->damage[0] == 0 || finding->damage_is_old;
        tell_damage(finding, message, "a checkpoint", &error);
    }
}

static void find_replay(struct finding *finding, const rd_kafka_message_t *message, struct varve_view value)
{
    struct outbox_found *found = finding->found;
    struct varve_error error = { 0 };

    found->has_replay = value.data != NULL && outbox_progress_decode(value, &found->replay, &error) == VARVE_OK;
    if (value.data != NULL && !found->has_replay)
        tell_other_damage(finding, message, "the progress of a replay", &error);
}

static struct outbox_found_parked *parked_of(struct finding *finding, struct varve_view stream)
{
    struct outbox_found *found = finding->found;

    for (size_t i = 0; i < found->parked_count; i++) {
        if (strlen(found->parked[i].stream) == stream.size &&
            memcmp(found->parked[i].stream, stream.data, stream.size) == 0)
            return &found->parked[i];
    }
    return NULL;
}

static struct outbox_found_parked *add_parked(struct finding *finding, struct varve_view stream)
{
    struct outbox_found *found = finding->found;

    if (found->parked_count == finding->room) {
        size_t room = finding->room == 0 ? 16 : finding->room * 2;
        struct outbox_found_parked *more = realloc(found->parked, room * sizeof(*more));

        finding->no_memory = more == NULL;
        if (more == NULL)
            return NULL;
        found->parked = more;
        finding->room = room;
    }
    struct outbox_found_parked *parked = &found->parked[found->parked_count++];
    *parked = (struct outbox_found_parked){ .position = 0 };
    memcpy(parked->stream, stream.data, stream.size); /* fits: outbox_note_parse() looks at its length */
    return parked;
}

static void find_parked(struct finding *finding, const rd_kafka_message_t *message, struct varve_view stream,
                        struct varve_view value)
{
    struct outbox_found *found = finding->found;
    struct outbox_found_parked *parked = parked_of(finding, stream);
    struct outbox_progress progress;
    struct varve_error error = { 0 };

    if (value.data == NULL) {
        if (parked != NULL)
            *parked = found->parked[--found->parked_count];
    } else if (outbox_progress_decode(value, &progress, &error) != VARVE_OK) {
        tell_other_damage(finding, message, "the progress of a parked stream", &error);
    } else {
        parked = parked == NULL ? add_parked(finding, stream) : parked;
        if (parked != NULL)
            parked->position = progress.position;
    }
}

static bool find_note(void *user, const rd_kafka_message_t *message)
{
    struct finding *finding = user;
    struct varve_view key = varve_view_of(message->key, message->key_len), stream;
    struct varve_view value = varve_view_of(message->payload, message->len);

    switch (outbox_note_parse(key, finding->name, &stream)) {
    case OUTBOX_NOTE_CHECKPOINT:
        find_checkpoint(finding, message, value);
        break;
    case OUTBOX_NOTE_REPLAY:
        find_replay(finding, message, value);
        break;
    case OUTBOX_NOTE_PARKED:
        find_parked(finding, message, stream, value);
        break;
    case OUTBOX_NOTE_OTHER:
        break;
    }
    return !finding->no_memory;
}

/* ---- the partition ---- */

/* A few records from the end are enough as a rule; further back when there is no checkpoint among them. */
static enum outbox_result look_back(struct outbox_kafka *kafka, struct kafka_reader *reader, struct kafka_range range,
                                    bool all, struct outbox_found *found, struct outbox_fault *fault)
{
    int64_t lowest = range.low, step = FIRST_STEP;
    enum outbox_result result;

    for (;; step *= STEP_FACTOR) {
        struct finding finding = { .name = kafka->options.config->name, .found = found };

        range.low = all || range.high - lowest <= step ? lowest : range.high - step;
        outbox_found_end(found);
        result = kafka_reader_run(reader, &range, find_note, &finding, fault);
        if (result == OUTBOX_DONE && finding.no_memory)
            result = kafka_fail(NULL, fault, "fetch", RD_KAFKA_RESP_ERR__CRIT_SYS_RESOURCE, "no memory");
        if (result != OUTBOX_DONE || found->has_checkpoint || range.low == lowest)
            return result;
    }
}

/* Once the transactional id is ours, nothing can be open in this partition, and its very end is waited for. Before
 * that, another's transaction may be, and what is decided has to do. The reader is asked in any case: one that knows
 * the partition's leader never stalls for a second before its first fetch. */
static enum outbox_result read_partition(struct outbox_kafka *kafka, bool all, struct outbox_found *found,
                                         struct outbox_fault *fault)
{
    struct kafka_range range = { .topic = kafka->checkpoint_topic };
    struct kafka_reader reader;
    enum outbox_result result = kafka_reader_open(&reader, KAFKA_CONSUMER, &kafka->options, fault);

    if (result != OUTBOX_DONE)
        return result;
    result = kafka_reader_range(reader.rk, &reader.ear, &range, fault);
    if (result == OUTBOX_DONE && kafka->is_ready)
        result = kafka_reader_range(kafka->rk, &kafka->ear, &range, fault);
    if (result == OUTBOX_DONE)
        result = look_back(kafka, &reader, range, all, found, fault);
    kafka_reader_close(&reader);
    return result;
}

enum outbox_result outbox_kafka_read_checkpoint(struct outbox_kafka *kafka, bool parked, struct outbox_found *ret,
                                                struct outbox_fault *fault)
{
    struct outbox_found found = { 0 };
    struct kafka_topic *topic;
    enum outbox_result result = kafka_topics_ask(kafka, kafka->checkpoint_topic, &topic, fault);

    if (result == OUTBOX_DONE && topic->partitions > 0)
        result = read_partition(kafka, parked, &found, fault);
    else if (result == OUTBOX_DONE && kafka->is_ready)
        result = kafka_fail(&kafka->ear, fault, "metadata", RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART,
                            "the checkpoint's topic is not there");
    if (result == OUTBOX_DONE)
        *ret = found;
    else
        outbox_found_end(&found);
    return result;
}
