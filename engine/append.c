/* append.c - see append.h: the shape of a request checked, its records encoded. Touches no stream. */
#include "append.h"

#include "streams_meta.h"
#include "varve/record.h"
#include "varve/uuid.h"

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

static enum varve_status check_duplicates(const struct varve_store *store, const struct varve_append_request *request,
                                          struct varve_error *error)
{
    char field[48];
    int64_t stream = find_duplicate(request, request->stream_count, stream_name_at, false, store->format.hash_seed);
    int64_t event = find_duplicate(request, request->event_count, event_id_at, true, store->format.hash_seed);

    if (stream < 0 || event < 0)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory to check an append");
    if ((size_t)stream < request->stream_count) {
        snprintf(field, sizeof(field), "streams[%" PRId64 "]", stream);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: each stream may stand there once, this one does "
                          "twice", field);
    }
    if ((size_t)event < request->event_count) {
        snprintf(field, sizeof(field), "events[%" PRId64 "].id", event);
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: another event of the append has this id", field);
    }
    return VARVE_OK;
}

/* ---- shape ---- */

static enum varve_status check_counts(const struct varve_options *limits, const struct varve_append_request *request,
                                      struct varve_error *error)
{
    if (request->event_count == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "events", "events: an append needs at least one");
    if (request->stream_count == 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "streams", "streams: an append needs at least one");
    if (request->event_count > limits->max_append_events || request->stream_count > limits->max_append_events) {
        enum varve_status status =
            varve_fail(error, VARVE_APPEND_TOO_LARGE, NULL, "an append holds at most %" PRIu32
                       " events and as many streams, this one %zu and %zu", limits->max_append_events,
                       request->event_count, request->stream_count);
        if (error != NULL)
            error->limit = limits->max_append_events;
        return status;
    }
    if (request->stream_of == NULL && request->stream_count != 1)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "stream_of",
                          "stream_of: must say which stream each event is for when there are several");
    return VARVE_OK;
}

/* Clients write to names without '$', the server to those with one, the engine to "$$" for a change of a stream. */
enum writer { CLIENT, SERVER, ENGINE };

static enum varve_status check_name(struct varve_view name, enum writer writer, const char *field,
                                    struct varve_error *error)
{
    enum varve_status status = varve_check_stream_name(name, writer != CLIENT, field, error);

    if (status == VARVE_OK && writer == SERVER &&
        (name.data[0] != '$' || (name.size > 1 && memcmp(name.data, STREAMS_META_PREFIX, 2) == 0)))
        return varve_fail(error, VARVE_INVALID_ARGUMENT, field, "%s: must begin with exactly one '$'", field);
    return status;
}

static enum varve_status check_streams(const struct varve_append_request *request, enum writer writer,
                                       struct varve_error *error)
{
    for (size_t i = 0; i < request->stream_count; i++) {
        char field[48];
        snprintf(field, sizeof(field), "streams[%zu]", i);
        if (request->stream_count == 1)
            snprintf(field, sizeof(field), "stream");
        enum varve_status status = check_name(request->streams[i].stream, writer, field, error);
        if (status != VARVE_OK)
            return status;
        if (request->streams[i].expected < VARVE_EXPECTED_STREAM_EXISTS)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "expected",
                              "expected: must be a version (0 or above), -1 no_stream, -2 any or -3 stream_exists, is "
                              "%" PRId64, request->streams[i].expected);
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
    if (event->data.size + event->metadata.size > limits->max_event_bytes ||
        event->data.size > limits->max_event_bytes) {
        enum varve_status status =
            varve_fail(error, VARVE_EVENT_TOO_LARGE, NULL, "events[%zu]: data and metadata may have %" PRIu32
                       " bytes, these have %zu", i, limits->max_event_bytes, event->data.size + event->metadata.size);
        if (error != NULL)
            error->limit = limits->max_event_bytes;
        return status;
    }
    return varve_check_event(event, i, error);
}

