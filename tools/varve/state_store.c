/* state_store.c - a state source that is a directory opened in this process. Nobody appends to it meanwhile. */
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "state_source.h"
#include "varve/record.h"

#define READ_BYTES (1u << 20) /* of one bite of a stream */
#define READ_EVENTS 10000
#define PUTS_MAX 256             /* that wait for one commit: a commit each would be a sync each */
#define PUT_BYTES_MAX (4u << 20) /* of data; reached by the last of them, so it may be one snapshot's more */

/* A snapshot that was submitted, and its bytes. */
struct waiting_put {
    struct varve_snapshot snapshot;
    uint32_t keep;
    varve_snapshot_done done;
    void *user;
    char bytes[];
};

struct state_store {
    struct state_source base;        /* first */
    struct varve_store *store;
    struct varve_snapshots *snapshots;

    const struct varve_view *streams; /* being loaded, */
    size_t count, next;               /* and the one that comes next */
    struct varve_load_wanted wanted;
    struct varve_snapshot *snapshot;  /* of the stream in hand; NULL: none */
    struct varve_reader *reader;      /* its events; NULL: none are left */
    struct varve_batch batch;
    uint32_t batch_at;
    struct varve_event event;

    struct varve_snapshot *listed, *got;

    struct waiting_put *waiting[PUTS_MAX]; /* in the order they came in */
    size_t waiting_count, waiting_bytes;
    struct varve_snapshot_put puts[PUTS_MAX]; /* what is made of them */
};

static struct state_store *self_of(struct state_source *source)
{
    return (struct state_store *)source;
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static void drop_stream(struct state_store *self)
{
    varve_reader_close(self->reader);
    free(self->snapshot);
    self->reader = NULL;
    self->snapshot = NULL;
    self->batch = (struct varve_batch){ 0 };
    self->batch_at = 0;
}

static void store_load_close(struct state_source *source)
{
    drop_stream(self_of(source));
    self_of(source)->count = self_of(source)->next = 0;
}

static enum varve_status store_load_open(struct state_source *source, const struct varve_view *streams, size_t count,
                                         const struct varve_load_wanted *wanted, struct varve_error *error)
{
    struct state_store *self = self_of(source);

    store_load_close(source);
    self->streams = streams;
    self->count = count;
    self->wanted = *wanted;
    return VARVE_OK;
}

/* The newest that joins with the events that are shown; NULL if there is none. */
static enum varve_status find_snapshot(struct state_store *self, struct varve_view stream,
                                       const struct varve_stream_info *info, struct varve_error *error)
{
    const struct varve_snapshot_query query = {
        .stream = stream, .at_or_below = info->version, .type = self->wanted.type,
        .schema_version = self->wanted.schema_version,
    };

    if (self->wanted.no_snapshots)
        return VARVE_OK;
    enum varve_status status = varve_snapshots_get(self->snapshots, &query, &self->snapshot, error);
    if (status == VARVE_SNAPSHOT_NOT_FOUND)
        return VARVE_OK;
    if (status == VARVE_OK && (uint64_t)self->snapshot->version + 1 < info->first_version) {
        free(self->snapshot);
        self->snapshot = NULL;
    }
    return status;
}

static enum varve_status open_reader(struct state_store *self, struct varve_view stream, struct varve_loaded *loaded,
                                     struct varve_error *error)
{
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = stream;
    read.from = loaded->first_version;
    if (loaded->first_version > (uint64_t)loaded->version)
        return VARVE_OK;
    return varve_reader_open(self->store, &read, &self->reader, error);
}

static enum varve_status store_load_stream(struct state_source *source, struct varve_loaded *ret_loaded,
                                           struct varve_error *error)
{
    struct state_store *self = self_of(source);
    struct varve_stream_info info;
    struct varve_error why;

    drop_stream(self);
    *ret_loaded = (struct varve_loaded){ .more = self->next < self->count, .index = (uint32_t)self->next };
    if (!ret_loaded->more)
        return VARVE_OK;
    struct varve_view stream = self->streams[self->next++];
    enum varve_status status = varve_stream_info(self->store, stream, &info, &why);
    if (status == VARVE_OK && (info.deleted || info.tombstoned))
        status = info.tombstoned ? VARVE_STREAM_TOMBSTONED : VARVE_STREAM_NOT_FOUND;
    ret_loaded->status = status;
    if (status != VARVE_OK)
        return VARVE_OK;
    status = find_snapshot(self, stream, &info, error);
    if (status != VARVE_OK)
        return status;
    ret_loaded->version = info.version;
    ret_loaded->snapshot = self->snapshot;
    ret_loaded->first_version = self->snapshot != NULL ? (uint64_t)self->snapshot->version + 1 : info.first_version;
    return open_reader(self, stream, ret_loaded, error);
}

static enum varve_status store_load_event(struct state_source *source, const struct varve_event **ret_event,
                                          struct varve_error *error)
{
    struct state_store *self = self_of(source);

