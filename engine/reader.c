/* reader.c - one read: a cursor over the whole log that is moved in batches.
 *
 *   where next?  ALL: the next position; else view_positions() says
 *   fetch        view_record(), verified, copied into the batch
 *   keep?        inside the bounds, not hidden, not a system event unless asked for, really of this correlation
 *
 * Between batches a reader holds nothing but its own memory. */
#include "streams_meta.h"
#include "varve/record.h"
#include "varve/uuid.h"
#include "view.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    BITE_US = 10000,          /* the longest a batch looks */
    CLOCK_EVERY = 1024,       /* events between looks at the clock */
    FIRST_RECORDS = 256,
};

struct varve_reader {
    struct varve_store *store;
    struct varve_read read;         /* name points into name_bytes */
    char name_bytes[VARVE_MAX_SYSTEM_STREAM_NAME];
    uint64_t next;                  /* ordinal of the next event to look at */
    uint64_t first, last;           /* inclusive positions that may be returned, by time and by the view at open */
    uint64_t left;                  /* events until the limit */
    bool end;
    struct stream_state state;      /* STREAM: as of this batch */

    uint8_t *bytes;                 /* the batch */
    size_t size, capacity, max_bytes;
    uint32_t count, room, max_events;
    uint32_t *sizes;
    size_t *offsets;
    const uint8_t **records;
    bool out_of_memory, batch_full;
};

/* ---- the batch ---- */

static bool grow_records(struct varve_reader *reader)
{
    uint32_t room = reader->room == 0 ? FIRST_RECORDS : reader->room * 2;
    uint32_t *sizes = realloc(reader->sizes, room * sizeof(*sizes));

    if (sizes != NULL)
        reader->sizes = sizes;
    size_t *offsets = realloc(reader->offsets, room * sizeof(*offsets));
    if (offsets != NULL)
        reader->offsets = offsets;
    const uint8_t **records = realloc(reader->records, room * sizeof(*records));
    if (records != NULL)
        reader->records = records;
    if (sizes == NULL || offsets == NULL || records == NULL)
        return false;
    reader->room = room;
    return true;
}

static bool grow_bytes(struct varve_reader *reader, size_t needed)
{
    size_t capacity = reader->capacity == 0 ? 16384 : reader->capacity;

    while (capacity < needed)
        capacity *= 2;
    uint8_t *bytes = realloc(reader->bytes, capacity);
    if (bytes == NULL)
        return false;
    reader->bytes = bytes;
    reader->capacity = capacity;
    return true;
}

static bool keep_record(struct varve_reader *reader, const uint8_t *record, uint32_t size)
{
    if (reader->count > 0 && reader->size + size > reader->max_bytes) {
        reader->batch_full = true;
        return false;
    }
    if ((reader->count == reader->room && !grow_records(reader)) ||
        (reader->size + size > reader->capacity && !grow_bytes(reader, reader->size + size))) {
        reader->out_of_memory = true;
        return false;
    }
    memcpy(reader->bytes + reader->size, record, size);
    reader->sizes[reader->count] = size;
    reader->offsets[reader->count++] = reader->size;
    reader->size += size;
    return true;
}

/* ---- what is shown ---- */

static bool is_system(struct varve_view stream)
{
    return stream.size > 0 && stream.data[0] == '$';
}

/* By what the record alone says. */
static bool matches(const struct varve_reader *reader, const uint8_t *record, uint32_t size)
{
    bool all_streams = reader->read.kind == VARVE_READ_STREAM || reader->read.include_system;
    struct varve_event event;

    if (!all_streams && is_system(varve_record_stream(record)))
        return false;
    if (reader->read.kind != VARVE_READ_CORRELATION)
        return true;
    /* The index knows hashes; the record knows. */
    return varve_record_decode(record, size, &event) == VARVE_OK &&
           varve_uuid_equal(&event.correlation_id, &reader->read.correlation_id);
}

struct fetch {
    struct varve_reader *reader;
    bool matched, kept, maybe_hidden;
    char stream[VARVE_MAX_SYSTEM_STREAM_NAME];
    size_t stream_size;
    uint64_t version;
    int64_t recorded_at_us;
};

static bool take_record(void *user, const uint8_t *record, uint32_t size)
{
    struct fetch *fetch = user;
    struct varve_reader *reader = fetch->reader;
    struct varve_view stream = varve_record_stream(record);

    fetch->matched = matches(reader, record, size);
    if (!fetch->matched)
        return true;
    fetch->kept = keep_record(reader, record, size);
    if (!fetch->kept)
        return false;
    fetch->maybe_hidden = reader->read.kind == VARVE_READ_STREAM
                              ? reader->state.max_age_us != 0
                              : !reader->read.include_hidden && hidden_maybe(reader->store->hidden, stream);
    if (fetch->maybe_hidden && stream.size <= sizeof(fetch->stream)) {
        memcpy(fetch->stream, stream.data, stream.size);
        fetch->stream_size = stream.size;
        fetch->version = varve_record_version(record);
        fetch->recorded_at_us = varve_record_recorded_at(record);
    }
    return true;
}

