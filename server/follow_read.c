/* follow_read.c - one batch for a follower: a reader's records, filtered, and encoded as an EVENTS frame.
 *
 * Far from the end a reader thread does it: through an index, when the filter names one and much lies ahead, else by
 * looking at every event. Near the end the loop does it, with one reading for all followers. */
#include "follow_parts.h"

#include <stdlib.h>
#include <string.h>

#include "varve/record.h"

enum {
    BATCH_EVENTS = 65536,
    NEAR_EVENTS = 256,           /* that the loop reads at a time, at most */
    NEAR_BYTES = 64 * 1024,
    INDEX_FROM_POSITIONS = 20000, /* so many ahead, and an index is worth its seeks */
    LEAST_READ_BYTES = 16 * 1024,
    SLICE_US = 50000,            /* how long a job looks for events before it lets others in */
    PER_RECORD_BYTES = 5,        /* what its bin's header takes at most */
    AROUND_RECORDS_BYTES = 64,   /* the frame's header, the arrays', the position */
};

void follow_result_drop(struct follow_result *result)
{
    shared_bytes_drop(result->frame);
    free(result->records);
    free(result->sizes);
    *result = (struct follow_result){ .count = 0 };
}

/* ---- what was found, until it is encoded ---------------------------------------------------------------------- */

struct found {
    const uint8_t **records;
    uint32_t *sizes;
    uint32_t count, room;
    size_t bytes;
    /* Records that outlive the reader's batch they came in are copied. */
    uint8_t *copies;
    size_t copied, capacity;
};

static void found_free(struct found *found)
{
    free(found->records);
    free(found->sizes);
    free(found->copies);
}

static bool found_grow(struct found *found)
{
    uint32_t room = found->room == 0 ? NEAR_EVENTS : found->room * 2;
    const uint8_t **records = realloc(found->records, room * sizeof(*records));

    if (records != NULL)
        found->records = records;
    uint32_t *sizes = realloc(found->sizes, room * sizeof(*sizes));
    if (sizes != NULL)
        found->sizes = sizes;
    if (records == NULL || sizes == NULL)
        return false;
    found->room = room;
    return true;
}

static bool found_add(struct found *found, const uint8_t *record, uint32_t size)
{
    if (found->count == found->room && !found_grow(found))
        return false;
    found->records[found->count] = record;
    found->sizes[found->count++] = size;
    found->bytes += size;
    return true;
}

/* The reader's batch is about to end: keep what was found in it. */
static bool found_keep(struct found *found)
{
    if (found->bytes > found->capacity) {
        size_t capacity = 2 * found->bytes;
        uint8_t *copies = realloc(found->copies, capacity);

        if (copies == NULL)
            return false;
        found->copies = copies;
        found->capacity = capacity;
    }
    size_t offset = 0;
    for (uint32_t i = 0; i < found->count; offset += found->sizes[i++]) {
        if (offset >= found->copied)
            memcpy(found->copies + offset, found->records[i], found->sizes[i]);
        found->records[i] = found->copies + offset;
    }
    found->copied = found->bytes;
    return true;
}

static enum varve_status no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "the server has no memory for a batch");
}

/* ---- the frame ------------------------------------------------------------------------------------------------- */

/* Where the records lie in the frame; decoding knows it best. */
static enum varve_status locate(struct follow_result *result, struct varve_wire_arena *arena)
{
    struct varve_view body = varve_view_of((const char *)result->frame->bytes + VARVE_WIRE_HEADER,
                                           result->frame->size - VARVE_WIRE_HEADER);
    const struct varve_view *records;
    uint64_t position;
    enum varve_status status = varve_decode_events(body, arena, &records, &result->count, &position, &result->error);

    if (status != VARVE_OK)
        return status;
    result->records = malloc(result->count * sizeof(*result->records));
    result->sizes = malloc(result->count * sizeof(*result->sizes));
    if (result->records == NULL || result->sizes == NULL)
        return no_memory(&result->error);
    for (uint32_t i = 0; i < result->count; i++) {
        result->records[i] = (const uint8_t *)records[i].data;
        result->sizes[i] = (uint32_t)records[i].size;
    }
    return VARVE_OK;
}

static enum varve_status encode(const struct found *found, struct varve_wire_arena *arena, struct follow_result *result)
{
    struct varve_wire_buffer buffer = {
        .capacity = AROUND_RECORDS_BYTES + found->bytes + (size_t)found->count * PER_RECORD_BYTES,
    };

