/* outbox_recover.c - from nothing to a producer that may publish: it takes the transactional id over, reads from Kafka
 * how far the outbox is, holds that against the log, and claims it. */
#include "outbox_parts.h"

#include <stdlib.h>

#include "varve/record.h"

static bool is_transactional(const struct outbox *outbox)
{
    return outbox->config->mode == VARVE_OUTBOX_EXACTLY_ONCE;
}

void outbox_release(struct outbox *outbox)
{
    outbox_kafka_destroy(outbox->kafka);
    outbox->kafka = NULL;
    outbox->kafka_is_new = false;
    outbox_partitions_forget(&outbox->partitions);
    outbox_batch_close_reader(&outbox->batch);
}

bool outbox_make_producer(struct outbox *outbox, struct outbox_report *report)
{
    const struct outbox_kafka_options options = {
        .config = outbox->config, .database_id = outbox->database_id, .log = outbox->log,
        .figures = &outbox->figures, .interrupted = outbox_is_interrupted, .user = outbox,
    };

    outbox_release(outbox);
    report->result = outbox_kafka_create(&options, &outbox->kafka, &report->fault);
    if (report->result != OUTBOX_DONE) {
        outbox->kafka = NULL;
        return false;
    }
    outbox->kafka_is_new = true;
    if (is_transactional(outbox))
        report->result = outbox_kafka_prepare(outbox->kafka, &report->fault);
    return report->result == OUTBOX_DONE;
}

static bool is_own(const struct outbox *outbox, const struct outbox_checkpoint *checkpoint)
{
    return memcmp(&checkpoint->owner, &outbox->owner, sizeof(outbox->owner)) == 0;
}

static void report_found(const struct outbox *outbox, const struct outbox_found *found, struct outbox_report *report)
{
    report->generation = found->has_checkpoint ? found->checkpoint.generation : 0;
    report->is_foreign = found->has_checkpoint && !is_own(outbox, &found->checkpoint);
}

void outbox_look_for_rivals(struct outbox *outbox, struct outbox_report *report)
{
    struct outbox_found found = { .has_checkpoint = false };

    outbox->began_us = outbox_now_us();
    if (!outbox_make_producer(outbox, report))
        return;
    report->result = outbox_kafka_read_checkpoint(outbox->kafka, false, &found, &report->fault);
    if (report->result != OUTBOX_DONE)
        return;
    report_found(outbox, &found, report);
    outbox_found_end(&found);
}

void outbox_init_producer(struct outbox *outbox, struct outbox_report *report)
{
    if (!outbox->kafka_is_new) {
        outbox->began_us = outbox_now_us();
        if (!outbox_make_producer(outbox, report))
            return;
    }
    outbox->kafka_is_new = false;
    report->result = outbox_kafka_init(outbox->kafka, &report->fault);
}

/* ---- what Kafka knows, held against the log --------------------------------------------------------------------- */

enum varve_status outbox_sum_at(struct varve_store *store, uint64_t position, uint64_t *ret, struct varve_error *error)
{
    uint8_t *record = NULL;
    uint32_t size;

    *ret = 0;
    if (position == 0)
        return VARVE_OK;
    enum varve_status status = varve_store_get(store, position, &record, &size, error);
    if (status == VARVE_OK)
        *ret = outbox_record_sum(record, size);
    free(record);
    return status;
}

/* What this process has seen committed is newer than what it wrote down: that is done once a second. */
uint64_t outbox_known_checkpoint(const struct outbox *outbox)
{
    uint64_t remembered = outbox->memory.position;

    return outbox->committed > remembered ? outbox->committed : remembered;
}

/* at_least_once: what the log remembers is the checkpoint. */
static bool judge_hint(struct outbox *outbox, struct outbox_judgement *judgement, struct outbox_report *report)
{
    uint64_t hint = outbox_known_checkpoint(outbox);

    if (hint > judgement->head)
        return outbox_report_halt(report, VARVE_HALT_DIVERGED, "position %" PRIu64 " was published and the log ends "
                                  "at %" PRIu64, hint, judgement->head);
    report->position = hint;
    if (hint == 0 && outbox->memory.generation == 0) { /* Never anywhere, and not put there by an order. */
        judgement->hint = 0;
        outbox_checkpoint_judge(judgement, &report->position, report->fault.reason, sizeof(report->fault.reason));
    }
    return true;
}