static void drop_last(struct varve_reader *reader)
{
    reader->count--;
    reader->size = reader->offsets[reader->count];
}

/* A kept record whose stream may hide it: look at the stream, and drop it again if so. */
static enum varve_status judge_hidden(struct varve_reader *reader, struct view *view, const struct fetch *fetch,
                                      int64_t now_us, struct varve_error *error)
{
    struct stream_state state = reader->state;

    if (reader->read.kind != VARVE_READ_STREAM) {
        enum varve_status status = view_state(view, varve_view_of(fetch->stream, fetch->stream_size), &state, error);
        if (status != VARVE_OK)
            return status;
    }
    if (!stream_state_shows(&state, fetch->version, fetch->recorded_at_us, now_us))
        drop_last(reader);
    return VARVE_OK;
}

/* ---- moving ---- */

static void advance(struct varve_reader *reader, uint64_t ordinal)
{
    if (reader->read.backwards && ordinal == 0)
        reader->end = true;
    reader->next = reader->read.backwards ? ordinal - 1 : ordinal + 1;
}

/* Backwards a stream ends where what is truncated, deleted or beyond its count begins. */
static bool is_cut_off(const struct varve_reader *reader, uint64_t ordinal)
{
    return reader->read.kind == VARVE_READ_STREAM && ordinal < stream_state_first_visible(&reader->state);
}

/* Look at one event. *ret_go_on is false when the batch is full; the cursor then stays on this event. */
static enum varve_status look_at(struct varve_reader *reader, struct view *view, uint64_t ordinal, uint64_t position,
                                 int64_t now_us, bool *ret_go_on, struct varve_error *error)
{
    struct fetch fetch;
    bool taken = false;

    fetch.reader = reader;
    fetch.kept = fetch.maybe_hidden = false;
    *ret_go_on = true;
    if (is_cut_off(reader, ordinal)) {
        reader->end = true;
        return VARVE_OK;
    }
    if (position < reader->first || position > reader->last) {
        /* Bounds are monotonic: past the far one nothing more can come. */
        reader->end = reader->end || (reader->read.backwards ? position < reader->first : position > reader->last);
        advance(reader, ordinal);
        return VARVE_OK;
    }
    enum varve_status status = view_record(view, position, take_record, &fetch, &taken, error);
    if (status != VARVE_OK)
        return status;
    if (!taken) {
        *ret_go_on = false;
        return reader->out_of_memory ? varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a batch") : VARVE_OK;
    }
    if (fetch.maybe_hidden)
        status = judge_hidden(reader, view, &fetch, now_us, error);
    advance(reader, ordinal);
    return status;
}

static bool batch_done(const struct varve_reader *reader)
{
    return reader->end || reader->batch_full || reader->count >= reader->max_events || reader->count >= reader->left;
}

struct bite {
    int64_t now_us;       /* wall clock, for max_age */
    uint64_t until_us;    /* monotonic */
    uint32_t looked;
};

static bool bite_is_over(struct varve_reader *reader, struct bite *bite)
{
    const struct varve_os *os = reader->store->os;

    return ++bite->looked % CLOCK_EVERY == 0 && os->monotonic_us(os->self) >= bite->until_us;
}

static enum varve_status fill_from_all(struct varve_reader *reader, struct view *view, struct bite *bite,
                                       struct varve_error *error)
{
    bool go_on = true;

    while (go_on && !batch_done(reader)) {
        if (reader->next < reader->first || reader->next > reader->last) {
            reader->end = true;
            break;
        }
        enum varve_status status = look_at(reader, view, reader->next, reader->next, bite->now_us, &go_on, error);
        if (status != VARVE_OK || bite_is_over(reader, bite))
            return status;
    }
    return VARVE_OK;
}

static enum varve_status fill_from_index(struct varve_reader *reader, struct view *view, struct bite *bite,
                                         struct varve_error *error)
{
    struct view_query query = { .kind = reader->read.kind, .name = reader->read.name,
                                .correlation_id = reader->read.correlation_id, .backwards = reader->read.backwards };
    struct view_positions found;
    bool go_on = true;

