/* check_streams.c - the rows of streams and their posting lists, and what metadata events have made of the rows. */
#include <inttypes.h>
#include <stdio.h>

#include "check.h"
#include "streams_meta.h"

struct streams_walk {
    struct check *check;
    struct check_sum sum;       /* what rows and their lists say */
    uint64_t list_entries;      /* of all lists, also those that no row leads to */
    uint64_t clients, systems;  /* streams that have events */
    bool is_sound;
};

static void describe(char *where, size_t size, struct varve_view name)
{
    snprintf(where, size, "streams, \"%.*s\"", (int)name.size, name.data);
}

/* ---- a row and its list ---- */

void check_reader_init(struct check_reader *reader, struct check *check, uint64_t stream_id)
{
    *reader = (struct check_reader){ .check = check, .key = { .table = DB_STREAM_EVENTS, .stream_id = stream_id } };
}

bool check_reader_next(struct check_reader *reader, uint64_t *ret_position, enum varve_status *status)
{
    struct db_txn *txn = reader->check->txn;
    enum varve_status read = VARVE_OK;

    if (reader->is_broken)
        return false;
    if (!reader->has_chunk) {
        reader->has_chunk = tables_seek_chunk(txn, &reader->key, 0, &reader->chunk, &read);
    } else if (reader->index == reader->chunk.count) {
        reader->has_chunk = tables_next_chunk(txn, &reader->key, reader->chunk.first_ordinal, false, &reader->chunk,
                                              &read);
        reader->index = 0;
    }
    if (read == VARVE_CORRUPT)
        db_forget(txn); /* Said when all chunks were looked at. */
    else if (read != VARVE_OK)
        *status = check_fault(reader->check, read);
    reader->is_broken = !reader->has_chunk || reader->chunk.first_ordinal + reader->index != reader->version;
    if (reader->is_broken)
        return false;
    *ret_position = tables_chunk_value(&reader->chunk, reader->index++);
    reader->version++;
    return true;
}

static void check_times(struct check *check, const char *where, uint64_t first, const struct stream_state *state,
                        enum varve_status *status)
{
    struct varve_event event;

    if (check_get_event(check, first, &event, status) && event.recorded_at_us != state->created_at_us)
        check_say(check, where, "created_at is not the time of its first event");
    if (check_get_event(check, state->last_position, &event, status) && event.recorded_at_us != state->updated_at_us)
        check_say(check, where, "updated_at is not the time of its last event");
}

static enum varve_status check_list(struct streams_walk *walk, struct varve_view name, const struct stream_state *state,
                                    const char *where)
{
    struct check *check = walk->check;
    enum varve_status status = VARVE_OK;
    uint64_t position, first = 0, last = 0, name_hash = check_hash(name);
    struct check_reader reader;

    check_reader_init(&reader, check, state->id);
    while (check_reader_next(&reader, &position, &status)) {
        if (position <= last) {
            check_say(check, where, "the positions in its list do not ascend at version %" PRIu64, reader.version - 1);
            walk->is_sound = false;
        }
        first = first == 0 ? position : first;
        last = position;
        check_add(&walk->sum, name_hash, reader.version - 1, position);
    }
    if (status != VARVE_OK)
        return status;
    if (reader.version != (uint64_t)(state->version + 1)) {
        check_say(check, where, "the row says version %" PRId64 ", but its list (stream id %" PRIu64 ") holds %" PRIu64
                  " positions", state->version, state->id, reader.version);
        walk->is_sound = false;
    } else if (last != state->last_position) {
        check_say(check, where, "the row says position %" PRIu64 " for its last event, but its list says %" PRIu64,
                  state->last_position, last);
    } else if (last > 0) {
        check_times(check, where, first, state, &status);
    }
    return status;
}

/* ---- metadata ---- */

static bool has_settings(const struct stream_state *state)
{
    return state->truncate_before != 0 || state->max_count != 0 || state->max_age_us != 0 || state->flags != 0;
}

