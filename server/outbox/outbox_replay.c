/* outbox_replay.c - events that are sent again on purpose, marked by a header: a range of the log, of one stream or
 * type when that was ordered.
 *
 * Portions between batches, each a transaction with the note "rp/", which says how far it is: so each event is sent
 * again once, whatever crashes. What waits in dead letters was never sent and is left out; so is what Kafka refuses,
 * which is told to the log. */
#include "outbox_parts.h"

#include <stdio.h>

#include "varve/record.h"

/* ---- the order -------------------------------------------------------------------------------------------------- */

static enum varve_status check(const struct outbox *outbox, const struct varve_outbox_order *order, uint64_t until,
                               struct varve_error *error)
{
    if (outbox->memory.replay.number != 0)
        return varve_fail(error, VARVE_OUTBOX_BUSY, NULL, "replay %" PRIu64 " of outbox %s is under way",
                          outbox->memory.replay.number, outbox->config->name);
    if (order->position == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "position", "positions begin with 1");
    if (order->position > until)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "position", "%" PRIu64 " is above %" PRIu64
                          ", the last that is to be sent again (nothing above the checkpoint is)", order->position,
                          until);
    if (order->stream.size > VARVE_MAX_SYSTEM_STREAM_NAME || order->type.size > VARVE_MAX_TYPE)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "stream", "a name is too long");
    return VARVE_OK;
}

static void copy(char *to, struct varve_view from)
{
    memcpy(to, from.size > 0 ? from.data : "", from.size);
    to[from.size] = 0;
}

enum varve_status outbox_replay_order(struct outbox *outbox, const struct varve_outbox_order *order,
                                      uint64_t *ret_until, uint64_t *ret_number, struct varve_error *error)
{
    uint64_t last = outbox->committed, until = order->until == 0 || order->until > last ? last : order->until;
    struct outbox_replay replay = { .number = outbox->memory.replays + 1, .from = order->position, .until = until };
    enum varve_status status = check(outbox, order, until, error);

    if (status != VARVE_OK)
        return status;
    copy(replay.stream, order->stream);
    copy(replay.type, order->type);
    status = outbox_memory_replay(&outbox->memory, &replay, order->reason, error);
    if (status != VARVE_OK)
        return status;
    outbox->replay_position = replay.from - 1;
    outbox->replay_sent = outbox->replay_refused = 0;
    outbox->replay_portion = outbox->config->max_events;
    *ret_until = until;
    *ret_number = replay.number;
    log_info(outbox->log, "outbox.replay", log_text("outbox", outbox->config->name),
             log_number("number", replay.number), log_number("from", replay.from), log_number("until", replay.until),
             log_text("stream", replay.stream), log_text("type", replay.type));
    return VARVE_OK;
}

/* ---- one portion ------------------------------------------------------------------------------------------------ */

static bool is_meant(const struct outbox *outbox, const uint8_t *record)
{
    const struct outbox_replay *replay = &outbox->memory.replay;
    struct varve_view stream = varve_record_stream(record), type = varve_record_type(record);

    if (replay->stream[0] != 0 && !varve_view_equal(stream, varve_view_str(replay->stream)))
        return false;
    if (replay->type[0] != 0 && !varve_view_equal(type, varve_view_str(replay->type)))
        return false;
    return stream.data[0] != '$' &&
           !outbox_dead_has(outbox->memory.dead, stream, varve_record_position(record));
}

static void log_skipped(struct outbox *outbox, uint64_t position, const char *why)
{
    log_warn(outbox->log, "outbox.replay_skipped", log_text("outbox", outbox->config->name),
             log_number("number", outbox->memory.replay.number), log_number("position", position),
             log_text("reason", why));
}

static bool take(struct outbox *outbox, const struct varve_event *event, struct outbox_report *report)
{
    const struct outbox_marks marks = { .replay = outbox->memory.replay.number };
    struct outbox_batch *batch = &outbox->batch;
    struct outbox_message *message = &batch->messages[batch->count];
    struct outbox_routing routing;
    struct varve_error error;

    if (event->position == outbox->replay_refused ||
        outbox_route(outbox->config, event, &routing) != OUTBOX_SEND)
        return true;
    enum varve_status status =
        outbox_message_make(outbox->config, &routing, event, &marks, outbox->arena, message, &error);
    if (status == VARVE_EVENT_TOO_LARGE) {
        log_skipped(outbox, event->position, error.message);
        return true;
    }
    if (status != VARVE_OK)
        return outbox_report_status(report, &error);
    enum outbox_placed placed = outbox_place(outbox, message, report);
    if (placed == OUTBOX_PLACED_NOWHERE)
        log_skipped(outbox, event->position, "its topic does not exist");
    if (placed == OUTBOX_PLACED)
        batch->bytes += batch->messages[batch->count++].size;
    return placed != OUTBOX_PLACED_FAULT;
}