    *ret_event = NULL;
    while (self->reader != NULL && self->batch_at == self->batch.count) {
        if (self->batch.end)
            return VARVE_OK;
        self->batch_at = self->batch.count = 0;
        enum varve_status status = varve_reader_next(self->reader, READ_BYTES, READ_EVENTS, &self->batch, error);
        if (status != VARVE_OK)
            return status;
    }
    if (self->reader == NULL)
        return VARVE_OK;
    uint32_t at = self->batch_at++;
    enum varve_status status = varve_record_decode(self->batch.records[at], self->batch.sizes[at], &self->event);
    if (status != VARVE_OK)
        return varve_fail(error, status, NULL, "a record that was just read does not verify");
    *ret_event = &self->event;
    return VARVE_OK;
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

static enum varve_status store_streams(struct state_source *source, const struct varve_stream_list_request *request,
                                       struct varve_stream_list *ret_list, struct varve_error *error)
{
    return varve_store_list_streams(self_of(source)->store, request->prefix, request->after, request->limit,
                                    request->include_system, ret_list, error);
}

static enum varve_status store_info(struct state_source *source, struct varve_view stream,
                                    struct varve_stream_info *ret_info, struct varve_error *error)
{
    return varve_stream_info(self_of(source)->store, stream, ret_info, error);
}

/* ---- snapshots --------------------------------------------------------------------------------------------------- */

static enum varve_status store_list(struct state_source *source, const struct varve_snapshot_list_request *request,
                                    const struct varve_snapshot **ret_snapshots, size_t *ret_count, bool *ret_end,
                                    struct varve_error *error)
{
    struct state_store *self = self_of(source);

    free(self->listed);
    self->listed = NULL;
    enum varve_status status = varve_snapshots_list(self->snapshots, request->prefix, request->after_stream,
                                                    request->after_version, request->limit, &self->listed, ret_count,
                                                    ret_end, error);
    *ret_snapshots = self->listed;
    return status;
}

static enum varve_status store_get(struct state_source *source, const struct varve_snapshot_query *query,
                                   struct varve_snapshot *ret_snapshot, struct varve_error *error)
{
    struct state_store *self = self_of(source);

    free(self->got);
    self->got = NULL;
    enum varve_status status = varve_snapshots_get(self->snapshots, query, &self->got, error);
    if (status == VARVE_OK)
        *ret_snapshot = *self->got;
    return status;
}

static char *add_bytes(char *at, struct varve_view bytes, struct varve_view *ret_copy)
{
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    *ret_copy = varve_view_of(at, bytes.size);
    return at + bytes.size;
}

static struct waiting_put *copy_put(const struct varve_snapshot *snapshot)
{
    size_t size = snapshot->stream.size + snapshot->type.size + snapshot->data.size;
    struct waiting_put *put = memory_take(sizeof(*put) + size);
    char *at = put->bytes;

    put->snapshot = *snapshot;
    at = add_bytes(at, snapshot->stream, &put->snapshot.stream);
    at = add_bytes(at, snapshot->type, &put->snapshot.type);
    add_bytes(at, snapshot->data, &put->snapshot.data);
    return put;
}

static void drop_waiting(struct state_store *self)
{
    for (size_t i = 0; i < self->waiting_count; i++)
        free(self->waiting[i]);
    self->waiting_count = self->waiting_bytes = 0;
}

static enum varve_status store_drain(struct state_source *source, struct varve_error *error)
{
    struct state_store *self = self_of(source);

    for (size_t i = 0; i < self->waiting_count; i++)
        self->puts[i] = (struct varve_snapshot_put){ .snapshot = &self->waiting[i]->snapshot,
                                                     .keep = self->waiting[i]->keep };
    varve_snapshots_put_all(self->snapshots, self->puts, self->waiting_count);
    for (size_t i = 0; i < self->waiting_count; i++)
        self->waiting[i]->done(self->waiting[i]->user, self->puts[i].status, &self->puts[i].error);
    drop_waiting(self);
    return VARVE_OK;
}

/* Waits until there are enough for a commit. */
static enum varve_status store_submit(struct state_source *source, const struct varve_snapshot *snapshot, uint32_t keep,
                                      varve_snapshot_done done, void *user, struct varve_error *error)
{
    struct state_store *self = self_of(source);
    struct waiting_put *put = copy_put(snapshot);

    put->keep = keep;
    put->done = done;
    put->user = user;
    self->waiting[self->waiting_count++] = put;
    self->waiting_bytes += snapshot->data.size;
    if (self->waiting_count < PUTS_MAX && self->waiting_bytes < PUT_BYTES_MAX)
        return VARVE_OK;
    return store_drain(source, error);
}

static enum varve_status store_remove(struct state_source *source, struct varve_view stream, int64_t from_version,
                                      int64_t until_version, uint64_t *ret_count, struct varve_error *error)
{
    return varve_snapshots_delete(self_of(source)->snapshots, stream, from_version, until_version, ret_count, error);
}

static void store_close(struct state_source *source)
{
    store_load_close(source);
    drop_waiting(self_of(source)); /* of a run that failed */
    free(self_of(source)->listed);
    free(self_of(source)->got);
    free(source);
}

static const struct state_source_functions functions = {
    .close = store_close,
    .load_open = store_load_open,
    .load_stream = store_load_stream,
    .load_event = store_load_event,
    .load_close = store_load_close,
    .streams = store_streams,
    .streams_free = varve_stream_list_free,
    .info = store_info,
    .list = store_list,
    .get = store_get,
    .submit = store_submit,
    .drain = store_drain,
    .remove = store_remove,
};

enum varve_status state_store_open(const struct state_place *place, struct state_source **ret_source,
                                   struct varve_error *error)
{
    struct state_store *self = memory_take(sizeof(*self));

    self->base.call = &functions;
    self->store = place->store;
    self->snapshots = place->snapshots;
    *ret_source = &self->base;
    return VARVE_OK;
}