/* Fold the events of a stream and the metadata events about it, in order of position. False: one could not be read. */
static bool fold(struct check *check, uint64_t stream_id, uint64_t metadata_id, struct stream_state *ret_state,
                 enum varve_status *status)
{
    struct check_reader events, changes;
    uint64_t event = 0, change;
    struct varve_event metadata;

    stream_state_init(ret_state);
    check_reader_init(&events, check, stream_id);
    check_reader_init(&changes, check, metadata_id);
    while (check_reader_next(&changes, &change, status)) {
        while (event < change) {
            if (event != 0)
                stream_state_add(ret_state, event, 0);
            if (!check_reader_next(&events, &event, status))
                event = UINT64_MAX;
        }
        if (!check_get_event(check, change, &metadata, status) ||
            streams_meta_apply(metadata.data, ret_state) != VARVE_OK)
            return false;
    }
    if (event != 0 && event != UINT64_MAX)
        stream_state_add(ret_state, event, 0);
    while (check_reader_next(&events, &event, status))
        stream_state_add(ret_state, event, 0);
    return *status == VARVE_OK;
}

static bool is_as_folded(const struct stream_state *row, const struct stream_state *folded)
{
    return row->truncate_before == folded->truncate_before && row->max_count == folded->max_count &&
           row->max_age_us == folded->max_age_us && row->flags == folded->flags;
}

/* "$$<target>" has a row: does that of <target> say what its metadata events say? */
static enum varve_status check_target(struct check *check, struct varve_view target, uint64_t metadata_id)
{
    struct stream_state row, folded;
    enum varve_status status = tables_get_stream(check->txn, target, &row);
    char where[600];

    describe(where, sizeof(where), target);
    if (status == VARVE_CORRUPT) {
        db_forget(check->txn);
        return VARVE_OK; /* Said when its turn comes. */
    }
    if (status == VARVE_STREAM_NOT_FOUND) {
        check_say(check, where, "there are metadata events about it, but it has no row");
        return VARVE_OK;
    }
    if (status != VARVE_OK)
        return check_fault(check, status);
    /* What the journal has not settled yet may be in the row already, see settle.h. */
    if (check_tail_changes(check->tail, target))
        return VARVE_OK;
    if (fold(check, row.id, metadata_id, &folded, &status) && !is_as_folded(&row, &folded))
        check_say(check, where, "truncation, retention or deletion in its row are not what its metadata events say");
    return status;
}

static enum varve_status check_settings(struct check *check, struct varve_view name, const struct stream_state *state,
                                        const char *where)
{
    char metadata_name[DB_MAX_KEY + 1];
    struct stream_state metadata;
    struct varve_view target;
    int size = snprintf(metadata_name, sizeof(metadata_name), STREAMS_META_PREFIX "%.*s", (int)name.size, name.data);
    enum varve_status status = VARVE_OK;

    if (streams_meta_target(name, &target))
        status = check_target(check, target, state->id);
    if (status != VARVE_OK || !has_settings(state) || check_tail_changes(check->tail, name))
        return status;
    status = tables_get_stream(check->txn, varve_view_of(metadata_name, (size_t)size), &metadata);
    if (status == VARVE_STREAM_NOT_FOUND)
        check_say(check, where, "its row holds truncation, retention or deletion, but no metadata event says so");
    if (status == VARVE_CORRUPT)
        db_forget(check->txn);
    return status == VARVE_STREAM_NOT_FOUND || status == VARVE_CORRUPT ? VARVE_OK : status;
}

/* ---- all rows ---- */

static enum varve_status check_row(struct streams_walk *walk, struct varve_view name, const struct stream_state *state)
{
    struct check *check = walk->check;
    enum varve_status status;
    char where[600];