    while (go_on && !batch_done(reader)) {
        size_t wanted = reader->left - reader->count < VIEW_ROOM ? (size_t)(reader->left - reader->count) : VIEW_ROOM;
        enum varve_status status = view_positions(view, &query, reader->next, wanted, &found, error);
        if (status != VARVE_OK)
            return status;
        reader->end = found.count == 0;
        for (size_t i = 0; i < found.count && go_on && !batch_done(reader); i++) {
            status = look_at(reader, view, found.ordinals[i], found.positions[i], bite->now_us, &go_on, error);
            if (status != VARVE_OK)
                return status;
            go_on = go_on && !bite_is_over(reader, bite);
        }
    }
    return VARVE_OK;
}

/* A stream's state can change between batches: what was truncated or deleted meanwhile is not shown any more. */
static enum varve_status refresh_stream(struct varve_reader *reader, struct view *view, struct varve_error *error)
{
    enum varve_status status = view_state(view, reader->read.name, &reader->state, error);

    if (status != VARVE_OK)
        return status;
    uint64_t visible = stream_state_first_visible(&reader->state);
    if (!reader->read.backwards && reader->next < visible)
        reader->next = visible;
    if (reader->next > (uint64_t)reader->state.version || reader->next < visible)
        reader->end = true;
    return VARVE_OK;
}

/* Forwards, where the end is known without looking for more. */
static bool is_past_the_end(const struct varve_reader *reader)
{
    if (reader->read.backwards)
        return false;
    if (reader->read.kind == VARVE_READ_STREAM)
        return reader->next > (uint64_t)reader->state.version;
    return reader->next > reader->last;
}

static void publish_batch(struct varve_reader *reader, struct varve_batch *ret_batch)
{
    for (uint32_t i = 0; i < reader->count; i++)
        reader->records[i] = reader->bytes + reader->offsets[i];
    reader->left -= reader->count;
    if (reader->left == 0 || is_past_the_end(reader))
        reader->end = true;
    *ret_batch = (struct varve_batch){ .records = reader->records, .sizes = reader->sizes, .count = reader->count,
                                       .end = reader->end, .next = reader->next };
}

enum varve_status varve_reader_next(struct varve_reader *reader, size_t max_bytes, uint32_t max_events,
                                    struct varve_batch *ret_batch, struct varve_error *error)
{
    const struct varve_os *os = reader->store->os;
    struct bite bite = { .now_us = os->now_us(os->self), .until_us = os->monotonic_us(os->self) + BITE_US };
    struct view view;

    reader->size = reader->count = 0;
    reader->max_bytes = max_bytes;
    reader->max_events = max_events == 0 ? UINT32_MAX : max_events;
    reader->out_of_memory = reader->batch_full = false;
    if (!reader->end) {
        enum varve_status status = view_begin(&view, reader->store, reader->read.kind == VARVE_READ_ALL, error);
        if (status != VARVE_OK)
            return status;
        if (reader->read.kind == VARVE_READ_STREAM)
            status = refresh_stream(reader, &view, error);
        if (status == VARVE_OK && !reader->end)
            status = reader->read.kind == VARVE_READ_ALL ? fill_from_all(reader, &view, &bite, error)
                                                         : fill_from_index(reader, &view, &bite, error);
        view_end(&view);
        if (status != VARVE_OK)
            return status;
    }
    publish_batch(reader, ret_batch);
    return VARVE_OK;
}

/* ---- opening ---- */

static enum varve_status check_read(const struct varve_store *store, const struct varve_read *read,
                                    struct varve_error *error)
{
    static const unsigned needed[] = { [VARVE_READ_ALL] = 0, [VARVE_READ_STREAM] = 0,
        [VARVE_READ_CATEGORY] = VARVE_INDEX_CATEGORY, [VARVE_READ_TYPE] = VARVE_INDEX_TYPE,
        [VARVE_READ_CORRELATION] = VARVE_INDEX_CORRELATION };
    static const char *const names[] = { "all", "stream", "category", "type", "correlation" };

    if ((unsigned)read->kind > VARVE_READ_CORRELATION)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "kind", "kind: must be 0 to 4, is %d", (int)read->kind);
    if ((store->format.indexes & needed[read->kind]) != needed[read->kind])
        return varve_fail(error, VARVE_INDEX_NOT_KEPT, names[read->kind],
                          "this store was created without the index of %s", names[read->kind]);
    if (read->kind == VARVE_READ_TYPE)
        return varve_check_text(read->name, VARVE_MAX_TYPE, "name", error);
    if (read->kind == VARVE_READ_STREAM || read->kind == VARVE_READ_CATEGORY)
        return varve_check_stream_name(read->name, true, "name", error);
    if (read->kind == VARVE_READ_CORRELATION && varve_uuid_is_nil(&read->correlation_id))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "correlation_id", "correlation_id: must not be the nil UUID");
    return VARVE_OK;
}

