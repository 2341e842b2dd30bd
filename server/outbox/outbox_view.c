/* outbox_view.c - an outbox as others see it: a picture that its thread draws after each step. */
#include "outbox_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "json_fields.h"
#include "varve/record.h"

enum {
    MESSAGE_BYTES = 2048,             /* of one in the batch and in librdkafka, beside key, value and headers */
    LETTER_BYTES = 1024,              /* of a dead letter, its stream's name and its error */
    KAFKA_BYTES = 80 * 1024 * 1024,   /* queue.buffering.max.kbytes, requests under way, threads */
};

/* ---- drawing, on the outbox's thread ---------------------------------------------------------------------------- */

static void show_phase(struct outbox *outbox, struct outbox_view *view)
{
    const struct outbox_state *state = &outbox->state;
    int64_t now_us = outbox_wall_us();

    if (view->since_us == 0 || view->phase != state->phase) {
        view->since_us = now_us;
        outbox->phase_since_us = outbox_now_us();
    }
    view->phase = state->phase;
    view->breaker = outbox_state_breaker(state);
    view->halt = state->halt;
    view->failures = state->failures;
    view->next_attempt_us = VARVE_TIME_NONE;
    if (state->phase == VARVE_OUTBOX_BACKOFF)
        view->next_attempt_us = now_us + state->until_us - outbox_now_us();
    memcpy(view->reason, state->reason, sizeof(view->reason));
}

static bool is_at_work(enum varve_outbox_phase phase)
{
    return phase == VARVE_OUTBOX_RUN || phase == VARVE_OUTBOX_PROBE || phase == VARVE_OUTBOX_ISOLATE;
}

void outbox_show(struct outbox *outbox)
{
    const struct outbox_memory *memory = &outbox->memory;
    struct outbox_view *view = &outbox->view;

    pthread_mutex_lock(&outbox->lock);
    show_phase(outbox, view);
    view->config = outbox->config;
    view->position = is_at_work(view->phase) ? outbox->state.position : outbox->committed;
    view->generation = outbox->state.generation > 0 ? outbox->state.generation : memory->generation;
    view->gap_us = outbox->state.gap_us;
    view->retry_streams = outbox->retries.count;
    view->replay_number = memory->replay.number;
    view->replay_position = memory->replay.number == 0 ? 0 : outbox->replay_position;
    view->replay_until = memory->replay.until;
    view->retention_floor = outbox->committed > 0 ? outbox->committed : 1; /* It is compared with the checkpoint. */
    if (memory->replay.number != 0 && outbox->replay_position + 1 < view->retention_floor)
        view->retention_floor = outbox->replay_position + 1;
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_show_oldest(struct outbox *outbox, uint64_t position, int64_t recorded_at_us)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->oldest_position = position;
    outbox->oldest_us = recorded_at_us;
    pthread_mutex_unlock(&outbox->lock);
}

/* ---- looking, on any thread ------------------------------------------------------------------------------------- */

void outbox_learn_age(struct outbox *outbox)
{
    uint8_t *record = NULL;
    uint32_t size;

    pthread_mutex_lock(&outbox->lock);
    uint64_t first = outbox->view.position + 1;
    bool is_known = outbox->oldest_position == first;
    pthread_mutex_unlock(&outbox->lock);
    if (is_known || atomic_load(&outbox->head) < first ||
        varve_store_get(outbox->store, first, &record, &size, NULL) != VARVE_OK)
        return;
    outbox_show_oldest(outbox, first, varve_record_recorded_at(record));
    free(record);
}

static void add_dead(const struct outbox *outbox, struct outbox_view *view)
{
    struct outbox_dead_counts dead;

    outbox_dead_count(outbox->memory.dead, &dead);
    view->dead_streams = dead.streams;
    view->parked_events = dead.positions;
    if (dead.first_position != 0 && dead.first_position < view->retention_floor)
        view->retention_floor = dead.first_position;
}

void outbox_look(struct outbox *outbox, struct outbox_view *ret)
{
    int64_t now_us = outbox_wall_us();

    pthread_mutex_lock(&outbox->lock);
    *ret = outbox->view;
    ret->for_us = ret->since_us == 0 ? 0 : outbox_now_us() - outbox->phase_since_us;
    int64_t oldest_us = outbox->oldest_position == ret->position + 1 ? outbox->oldest_us : now_us;
    pthread_mutex_unlock(&outbox->lock);
    ret->head = atomic_load(&outbox->head);
    if (ret->head < ret->position)
        ret->head = ret->position;
    ret->lag_events = ret->head - ret->position;
    ret->lag_us = ret->lag_events > 0 && now_us > oldest_us ? now_us - oldest_us : 0;
    add_dead(outbox, ret);
}

