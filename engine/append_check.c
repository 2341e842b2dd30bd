/* append_check.c - see append_check.h. Touches no stream. */
#include "append_check.h"

#include "saga.h"
#include "streams_meta.h"
#include "varve/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* ---- duplicates: a table of indexes by hash, compared in full ---- */

typedef struct varve_view (*item_at)(const struct varve_append_request *request, size_t i);

static struct varve_view stream_name_at(const struct varve_append_request *request, size_t i)
{
    return request->streams[i].stream;
}

static struct varve_view event_id_at(const struct varve_append_request *request, size_t i)
{
    return varve_view_of((const char *)request->events[i].id.bytes, sizeof(request->events[i].id.bytes));
}

/* The index of an item that stands there twice, or `count`; -1 when memory ran out. Nil ids are not items. */
static int64_t find_duplicate(const struct varve_append_request *request, size_t count, item_at item, bool ids,
                              uint64_t seed)
{
    static const uint8_t nil[16];
    size_t mask = 15;

    if (count < 2)
        return (int64_t)count;
    while (mask + 1 < 2 * count)
        mask = mask * 2 + 1;
    uint32_t *slots = calloc(mask + 1, sizeof(*slots));
    if (slots == NULL)
        return -1;
    size_t duplicate = count;
    for (size_t i = 0; i < count && duplicate == count; i++) {
        struct varve_view value = item(request, i);
        if (ids && memcmp(value.data, nil, sizeof(nil)) == 0)
            continue;
        size_t at = XXH3_64bits_withSeed(value.data, value.size, seed) & mask;
        while (slots[at] != 0 && !varve_view_equal(item(request, slots[at] - 1), value))
            at = (at + 1) & mask;
        if (slots[at] != 0)
            duplicate = i;
        else
            slots[at] = (uint32_t)i + 1;
    }
    free(slots);
    return (int64_t)duplicate;
}

enum varve_status append_find_duplicates(const struct varve_store *store, const struct varve_append_request *request,
                                         size_t *ret_stream, size_t *ret_event, struct varve_error *error)
{
    int64_t stream = find_duplicate(request, request->stream_count, stream_name_at, false, store->format.hash_seed);
    int64_t event = find_duplicate(request, request->event_count, event_id_at, true, store->format.hash_seed);

    if (stream < 0 || event < 0)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory to check an append");
    *ret_stream = (size_t)stream;
    *ret_event = (size_t)event;
    return VARVE_OK;
}

static enum varve_status check_duplicates(const struct varve_store *store, const struct varve_append_request *request,
                                          struct varve_error *error)
{
    size_t stream, event;
    char field[48];
    enum varve_status status = append_find_duplicates(store, request, &stream, &event, error);

    if (status != VARVE_OK)
        return status;
    if (stream < request->stream_count) {
        snprintf(field, sizeof(field), "streams[%zu]", stream);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: each stream may stand there once, this one does "
                          "twice", field);
    }
    if (event < request->event_count) {
        snprintf(field, sizeof(field), "events[%zu].id", event);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: another event of the append has this id", field);
    }
    return VARVE_OK;
}

/* ---- shape ---- */

static enum varve_status fail_limit(enum varve_status status, uint64_t limit, struct varve_error *error)
{
    if (error != NULL)
        error->limit = limit;
    return status;
}

enum varve_status append_check_counts(const struct varve_options *limits, size_t stream_count, size_t event_count,
                                      struct varve_error *error)
{
    if (event_count <= limits->max_append_events && stream_count <= limits->max_append_events)
        return VARVE_OK;
    return fail_limit(varve_fail(error, VARVE_APPEND_TOO_LARGE, NULL, "an append holds at most %" PRIu32
                                 " events and as many streams, this one %zu and %zu", limits->max_append_events,
                                 event_count, stream_count), limits->max_append_events, error);
}

enum varve_status append_check_size(const struct varve_options *limits, uint64_t records_size,
                                    struct varve_error *error)
{
    if (records_size <= limits->max_append_bytes)
        return VARVE_OK;
    return fail_limit(varve_fail(error, VARVE_APPEND_TOO_LARGE, NULL, "the events of an append may take %" PRIu32
                                 " bytes, these take %" PRIu64, limits->max_append_bytes, records_size),
                      limits->max_append_bytes, error);
}

static enum varve_status check_name(struct varve_view name, enum append_writer writer, const char *field,
                                    struct varve_error *error)
{
    enum varve_status status = varve_check_stream_name(name, writer != APPEND_CLIENT, field, error);