/* Every rule, and the size that the records will have. */
static enum varve_status check_request(const struct varve_store *store, const struct varve_append_request *request,
                                       enum writer writer, uint64_t *ret_size, struct varve_error *error)
{
    const struct varve_options *limits = &store->options;
    enum varve_status status = check_counts(limits, request, error);
    uint64_t size = 0;

    if (status == VARVE_OK)
        status = check_streams(request, writer, error);
    for (size_t i = 0; i < request->event_count && status == VARVE_OK; i++) {
        status = check_event(limits, request, i, error);
        if (status != VARVE_OK)
            break;
        struct varve_event event = request->events[i];
        event.stream = request->streams[request->stream_of == NULL ? 0 : request->stream_of[i]].stream;
        size += varve_record_size(&event);
    }
    if (status == VARVE_OK)
        status = check_duplicates(store, request, error);
    if (status == VARVE_OK && size > limits->max_append_bytes) {
        status = varve_fail(error, VARVE_APPEND_TOO_LARGE, NULL, "the events of an append may take %" PRIu32
                            " bytes, these take %" PRIu64, limits->max_append_bytes, size);
        if (error != NULL)
            error->limit = limits->max_append_bytes;
    }
    *ret_size = size;
    return status;
}

/* ---- making ---- */

static uint64_t names_size(const struct varve_append_request *request)
{
    uint64_t size = 0;

    for (size_t i = 0; i < request->stream_count; i++)
        size += request->streams[i].stream.size;
    return size;
}

/* One piece of memory: struct, streams, events, results, conflicts, names, records. */
static struct varve_append *allocate(struct varve_store *store, const struct varve_append_request *request,
                                     uint64_t records_size)
{
    size_t streams = request->stream_count, events = request->event_count;
    size_t size = sizeof(struct varve_append) + streams * sizeof(struct append_stream) +
                  events * sizeof(struct append_event) + streams * sizeof(struct varve_append_result) +
                  streams * sizeof(struct varve_conflict) + names_size(request) + records_size;
    struct varve_append *append = malloc(size);

    if (append == NULL)
        return NULL;
    *append = (struct varve_append){
        .store = store, .stream_count = (uint32_t)streams, .event_count = (uint32_t)events,
        .records_size = records_size, .memory_size = size,
    };
    append->streams = (struct append_stream *)(append + 1);
    append->events = (struct append_event *)(append->streams + streams);
    append->results = (struct varve_append_result *)(append->events + events);
    append->conflicts = (struct varve_conflict *)(append->results + streams);
    return append;
}

static uint8_t *copy_streams(struct varve_append *append, const struct varve_append_request *request)
{
    char *names = (char *)(append->conflicts + append->stream_count);

    for (uint32_t i = 0; i < append->stream_count; i++) {
        struct varve_view name = request->streams[i].stream;
        memcpy(names, name.data, name.size);
        append->streams[i] = (struct append_stream){ .name = { names, name.size },
                                                     .expected = request->streams[i].expected };
        names += name.size;
    }
    return (uint8_t *)names;
}

static void encode_events(struct varve_append *append, const struct varve_append_request *request,
                          const uint8_t seed[16], int64_t now_us)
{
    uint64_t offset = 0;

    for (uint32_t i = 0; i < append->event_count; i++) {
        struct varve_event event = request->events[i];
        uint32_t stream = request->stream_of == NULL ? 0 : request->stream_of[i];
        struct append_stream *s = &append->streams[stream];
        event.stream = s->name;
        event.position = event.version = 0;
        event.recorded_at_us = 0;
        if (varve_uuid_is_nil(&event.id)) {
            XXH128_hash_t random = XXH3_128bits_withSeed(seed, 16, i);
            varve_uuid_v7(now_us, (const uint8_t *)&random, &event.id);
        } else {
            append->client_ids = true;
        }
        size_t size = varve_record_encode(&event, append->records + offset);
        append->events[i] = (struct append_event){ .stream = stream, .size = (uint32_t)size, .offset = offset,
                                                   .correlation_id = event.correlation_id };
        if (s->event_count++ == 0)
            s->first_event = i;
        offset += size;
    }
}

