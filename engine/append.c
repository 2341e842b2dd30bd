/* append.c - see append.h: a request that was checked (append_check.c) becomes records. Touches no stream. */
#include "append.h"

#include "append_check.h"
#include "streams_meta.h"
#include "varve/record.h"
#include "varve/uuid.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

/* ---- making ---- */

static uint64_t names_size(const struct varve_append_request *request)
{
    uint64_t size = 0;

    for (size_t i = 0; i < request->stream_count; i++)
        size += request->streams[i].stream.size;
    return size;
}

/* One piece of memory: struct, streams, events, results, conflicts, sagas, names, records. */
static struct varve_append *allocate(struct varve_store *store, const struct varve_append_request *request,
                                     uint64_t records_size, uint32_t saga_count)
{
    size_t streams = request->stream_count, events = request->event_count;
    size_t size = sizeof(struct varve_append) + streams * sizeof(struct append_stream) +
                  events * sizeof(struct append_event) + streams * sizeof(struct varve_append_result) +
                  streams * sizeof(struct varve_conflict) + saga_count * sizeof(struct append_saga) +
                  names_size(request) + records_size;
    struct varve_append *append = malloc(size);

    if (append == NULL)
        return NULL;
    *append = (struct varve_append){
        .store = store, .stream_count = (uint32_t)streams, .event_count = (uint32_t)events,
        .saga_count = saga_count, .sagas_from = (uint32_t)streams, .records_size = records_size, .memory_size = size,
    };
    append->streams = (struct append_stream *)(append + 1);
    append->events = (struct append_event *)(append->streams + streams);
    append->results = (struct varve_append_result *)(append->events + events);
    append->conflicts = (struct varve_conflict *)(append->results + streams);
    append->sagas = (struct append_saga *)(append->conflicts + streams);
    return append;
}

static uint8_t *copy_streams(struct varve_append *append, const struct varve_append_request *request)
{
    char *names = (char *)(append->sagas + append->saga_count);

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

enum varve_status append_make(struct varve_store *store, const struct varve_append_request *request,
                              uint64_t records_size, uint32_t saga_count, struct varve_append **ret_append,
                              struct varve_error *error)
{
    const struct varve_os *os = store->os;
    uint8_t seed[16];

    if (os->random_bytes(os->self, seed, sizeof(seed)) != 0)
        return varve_fail(error, VARVE_IO, NULL, "cannot get random bytes for an event's id");
    struct varve_append *append = allocate(store, request, records_size, saga_count);
    if (append == NULL)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for an append of %" PRIu64 " bytes", records_size);
    append->records = copy_streams(append, request);
    encode_events(append, request, seed, os->now_us(os->self));
    *ret_append = append;
    return VARVE_OK;
}

static enum varve_status create(struct varve_store *store, const struct varve_append_request *request,
                                enum append_writer writer, struct varve_append **ret_append, struct varve_error *error)
{
    uint64_t records_size = 0;
    enum varve_status status = append_check_request(store, request, writer, &records_size, error);

    return status == VARVE_OK ? append_make(store, request, records_size, 0, ret_append, error) : status;
}

enum varve_status varve_append_create(struct varve_store *store, const struct varve_append_request *request,
                                      struct varve_append **ret_append, struct varve_error *error)
{
    return create(store, request, APPEND_CLIENT, ret_append, error);
}

enum varve_status varve_append_create_system(struct varve_store *store, const struct varve_append_request *request,
                                             struct varve_append **ret_append, struct varve_error *error)
{
    return create(store, request, APPEND_SERVER, ret_append, error);
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
    status = create(store, &request, APPEND_ENGINE, ret_append, error);
    if (status == VARVE_OK)
        (*ret_append)->is_change = true;
    return status;
}

const struct varve_append_outcome *varve_append_get_outcome(const struct varve_append *append)
{
    return &append->outcome;
}

struct varve_view varve_append_first_stream(const struct varve_append *append)
{
    return append->streams[0].name;
}

size_t varve_append_size_bytes(const struct varve_append *append)
{
    return append->memory_size;
}

void varve_append_free(struct varve_append *append)
{
    free(append);
}
