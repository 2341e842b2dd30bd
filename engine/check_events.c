/* check_events.c - every settled record, in order; on the way, what the indexes ought to hold is summed up. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>

#include "runs.h"
#include "varve/uuid.h"

enum { PROGRESS_EVERY = 1 << 16 };

struct events_walk {
    struct check *check;
    uint64_t next;      /* position that is due */
    bool is_next_known; /* not after a block that could not be read */
};

static void add_to_sums(struct check *check, const struct varve_event *event)
{
    uint64_t seed = check->meta.hash_seed;

    check_add(&check->log[CHECK_STREAMS], check_hash(event->stream), event->version, event->position);
    check_add(&check->log[CHECK_CATEGORIES], check_hash(varve_category(event->stream)), 0, event->position);
    check_add(&check->log[CHECK_TYPES], check_hash(event->type), 0, event->position);
    check_add(&check->log[CHECK_IDS], runs_hash(seed, &event->id), 0, event->position);
    if (!varve_uuid_is_nil(&event->correlation_id))
        check_add(&check->log[CHECK_CORRELATIONS], runs_hash(seed, &event->correlation_id), 0, event->position);
}

static void check_record(struct check *check, const struct tables_block *block, uint32_t i)
{
    uint64_t position = block->first_position + i;
    struct varve_event event;
    const uint8_t *record;
    const char *problem = NULL;
    uint32_t size;
    char where[64];

    if (!tables_block_record(block, i, &record, &size))
        problem = "the offset of the record is damaged";
    else if (varve_record_decode(record, size, &event) != VARVE_OK)
        problem = varve_record_verify(record, size) ? "the record is no event"
                                                    : "the record does not match its checksum";
    else if (event.position != position)
        problem = "the record is of another position";
    else if (event.recorded_at_us < check->last_recorded_at_us)
        problem = "the record is older than the one before it";
    check->report->events++;
    if (problem != NULL) {
        snprintf(where, sizeof(where), "events, position %" PRIu64, position);
        check_say(check, where, "%s", problem);
        check->damaged_records++;
        return;
    }
    check->last_recorded_at_us = event.recorded_at_us;
    if (check->deep)
        add_to_sums(check, &event);
}

static enum varve_status check_block(struct events_walk *walk, struct db_bytes key, struct db_bytes value)
{
    struct check *check = walk->check;
    struct tables_block block;
    enum varve_status status = tables_read_block(check->txn, key, value, &block);
    char where[64];

    if (status != VARVE_OK) {
        walk->is_next_known = false;
        check->damaged_records++;
        return check_fault(check, status);
    }
    if (walk->is_next_known && block.first_position != walk->next) {
        snprintf(where, sizeof(where), "events, position %" PRIu64, block.first_position);
        check_say(check, where, "the block begins here, but position %" PRIu64 " is due", walk->next);
        check->damaged_records++;
    }
    for (uint32_t i = 0; i < block.count; i++)
        check_record(check, &block, i);
    walk->next = block.first_position + block.count;
    walk->is_next_known = true;
    return VARVE_OK;
}

static void check_end(struct events_walk *walk)
{
    struct check *check = walk->check;

    if (walk->is_next_known && walk->next != check->meta.settled_position + 1) {
        check_say(check, "events", "they end with position %" PRIu64 ", but %" PRIu64 " are said to be settled",
                  walk->next - 1, check->meta.settled_position);
        check->damaged_records++;
    } else if (check->damaged_records == 0 && check->last_recorded_at_us != check->meta.last_recorded_at_us &&
               check->meta.settled_position > 0) {
        check_say(check, "store.mdb, table meta", "its time is not that of the last settled event");
    }
}

enum varve_status check_events(struct check *check)
{
    struct events_walk walk = { check, 1, true };
    struct db_bytes key = { 0 }, value;
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(check->txn, DB_EVENTS, &cursor);
    uint64_t said = 0;
    bool more;

    if (status != VARVE_OK)
        return check_fault(check, status);
    check->last_recorded_at_us = INT64_MIN;
    more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status);
    while (more && status == VARVE_OK) {
        status = check_block(&walk, key, value);
        if (walk.next - said >= PROGRESS_EVERY)
            check_progress(check, "events", said = walk.next, check->meta.settled_position);
        more = status == VARVE_OK && db_cursor_move(cursor, DB_NEXT, &key, &value, &status);
    }
    db_cursor_close(cursor);
    if (status == VARVE_OK)
        check_end(&walk);
    check_progress(check, "events", check->meta.settled_position, check->meta.settled_position);
    check->last_position = check->meta.settled_position;
    return status == VARVE_OK ? status : check_fault(check, status);
}
