/* outbox_orders.c - what an operator orders, done on the outbox's thread between two steps. */
#include "outbox_memory_parts.h"
#include "outbox_parts.h"

#include <stdlib.h>

#include "varve/record.h"

enum { TAIL_DEPTH = 1000 /* records of each partition that are looked at for the highest position */ };

/* ---- pause, resume ---------------------------------------------------------------------------------------------- */

static void pause_outbox(struct outbox *outbox, struct outbox_errand *errand)
{
    errand->status = outbox_memory_pause(&outbox->memory, true, errand->order.reason, &errand->error);
    if (errand->status == VARVE_OK)
        outbox_state_pause(&outbox->state);
}

static void resume(struct outbox *outbox, struct outbox_errand *errand)
{
    if (outbox->memory.paused)
        errand->status = outbox_memory_pause(&outbox->memory, false, errand->order.reason, &errand->error);
    if (errand->status != VARVE_OK)
        return;
    if (outbox->state.halt == VARVE_HALT_PARTITIONS_CHANGED)
        outbox->partitions.accept_changes = true;
    outbox_state_resume(&outbox->state);
}

/* ---- reset ------------------------------------------------------------------------------------------------------ */

static enum varve_status refuse(struct outbox_errand *errand, const struct outbox_report *report)
{
    return varve_fail(&errand->error, VARVE_OUTBOX_BUSY, NULL, "Kafka does not do it now: %s: %s", report->fault.code,
                      report->fault.reason);
}

static bool take_highest(void *user, const struct outbox_seen *seen)
{
    uint64_t *highest = user;

    if (!seen->is_replay && seen->position > *highest)
        *highest = seen->position;
    return true;
}

static enum varve_status find_tail(struct outbox *outbox, struct outbox_errand *errand, uint64_t *ret)
{
    const struct outbox_kafka_options options = {
        .config = outbox->config, .database_id = outbox->database_id, .log = outbox->log,
        .figures = &outbox->figures, .interrupted = outbox_is_interrupted, .user = outbox,
    };
    struct outbox_report report = { .step = OUTBOX_STEP_WAIT };
    const struct outbox_topics *topics = outbox->memory.topics;

    *ret = 0;
    for (size_t i = 0; i < topics->count; i++)
        if (outbox_kafka_read_topic(&options, topics->all[i].name, TAIL_DEPTH, take_highest, ret, &report.fault) !=
            OUTBOX_DONE)
            return refuse(errand, &report);
    return VARVE_OK;
}

static enum varve_status reset_position(struct outbox *outbox, struct outbox_errand *errand, uint64_t *ret)
{
    uint64_t head = varve_store_last_position(outbox->store);
    enum varve_status status = VARVE_OK;

    switch (errand->order.reset_to) {
    case VARVE_RESET_POSITION:
        *ret = errand->order.position;
        break;
    case VARVE_RESET_HINT:
        *ret = outbox_known_checkpoint(outbox);
        break;
    case VARVE_RESET_KAFKA_TAIL:
        status = find_tail(outbox, errand, ret);
        break;
    }
    if (status == VARVE_OK && *ret > head)
        return varve_fail(&errand->error, VARVE_INVALID_ARGUMENT, "position", "position %" PRIu64
                          " is behind the log, which ends at %" PRIu64, *ret, head);
    return status;
}

/* What is noted of parked streams would be about a past that is given up. */
static bool bury_notes(struct outbox *outbox, const struct outbox_found *found, struct outbox_report *report)
{
    outbox->tombstone_count = 0; /* All of them are among these. */
    for (size_t i = 0; i < found->parked_count; i++) {
        if (outbox->tombstone_count == OUTBOX_MAX_TOMBSTONES &&
            outbox_transact(outbox, NULL, 0, NULL, 0, report) != OUTBOX_DONE)
            return false;
        outbox_bury_note(outbox, OUTBOX_NOTE_PARKED, varve_view_str(found->parked[i].stream));
    }
    return true;
}