/* What the batch in hand takes: the log's records and the messages made of them; beside that, librdkafka's queue, which
 * holds a copy of each, and its buffers; positions of dead letters and the names of their streams. */
uint64_t outbox_memory_bound(const struct outbox_config *config)
{
    uint64_t events = config->max_events > OUTBOX_FAR_MAX_EVENTS ? config->max_events : OUTBOX_FAR_MAX_EVENTS;
    uint64_t batch = 2 * ((uint64_t)config->max_bytes + config->max_message_bytes) + OUTBOX_ARENA_KEEP +
                     events * MESSAGE_BYTES;
    uint64_t dead = config->poison_max_parked * sizeof(uint64_t) + config->poison_max_streams * LETTER_BYTES;

    return batch + dead + KAFKA_BYTES;
}

struct outbox_figures *outbox_figures_of(struct outbox *outbox)
{
    return &outbox->figures;
}

enum varve_status outbox_list_dead(struct outbox *outbox, struct varve_view after, size_t limit,
                                   struct varve_dead_letter **ret, size_t *ret_count, bool *ret_end)
{
    return outbox_dead_list(outbox->memory.dead, after, limit, ret, ret_count, ret_end);
}

bool outbox_find_dead(struct outbox *outbox, struct varve_view stream, struct varve_dead_letter **ret)
{
    return outbox_dead_find(outbox->memory.dead, stream, ret);
}

/* ---- fates ------------------------------------------------------------------------------------------------------ */

/* The position of which the outbox says in this record that it was discarded; 0: it says something else. */
static uint64_t discard_in(const struct outbox *outbox, const uint8_t *record, uint32_t size)
{
    struct varve_event event;
    struct json_fields fields;
    struct varve_error error;

    if (varve_record_decode(record, size, &event) != VARVE_OK ||
        !varve_view_equal(event.stream, varve_view_str(outbox->memory.stream)))
        return 0;
    json_t *object = json_fields_parse(&fields, event.data, &error);
    uint64_t position = object != NULL ? json_fields_uint(&fields, "position", UINT64_MAX) : 0;
    json_decref(object);
    return fields.failed ? 0 : position;
}

static void note_discard(uint64_t position, const uint64_t *positions, enum varve_outbox_fate *fates, size_t count)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (positions[middle] < position)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count && positions[low] == position && fates[low] == VARVE_FATE_PUBLISHED)
        fates[low] = VARVE_FATE_DISCARDED;
}

/* Discards are events of a type of their own: one walk through them, however many are asked for. */
void outbox_find_discards(struct outbox *outbox, const uint64_t *positions, enum varve_outbox_fate *fates,
                          size_t count)
{
    struct varve_read read;
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };

    varve_read_init(&read);
    read.kind = VARVE_READ_TYPE;
    read.name = varve_view_str("$outbox.discarded");
    read.include_system = read.include_hidden = true;
    read.from = count > 0 ? positions[0] : 1;
    if (count == 0 || varve_reader_open(outbox->store, &read, &reader, NULL) != VARVE_OK)
        return;
    while (!batch.end && varve_reader_next(reader, 65536, 1000, &batch, NULL) == VARVE_OK)
        for (uint32_t i = 0; i < batch.count; i++)
            note_discard(discard_in(outbox, batch.records[i], batch.sizes[i]), positions, fates, count);
    varve_reader_close(reader);
}

enum varve_outbox_fate outbox_fate_of(struct outbox *outbox, const struct varve_event *event)
{
    struct outbox_routing routing;

    pthread_mutex_lock(&outbox->lock);
    uint64_t position = outbox->view.position;
    pthread_mutex_unlock(&outbox->lock);
    if (outbox_dead_has(outbox->memory.dead, event->stream, event->position))
        return VARVE_FATE_FAILED;
    if (outbox_route(outbox->config, event, &routing) == OUTBOX_FILTERED)
        return VARVE_FATE_FILTERED;
    if (event->position > position)
        return VARVE_FATE_PENDING;
    return VARVE_FATE_PUBLISHED;
}
