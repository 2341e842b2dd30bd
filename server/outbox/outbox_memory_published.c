/* outbox_memory_published.c - when a position had been published: a search through the hints. */
#include <inttypes.h>
#include <stdio.h>

#include "outbox_memory_event.h"
#include "varve/record.h"

struct search {
    struct varve_store *store;
    char stream[VARVE_MAX_OUTBOX_NAME + 24];
    struct varve_error *error;
};

/* The first hint at or behind a version. *ret_found false: there is none. */
static enum varve_status hint_in(const struct search *search, const struct varve_batch *batch,
                                 struct memory_event *ret_hint, struct varve_event *ret_event, bool *ret_found)
{
    enum memory_kind kind;
    struct varve_error why;

    for (uint32_t i = 0; i < batch->count && !*ret_found; i++) {
        enum varve_status status = varve_record_decode(batch->records[i], batch->sizes[i], ret_event);

        if (status == VARVE_OK && (!memory_event_kind(ret_event->type, &kind) || kind != MEMORY_PUBLISHED))
            continue;
        if (status == VARVE_OK)
            status = memory_event_decode(kind, ret_event->data, ret_hint, &why);
        if (status != VARVE_OK)
            return varve_fail(search->error, status, NULL, "event %" PRIu64 " of %s is not understood",
                              varve_record_version(batch->records[i]), search->stream);
        *ret_found = true;
    }
    return VARVE_OK;
}

/* *ret_version: of the hint that was found; UINT64_MAX: there is none from `from` on. */
static enum varve_status hint_from(const struct search *search, uint64_t from, uint64_t *ret_version,
                                   uint64_t *ret_position, int64_t *ret_us)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct memory_event hint;
    struct varve_event event;
    struct varve_read read;
    bool found = false;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str(search->stream);
    read.from = from;
    enum varve_status status = varve_reader_open(search->store, &read, &reader, search->error);
    while (status == VARVE_OK && !found && !batch.end) {
        status = varve_reader_next(reader, 4096, 1, &batch, search->error);
        if (status == VARVE_OK)
            status = hint_in(search, &batch, &hint, &event, &found);
    }
    *ret_version = UINT64_MAX;
    if (found && status == VARVE_OK) {
        *ret_version = event.version;
        *ret_position = hint.position;
        *ret_us = event.recorded_at_us;
    }
    if (found)
        memory_event_end(&hint);
    varve_reader_close(reader);
    return status;
}

/* Hints rise, but for resets; after one of those this finds a time that is true, if not the first. */
static enum varve_status bisect(const struct search *search, const struct varve_stream_info *info, uint64_t position,
                                int64_t *ret_us)
{
    uint64_t low = info->first_version, high = (uint64_t)info->version + 1; /* All below `low` are below `position`. */

    while (low < high) {
        uint64_t middle = low + (high - low) / 2, version, published = 0;
        int64_t us = VARVE_TIME_NONE;
        enum varve_status status = hint_from(search, middle, &version, &published, &us);

        if (status != VARVE_OK)
            return status;
        if (version != UINT64_MAX && published < position) {
            low = version + 1;
        } else {
            high = middle;
            if (version != UINT64_MAX)
                *ret_us = us;
        }
    }
    return VARVE_OK;
}

enum varve_status outbox_memory_published_at(struct varve_store *store, const char *name, uint64_t position,
                                             int64_t *ret_us, struct varve_error *error)
{
    struct search search = { .store = store, .error = error };
    struct varve_stream_info info;

    snprintf(search.stream, sizeof(search.stream), "$outbox.published-%.*s", (int)VARVE_MAX_OUTBOX_NAME, name);
    *ret_us = VARVE_TIME_NONE;
    enum varve_status status = varve_stream_info(store, varve_view_str(search.stream), &info, error);
    if (status == VARVE_OK)
        status = bisect(&search, &info, position, ret_us);
    return status == VARVE_STREAM_NOT_FOUND ? VARVE_OK : status;
}
