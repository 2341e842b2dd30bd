/* outbox_retry.c - dead letters that are tried again: portion by portion, each stream in its order.
 *
 * A portion is one transaction: some of the stream's waiting events and the note "pk/", which says how far they are
 * delivered; after it the log is told. A crash in between is mended when the checkpoint is read again, so that each is
 * delivered once. The checkpoint goes with it: were it behind them, they would be met again, and nothing would say that
 * they are delivered; so only what was passed is tried. The first portion is the one event that was refused: only that
 * says whether it still is. */
#include "outbox_parts.h"

#include <stdio.h>
#include <stdlib.h>

#include "varve/record.h"

enum { LIST_AT_ONCE = 500, LOOK_EVERY_US = OUTBOX_SECOND_US };

/* ---- the order book --------------------------------------------------------------------------------------------- */

/* Where the stream is, or would be. */
static size_t find(const struct outbox_retries *retries, struct varve_view stream, bool *ret_there)
{
    size_t low = 0, high = retries->count;

    *ret_there = false;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t size = strlen(retries->all[middle].stream);
        int order = memcmp(retries->all[middle].stream, stream.data, size < stream.size ? size : stream.size);
        if (order == 0 && size == stream.size) {
            *ret_there = true;
            return middle;
        }
        if (order < 0 || (order == 0 && size < stream.size))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum varve_status no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a retry");
}

static enum varve_status put(struct outbox_retries *retries, struct varve_view stream, struct varve_error *error)
{
    bool there;
    size_t at = find(retries, stream, &there);

    if (there)
        return VARVE_OK;
    if (retries->count == retries->room) {
        size_t room = retries->room == 0 ? 16 : 2 * retries->room;
        struct outbox_retry *all = realloc(retries->all, room * sizeof(*all));
        if (all == NULL)
            return no_memory(error);
        retries->all = all;
        retries->room = room;
    }
    char *name = strndup(stream.data, stream.size);
    if (name == NULL)
        return no_memory(error);
    memmove(&retries->all[at + 1], &retries->all[at], (retries->count - at) * sizeof(*retries->all));
    retries->all[at] = (struct outbox_retry){ .stream = name, .portion = 1 };
    retries->count++;
    return VARVE_OK;
}

static void drop(struct outbox_retries *retries, size_t at)
{
    free(retries->all[at].stream);
    retries->count--;
    memmove(&retries->all[at], &retries->all[at + 1], (retries->count - at) * sizeof(*retries->all));
}

void outbox_retries_end(struct outbox_retries *retries)
{
    while (retries->count > 0)
        drop(retries, retries->count - 1);
    free(retries->all);
}

/* Every dead letter whose last attempt is older than that. */
static enum varve_status put_all(struct outbox *outbox, int64_t before_us, uint64_t *ret_count,
                                 struct varve_error *error)
{
    char after[VARVE_MAX_SYSTEM_STREAM_NAME] = "";
    enum varve_status status = VARVE_OK;
    size_t after_size = 0, count = 1;

    for (bool end = false; !end && count > 0 && status == VARVE_OK;) {
        struct varve_dead_letter *letters = NULL;
        status = outbox_dead_list(outbox->memory.dead, varve_view_of(after, after_size), LIST_AT_ONCE, &letters,
                                  &count, &end);
        if (status != VARVE_OK)
            return no_memory(error);
        for (size_t i = 0; i < count && status == VARVE_OK; i++) {
            if (letters[i].last_attempt_us > before_us)
                continue;
            status = put(&outbox->retries, letters[i].stream, error);
            *ret_count += status == VARVE_OK;
        }
        if (count > 0) {
            after_size = letters[count - 1].stream.size;
            memcpy(after, letters[count - 1].stream.data, after_size);
        }
        free(letters);
    }
    return status;
}

enum varve_status outbox_retry_order(struct outbox *outbox, struct varve_view stream, uint64_t *ret_count,
                                     struct varve_error *error)
{
    struct varve_dead_letter *letter = NULL;

    *ret_count = 0;
    if (stream.data == NULL)
        return put_all(outbox, INT64_MAX, ret_count, error);
    if (!outbox_dead_find(outbox->memory.dead, stream, &letter))
        return varve_fail(error, VARVE_DEAD_LETTER_NOT_FOUND, NULL, "outbox %s has set nothing of stream %.*s aside",
                          outbox->config->name, (int)stream.size, stream.data);
    free(letter);
    *ret_count = 1;
    return put(&outbox->retries, stream, error);
}

void outbox_retry_due(struct outbox *outbox, int64_t now_us)
{
    uint64_t after_us = outbox->config->poison_retry_after_ms * 1000, ignored = 0;

    if (after_us == 0 || now_us - outbox->retries.looked_us < LOOK_EVERY_US)
        return;
    outbox->retries.looked_us = now_us;
    put_all(outbox, outbox_wall_us() - (int64_t)after_us, &ignored, NULL); /* No memory: it looks again. */
}

