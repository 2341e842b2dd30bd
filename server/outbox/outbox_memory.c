/* outbox_memory.c - each thing that an outbox must not forget: appended first, in memory then. */
#include "outbox_memory_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "varve/record.h"

enum varve_status memory_no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for what an outbox remembers");
}

/* ---- appending -------------------------------------------------------------------------------------------------- */

enum varve_status memory_append(const struct outbox_memory *memory, const char *stream, const enum memory_kind *kinds,
                                const struct varve_view *data, size_t count, uint64_t *ret_version,
                                struct varve_error *error)
{
    const struct varve_append_stream target = { varve_view_str(stream), VARVE_EXPECTED_ANY };
    struct varve_event *events = calloc(count, sizeof(*events));
    struct varve_append *append = NULL;

    if (events == NULL)
        return memory_no_memory(error);
    for (size_t i = 0; i < count; i++)
        events[i] = (struct varve_event){ .type = varve_view_str(memory_event_type(kinds[i])), .data = data[i],
                                          .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                          .content_type = VARVE_CONTENT_JSON };
    const struct varve_append_request request = { .streams = &target, .stream_count = 1, .events = events,
                                                  .event_count = count };
    enum varve_status status = varve_append_create_system(memory->store, &request, &append, error);
    free(events);
    if (status == VARVE_OK)
        status = varve_append_wait(append, error);
    if (status == VARVE_OK)
        *ret_version = (uint64_t)varve_append_get_outcome(append)->results[0].first_version;
    varve_append_free(append);
    return status;
}

enum varve_status memory_remember(struct outbox_memory *memory, const struct memory_event *event,
                                  struct varve_error *error)
{
    struct varve_view data = memory_event_encode(event);
    uint64_t version;

    if (data.data == NULL)
        return memory_no_memory(error);
    enum varve_status status = memory_append(memory, memory->stream, &event->kind, &data, 1, &version, error);
    free((char *)data.data);
    if (status != VARVE_OK)
        return status;
    memory->next_version = version + 1;
    return memory_apply(memory, event, version, true);
}

/* The log counts as JSON does. */
static enum varve_status check_number(uint64_t number, const char *field, struct varve_error *error)
{
    if (number <= INT64_MAX)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: above %lld", field, (long long)INT64_MAX);
}

/* ---- what changes ----------------------------------------------------------------------------------------------- */

static void apply_order(struct outbox_memory *memory, const struct memory_event *event)
{
    if (event->kind != MEMORY_RESET) {
        memory->paused = event->kind == MEMORY_PAUSED;
        return;
    }
    memory->position = event->position;
    if (event->generation > memory->generation)
        memory->generation = event->generation;
}

static void apply_replay(struct outbox_memory *memory, const struct memory_event *event, uint64_t version)
{
    if (event->kind == MEMORY_REPLAYED) {
        if (event->replay.number == memory->replay.number)
            memory->replay = (struct outbox_replay){ .number = 0 };
        return;
    }
    memory->replay = event->replay;
    memory->replay_at = version;
    if (event->replay.number > memory->replays)
        memory->replays = event->replay.number;
}

enum varve_status memory_apply(struct outbox_memory *memory, const struct memory_event *event, uint64_t version,
                               bool is_newer)
{
    switch (event->kind) {
    case MEMORY_PARKED:
        return outbox_dead_put(memory->dead, &event->letter, version);
    case MEMORY_WAITING:
        return outbox_dead_add_waiting(memory->dead, event->letter.stream, event->positions, event->count);
    case MEMORY_ATTEMPTED:
        outbox_dead_attempted(memory->dead, &event->letter);
        break;
    case MEMORY_RETRIED:
        outbox_dead_delivered(memory->dead, event->letter.stream, event->through);
        break;
    case MEMORY_DISCARDED:
        outbox_dead_discard(memory->dead, event->letter.stream, event->letter.position);
        break;
    case MEMORY_PAUSED: case MEMORY_RESUMED: case MEMORY_RESET:
        if (is_newer)
            apply_order(memory, event);
        break;
    case MEMORY_TOPICS:
        memory->topics_at = version;
        return memory_topics_take(memory->topics, event->topics) ? VARVE_OK : VARVE_NO_MEMORY;
    case MEMORY_REPLAY: case MEMORY_REPLAYED:
        apply_replay(memory, event, version);
        break;
    case MEMORY_PUBLISHED: case MEMORY_KINDS: /* Of a stream of its own. */
        break;
    }
    return VARVE_OK;
}

/* An event that cannot be read is no reason not to go on: the version is for people. */
void memory_name_version(struct outbox_memory *memory, struct varve_view stream)
{
    struct varve_dead_letter *letter;
    uint8_t *record = NULL;
    uint32_t size;

    if (!outbox_dead_find(memory->dead, stream, &letter))
        return;
    if (letter->version == UINT64_MAX &&
        varve_store_get(memory->store, letter->position, &record, &size, NULL) == VARVE_OK)
        outbox_dead_set_version(memory->dead, stream, letter->position, varve_record_version(record));
    free(record);
    free(letter);
}

/* ---- how far it is ---------------------------------------------------------------------------------------------- */

/* Everything below is settled: no dead letter, no replay under way needs it. */
static uint64_t fold_from(const struct outbox_memory *memory)
{
    struct outbox_dead_counts counts;
    uint64_t from = memory->next_version;

    outbox_dead_count(memory->dead, &counts);
    if (counts.fold_from < from)
        from = counts.fold_from;
    if (memory->replay.number != 0 && memory->replay_at < from)
        from = memory->replay_at;
    return from;
}