    if (status != VARVE_OK || writer != APPEND_SERVER)
        return status;
    if (name.data[0] != '$' || (name.size > 1 && memcmp(name.data, STREAMS_META_PREFIX, 2) == 0))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must begin with exactly one '$'", field);
    if (name.size >= strlen(SAGA_PREFIX) && memcmp(name.data, SAGA_PREFIX, strlen(SAGA_PREFIX)) == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field,
                          "%s: must not begin with \"" SAGA_PREFIX "\", which is for transitions of sagas", field);
    return VARVE_OK;
}

static enum varve_status check_stream(const struct varve_append_stream *stream, enum append_writer writer,
                                      const char *field, const char *expected_field, struct varve_error *error)
{
    enum varve_status status = check_name(stream->stream, writer, field, error);

    if (status != VARVE_OK || stream->expected >= VARVE_EXPECTED_STREAM_EXISTS)
        return status;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, expected_field,
                      "%s: must be a version (0 or above), -1 no_stream, -2 any or -3 stream_exists, is %" PRId64,
                      expected_field, stream->expected);
}

/* Names of fields are printed only where something is wrong, which is rare. */
static enum varve_status check_streams(const struct varve_append_request *request, enum append_writer writer,
                                       bool numbered, struct varve_error *error)
{
    char field[48], expected[48] = "expected";

    for (size_t i = 0; i < request->stream_count; i++) {
        if (check_stream(&request->streams[i], writer, "", "", NULL) == VARVE_OK)
            continue;
        snprintf(field, sizeof(field), "streams[%zu]", i);
        if (numbered)
            snprintf(expected, sizeof(expected), "streams[%zu].expected", i);
        else if (request->stream_count == 1)
            snprintf(field, sizeof(field), "stream");
        return check_stream(&request->streams[i], writer, field, expected, error);
    }
    return VARVE_OK;
}

static enum varve_status check_event(const struct varve_options *limits, const struct varve_append_request *request,
                                     size_t i, struct varve_error *error)
{
    const struct varve_event *event = &request->events[i];
    char field[48];

    if (request->stream_of != NULL && request->stream_of[i] >= request->stream_count) {
        snprintf(field, sizeof(field), "events[%zu].stream", i);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must be the index of one of the %zu streams, is "
                          "%" PRIu32, field, request->stream_count, request->stream_of[i]);
    }
    if (event->data.size + event->metadata.size > limits->max_event_bytes || event->data.size > limits->max_event_bytes)
        return fail_limit(varve_fail(error, VARVE_EVENT_TOO_LARGE, NULL, "events[%zu]: data and metadata may have "
                                     "%" PRIu32 " bytes, these have %zu", i, limits->max_event_bytes,
                                     event->data.size + event->metadata.size), limits->max_event_bytes, error);
    return varve_check_event(event, i, error);
}

enum varve_status append_check_shape(const struct varve_options *limits, const struct varve_append_request *request,
                                     enum append_writer writer, bool numbered, uint64_t *ret_size,
                                     struct varve_error *error)
{
    enum varve_status status;

    *ret_size = 0;
    if (request->event_count > 0 && request->stream_count == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "streams", "streams: an append needs at least one");
    if (request->event_count > 0 && request->stream_of == NULL && request->stream_count != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "stream_of",
                          "stream_of: must say which stream each event is for when there are several");
    status = check_streams(request, writer, numbered, error);
    for (size_t i = 0; i < request->event_count && status == VARVE_OK; i++) {
        status = check_event(limits, request, i, error);
        if (status != VARVE_OK)
            return status;
        struct varve_event event = request->events[i];
        event.stream = request->streams[request->stream_of == NULL ? 0 : request->stream_of[i]].stream;
        *ret_size += varve_record_size(&event);
    }
    return status;
}

enum varve_status append_check_request(const struct varve_store *store, const struct varve_append_request *request,
                                       enum append_writer writer, uint64_t *ret_size, struct varve_error *error)
{
    const struct varve_options *limits = &store->options;
    enum varve_status status;

    if (request->event_count == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "events", "events: an append needs at least one");
    status = append_check_counts(limits, request->stream_count, request->event_count, error);
    if (status == VARVE_OK)
        status = append_check_shape(limits, request, writer, false, ret_size, error);
    if (status == VARVE_OK)
        status = check_duplicates(store, request, error);
    if (status == VARVE_OK)
        status = append_check_size(limits, *ret_size, error);
    return status;
}