    if (found->count == 0)
        return VARVE_OK;
    buffer.bytes = malloc(buffer.capacity);
    if (buffer.bytes == NULL || arena == NULL) {
        free(buffer.bytes);
        return no_memory(&result->error);
    }
    varve_encode_events(&buffer, 0, found->records, found->sizes, found->count, result->position);
    result->frame = buffer.failed ? NULL : shared_bytes_create(&buffer);
    varve_wire_buffer_free(&buffer);
    return result->frame != NULL ? locate(result, arena) : no_memory(&result->error);
}

/* ---- on a reader thread ---------------------------------------------------------------------------------------- */

/* One job's way through the log. */
struct walk {
    struct follower *follower;
    struct varve_read read;
    struct varve_reader *reader;
    uint64_t view_position;      /* everything up to here is in the reader's view */
    struct found found;
    bool ended;
};

/* The position of the first event that a stream still shows at `version` or later; UINT64_MAX when there is none. */
static enum varve_status find_position(struct varve_store *store, const struct varve_read *read, uint64_t version,
                                       uint64_t *ret, struct varve_error *error)
{
    struct varve_read one = *read;
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .count = 0 };

    one.from = version;
    one.limit = 1;
    enum varve_status status = varve_reader_open(store, &one, &reader, error);
    if (status != VARVE_OK)
        return status;
    do
        status = varve_reader_next(reader, 1, 1, &batch, error);
    while (status == VARVE_OK && batch.count == 0 && !batch.end);
    if (status == VARVE_OK)
        *ret = batch.count > 0 ? varve_record_position(batch.records[0]) : UINT64_MAX;
    varve_reader_close(reader);
    return status;
}

/* A stream is read from a version, and we stand at a position: the first version behind it, by halving. */
static enum varve_status find_version(struct varve_store *store, const struct varve_read *read, uint64_t position,
                                      uint64_t *ret_version, struct varve_error *error)
{
    struct varve_stream_info info;
    enum varve_status status = varve_stream_info(store, read->name, &info, error);

    if (status != VARVE_OK)
        return status;
    uint64_t low = 0, high = (uint64_t)info.version + 1;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2, found = 0;

        status = find_position(store, read, middle, &found, error);
        if (status != VARVE_OK)
            return status;
        if (found <= position)
            low = middle + 1;
        else
            high = middle;
    }
    *ret_version = low;
    return VARVE_OK;
}

static enum varve_status open_reader(struct walk *walk, struct varve_error *error)
{
    struct follower *follower = walk->follower;
    struct varve_store *store = follower->server->store;

    walk->view_position = varve_store_last_position(store);
    varve_read_init(&walk->read);
    walk->read.include_system = true;
    if (walk->view_position - follower->place.position > INDEX_FROM_POSITIONS)
        varve_filter_choose_read(follower->place.filter, follower->server->limits.indexes, &walk->read);
    walk->read.from = follower->place.position + 1;
    if (walk->read.kind == VARVE_READ_STREAM) {
        enum varve_status status = find_version(store, &walk->read, follower->place.position, &walk->read.from, error);
        if (status != VARVE_OK)
            return status;
    }
    return varve_reader_open(store, &walk->read, &walk->reader, error);
}

static bool is_enough(const struct walk *walk)
{
    return walk->ended || walk->found.bytes >= walk->follower->place.batch_bytes || walk->found.count >= BATCH_EVENTS ||
           atomic_load_explicit(&walk->follower->cancelled, memory_order_relaxed);
}

/* Everything up to which position was looked at? Of a stream we know versions, so only what was shown tells. */
static uint64_t position_after(const struct walk *walk, const struct varve_batch *batch, uint64_t before)
{
    if (!batch->end && walk->read.kind != VARVE_READ_STREAM)
        return batch->next - 1 > before ? batch->next - 1 : before;
    uint64_t shown = batch->count > 0 ? varve_record_position(batch->records[batch->count - 1]) : before;
    return batch->end && shown < walk->view_position ? walk->view_position : shown;
}

static bool take_matching(struct walk *walk, const struct varve_batch *batch)
{
    for (uint32_t i = 0; i < batch->count; i++) {
        if (varve_record_position(batch->records[i]) > walk->follower->place.position &&
            varve_filter_matches(walk->follower->place.filter, batch->records[i], batch->sizes[i]) &&
            !found_add(&walk->found, batch->records[i], batch->sizes[i]))
            return false;
    }
    return true;
}

static size_t bytes_to_read(const struct walk *walk)
{
    uint32_t batch_bytes = walk->follower->place.batch_bytes;
    size_t least = batch_bytes < LEAST_READ_BYTES ? batch_bytes : LEAST_READ_BYTES;
    size_t left = walk->found.bytes < batch_bytes ? batch_bytes - walk->found.bytes : 0;

    return left > least ? left : least;
}

