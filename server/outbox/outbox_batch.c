/* outbox_batch.c - the events behind a position as messages for Kafka, and what of them is to be set aside.
 *
 * Reads the log until the transaction is full. What cannot be dealt with now (no room for dead letters, a topic that
 * is not there) ends the batch before it; when it is the first event, that is why the outbox stands still. */
#include "outbox_parts.h"

#include <stdlib.h>

#include "varve/record.h"

enum { MESSAGE_OVERHEAD = 512, /* in outbox_message.size: no part of what is to be bounded here */
       MIN_BATCH_BYTES = 64 * 1024 };

bool outbox_batch_start(struct outbox_batch *batch)
{
    batch->letters = calloc(OUTBOX_MAX_LETTERS, sizeof(*batch->letters));
    batch->gaps = calloc(OUTBOX_MAX_LETTERS, sizeof(*batch->gaps));
    return batch->letters != NULL && batch->gaps != NULL;
}

void outbox_batch_close_reader(struct outbox_batch *batch)
{
    varve_reader_close(batch->reader);
    batch->reader = NULL;
}

void outbox_batch_end(struct outbox_batch *batch)
{
    outbox_batch_close_reader(batch);
    free(batch->messages);
    free(batch->waiting);
    free(batch->letters);
    free(batch->gaps);
}

uint64_t outbox_record_sum(const uint8_t *record, uint32_t size)
{
    uint64_t sum = 0;

    for (uint32_t i = size - 8; i < size; i++)
        sum = sum << 8 | record[i];
    return sum;
}

/* ---- one event -------------------------------------------------------------------------------------------------- */

/* The event that was skipped before this one of the same stream; 0: none, or it was told already. */
static uint64_t gap_before(struct outbox *outbox, struct varve_view stream)
{
    struct outbox_batch *batch = &outbox->batch;
    uint64_t gap = batch->dead.streams > 0 ? outbox_dead_gap(outbox->memory.dead, stream) : 0;

    for (size_t i = 0; i < batch->letter_count; i++)
        if (batch->letters[i].skipped && varve_view_equal(batch->letters[i].stream, stream))
            gap = batch->letters[i].position;
    for (size_t i = 0; gap != 0 && i < batch->gap_count; i++)
        if (batch->gaps[i].after == gap && varve_view_equal(batch->gaps[i].stream, stream))
            gap = 0;
    return gap;
}

static bool no_memory(struct outbox_report *report)
{
    return outbox_report_fault(report, OUTBOX_AGAIN, "NO_MEMORY", "no memory for a transaction");
}

static bool add_message(struct outbox *outbox, const struct varve_event *event, const struct outbox_routing *routing,
                        struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    struct outbox_message *message = &batch->messages[batch->count];
    const struct outbox_marks marks = { .gap_after = gap_before(outbox, event->stream) };
    struct varve_error error;

    if (marks.gap_after != 0 && batch->gap_count == OUTBOX_MAX_LETTERS)
        return outbox_report_fault(report, OUTBOX_AGAIN, "OVERLOADED", "too many gaps at once");
    enum varve_status status =
        outbox_message_make(outbox->config, routing, event, &marks, outbox->arena, message, &error);
    if (status == VARVE_EVENT_TOO_LARGE)
        return outbox_set_aside(outbox, event, "MSG_SIZE_TOO_LARGE", error.message, 0, report);
    if (status != VARVE_OK)
        return no_memory(report);
    enum outbox_placed placed = outbox_place(outbox, message, report);
    if (placed == OUTBOX_PLACED_NOWHERE)
        return outbox_set_aside(outbox, event, "UNKNOWN_TOPIC_OR_PARTITION", "its topic does not exist", 0, report);
    if (placed == OUTBOX_PLACED_FAULT)
        return false;
    if (marks.gap_after != 0)
        batch->gaps[batch->gap_count++] = (struct outbox_told_gap){ event->stream, marks.gap_after };
    if (batch->count == 0)
        batch->oldest_us = event->recorded_at_us;
    batch->count++;
    batch->bytes += message->size - MESSAGE_OVERHEAD;
    return true;
}

static bool take_routed(struct outbox *outbox, const struct varve_event *event, const struct outbox_routing *routing,
                        struct outbox_report *report)
{
    switch (outbox_look_aside(outbox, event)) {
    case OUTBOX_ASIDE:
        outbox->batch.aside++;
        return outbox_copy_known_letter(outbox, event, report);
    case OUTBOX_TO_WAIT:
        return outbox_set_behind(outbox, event, report);
    case OUTBOX_NOT_ASIDE:
        break;
    }
    if (routing->verdict == OUTBOX_UNROUTABLE)
        return outbox_set_aside(outbox, event, "UNROUTABLE", routing->why, 0, report);
    return add_message(outbox, event, routing, report);
}