static enum varve_status check_stream(struct varve_reader *reader, struct view *view, struct varve_error *error)
{
    struct varve_view name = reader->read.name;
    enum varve_status status = view_state(view, name, &reader->state, error);

    if (status != VARVE_OK)
        return status;
    if (reader->state.flags & STREAM_TOMBSTONED)
        return varve_fail(error, VARVE_STREAM_TOMBSTONED, NULL, "stream \"%.*s\": is tombstoned", (int)name.size,
                          name.data);
    if (stream_state_is_deleted(&reader->state))
        return varve_fail(error, VARVE_STREAM_NOT_FOUND, NULL, "stream \"%.*s\": was deleted", (int)name.size,
                          name.data);
    return VARVE_OK;
}

/* Bounds by time and by what is visible now, and where to start. */
static enum varve_status set_bounds(struct varve_reader *reader, struct view *view, struct varve_error *error)
{
    const struct varve_read *read = &reader->read;
    enum varve_status status = VARVE_OK;
    uint64_t end;

    reader->first = 1;
    reader->last = view->visible;
    if (read->since_us != VARVE_TIME_NONE)
        status = view_position_at_time(view, read->since_us, &reader->first, error);
    if (status == VARVE_OK && read->until_us != VARVE_TIME_NONE) {
        status = view_position_at_time(view, read->until_us, &end, error);
        reader->last = end - 1;
    }
    if (status != VARVE_OK)
        return status;
    reader->next = read->from;
    bool edge = read->from == VARVE_FROM_EDGE;
    if (read->kind == VARVE_READ_STREAM) {
        if (edge || reader->next > (uint64_t)reader->state.version)
            reader->next = read->backwards ? (uint64_t)reader->state.version : edge ? 0 : reader->next;
    } else if (read->backwards) {
        reader->next = edge || reader->next > reader->last ? reader->last : reader->next;
    } else {
        reader->next = edge || reader->next < reader->first ? reader->first : reader->next;
    }
    reader->end = reader->first > reader->last;
    return VARVE_OK;
}

/* A stream's versions ascend with positions, so where a bound of time lies in a stream is found by halving too. */
static enum varve_status skip_to_bound(struct varve_reader *reader, struct view *view, struct varve_error *error)
{
    uint64_t low = 0, high = (uint64_t)reader->state.version + 1, wanted = reader->first;

    if (reader->read.backwards)
        wanted = reader->last + 1;
    while (low < high) { /* The first version at or above `wanted`. */
        uint64_t middle = low + (high - low) / 2, position;
        enum varve_status status = view_version_position(view, reader->read.name, middle, &position, error);
        if (status != VARVE_OK)
            return status;
        if (position < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    if (!reader->read.backwards)
        reader->next = reader->next > low ? reader->next : low;
    else if (low == 0)
        reader->end = true;
    else
        reader->next = reader->next < low - 1 ? reader->next : low - 1;
    return VARVE_OK;
}

static enum varve_status prepare(struct varve_reader *reader, struct varve_error *error)
{
    const struct varve_read *read = &reader->read;
    bool stream = read->kind == VARVE_READ_STREAM;
    struct view view;
    enum varve_status status = view_begin(&view, reader->store, false, error);

    if (status != VARVE_OK)
        return status;
    if (stream)
        status = check_stream(reader, &view, error);
    if (status == VARVE_OK)
        status = set_bounds(reader, &view, error);
    if (status == VARVE_OK && stream && (read->since_us != VARVE_TIME_NONE || read->until_us != VARVE_TIME_NONE) &&
        !reader->end)
        status = skip_to_bound(reader, &view, error);
    view_end(&view);
    return status;
}

enum varve_status varve_reader_open(struct varve_store *store, const struct varve_read *read,
                                    struct varve_reader **ret_reader, struct varve_error *error)
{
    enum varve_status status = check_read(store, read, error);

    if (status != VARVE_OK)
        return status;
    struct varve_reader *reader = calloc(1, sizeof(*reader));
    if (reader == NULL || !grow_records(reader)) {
        varve_reader_close(reader);
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for a read");
    }
    reader->store = store;
    reader->read = *read;
    reader->left = read->limit == 0 ? UINT64_MAX : read->limit;
    if (read->name.size > 0)
        memcpy(reader->name_bytes, read->name.data, read->name.size);
    reader->read.name.data = reader->name_bytes;
    status = prepare(reader, error);
    if (status != VARVE_OK) {
        varve_reader_close(reader);
        return status;
    }
    *ret_reader = reader;
    return VARVE_OK;
}

void varve_reader_close(struct varve_reader *reader)
{
    if (reader == NULL)
        return;
    free(reader->bytes);
    free(reader->sizes);
    free(reader->offsets);
    free(reader->records);
    free(reader);
}
