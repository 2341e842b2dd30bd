/* outbox_publish.c - a batch becomes a transaction whose last record is the checkpoint; and what is written down of
 * progress that nobody waits for.
 *
 * Events with nothing to send move the position in memory only. The checkpoint follows with the next transaction, or in
 * one of its own, at most once a second. What lies in system streams (the outbox's own notes among it) asks for none:
 * else a note would lead to the next. */
#include "outbox_parts.h"

#include <assert.h>

enum {
    HINT_US = OUTBOX_SECOND_US,
    HINT_AT_LAST_US = 5 * OUTBOX_SECOND_US, /* when there was never a moment of rest */
};

static bool is_transactional(const struct outbox *outbox)
{
    return outbox->config->mode == VARVE_OUTBOX_EXACTLY_ONCE;
}

/* ---- one transaction -------------------------------------------------------------------------------------------- */

enum {
    MAX_NOTES = 4,
    TELLING_EVENTS = 1000, /* in larger transactions the first acknowledgement is late for reasons of its own */
};

static size_t add_tombstones(const struct outbox *outbox, struct outbox_note *notes, size_t count)
{
    for (size_t i = 0; i < outbox->tombstone_count; i++)
        notes[count++] = (struct outbox_note){
            .key = { outbox->tombstones[i].key, outbox->tombstones[i].size },
        };
    return count;
}

static void count_sent(struct outbox *outbox, const struct outbox_sent *sent, size_t messages)
{
    outbox_count(outbox, transactions, 1);
    outbox_count(outbox, bytes_published, sent->bytes);
    if (messages > 0) {
        outbox_figures_measure(&outbox->figures, OUTBOX_MEASURE_TRANSACTION_EVENTS, messages);
        outbox_figures_measure(&outbox->figures, OUTBOX_MEASURE_ACK_US, (uint64_t)sent->ack_us);
    }
    outbox_figures_measure(&outbox->figures, OUTBOX_MEASURE_COMMIT_US, (uint64_t)sent->commit_us);
}

enum outbox_result outbox_transact(struct outbox *outbox, const struct outbox_message *messages, size_t count,
                                   const struct outbox_note *notes, size_t note_count, struct outbox_report *report)
{
    struct outbox_note all[MAX_NOTES + OUTBOX_MAX_TOMBSTONES];
    struct outbox_sent sent = { .bytes = 0 };
    size_t all_count = 0;

    assert(note_count <= MAX_NOTES && outbox->kafka != NULL);
    if (!outbox_partitions_remember(outbox, report))
        return report->result;
    if (is_transactional(outbox)) {
        all_count = add_tombstones(outbox, all, 0);
        if (note_count > 0)
            memcpy(all + all_count, notes, note_count * sizeof(*notes));
        all_count += note_count;
    }
    report->result = outbox_kafka_send(outbox->kafka, messages, count, all, all_count, &sent, &report->fault);
    report->is_suspect = outbox_kafka_is_suspect(outbox->kafka);
    if (report->result != OUTBOX_DONE)
        return report->result;
    outbox->tombstone_count = 0;
    report->committed = true;
    report->first_ack_us = count <= TELLING_EVENTS ? sent.first_ack_us : 0;
    count_sent(outbox, &sent, count);
    return OUTBOX_DONE;
}

/* ---- a batch ---------------------------------------------------------------------------------------------------- */

static bool send_batch(struct outbox *outbox, struct outbox_report *report)
{
    const struct outbox_batch *batch = &outbox->batch;
    const uint64_t *sum = batch->events > 0 ? &batch->last_sum : NULL;
    struct outbox_checkpoint_room room;
    struct outbox_note note;

    return outbox_note_checkpoint(outbox, batch->last, sum, outbox->state.generation, &room, &note, report) &&
           outbox_transact(outbox, batch->messages, batch->count, &note, 1, report) == OUTBOX_DONE;
}

static void pass(struct outbox *outbox)
{
    const struct outbox_batch *batch = &outbox->batch;

    outbox->passed_events += batch->events - batch->own_events;
    outbox->passed_own += batch->own_events;
    for (size_t i = 0; i < OUTBOX_FILTER_REASONS; i++)
        if (batch->filtered[i] > 0)
            atomic_fetch_add_explicit(&outbox->figures.filtered[i], batch->filtered[i], memory_order_relaxed);
    for (size_t i = 0; i < batch->gap_count; i++)
        outbox_dead_passed_gap(outbox->memory.dead, batch->gaps[i].stream, batch->gaps[i].after);
}

