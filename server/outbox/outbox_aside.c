/* outbox_aside.c - events that cannot be published: they become dead letters, and later ones of their streams wait
 * behind them (or pass, as the policy says). Durable in the log before a checkpoint passes them. */
#include "outbox_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "varve/record.h"

enum outbox_place_of outbox_look_aside(const struct outbox *outbox, const struct varve_event *event)
{
    const struct outbox_batch *batch = &outbox->batch;
    const struct outbox_dead *dead = outbox->memory.dead;
    uint64_t first;

    if (batch->dead.streams > 0) {
        if (outbox_dead_has(dead, event->stream, event->position))
            return OUTBOX_ASIDE;
        /* What is before the first one waits for nothing: its transaction failed after the letter was remembered. */
        if (outbox_dead_blocks(dead, event->stream) && outbox_dead_waiting(dead, event->stream, &first, 1) == 1 &&
            first < event->position)
            return OUTBOX_TO_WAIT;
    }
    for (size_t i = 0; i < batch->letter_count; i++)
        if (!batch->letters[i].skipped && varve_view_equal(batch->letters[i].stream, event->stream))
            return OUTBOX_TO_WAIT;
    return OUTBOX_NOT_ASIDE;
}

static bool check_limits(const struct outbox *outbox, size_t new_streams, struct outbox_report *report)
{
    const struct outbox_batch *batch = &outbox->batch;
    uint64_t positions = batch->dead.positions + batch->letter_count + batch->waiting_count + 1;
    uint64_t streams = batch->dead.streams + batch->letter_count + new_streams;

    if (positions <= outbox->config->poison_max_parked && streams <= outbox->config->poison_max_streams)
        return true;
    return outbox_report_halt(report, VARVE_HALT_PARK_LIMIT,
                              "%" PRIu64 " events of %" PRIu64 " streams are set aside and more would be: "
                              "poison.max_parked is %" PRIu64 ", poison.max_streams %" PRIu64,
                              positions - 1, streams - new_streams, outbox->config->poison_max_parked,
                              outbox->config->poison_max_streams);
}

/* ---- copies for the dead-letter topic --------------------------------------------------------------------------- */

