/* outbox_verify.c - see outbox_verify.h.
 *
 * The checkpoint is read twice: what was at or below it before the reading must be there, and nothing may be there that
 * is above it afterwards. Kafka ends a transaction partition by partition, so a checkpoint may become visible a moment
 * after events of its transaction: it is read again some times while something seems to be above it. */
#include "outbox_verify.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "outbox_arena.h"
#include "outbox_compare.h"
#include "outbox_history.h"
#include "varve/record.h"

enum { READ_BYTES = 1 << 20, READ_EVENTS = 1000, ARENA_KEEP = 1 << 20,
       CHECKPOINT_TRIES = 50, CHECKPOINT_PAUSE_MS = 100 };

struct verify {
    const struct outbox_verify_options *options;
    struct outbox_compare *compare;
    struct outbox_history history;
    struct outbox_arena *arena;
    uint8_t *records[2];          /* of the events that are looked at */
    uint64_t head;                /* of the log at the beginning */
    enum varve_status status;     /* of a callback that could not say so itself */
    struct varve_error *error;
};

/* ---- what the comparison asks ---- */

static bool event_at(void *user, uint64_t position, int slot, struct varve_event *ret)
{
    struct verify *verify = user;
    uint8_t *record = NULL;
    uint32_t size;

    if (varve_store_get(verify->options->store, position, &record, &size, NULL) != VARVE_OK)
        return false;
    free(verify->records[slot]);
    verify->records[slot] = record;
    return varve_record_decode(record, size, ret) == VARVE_OK;
}

static uint64_t position_after(struct verify *verify, const struct varve_event *event)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .count = 0 };
    struct varve_read read;
    uint64_t position = 0;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = event->stream;
    read.from = event->version + 1;
    read.limit = 1;
    if (varve_reader_open(verify->options->store, &read, &reader, NULL) != VARVE_OK)
        return 0;
    if (varve_reader_next(reader, READ_BYTES, 1, &batch, NULL) == VARVE_OK && batch.count > 0)
        position = varve_record_position(batch.records[0]);
    varve_reader_close(reader);
    return position;
}

static bool event_after(void *user, const struct varve_event *event, struct varve_event *ret)
{
    uint64_t position = position_after(user, event);

    return position > 0 && event_at(user, position, 1, ret);
}

static bool value_of(void *user, const struct varve_event *event, const struct outbox_routing *routing,
                     struct varve_view *ret)
{
    struct verify *verify = user;
    const struct outbox_marks marks = { .replay = 0 };
    struct outbox_message message;

    outbox_arena_clear(verify->arena);
    if (outbox_message_make(verify->options->config, routing, event, &marks, verify->arena, &message, NULL) != VARVE_OK)
        return false;
    *ret = message.value;
    return true;
}

static size_t partitions_of(void *user, const char *topic, int32_t ret[OUTBOX_COMPARE_COUNTS])
{
    const struct verify *verify = user;
    const struct outbox_history_topic *known = outbox_history_topic(&verify->history, topic);

    for (size_t i = 0; known != NULL && i < known->count; i++)
        ret[i] = known->counts[i];
    return known == NULL ? 0 : known->count;
}

/* It is a dead letter still while its delivery is on its way into the log. */
static bool was_retried(void *user, const struct varve_event *event)
{
    struct verify *verify = user;

    if (outbox_dead_has(verify->options->dead, event->stream, event->position) ||
        outbox_history_was_retried(&verify->history, event, 0))
        return true;
    verify->status = outbox_history_read(&verify->history, verify->error);
    return verify->status == VARVE_OK && outbox_history_was_retried(&verify->history, event, 0);
}

/* One that was delivered since the reading began need not have been there then. */
static bool is_aside(void *user, const struct varve_event *event)
{
    struct verify *verify = user;

    if (outbox_dead_has(verify->options->dead, event->stream, event->position))
        return true;
    verify->status = outbox_history_read(&verify->history, verify->error);
    return outbox_history_was_discarded(&verify->history, event->position) ||
           outbox_history_was_retried(&verify->history, event, verify->head + 1);
}

/* ---- the topics ---- */

static enum varve_status status_of(enum outbox_result result, const struct outbox_fault *fault,
                                   struct varve_error *error)
{
    if (result == OUTBOX_DONE)
        return VARVE_OK;
    if (result == OUTBOX_INTERRUPTED)
        return varve_fail(error, VARVE_CANCELLED, NULL, "the verification was interrupted");
    return varve_fail(error, VARVE_OUTBOX_BUSY, NULL, "Kafka cannot be read: %s%s%s", fault->code,
                      fault->code[0] != '\0' ? ": " : "", fault->reason);
}

static bool is_interrupted(const struct verify *verify)
{
    const struct outbox_verify_options *options = verify->options;

    return options->interrupted != NULL && options->interrupted(options->user);
}

static bool see(void *user, const struct outbox_seen *seen)
{
    struct verify *verify = user;

    if (!outbox_compare_record(verify->compare, seen))
        verify->status = varve_fail(verify->error, VARVE_NO_MEMORY, NULL, "no memory for the positions seen");
    return verify->status == VARVE_OK;
}