static bool write_checkpoint(struct outbox *outbox, uint64_t position, uint64_t generation,
                             struct outbox_report *report)
{
    struct outbox_checkpoint_room room;
    struct outbox_note note;

    return outbox_note_checkpoint(outbox, position, NULL, generation, &room, &note, report) &&
           outbox_transact(outbox, NULL, 0, &note, 1, report) == OUTBOX_DONE;
}

/* Takes the transactional id over, from whoever has it, and writes the checkpoint anew. */
static bool reset_in_kafka(struct outbox *outbox, uint64_t position, uint64_t *ret_generation,
                           struct outbox_report *report)
{
    struct outbox_found found = { .has_checkpoint = false };

    if (!outbox_make_producer(outbox, report))
        return false;
    report->result = outbox_kafka_init(outbox->kafka, &report->fault);
    if (report->result == OUTBOX_DONE)
        report->result = outbox_kafka_read_checkpoint(outbox->kafka, true, &found, &report->fault);
    if (report->result != OUTBOX_DONE)
        return false;
    if (found.has_checkpoint && found.checkpoint.generation >= *ret_generation)
        *ret_generation = found.checkpoint.generation + 1;
    bool done = outbox_reconcile(outbox, &found, report) && bury_notes(outbox, &found, report) &&
                write_checkpoint(outbox, position, *ret_generation, report);
    outbox_found_end(&found);
    return done;
}

static void log_reset(struct outbox *outbox, uint64_t position, uint64_t generation)
{
    log_warn(outbox->log, "outbox.reset", log_text("outbox", outbox->config->name), log_number("position", position),
             log_number("before", outbox->committed), log_number("generation", generation));
}

/* With a producer of its own, which goes afterwards: whoever comes next makes another, or stands and needs none. */
static bool move_checkpoint(struct outbox *outbox, uint64_t position, uint64_t *ret_generation,
                            struct outbox_report *report)
{
    bool done = outbox->config->mode == VARVE_OUTBOX_AT_LEAST_ONCE ||
                reset_in_kafka(outbox, position, ret_generation, report);

    outbox_release(outbox);
    return done;
}

/* Kafka first: a crash in between leaves a checkpoint that is judged like any other. What does not happen leaves a halt
 * as it is. */
static void reset(struct outbox *outbox, struct outbox_errand *errand)
{
    struct outbox_report report = { .step = OUTBOX_STEP_WAIT };
    uint64_t seen = outbox->state.seen_generation, generation, position;

    errand->status = reset_position(outbox, errand, &position);
    if (errand->status != VARVE_OK)
        return;
    generation = (seen > outbox->memory.generation ? seen : outbox->memory.generation) + 1;
    if (!move_checkpoint(outbox, position, &generation, &report)) {
        errand->status = refuse(errand, &report);
        if (outbox->state.phase != VARVE_OUTBOX_HALTED)
            outbox_state_reset(&outbox->state); /* Its producer is gone. */
        return;
    }
    errand->status =
        outbox_memory_reset(&outbox->memory, position, generation, errand->order.reason, &errand->error);
    if (errand->status == VARVE_OK)
        log_reset(outbox, position, generation);
    errand->position = position;
    outbox->committed = position;
    outbox_state_reset(&outbox->state);
}

/* ---- dead letters, replay --------------------------------------------------------------------------------------- */

static void retry(struct outbox *outbox, struct outbox_errand *errand)
{
    if (outbox->kafka != NULL)
        outbox_kafka_forget_missing(outbox->kafka); /* Perhaps that is why. */
    errand->status = outbox_retry_order(outbox, errand->order.stream, &errand->count, &errand->error);
}

static enum varve_status discard_in(struct outbox *outbox, struct varve_view stream, struct outbox_errand *errand)
{
    uint64_t position = errand->order.position, count, first;
    struct varve_error ignored;