bool outbox_copy_letter(struct outbox *outbox, const struct varve_event *event, const struct varve_dead_letter *letter,
                        struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    struct outbox_message *message = &batch->messages[batch->count];
    struct varve_error error;

    if (outbox->config->dead_letter_topic == NULL || event->position == outbox->copyless_position)
        return true;
    if (batch->count == batch->room)
        return outbox_report_fault(report, OUTBOX_AGAIN, "OVERLOADED", "too many dead letters at once");
    if (outbox_message_make_dead(outbox->config, event, letter, outbox->arena, message, &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    message->position = event->position; /* So that it is found when Kafka refuses even this. */
    switch (outbox_place(outbox, message, report)) {
    case OUTBOX_PLACED_NOWHERE:
        return outbox_report_fault(report, OUTBOX_AGAIN, "UNKNOWN_TOPIC_OR_PARTITION",
                                   "the dead-letter topic %s does not exist", outbox->config->dead_letter_topic);
    case OUTBOX_PLACED_FAULT:
        return false;
    case OUTBOX_PLACED:
        break;
    }
    batch->count++;
    batch->bytes += message->size;
    return true;
}

/* It was set aside before, and no checkpoint has passed it: its copy is not in Kafka. */
bool outbox_copy_known_letter(struct outbox *outbox, const struct varve_event *event, struct outbox_report *report)
{
    struct varve_dead_letter *letter = NULL;

    if (outbox->config->dead_letter_topic == NULL ||
        !outbox_dead_find(outbox->memory.dead, event->stream, &letter))
        return true;
    bool is_dead = letter->skipped || letter->position == event->position; /* Not one that waits behind. */
    bool done = !is_dead || outbox_copy_letter(outbox, event, letter, report);
    free(letter);
    return done;
}

/* ---- setting aside ---------------------------------------------------------------------------------------------- */

bool outbox_set_aside(struct outbox *outbox, const struct varve_event *event, const char *code, const char *why,
                      uint32_t attempts, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    struct varve_dead_letter *letter = &batch->letters[batch->letter_count];
    int64_t now_us = outbox_wall_us();

    if (outbox->config->poison_policy == OUTBOX_POISON_HALT)
        return outbox_report_halt(report, VARVE_HALT_POISON, "the event at position %" PRIu64 " of %.*s: %s: %s",
                                  event->position, (int)event->stream.size, event->stream.data, code, why);
    if (!check_limits(outbox, 1, report))
        return false;
    if (batch->letter_count == OUTBOX_MAX_LETTERS)
        return outbox_report_fault(report, OUTBOX_AGAIN, "OVERLOADED", "too many dead letters at once");
    *letter = (struct varve_dead_letter){
        .stream = event->stream, .position = event->position, .version = event->version, .waiting = 1,
        .skipped = outbox->config->poison_policy == OUTBOX_POISON_SKIP, .retry_count = attempts,
        .error_code = outbox_arena_copy(outbox->arena, varve_view_str(code)),
        .last_error = outbox_arena_copy(outbox->arena, varve_view_str(why)),
        .first_attempt_us = now_us, .last_attempt_us = now_us,
    };
    if (letter->error_code.data == NULL || letter->last_error.data == NULL)
        return outbox_report_fault(report, OUTBOX_AGAIN, "NO_MEMORY", "no memory for a dead letter");
    if (!outbox_copy_letter(outbox, event, letter, report))
        return false;
    batch->letter_count++;
    batch->aside++;
    return true;
}

bool outbox_set_behind(struct outbox *outbox, const struct varve_event *event, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;

    if (!check_limits(outbox, 0, report))
        return false;
    batch->aside++;
    batch->waiting[batch->waiting_count++] = (struct outbox_waiting){ event->stream, event->position };
    return true;
}

static void log_letter(struct outbox *outbox, const struct varve_dead_letter *letter)
{
    log_warn(outbox->log, "outbox.dead_letter", log_text("outbox", outbox->config->name),
             log_view("stream", letter->stream), log_number("position", letter->position),
             log_number("version", letter->version), log_view("code", letter->error_code),
             log_view("reason", letter->last_error), log_number("attempts", letter->retry_count),
             log_text("consequence", letter->skipped ? "it was skipped" : "its stream waits"));
}

/* What Kafka refused has been counted as a failure when it did. */
static void note_letter(struct outbox *outbox, const struct varve_dead_letter *letter)
{
    log_letter(outbox, letter);
    if (letter->retry_count == 0)
        outbox_counted_failed(outbox, letter->error_code.data, 1);
}

bool outbox_remember_batch(struct outbox *outbox, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    struct varve_error error;

    if (batch->letter_count + batch->waiting_count == 0)
        return true;
    if (outbox_memory_park(&outbox->memory, batch->letters, batch->letter_count, batch->waiting, batch->waiting_count,
                           &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    outbox_count(outbox, dead_letters, batch->letter_count);
    for (size_t i = 0; i < batch->letter_count; i++)
        note_letter(outbox, &batch->letters[i]);
    return true;
}

/* ---- the event that Kafka refused ------------------------------------------------------------------------------- */

static bool set_aside_refused(struct outbox *outbox, const struct varve_event *event, uint32_t attempts,
                              struct outbox_report *report)
{
    if (!outbox_batch_build(outbox, outbox->state.position, 0, report))
        return false;
    if (outbox_look_aside(outbox, event) == OUTBOX_ASIDE) {
        outbox->copyless_position = event->position; /* What was refused now is its copy. */
        return true;
    }
    if (!outbox_set_aside(outbox, event, outbox->state.attempt_code, outbox->state.reason, attempts, report))
        return false;
    outbox->batch.count = 0;
    return outbox_remember_batch(outbox, report);
}

/* Past the event, with its copy for the dead-letter topic. What lies between is not to be sent; there may be much. */
static void pass(struct outbox *outbox, uint64_t position, struct outbox_report *report)
{
    uint64_t left = position - outbox->state.position;

    outbox_publish(outbox, left < OUTBOX_FAR_MAX_EVENTS ? (uint32_t)left : OUTBOX_FAR_MAX_EVENTS, report);
}

void outbox_set_aside_next(struct outbox *outbox, const struct outbox_todo *todo, struct outbox_report *report)
{
    struct varve_event event;
    struct varve_error error;
    uint8_t *record = NULL;
    uint32_t size;

    report->position = outbox->state.position;
    if (varve_store_get(outbox->store, todo->position, &record, &size, &error) != VARVE_OK) {
        outbox_report_status(report, &error);
        return;
    }
    bool done = varve_record_decode(record, size, &event) == VARVE_OK
                    ? set_aside_refused(outbox, &event, todo->attempts, report)
                    : outbox_report_halt(report, VARVE_HALT_LOG_CORRUPT, "the event at position %" PRIu64
                                         " cannot be read", todo->position);
    free(record);
    if (done)
        pass(outbox, todo->position, report);
}