static bool judge(struct outbox *outbox, const struct outbox_found *found, struct outbox_report *report)
{
    struct outbox_judgement judgement = {
        .found = found->has_checkpoint ? &found->checkpoint : NULL, .database_id = outbox->database_id,
        .head = varve_store_last_position(outbox->store), .hint = outbox_known_checkpoint(outbox),
        .start_from = outbox->config->start_from, .is_mock = outbox->config->is_mock,
    };
    char why[VARVE_MAX_OUTBOX_REASON] = "";
    struct varve_error error;

    if (!is_transactional(outbox))
        return judge_hint(outbox, &judgement, report);
    if (found->damage[0] != 0 && !found->has_checkpoint)
        return outbox_report_halt(report, VARVE_HALT_CHECKPOINT_MISSING, "%s", found->damage);
    if (found->has_checkpoint && found->checkpoint.position <= judgement.head &&
        outbox_sum_at(outbox->store, found->checkpoint.position, &judgement.sum, &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    enum varve_outbox_halt halt = outbox_checkpoint_judge(&judgement, &report->position, why, sizeof(why));
    return halt == VARVE_HALT_NONE || outbox_report_halt(report, halt, "%s", why);
}

/* ---- notes ------------------------------------------------------------------------------------------------------ */

void outbox_bury_note(struct outbox *outbox, enum outbox_note_kind kind, struct varve_view stream)
{
    struct outbox_buried *tombstone = &outbox->tombstones[outbox->tombstone_count];

    if (!is_transactional(outbox) || outbox->tombstone_count == OUTBOX_MAX_TOMBSTONES)
        return; /* A note too many does no harm: it says what is long done. */
    tombstone->size = outbox_note_key(kind, outbox->config->name, stream, tombstone->key).size;
    outbox->tombstone_count++;
}

/* Kafka has these events of a parked stream, and the log may not know yet. */
static bool settle_parked(struct outbox *outbox, struct varve_view stream, uint64_t through,
                          struct outbox_report *report)
{
    struct varve_error error;
    uint64_t first;

    if (outbox_dead_waiting(outbox->memory.dead, stream, &first, 1) == 1 && first <= through &&
        outbox_memory_retried(&outbox->memory, stream, through, &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    if (outbox_dead_waiting(outbox->memory.dead, stream, &first, 1) == 0)
        outbox_bury_note(outbox, OUTBOX_NOTE_PARKED, stream);
    return true;
}

bool outbox_reconcile(struct outbox *outbox, const struct outbox_found *found, struct outbox_report *report)
{
    const struct outbox_replay *replay = &outbox->memory.replay;

    outbox->tombstone_count = 0;
    for (size_t i = 0; i < found->parked_count; i++)
        if (!settle_parked(outbox, varve_view_str(found->parked[i].stream), found->parked[i].position, report))
            return false;
    if (replay->number == 0)
        return true;
    if (found->has_replay && found->replay.number == replay->number)
        outbox->replay_position = found->replay.position;
    else if (is_transactional(outbox) || outbox->replay_position < replay->from) /* Else this process knows. */
        outbox->replay_position = replay->from - 1;
    return true;
}

/* Notes beside the checkpoint matter when something is set aside or being replayed; to read them costs more. */
static bool needs_notes(const struct outbox *outbox)
{
    struct outbox_dead_counts counts;

    outbox_dead_count(outbox->memory.dead, &counts);
    return counts.streams > 0 || outbox->memory.replay.number != 0;
}

void outbox_recover(struct outbox *outbox, struct outbox_report *report)
{
    struct outbox_found found = { .has_checkpoint = false };

    if (is_transactional(outbox))
        report->result =
            outbox_kafka_read_checkpoint(outbox->kafka, needs_notes(outbox), &found, &report->fault);
    if (report->result != OUTBOX_DONE)
        return;
    report_found(outbox, &found, report);
    if (found.damage[0] != 0)
        log_warn(outbox->log, "outbox.checkpoint_damaged", log_text("outbox", outbox->config->name),
                 log_text("reason", found.damage));
    if (judge(outbox, &found, report) && outbox_reconcile(outbox, &found, report))
        outbox_settle(outbox, report->position);
    outbox_found_end(&found);
}

/* ---- the claim -------------------------------------------------------------------------------------------------- */

bool outbox_note_checkpoint(const struct outbox *outbox, uint64_t position, const uint64_t *sum, uint64_t generation,
                            struct outbox_checkpoint_room *room, struct outbox_note *ret, struct outbox_report *report)
{
    struct outbox_checkpoint checkpoint = {
        .database_id = outbox->database_id, .position = position, .owner = outbox->owner, .generation = generation,
        .written_at_us = outbox_wall_us(),
    };
    struct varve_error error;

    if (sum != NULL)
        checkpoint.position_sum = *sum;
    else if (outbox_sum_at(outbox->store, position, &checkpoint.position_sum, &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    outbox_checkpoint_encode(&checkpoint, room->value);
    ret->key = outbox_note_key(OUTBOX_NOTE_CHECKPOINT, outbox->config->name, varve_view_of(NULL, 0), room->key);
    ret->value = varve_view_of((const char *)room->value, sizeof(room->value));
    return true;
}

void outbox_claim(struct outbox *outbox, struct outbox_report *report)
{
    uint64_t generation = outbox->state.seen_generation + 1;
    struct outbox_checkpoint_room room;
    struct outbox_note note;

    if (!outbox_note_checkpoint(outbox, outbox->state.position, NULL, generation, &room, &note, report) ||
        outbox_transact(outbox, NULL, 0, &note, 1, report) != OUTBOX_DONE)
        return;
    report->generation = generation;
    outbox_figures_measure(&outbox->figures, OUTBOX_MEASURE_TAKEOVER_US,
                           (uint64_t)(outbox_now_us() - outbox->began_us));
}