    if (outbox_memory_discard(&outbox->memory, stream, position, errand->order.reason, &errand->error) != VARVE_OK)
        return errand->error.status;
    errand->count = 1;
    log_info(outbox->log, "outbox.discarded", log_text("outbox", outbox->config->name), log_view("stream", stream),
             log_number("position", position), log_view("reason", errand->order.reason));
    /* What stood behind it may go. */
    if (outbox_dead_waiting(outbox->memory.dead, stream, &first, 1) == 1 && first > position)
        outbox_retry_order(outbox, stream, &count, &ignored);
    return VARVE_OK;
}

static void discard(struct outbox *outbox, struct outbox_errand *errand)
{
    uint64_t position = errand->order.position;
    char stream[VARVE_MAX_SYSTEM_STREAM_NAME + 1];

    if (outbox->config->mode == VARVE_OUTBOX_AT_LEAST_ONCE)
        outbox_hint(outbox); /* There it is what must have passed the event. */
    if (position > outbox->committed)
        errand->status = varve_fail(&errand->error, VARVE_OUTBOX_BUSY, NULL, "the checkpoint of outbox %s has not "
                                    "passed position %" PRIu64, outbox->config->name, position);
    else if (!outbox_dead_stream_of(outbox->memory.dead, position, stream))
        errand->status = varve_fail(&errand->error, VARVE_DEAD_LETTER_NOT_FOUND, NULL, "outbox %s has not set the "
                                    "event at position %" PRIu64 " aside", outbox->config->name, position);
    else
        errand->status = discard_in(outbox, varve_view_str(stream), errand);
}

static void replay(struct outbox *outbox, struct outbox_errand *errand)
{
    errand->status = outbox_replay_order(outbox, &errand->order, &errand->position, &errand->count, &errand->error);
}

/* ---- taking them ------------------------------------------------------------------------------------------------ */

static void carry_out(struct outbox *outbox, struct outbox_errand *errand)
{
    static void (*const actions[VARVE_OUTBOX_ACTIONS])(struct outbox *, struct outbox_errand *) = {
        [VARVE_OUTBOX_PAUSE] = pause_outbox, [VARVE_OUTBOX_RESUME] = resume, [VARVE_OUTBOX_RESET] = reset,
        [VARVE_OUTBOX_RETRY] = retry, [VARVE_OUTBOX_DISCARD] = discard, [VARVE_OUTBOX_REPLAY] = replay,
    };
    enum varve_outbox_phase before = outbox->state.phase;

    outbox->ordering = true;
    actions[errand->order.action](outbox, errand);
    outbox->ordering = false;
    log_info(outbox->log, "outbox.order", log_text("outbox", outbox->config->name),
             log_text("action", varve_outbox_action_name(errand->order.action)),
             log_view("reason", errand->order.reason), log_text("phase", varve_outbox_phase_name(before)),
             log_text("status", varve_status_name(errand->status)), log_number("position", errand->position),
             log_number("count", errand->count),
             log_text("message", errand->status == VARVE_OK ? "" : errand->error.message));
}

static struct outbox_errand *take_list(struct outbox *outbox, bool for_ever)
{
    pthread_mutex_lock(&outbox->lock);
    struct outbox_errand *first = outbox->errands;
    outbox->errands = NULL;
    outbox->errands_last = for_ever ? NULL : &outbox->errands;
    atomic_store(&outbox->has_errands, false);
    pthread_mutex_unlock(&outbox->lock);
    return first;
}

void outbox_take_orders(struct outbox *outbox)
{
    if (!atomic_load(&outbox->has_errands))
        return;
    for (struct outbox_errand *errand = take_list(outbox, false), *next; errand != NULL; errand = next) {
        next = errand->next;
        carry_out(outbox, errand);
        outbox_state_set_jobs(&outbox->state, outbox->retries.count > 0 || outbox->memory.replay.number != 0);
        outbox_show(outbox); /* Whoever asks after his order sees it. */
        errand->done(errand);
    }
}

void outbox_refuse_orders(struct outbox *outbox)
{
    for (struct outbox_errand *errand = take_list(outbox, true), *next; errand != NULL; errand = next) {
        next = errand->next;
        errand->status = varve_fail(&errand->error, VARVE_NOT_READY, NULL, "the server is stopping");
        errand->done(errand);
    }
}
