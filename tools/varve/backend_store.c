/* backend_store.c - a backend that is a directory, opened in process through the engine. */
#include <stdlib.h>

#include "backend.h"
#include "memory.h"
#include "store_tail.h"
#include "varve/record.h"

#define READ_BYTES (1u << 20) /* of one bite of a read */
#define READ_EVENTS 10000
#define STATS_MAX 64

struct store_backend {
    struct backend base; /* first */
    struct varve_store *store;

    struct varve_append *append; /* the last one: its outcome is handed out until the next call */

    struct varve_reader *reader; /* the read under way, */
    struct varve_batch batch;    /* its batch, */
    uint32_t batch_at;           /* and how much of that was handed out */
    struct varve_event event;    /* handed out */
    struct store_tail *tail;     /* what is followed */
    uint8_t *record;             /* what `get` handed out */

    struct varve_stat stats[STATS_MAX];
    char stats_text[2 * 64];
};

static struct store_backend *store_of(struct backend *backend)
{
    return (struct store_backend *)backend;
}

static enum varve_status store_close(struct backend *backend)
{
    struct store_backend *self = store_of(backend);

    varve_append_free(self->append);
    varve_reader_close(self->reader);
    store_tail_close(self->tail);
    free(self->record);
    enum varve_status status = varve_store_close(self->store);
    free(self);
    return status;
}

static enum varve_status store_ping(struct backend *backend, int64_t *ret_now_us, uint64_t *ret_last_position,
                                    struct varve_error *error)
{
    const struct varve_os *os = varve_os_default();

    *ret_now_us = os->now_us(os->self);
    *ret_last_position = varve_store_last_position(store_of(backend)->store);
    return VARVE_OK;
}

static enum varve_status store_limits(struct backend *backend, struct backend_limits *ret_limits,
                                      struct varve_error *error)
{
    struct varve_options options;

    varve_store_limits(store_of(backend)->store, &options);
    ret_limits->max_event_bytes = options.max_event_bytes;
    ret_limits->max_append_bytes = options.max_append_bytes;
    ret_limits->max_append_events = options.max_append_events;
    return VARVE_OK;
}

/* Waits for an append just created. Its outcome counts only when the committer made one. */
static enum varve_status run_append(struct store_backend *self, struct varve_append *append,
                                    struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    varve_append_free(self->append);
    self->append = append;
    enum varve_status status = varve_append_wait(append, error);
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    if (ret_outcome != NULL && outcome != NULL)
        *ret_outcome = *outcome;
    return status;
}

static enum varve_status store_append(struct backend *backend, const struct varve_append_request *request,
                                      struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    struct varve_append *append = NULL;
    enum varve_status status = varve_append_create(store_of(backend)->store, request, &append, error);

    if (status != VARVE_OK)
        return status;
    return run_append(store_of(backend), append, ret_outcome, error);
}

/* Nothing is gained by not waiting: the commit is one sync away. */
static enum varve_status store_submit(struct backend *backend, const struct varve_append_request *request,
                                      varve_client_done done, void *user, struct varve_error *error)
{
    struct varve_append_outcome outcome = { 0 };
    struct varve_error why = { 0 };

    outcome.status = store_append(backend, request, &outcome, &why);
    outcome.error = why;
    done(user, &outcome);
    return VARVE_OK;
}

static enum varve_status store_drain(struct backend *backend, struct varve_error *error)
{
    return VARVE_OK;
}

static enum varve_status store_change(struct backend *backend, const struct varve_stream_change *change,
                                      struct varve_append_outcome *ret_outcome, struct varve_error *error)
{
    struct varve_append *append = NULL;
    enum varve_status status = varve_stream_change_create(store_of(backend)->store, change, &append, error);

    if (status != VARVE_OK)
        return status;
    return run_append(store_of(backend), append, ret_outcome, error);
}

static void store_read_close(struct backend *backend)
{
    struct store_backend *self = store_of(backend);

    varve_reader_close(self->reader);
    self->reader = NULL;
    self->batch = (struct varve_batch){ 0 };
    self->batch_at = 0;
}

static enum varve_status store_read_open(struct backend *backend, const struct varve_read *read,
                                         struct varve_error *error)
{
    struct store_backend *self = store_of(backend);

    store_read_close(backend);
    return varve_reader_open(self->store, read, &self->reader, error);
}

static enum varve_status store_read_next(struct backend *backend, const struct varve_event **ret_event,
                                         struct varve_error *error)
{
    struct store_backend *self = store_of(backend);