/* ---- one portion ------------------------------------------------------------------------------------------------ */

struct portion {
    struct outbox *outbox;
    struct outbox_retry *retry;
    struct varve_view stream;
    uint64_t *positions;            /* that wait */
    bool has_any;                   /* wait, also behind the position of the outbox */
    size_t count, taken;            /* of those before it; of these, tried or passed in this portion */
    uint64_t through;               /* the last of those taken */
    uint8_t **records;
    struct outbox_message *messages;
    size_t message_count;
    uint64_t bytes;
    char code[64];                  /* the first cannot even be made; empty: it can */
    char why[VARVE_MAX_OUTBOX_REASON];
};

static void portion_end(struct portion *portion)
{
    for (size_t i = 0; portion->records != NULL && i < portion->taken; i++)
        free(portion->records[i]);
    free(portion->records);
    free(portion->positions);
    free(portion->messages);
}

static bool portion_begin(struct portion *portion, struct outbox *outbox, struct outbox_retry *retry)
{
    size_t room = retry->portion;

    *portion = (struct portion){ .outbox = outbox, .retry = retry, .stream = varve_view_str(retry->stream) };
    portion->positions = malloc(room * sizeof(*portion->positions));
    portion->records = calloc(room, sizeof(*portion->records));
    portion->messages = malloc(room * sizeof(*portion->messages));
    if (portion->positions == NULL || portion->records == NULL || portion->messages == NULL) {
        portion_end(portion);
        return false;
    }
    portion->count = outbox_dead_waiting(outbox->memory.dead, portion->stream, portion->positions, room);
    portion->has_any = portion->count > 0;
    while (portion->count > 0 && portion->positions[portion->count - 1] > outbox->state.position)
        portion->count--;
    outbox_arena_clear(outbox->arena);
    return true;
}

static bool spoil(struct portion *portion, const char *code, const char *why)
{
    snprintf(portion->code, sizeof(portion->code), "%s", code);
    snprintf(portion->why, sizeof(portion->why), "%.*s", (int)sizeof(portion->why) - 1, why);
    return true;
}

/* One event: a message, or (filtered by now) nothing, or the reason why it is still dead. */
static bool take(struct portion *portion, const struct varve_event *event, struct outbox_report *report)
{
    struct outbox_message *message = &portion->messages[portion->message_count];
    const struct outbox_marks marks = { .replay = 0 };
    struct outbox *outbox = portion->outbox;
    struct outbox_routing routing;
    struct varve_error error;

    switch (outbox_route(outbox->config, event, &routing)) {
    case OUTBOX_FILTERED:
        return true;
    case OUTBOX_UNROUTABLE:
        return spoil(portion, "UNROUTABLE", routing.why);
    case OUTBOX_SEND:
        break;
    }
    enum varve_status status =
        outbox_message_make(outbox->config, &routing, event, &marks, outbox->arena, message, &error);
    if (status == VARVE_EVENT_TOO_LARGE)
        return spoil(portion, "MSG_SIZE_TOO_LARGE", error.message);
    if (status != VARVE_OK)
        return outbox_report_status(report, &error);
    enum outbox_placed placed = outbox_place(outbox, message, report);
    if (placed == OUTBOX_PLACED_NOWHERE)
        return spoil(portion, "UNKNOWN_TOPIC_OR_PARTITION", "its topic does not exist");
    if (placed == OUTBOX_PLACED_FAULT)
        return false;
    portion->message_count++;
    portion->bytes += message->size;
    return true;
}

/* Until there are enough, or one is still dead: what is before that one is delivered first. */
static bool portion_fill(struct portion *portion, struct outbox_report *report)
{
    struct varve_event event;
    struct varve_error error;
    uint32_t size;

    while (portion->taken < portion->count && portion->bytes < portion->outbox->config->max_bytes) {
        uint64_t position = portion->positions[portion->taken];
        uint8_t **record = &portion->records[portion->taken];
        if (varve_store_get(portion->outbox->store, position, record, &size, &error) != VARVE_OK)
            return outbox_report_status(report, &error);
        portion->taken++;
        if (varve_record_decode(*record, size, &event) != VARVE_OK)
            return outbox_report_halt(report, VARVE_HALT_LOG_CORRUPT, "the event at position %" PRIu64
                                      " cannot be read", position);
        if (!take(portion, &event, report))
            return false;
        if (portion->code[0] != 0)
            return true;
        portion->through = position;
    }
    return true;
}