static enum varve_status create(struct varve_store *store, const struct varve_append_request *request,
                                enum writer writer, struct varve_append **ret_append, struct varve_error *error)
{
    const struct varve_os *os = store->os;
    uint8_t seed[16];
    uint64_t records_size = 0;
    enum varve_status status = check_request(store, request, writer, &records_size, error);

    if (status != VARVE_OK)
        return status;
    if (os->random_bytes(os->self, seed, sizeof(seed)) != 0)
        return varve_fail(error, VARVE_IO, NULL, "cannot get random bytes for an event's id");
    struct varve_append *append = allocate(store, request, records_size);
    if (append == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for an append of %" PRIu64 " bytes", records_size);
    append->records = copy_streams(append, request);
    encode_events(append, request, seed, os->now_us(os->self));
    *ret_append = append;
    return VARVE_OK;
}

enum varve_status varve_append_create(struct varve_store *store, const struct varve_append_request *request,
                                      struct varve_append **ret_append, struct varve_error *error)
{
    return create(store, request, CLIENT, ret_append, error);
}

enum varve_status varve_append_create_system(struct varve_store *store, const struct varve_append_request *request,
                                             struct varve_append **ret_append, struct varve_error *error)
{
    return create(store, request, SERVER, ret_append, error);
}

static enum varve_status check_change(const struct varve_stream_change *change, struct varve_error *error)
{
    enum varve_status status = varve_check_stream_name(change->stream, false, "stream", error);

    if (status != VARVE_OK)
        return status;
    if ((unsigned)change->kind > VARVE_STREAM_TOMBSTONE)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "kind", "kind: must be 0 to 3, is %d", (int)change->kind);
    if (change->max_age_us < 0)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "max_age_us", "max_age_us: must not be negative");
    if (change->truncate_before > INT64_MAX)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "truncate_before", "truncate_before: must be a version");
    if (change->max_count > INT64_MAX)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "max_count", "max_count: must be below 2^63");
    return VARVE_OK;
}

enum varve_status varve_stream_change_create(struct varve_store *store, const struct varve_stream_change *change,
                                             struct varve_append **ret_append, struct varve_error *error)
{
    char name[sizeof(STREAMS_META_PREFIX) + VARVE_MAX_STREAM_NAME], data[STREAMS_META_MAX_DATA];
    enum varve_status status = check_change(change, error);

    if (status != VARVE_OK)
        return status;
    int size = snprintf(name, sizeof(name), "%s%.*s", STREAMS_META_PREFIX, (int)change->stream.size,
                        change->stream.data);
    struct varve_append_stream streams[2] = {
        { { name, (size_t)size }, VARVE_EXPECTED_ANY },
        { change->stream,
          change->expected == VARVE_EXPECTED_ANY ? VARVE_EXPECTED_STREAM_EXISTS : change->expected },
    };
    struct varve_event event = { .type = varve_view_str(STREAMS_META_TYPE), .time_us = VARVE_TIME_NONE,
                                 .schema_version = 1, .content_type = VARVE_CONTENT_JSON,
                                 .data = { data, streams_meta_encode(change, data) } };
    uint32_t stream_of = 0;
    struct varve_append_request request = { streams, 2, &event, &stream_of, 1 };
    status = create(store, &request, ENGINE, ret_append, error);
    if (status == VARVE_OK)
        (*ret_append)->is_change = true;
    return status;
}

const struct varve_append_outcome *varve_append_get_outcome(const struct varve_append *append)
{
    return &append->outcome;
}

size_t varve_append_size_bytes(const struct varve_append *append)
{
    return append->memory_size;
}

void varve_append_free(struct varve_append *append)
{
    free(append);
}