    describe(where, sizeof(where), name);
    check->report->streams++;
    if (state->version >= 0)
        *(name.data[0] == '$' ? &walk->systems : &walk->clients) += 1;
    if (state->id == 0 || state->id >= check->meta.next_stream_id || state->version < -1) {
        check_say(check, where, "its id or version cannot be");
        walk->is_sound = false;
        return VARVE_OK;
    }
    status = check_list(walk, name, state, where);
    return status == VARVE_OK ? check_settings(check, name, state, where) : status;
}

static enum varve_status check_rows(struct streams_walk *walk)
{
    struct check *check = walk->check;
    struct db_bytes key = { 0 }, value;
    struct stream_state state;
    struct db_cursor *cursor;
    enum varve_status status = db_cursor_open(check->txn, DB_STREAMS, &cursor);
    uint64_t total = check->meta.stream_count + check->meta.system_stream_count;
    bool more;

    if (status != VARVE_OK)
        return check_fault(check, status);
    more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status);
    while (more && status == VARVE_OK) {
        status = tables_read_stream(check->txn, key, value, &state);
        if (status == VARVE_OK) {
            status = check_row(walk, varve_view_of(key.data, key.size), &state);
        } else {
            walk->is_sound = false;
            status = check_fault(check, status);
        }
        if (check->report->streams % 4096 == 0)
            check_progress(check, "streams", check->report->streams, total);
        more = status == VARVE_OK && db_cursor_move(cursor, DB_NEXT, &key, &value, &status);
    }
    db_cursor_close(cursor);
    return status == VARVE_OK ? status : check_fault(check, status);
}

static enum varve_status count_chunk(void *user, const struct tables_list_key *list, const struct tables_chunk *chunk)
{
    struct streams_walk *walk = user;

    walk->list_entries += chunk->count;
    return VARVE_OK;
}

/* The row of the stream that a list's first event belongs to should lead to the list. */
static enum varve_status find_orphan(void *user, const struct tables_list_key *list, const struct tables_chunk *chunk)
{
    struct streams_walk *walk = user;
    enum varve_status status = VARVE_OK;
    struct stream_state row = { 0 };
    struct varve_event event;
    char where[64];

    if (chunk->first_ordinal == 0 && check_get_event(walk->check, tables_chunk_value(chunk, 0), &event, &status) &&
        tables_get_stream(walk->check->txn, event.stream, &row) == VARVE_OK && row.id == list->stream_id)
        return status;
    if (chunk->first_ordinal == 0) {
        snprintf(where, sizeof(where), "stream_events, stream id %" PRIu64, list->stream_id);
        check_say(walk->check, where, "no row leads to this list");
    }
    return status;
}

static enum varve_status compare_totals(struct streams_walk *walk)
{
    struct check *check = walk->check;
    bool unused;

    if (walk->is_sound &&
        (walk->clients != check->meta.stream_count || walk->systems != check->meta.system_stream_count))
        check_say(check, "store.mdb, table meta", "it counts %" PRIu64 " streams and %" PRIu64 " system streams, but %"
                  PRIu64 " and %" PRIu64 " have rows", check->meta.stream_count, check->meta.system_stream_count,
                  walk->clients, walk->systems);
    if (!walk->is_sound || walk->list_entries == walk->sum.entries)
        return VARVE_OK;
    check_say(check, "stream_events", "it holds %" PRIu64 " positions, but rows of streams lead to %" PRIu64,
              walk->list_entries, walk->sum.entries);
    return check_each_chunk(check, DB_STREAM_EVENTS, false, find_orphan, walk, &unused);
}

enum varve_status check_streams(struct check *check)
{
    struct streams_walk walk = { .check = check };
    enum varve_status status = check_each_chunk(check, DB_STREAM_EVENTS, true, count_chunk, &walk, &walk.is_sound);

    if (status == VARVE_OK)
        status = check_rows(&walk);
    if (status == VARVE_OK)
        status = compare_totals(&walk);
    check->report->index_entries += walk.sum.entries;
    return status == VARVE_OK ? check_compare(check, CHECK_STREAMS, &walk.sum, walk.is_sound) : status;
}