/* The event that waits first is refused again: until somebody orders it anew, that is all. */
static bool remember_attempt(struct portion *portion, const char *code, const char *why, struct outbox_report *report)
{
    struct outbox *outbox = portion->outbox;
    struct varve_dead_letter *letter = NULL;
    struct varve_error error;

    if (!outbox_dead_find(outbox->memory.dead, portion->stream, &letter))
        return true;
    struct varve_dead_letter now = *letter;
    now.position = portion->positions[0];
    now.version = varve_record_version(portion->records[0]);
    now.retry_count++;
    now.error_code = varve_view_str(code);
    now.last_error = varve_view_str(why);
    now.last_attempt_us = outbox_wall_us();
    enum varve_status status = outbox_memory_attempted(&outbox->memory, &now, &error);
    log_warn(outbox->log, "outbox.retry_failed", log_text("outbox", outbox->config->name),
             log_view("stream", portion->stream), log_number("position", now.position), log_text("code", code),
             log_text("reason", why), log_number("attempts", now.retry_count));
    free(letter);
    return status == VARVE_OK || outbox_report_status(report, &error);
}

static bool send(struct portion *portion, struct outbox_report *report)
{
    const struct outbox_progress progress = { .position = portion->through };
    struct outbox *outbox = portion->outbox;
    uint8_t value[OUTBOX_PROGRESS_BYTES];
    char key[OUTBOX_MAX_NOTE_KEY];
    struct outbox_checkpoint_room room;
    struct outbox_note notes[2] = { {
        .key = outbox_note_key(OUTBOX_NOTE_PARKED, outbox->config->name, portion->stream, key),
        .value = { (const char *)value, sizeof(value) },
    } };

    outbox_progress_encode(&progress, value);
    report->events = (uint32_t)portion->message_count;
    if (!outbox_note_checkpoint(outbox, outbox->state.position, NULL, outbox->state.generation, &room, &notes[1],
                                report) ||
        outbox_transact(outbox, portion->messages, portion->message_count, notes, 2, report) != OUTBOX_DONE)
        return false;
    outbox_settle(outbox, outbox->state.position);
    return true;
}

/* Delivered: the log is told, and when nothing waits any more the stream flows again. */
static bool settle(struct portion *portion, struct outbox_report *report)
{
    struct outbox *outbox = portion->outbox;
    struct varve_error error;
    uint64_t first;

    if (outbox_memory_retried(&outbox->memory, portion->stream, portion->through, &error) != VARVE_OK)
        return outbox_report_status(report, &error);
    outbox_count(outbox, dead_delivered, portion->message_count);
    outbox_count(outbox, events_published, portion->message_count);
    outbox_counted_published(outbox, portion->messages, portion->message_count);
    if (outbox_dead_waiting(outbox->memory.dead, portion->stream, &first, 1) == 0) {
        outbox_bury_note(outbox, OUTBOX_NOTE_PARKED, portion->stream);
        log_info(outbox->log, "outbox.retried", log_text("outbox", outbox->config->name),
                 log_view("stream", portion->stream), log_number("through", portion->through));
    }
    return true;
}

/* *ret_over: nothing is left to be tried in this stream for now. */
static void try_portion(struct portion *portion, struct outbox_report *report, bool *ret_over)
{
    struct outbox_retry *retry = portion->retry;

    *ret_over = !portion->has_any;
    if (portion->count == 0 || !portion_fill(portion, report))
        return;
    bool is_spoilt = portion->code[0] != 0, is_first = is_spoilt && portion->taken == 1;
    if (is_first) {
        *ret_over = remember_attempt(portion, portion->code, portion->why, report);
        return;
    }
    if (!send(portion, report)) {
        bool refused = report->result == OUTBOX_REFUSED && report->fault.is_poison;
        if (refused && portion->taken == 1)
            *ret_over = remember_attempt(portion, report->fault.code, report->fault.reason, report);
        else if (refused)
            retry->portion = 1;
        return;
    }
    uint32_t most = portion->outbox->config->max_events;
    retry->portion = is_spoilt ? 1 : retry->portion > most / 2 ? most : 2 * retry->portion;
    settle(portion, report);
}

void outbox_retry_portion(struct outbox *outbox, struct outbox_report *report)
{
    struct outbox_retries *retries = &outbox->retries;
    struct portion portion;
    bool over = false;

    if (retries->turn >= retries->count)
        retries->turn = 0;
    if (!portion_begin(&portion, outbox, &retries->all[retries->turn])) {
        outbox_report_fault(report, OUTBOX_AGAIN, "NO_MEMORY", "no memory for a retry");
        return;
    }
    outbox_count(outbox, dead_retries, portion.retry->portion == 1);
    try_portion(&portion, report, &over);
    portion_end(&portion);
    if (over)
        drop(retries, retries->turn);
    else
        retries->turn++;
}