void outbox_settle(struct outbox *outbox, uint64_t position)
{
    outbox->committed = position;
    outbox->committed_us = outbox_now_us();
    outbox->passed_events = outbox->passed_own = 0;
}

static void count_published(struct outbox *outbox)
{
    const struct outbox_batch *batch = &outbox->batch;
    int64_t delay_us = outbox_wall_us() - batch->oldest_us;

    outbox_counted_published(outbox, batch->messages, batch->count);
    if (batch->oldest_us != 0)
        outbox_figures_measure(&outbox->figures, OUTBOX_MEASURE_PUBLISH_DELAY_US,
                               delay_us > 0 ? (uint64_t)delay_us : 0);
    outbox_count(outbox, events_published, batch->count); /* Last: who has seen it finds the rest as well. */
}

static bool is_worth_a_checkpoint(const struct outbox *outbox)
{
    return outbox->passed_events > 0 || outbox->passed_own >= OUTBOX_IDLE_EVENTS;
}

bool outbox_checkpoint_is_due(const struct outbox *outbox, int64_t now_us, int64_t *ret_due_us)
{
    int64_t due_us = outbox->committed_us + OUTBOX_SECOND_US;

    if (!is_transactional(outbox) || outbox->state.phase != VARVE_OUTBOX_RUN || outbox->kafka == NULL ||
        !is_worth_a_checkpoint(outbox))
        return false;
    if (now_us >= due_us || outbox->passed_events + outbox->passed_own >= OUTBOX_IDLE_EVENTS)
        return true;
    *ret_due_us = due_us < *ret_due_us ? due_us : *ret_due_us;
    return false;
}

void outbox_publish(struct outbox *outbox, uint32_t max_events, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    int64_t now_us = outbox_now_us();

    report->position = outbox->state.position;
    report->result = OUTBOX_DONE;
    if (!outbox_batch_build(outbox, outbox->state.position, max_events, report))
        return;
    if (batch->events > 0)
        outbox_show_oldest(outbox, outbox->state.position + 1, batch->first_recorded_us);
    if (!outbox_remember_batch(outbox, report))
        return;
    /* What is set aside is an operator's to deal with once the checkpoint has passed it, and not before. */
    if (batch->count > 0 || batch->aside > 0 || max_events == 0 ||
        outbox_checkpoint_is_due(outbox, now_us, &now_us)) {
        report->events = (uint32_t)batch->count;
        report->last_sent = batch->count > 0 ? batch->messages[batch->count - 1].position : 0;
        if (!send_batch(outbox, report))
            return;
        pass(outbox);
        outbox_settle(outbox, batch->last);
        if (batch->count > 0)
            count_published(outbox);
    } else {
        pass(outbox);
        if (!is_transactional(outbox) && is_worth_a_checkpoint(outbox))
            outbox_settle(outbox, batch->last);
    }
    report->position = batch->last;
    if (batch->count > 0)
        outbox->partitions.accept_changes = false;
    if (outbox_now_us() - outbox->hinted_us > (is_transactional(outbox) ? HINT_AT_LAST_US : HINT_US))
        outbox_hint(outbox);
}

/* ---- the hint --------------------------------------------------------------------------------------------------- */

static bool has_hint(const struct outbox *outbox)
{
    return outbox->committed > outbox->memory.position;
}

bool outbox_hint_is_due(const struct outbox *outbox, int64_t now_us, int64_t *ret_due_us)
{
    int64_t due_us = outbox->hinted_us + HINT_US;

    if (!has_hint(outbox))
        return false;
    if (now_us >= due_us)
        return true;
    *ret_due_us = due_us < *ret_due_us ? due_us : *ret_due_us;
    return false;
}

void outbox_hint(struct outbox *outbox)
{
    struct varve_error error;

    if (!has_hint(outbox))
        return;
    uint64_t seen = outbox->state.seen_generation, known = outbox->memory.generation;
    uint64_t newest = seen > known ? seen : known;
    outbox->hinted_us = outbox_now_us();
    bool failed = outbox_memory_publish(&outbox->memory, outbox->committed, newest, &error) != VARVE_OK;
    if (failed && !outbox->hint_failed)
        log_warn(outbox->log, "outbox.not_remembered", log_text("outbox", outbox->config->name),
                 log_number("position", outbox->committed), log_text("error", varve_status_name(error.status)),
                 log_text("message", error.message));
    outbox->hint_failed = failed;
}