enum varve_status outbox_memory_publish(struct outbox_memory *memory, uint64_t position, uint64_t generation,
                                        struct varve_error *error)
{
    const struct memory_event hint = {
        .kind = MEMORY_PUBLISHED, .position = position, .generation = generation, .fold_from = fold_from(memory),
        .topics_at = memory->topics_at, .replays = memory->replays, .paused = memory->paused,
    };
    struct varve_view data = memory_event_encode(&hint);
    uint64_t version;

    if (data.data == NULL)
        return memory_no_memory(error);
    enum varve_status status = memory_append(memory, memory->hints, &hint.kind, &data, 1, &version, error);
    free((char *)data.data);
    if (status == VARVE_OK) {
        memory->position = position;
        memory->generation = generation;
    }
    return status;
}

/* ---- orders ----------------------------------------------------------------------------------------------------- */

enum varve_status outbox_memory_attempted(struct outbox_memory *memory, const struct varve_dead_letter *letter,
                                          struct varve_error *error)
{
    char code[VARVE_MAX_OUTBOX_REASON + 1], why[VARVE_MAX_OUTBOX_REASON + 1];
    struct memory_event event = { .kind = MEMORY_ATTEMPTED, .letter = *letter };

    event.letter.skipped = false; /* It says nothing about that. */
    event.letter.error_code = memory_clean_text(letter->error_code, code, sizeof(code));
    event.letter.last_error = memory_clean_text(letter->last_error, why, sizeof(why));
    return memory_remember(memory, &event, error);
}

enum varve_status outbox_memory_retried(struct outbox_memory *memory, struct varve_view stream, uint64_t through,
                                        struct varve_error *error)
{
    const struct memory_event event = { .kind = MEMORY_RETRIED, .letter = { .stream = stream },
                                        .through = through < INT64_MAX ? through : INT64_MAX };
    enum varve_status status = memory_remember(memory, &event, error);

    if (status == VARVE_OK)
        memory_name_version(memory, stream);
    return status;
}

enum varve_status outbox_memory_discard(struct outbox_memory *memory, struct varve_view stream, uint64_t position,
                                        struct varve_view reason, struct varve_error *error)
{
    char text[VARVE_MAX_OUTBOX_REASON + 1];
    struct memory_event event = { .kind = MEMORY_DISCARDED, .letter = { .stream = stream, .position = position } };

    if (!outbox_dead_has(memory->dead, stream, position))
        return varve_fail(error, VARVE_DEAD_LETTER_NOT_FOUND, NULL, "nothing of '%.*s' is set aside at position %llu",
                          (int)stream.size, stream.data, (unsigned long long)position);
    if (reason.data != NULL)
        event.reason = memory_clean_text(reason, text, sizeof(text));
    enum varve_status status = memory_remember(memory, &event, error);
    if (status == VARVE_OK)
        memory_name_version(memory, stream);
    return status;
}

static enum varve_status order(struct outbox_memory *memory, enum memory_kind kind, uint64_t position,
                               uint64_t generation, struct varve_view reason, struct varve_error *error)
{
    char text[VARVE_MAX_OUTBOX_REASON + 1];
    struct memory_event event = { .kind = kind, .position = position, .generation = generation };

    if (reason.data != NULL)
        event.reason = memory_clean_text(reason, text, sizeof(text));
    return memory_remember(memory, &event, error);
}

enum varve_status outbox_memory_pause(struct outbox_memory *memory, bool paused, struct varve_view reason,
                                      struct varve_error *error)
{
    return order(memory, paused ? MEMORY_PAUSED : MEMORY_RESUMED, memory->position, memory->generation, reason, error);
}

enum varve_status outbox_memory_reset(struct outbox_memory *memory, uint64_t position, uint64_t generation,
                                      struct varve_view reason, struct varve_error *error)
{
    enum varve_status status = check_number(position, "position", error);

    return status == VARVE_OK ? order(memory, MEMORY_RESET, position, generation, reason, error) : status;
}

enum varve_status outbox_memory_replay(struct outbox_memory *memory, const struct outbox_replay *replay,
                                       struct varve_view reason, struct varve_error *error)
{
    char text[VARVE_MAX_OUTBOX_REASON + 1];
    struct memory_event event = { .kind = MEMORY_REPLAY, .replay = *replay };
    enum varve_status status = check_number(replay->from, "position", error);

    assert(replay->number > 0 && replay->number <= INT64_MAX);
    if (status == VARVE_OK)
        status = check_number(replay->until, "until", error);
    if (status == VARVE_OK && replay->stream[0] != '\0')
        status = varve_check_stream_name(varve_view_str(replay->stream), true, "stream", error);
    if (status == VARVE_OK && replay->type[0] != '\0')
        status = varve_check_text(varve_view_str(replay->type), VARVE_MAX_TYPE, "type", error);
    if (status != VARVE_OK)
        return status;
    if (reason.data != NULL)
        event.reason = memory_clean_text(reason, text, sizeof(text));
    return memory_remember(memory, &event, error);
}

enum varve_status outbox_memory_replayed(struct outbox_memory *memory, uint64_t sent, struct varve_error *error)
{
    const struct memory_event event = { .kind = MEMORY_REPLAYED, .replay = { .number = memory->replay.number },
                                        .sent = sent };

    assert(memory->replay.number > 0);
    return memory_remember(memory, &event, error);
}