    while (self->batch_at == self->batch.count) {
        if (self->batch.end) {
            *ret_event = NULL;
            return VARVE_OK;
        }
        self->batch_at = 0;
        self->batch.count = 0;
        enum varve_status status = varve_reader_next(self->reader, READ_BYTES, READ_EVENTS, &self->batch, error);
        if (status != VARVE_OK)
            return status;
    }
    uint32_t at = self->batch_at++;
    enum varve_status status = varve_record_decode(self->batch.records[at], self->batch.sizes[at], &self->event);
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "a record that was just read does not verify");
    *ret_event = &self->event;
    return VARVE_OK;
}

static enum varve_status store_find(struct backend *backend, const struct varve_uuid *ids, size_t count,
                                    uint64_t *ret_positions, struct varve_error *error)
{
    return varve_store_find(store_of(backend)->store, ids, count, ret_positions, error);
}

static enum varve_status store_get(struct backend *backend, uint64_t position, struct varve_event *ret_event,
                                   struct varve_error *error)
{
    struct store_backend *self = store_of(backend);
    uint8_t *record = NULL;
    uint32_t size;
    enum varve_status status = varve_store_get(self->store, position, &record, &size, error);

    if (status != VARVE_OK)
        return status;
    free(self->record);
    self->record = record;
    status = varve_record_decode(record, size, ret_event);
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "the record at position %llu does not verify",
                          (unsigned long long)position);
    return VARVE_OK;
}

static enum varve_status begin_tail(struct backend *backend, const struct varve_filter *filter, uint64_t after,
                                    struct varve_error *error)
{
    return store_tail_open(store_of(backend)->store, filter, after, &store_of(backend)->tail, error);
}

static enum varve_status move_tail(struct backend *backend, uint32_t timeout_ms, struct varve_notice *ret_notice,
                                   struct varve_error *error)
{
    return store_tail_next(store_of(backend)->tail, timeout_ms, ret_notice, error);
}

static uint64_t tail_position(struct backend *backend)
{
    return store_tail_position(store_of(backend)->tail);
}

static void stop_tail(struct backend *backend)
{
    store_tail_stop(store_of(backend)->tail);
}

static void end_tail(struct backend *backend)
{
    store_tail_close(store_of(backend)->tail);
    store_of(backend)->tail = NULL;
}

static enum varve_status store_info(struct backend *backend, struct varve_view stream,
                                    struct varve_stream_info *ret_info, struct varve_error *error)
{
    return varve_stream_info(store_of(backend)->store, stream, ret_info, error);
}

static enum varve_status store_list(struct backend *backend, const struct varve_stream_list_request *request,
                                    struct varve_stream_list *ret_list, struct varve_error *error)
{
    return varve_store_list_streams(store_of(backend)->store, request->prefix, request->after, request->limit,
                                    request->include_system, ret_list, error);
}

static enum varve_status store_stats(struct backend *backend, const struct varve_stat **ret_stats, size_t *ret_count,
                                     struct varve_error *error)
{
    struct store_backend *self = store_of(backend);
    struct varve_stats stats;

    varve_store_stats(self->store, &stats);
    *ret_count = varve_stats_list(&stats, self->stats_text, self->stats, STATS_MAX);
    *ret_stats = self->stats;
    return VARVE_OK;
}

static const struct backend_functions store_functions = {
    .close = store_close,
    .ping = store_ping,
    .limits = store_limits,
    .append = store_append,
    .submit = store_submit,
    .drain = store_drain,
    .change = store_change,
    .read_open = store_read_open,
    .read_next = store_read_next,
    .read_close = store_read_close,
    .find = store_find,
    .get = store_get,
    .tail_open = begin_tail,
    .tail_next = move_tail,
    .tail_position = tail_position,
    .tail_stop = stop_tail,
    .tail_close = end_tail,
    .info = store_info,
    .list = store_list,
    .list_free = varve_stream_list_free,
    .stats = store_stats,
};

struct varve_store *backend_store(struct backend *backend)
{
    return store_of(backend)->store;
}

enum varve_status backend_open_store(const char *path, bool create, struct backend **ret_backend,
                                     struct varve_error *error)
{
    struct varve_options options;
    struct varve_store *store = NULL;

    varve_options_init(&options);
    options.create = create;
    enum varve_status status = varve_store_open(path, &options, &store, error);
    if (status != VARVE_OK)
        return status;

    struct store_backend *backend = memory_take(sizeof(*backend));
    backend->base.call = &store_functions;
    backend->store = store;
    *ret_backend = &backend->base;
    return VARVE_OK;
}