static enum varve_status read_topics(struct verify *verify)
{
    const struct outbox_verify_options *options = verify->options;
    enum varve_status status = VARVE_OK;

    for (size_t i = 0; i < verify->history.topic_count && status == VARVE_OK; i++) {
        struct outbox_fault fault = { .code = "" };
        const char *topic = verify->history.topics[i].name;
        if (options->config->dead_letter_topic != NULL && strcmp(topic, options->config->dead_letter_topic) == 0)
            continue;
        enum outbox_result result =
            options->source.read_topic(options->source.user, topic, options->depth, see, verify, &fault);
        status = verify->status != VARVE_OK ? verify->status : status_of(result, &fault, verify->error);
    }
    return status;
}

/* ---- the log ---- */

static enum varve_status expect_batch(struct verify *verify, const struct varve_batch *batch, uint64_t checkpoint)
{
    struct varve_event event;

    for (uint32_t i = 0; i < batch->count && verify->status == VARVE_OK; i++) {
        enum varve_status status = varve_record_decode(batch->records[i], batch->sizes[i], &event);
        if (status != VARVE_OK)
            return varve_fail(verify->error, status, NULL, "an event of the log cannot be read");
        if (event.position <= checkpoint)
            outbox_compare_expect(verify->compare, &event);
    }
    return verify->status;
}

static enum varve_status read_log(struct verify *verify, uint64_t checkpoint)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;

    varve_read_init(&read);
    read.include_hidden = true;
    read.from = outbox_compare_from(verify->compare);
    if (read.from > checkpoint)
        return VARVE_OK;
    enum varve_status status = varve_reader_open(verify->options->store, &read, &reader, verify->error);
    while (status == VARVE_OK && !batch.end && !is_interrupted(verify)) {
        status = varve_reader_next(reader, READ_BYTES, READ_EVENTS, &batch, verify->error);
        if (status == VARVE_OK)
            status = expect_batch(verify, &batch, checkpoint);
        if (batch.count > 0 && varve_record_position(batch.records[batch.count - 1]) >= checkpoint)
            break;
    }
    varve_reader_close(reader);
    if (status == VARVE_OK && is_interrupted(verify))
        return varve_fail(verify->error, VARVE_CANCELLED, NULL, "the verification was interrupted");
    return status;
}

/* ---- all of it ---- */

static enum varve_status read_checkpoint(struct verify *verify, uint64_t *ret)
{
    const struct outbox_verify_source *source = &verify->options->source;
    struct outbox_fault fault = { .code = "" };

    return status_of(source->read_checkpoint(source->user, ret, &fault), &fault, verify->error);
}

static enum varve_status read_checkpoint_after(struct verify *verify, uint64_t *ret)
{
    const struct timespec pause = { .tv_nsec = CHECKPOINT_PAUSE_MS * 1000000 };
    enum varve_status status = read_checkpoint(verify, ret);

    for (int i = 0; i < CHECKPOINT_TRIES && status == VARVE_OK && *ret < outbox_compare_highest(verify->compare) &&
                    !is_interrupted(verify); i++) {
        nanosleep(&pause, NULL);
        status = read_checkpoint(verify, ret);
    }
    return status;
}

static enum varve_status run(struct verify *verify, struct outbox_verification *ret)
{
    const struct outbox_compare_source source = {
        .user = verify, .event_at = event_at, .event_after = event_after, .value_of = value_of,
        .partitions_of = partitions_of, .was_retried = was_retried, .is_aside = is_aside,
    };
    uint64_t before = 0, after = 0;
    enum varve_status status = outbox_history_read(&verify->history, verify->error);

    if (status == VARVE_OK)
        status = read_checkpoint(verify, &before);
    if (status != VARVE_OK)
        return status;
    verify->compare = outbox_compare_create(verify->options->config, &source, verify->head, before);
    if (verify->compare == NULL || verify->arena == NULL)
        return varve_fail(verify->error, VARVE_NO_MEMORY, NULL, "no memory for a verification");
    status = read_topics(verify);
    if (status == VARVE_OK)
        status = read_log(verify, before);
    if (status == VARVE_OK)
        status = read_checkpoint_after(verify, &after);
    if (status == VARVE_OK)
        outbox_compare_finish(verify->compare, after, ret);
    return status;
}

enum varve_status outbox_verify_topics(const struct outbox_verify_options *options, struct outbox_verification *ret,
                                       struct varve_error *error)
{
    struct verify verify = { .options = options, .error = error, .arena = outbox_arena_create(ARENA_KEEP),
                             .head = varve_store_last_position(options->store) };

    outbox_history_begin(&verify.history, options->store, options->config->name);
    enum varve_status status = run(&verify, ret);
    outbox_compare_free(verify.compare);
    outbox_history_end(&verify.history);
    outbox_arena_free(verify.arena);
    free(verify.records[0]);
    free(verify.records[1]);
    return status;
}