/* False: *report says why. `batch->last`: considered up to there. */
static bool fill(struct outbox *outbox, const struct varve_batch *read, struct outbox_report *report)
{
    const struct outbox_replay *replay = &outbox->memory.replay;
    struct outbox_batch *batch = &outbox->batch;
    struct varve_event event;

    for (uint32_t i = 0; i < read->count && batch->bytes < outbox->config->max_bytes; i++) {
        uint64_t position = varve_record_position(read->records[i]);
        if (position > replay->until) { /* What was passed over in between is not to be sent. */
            batch->last = replay->until;
            break;
        }
        if (is_meant(outbox, read->records[i])) {
            if (varve_record_decode(read->records[i], read->sizes[i], &event) != VARVE_OK)
                return outbox_report_halt(report, VARVE_HALT_LOG_CORRUPT, "the event at position %" PRIu64
                                          " cannot be read", position);
            if (!take(outbox, &event, report))
                return false;
        }
        batch->last = position;
    }
    return true;
}

static bool send(struct outbox *outbox, struct outbox_report *report)
{
    struct outbox_batch *batch = &outbox->batch;
    const struct outbox_progress progress = { .number = outbox->memory.replay.number, .position = batch->last };
    uint8_t value[OUTBOX_PROGRESS_BYTES];
    char key[OUTBOX_MAX_NOTE_KEY];
    const struct outbox_note note = {
        .key = outbox_note_key(OUTBOX_NOTE_REPLAY, outbox->config->name, varve_view_of(NULL, 0), key),
        .value = { (const char *)value, sizeof(value) },
    };

    if (batch->count == 0)
        return true;
    outbox_progress_encode(&progress, value);
    report->events = (uint32_t)batch->count;
    if (outbox_transact(outbox, batch->messages, batch->count, &note, 1, report) == OUTBOX_DONE) {
        outbox_count(outbox, events_replayed, batch->count);
        outbox->replay_sent += batch->count;
        return true;
    }
    if (report->result != OUTBOX_REFUSED || !report->fault.is_poison)
        return false;
    if (outbox->replay_portion == 1) {
        log_skipped(outbox, batch->last, report->fault.reason);
        outbox->replay_refused = batch->last;
    }
    outbox->replay_portion = 1; /* From here on one by one, until one that is refused is found. */
    return false;
}

static void finish(struct outbox *outbox, struct outbox_report *report)
{
    uint64_t number = outbox->memory.replay.number;
    struct varve_error error;

    if (outbox_memory_replayed(&outbox->memory, outbox->replay_sent, &error) != VARVE_OK) {
        outbox_report_status(report, &error);
        return;
    }
    outbox_bury_note(outbox, OUTBOX_NOTE_REPLAY, varve_view_of(NULL, 0));
    log_info(outbox->log, "outbox.replayed", log_text("outbox", outbox->config->name), log_number("number", number),
             log_number("sent", outbox->replay_sent));
}

/* A batch of the log behind the replay's position; the batch of the outbox lends its memory. */
static bool read_portion(struct outbox *outbox, struct varve_reader **ret_reader, struct varve_batch *ret,
                         struct outbox_report *report)
{
    const struct outbox_replay *replay = &outbox->memory.replay;
    uint32_t max_events = outbox->replay_portion;
    struct varve_error error;
    struct varve_read read;

    if (!outbox_batch_reserve(outbox, outbox->replay_position, max_events))
        return outbox_report_fault(report, OUTBOX_AGAIN, "NO_MEMORY", "no memory for a replay");
    varve_read_init(&read);
    read.include_hidden = true;
    read.from = outbox->replay_position + 1;
    if (varve_reader_open(outbox->store, &read, ret_reader, &error) != VARVE_OK ||
        varve_reader_next(*ret_reader, outbox->config->max_bytes, max_events, ret, &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    outbox->batch.last = ret->end ? replay->until : ret->next - 1; /* Unless fill() has to stop before. */
    if (ret->count > 0)
        outbox->batch.last = outbox->replay_position;
    return true;
}

void outbox_replay_portion(struct outbox *outbox, struct outbox_report *report)
{
    struct varve_reader *reader = NULL;
    struct varve_batch read = { .count = 0 };

    if (outbox->replay_position < outbox->memory.replay.until && read_portion(outbox, &reader, &read, report) &&
        fill(outbox, &read, report) && send(outbox, report)) {
        uint32_t most = outbox->config->max_events;
        outbox->replay_position = outbox->batch.last;
        outbox->replay_portion = outbox->replay_portion > most / 2 ? most : 2 * outbox->replay_portion;
    }
    varve_reader_close(reader);
    if (report->result == OUTBOX_DONE && outbox->replay_position >= outbox->memory.replay.until)
        finish(outbox, report);
}