/* A job goes on until it has moved at least a little: else a long stretch of hidden events of a stream would be looked
 * at again and again. */
static enum varve_status look(struct walk *walk, struct follow_result *result)
{
    uint64_t until_us = uv_hrtime() / 1000 + SLICE_US;
    struct varve_batch batch = { .count = 0 };

    do {
        if (!found_keep(&walk->found))
            return no_memory(&result->error);
        enum varve_status status = varve_reader_next(walk->reader, bytes_to_read(walk), BATCH_EVENTS, &batch,
                                                     &result->error);
        if (status != VARVE_OK)
            return status;
        if (!take_matching(walk, &batch))
            return no_memory(&result->error);
        walk->ended = batch.end;
        result->position = position_after(walk, &batch, result->position);
    } while (!is_enough(walk) && (uv_hrtime() / 1000 < until_us || result->position == walk->follower->place.position));
    return VARVE_OK;
}

void follow_read_far(struct follower *follower, struct varve_wire_arena *arena)
{
    struct walk walk = { .follower = follower };
    struct follow_result *result = &follower->result;

    *result = (struct follow_result){ .position = follower->place.position };
    enum varve_status status = open_reader(&walk, &result->error);
    if (status == VARVE_STREAM_NOT_FOUND || status == VARVE_STREAM_TOMBSTONED) {
        result->error = (struct varve_error){ .status = VARVE_OK }; /* Then there is nothing up to here. */
        result->position = walk.view_position;
        walk.ended = true;
    } else if (status == VARVE_OK && look(&walk, result) == VARVE_OK) {
        encode(&walk.found, arena, result);
    }
    result->at_end = walk.ended;
    varve_reader_close(walk.reader);
    found_free(&walk.found);
}

/* ---- on the loop ------------------------------------------------------------------------------------------------ */

bool follow_is_near(struct server *server, uint64_t position)
{
    return varve_store_last_position(server->store) - position <= NEAR_EVENTS &&
           position + 1 >= varve_store_first_in_memory(server->store);
}

void follow_window_drop(struct follow_window *window)
{
    varve_reader_close(window->reader);
    *window = (struct follow_window){ .first = 0 };
}

static enum varve_status open_window(struct server *server, struct follow_window *window, uint64_t first,
                                     struct varve_error *error)
{
    struct varve_read read;

    follow_window_drop(window);
    window->end = varve_store_last_position(server->store);
    varve_read_init(&read);
    read.include_system = true;
    read.from = first;
    enum varve_status status = varve_reader_open(server->store, &read, &window->reader, error);
    if (status == VARVE_OK)
        status = varve_reader_next(window->reader, NEAR_BYTES, NEAR_EVENTS, &window->batch, error);
    if (status != VARVE_OK)
        return status;
    window->first = first;
    window->last = window->batch.next - 1;
    return VARVE_OK;
}

/* The first record of the window that the follower has not looked at. */
static uint32_t skip_seen(const struct follow_window *window, uint64_t position)
{
    uint32_t low = 0, high = window->batch.count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (varve_record_position(window->batch.records[middle]) <= position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum varve_status look_near(struct follower *follower, const struct follow_window *window, struct found *found,
                                   struct follow_result *result)
{
    const struct varve_batch *batch = &window->batch;

    for (uint32_t i = skip_seen(window, follower->place.position); i < batch->count; i++) {
        if (found->bytes >= follower->place.batch_bytes) {
            result->position = varve_record_position(batch->records[i]) - 1;
            return VARVE_OK;
        }
        if (varve_filter_matches(follower->place.filter, batch->records[i], batch->sizes[i]) &&
            !found_add(found, batch->records[i], batch->sizes[i]))
            return no_memory(&result->error);
    }
    result->position = window->last;
    return VARVE_OK;
}

void follow_read_near(struct follower *follower, struct follow_window *window, struct follow_result *ret)
{
    struct server *server = follower->server;
    struct found found = { .count = 0 };

    *ret = (struct follow_result){ .position = follower->place.position };
    bool covered = window->reader != NULL && window->first <= follower->place.position + 1 &&
                   window->last > follower->place.position;
    if (!covered && open_window(server, window, follower->place.position + 1, &ret->error) != VARVE_OK)
        return;
    if (look_near(follower, window, &found, ret) == VARVE_OK)
        encode(&found, server->arena, ret);
    ret->at_end = ret->position >= window->end;
    found_free(&found);
}