static bool take(struct outbox *outbox, const uint8_t *record, uint32_t size, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    struct outbox_routing routing;
    struct varve_event event;

    if (varve_record_decode(record, size, &event) != VARVE_OK)
        return outbox_report_halt(report, VARVE_HALT_LOG_CORRUPT, "the event at position %" PRIu64 " cannot be read",
                                  varve_record_position(record));
    if (outbox_route(outbox->config, &event, &routing) == OUTBOX_FILTERED)
        batch->filtered[routing.reason]++;
    else if (!take_routed(outbox, &event, &routing, report))
        return false;
    if (batch->events++ == 0)
        batch->first_recorded_us = event.recorded_at_us;
    batch->own_events += event.stream.data[0] == '$';
    batch->last = event.position;
    batch->last_sum = outbox_record_sum(record, size);
    return true;
}

/* ---- the batch -------------------------------------------------------------------------------------------------- */

static bool open_reader(struct outbox *outbox, uint64_t position, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    struct varve_error error;
    struct varve_read read;

    if (batch->reader != NULL && batch->next == position + 1)
        return true;
    outbox_batch_close_reader(batch);
    varve_read_init(&read);
    read.include_system = read.include_hidden = true;
    read.from = position + 1;
    batch->next = position + 1;
    if (varve_reader_open(outbox->store, &read, &batch->reader, &error) == VARVE_OK)
        return true;
    batch->reader = NULL;
    return outbox_report_status(report, &error);
}

static bool make_room(struct outbox_batch *batch, uint32_t max_events)
{
    size_t room = (size_t)max_events + OUTBOX_MAX_LETTERS; /* Copies of dead letters are messages, too. */

    if (batch->room >= room)
        return true;
    struct outbox_message *messages = realloc(batch->messages, room * sizeof(*messages));
    if (messages != NULL)
        batch->messages = messages;
    struct outbox_waiting *waiting = realloc(batch->waiting, room * sizeof(*waiting));
    if (waiting != NULL)
        batch->waiting = waiting;
    if (messages == NULL || waiting == NULL)
        return false;
    batch->room = room;
    return true;
}

static void clear(struct outbox *outbox, uint64_t position)
{
    struct outbox_batch *batch = &outbox->batch;

    outbox_arena_clear(outbox->arena);
    batch->count = batch->letter_count = batch->waiting_count = batch->gap_count = 0;
    batch->events = batch->own_events = batch->aside = batch->bytes = 0;
    batch->last = position;
    batch->oldest_us = batch->first_recorded_us = 0;
    memset(batch->filtered, 0, sizeof(batch->filtered));
    outbox_dead_count(outbox->memory.dead, &batch->dead);
}

static bool is_full(const struct outbox *outbox)
{
    return outbox->batch.bytes >= outbox->config->max_bytes;
}

static bool take_all(struct outbox *outbox, const struct varve_batch *read, struct outbox_report *report)
{
    for (uint32_t i = 0; i < read->count && !is_full(outbox); i++) {
        if (take(outbox, read->records[i], read->sizes[i], report))
            continue;
        if (outbox->batch.events == 0)
            return false;
        *report = (struct outbox_report){ .step = report->step }; /* Its turn comes, and then it is said. */
        break;
    }
    return true;
}

bool outbox_batch_reserve(struct outbox *outbox, uint64_t position, uint32_t max_events)
{
    clear(outbox, position);
    return make_room(&outbox->batch, max_events);
}

bool outbox_batch_build(struct outbox *outbox, uint64_t position, uint32_t max_events, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    size_t max_bytes = outbox->config->max_bytes < MIN_BATCH_BYTES ? MIN_BATCH_BYTES : outbox->config->max_bytes;
    struct varve_batch read = { .count = 0 };
    struct varve_error error;

    if (!outbox_batch_reserve(outbox, position, max_events))
        return no_memory(report);
    if (max_events == 0)
        return true;
    if (!open_reader(outbox, position, report))
        return false;
    if (varve_reader_next(batch->reader, max_bytes, max_events, &read, &error) != VARVE_OK) {
        outbox_batch_close_reader(batch);
        return outbox_report_status(report, &error);
    }
    if (!take_all(outbox, &read, report)) {
        batch->next = 0; /* What was read and not taken is read again. */
        return false;
    }
    batch->next = read.end || batch->events < read.count ? 0 : batch->last + 1;
    return true;
}
