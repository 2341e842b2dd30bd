/* load.c - LOAD: of each stream the snapshot that fits, then the events after it, all as of one position.
 *
 * A stream's turn: prepare it (its state, a snapshot, a reader), look for the first event that it shows, say LOADING,
 * go on with batches up to the version that it had at the position. What is truncated meanwhile leaves a gap, which is
 * told and never handed out. */
#include "handlers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "varve/record.h"
#include "varve/snapshots.h"
#include "varve/wire_snapshot.h"

#include "batches.h"
#include "reply.h"

enum { BATCH_EVENTS = 65536, LOADING_BYTES = 1024 /* but for the snapshot's data */ };

struct load {
    struct batches batches; /* first */
    const struct varve_view *streams;
    size_t stream_count, at;       /* which one has its turn */
    struct varve_view type;
    uint32_t schema_version;
    bool no_snapshots;
    bool has_view;
    uint64_t view_position;

    /* Of the stream that has its turn: */
    bool prepared, announced;
    int64_t version;               /* in the view */
    uint64_t next_version;         /* of the event that must come next, once announced */
    struct varve_snapshot *snapshot; /* NULL: none fits; until announced */
    struct varve_reader *reader;   /* NULL: there is nothing after the snapshot */
};

/* ---- a stream's turn ----------------------------------------------------------------------------------------- */

static void end_turn(struct load *load)
{
    varve_reader_close(load->reader);
    free(load->snapshot);
    load->reader = NULL;
    load->snapshot = NULL;
    load->prepared = load->announced = false;
    load->at++;
}

static bool announce(struct load *load, enum varve_status status, int64_t version, uint64_t first_version)
{
    struct batches *batches = &load->batches;
    struct varve_loading loading = { .index = (uint32_t)load->at, .status = status, .version = version,
                                     .first_version = first_version, .has_snapshot = load->snapshot != NULL };
    size_t before = batches->frames.size;

    if (load->snapshot != NULL)
        loading.snapshot = *load->snapshot;
    if (!batches_reserve(batches, LOADING_BYTES + (load->snapshot != NULL ? load->snapshot->size : 0)))
        return false;
    varve_encode_loading(&batches->frames, batches->request.id, &loading);
    batches->body_bytes += batches->frames.size - before - VARVE_WIRE_HEADER;
    free(load->snapshot);
    load->snapshot = NULL;
    load->announced = true;
    load->next_version = first_version;
    return true;
}

/* Nothing of it can be shown. Anything else is a fault, which ends the request. */
static bool is_outcome(enum varve_status status)
{
    return status == VARVE_STREAM_NOT_FOUND || status == VARVE_STREAM_TOMBSTONED;
}

static enum varve_status look_up(struct load *load, struct varve_stream_info *ret_info)
{
    struct varve_error *error = &load->batches.error;
    enum varve_status status = varve_stream_info_at(load->batches.server->store, load->streams[load->at],
                                                    load->view_position, ret_info, error);

    if (status == VARVE_OK && ret_info->tombstoned)
        return varve_fail(error, VARVE_STREAM_TOMBSTONED, NULL, "the stream is tombstoned");
    if (status == VARVE_OK && ret_info->deleted)
        return varve_fail(error, VARVE_STREAM_NOT_FOUND, NULL, "the stream was deleted");
    return status;
}

/* The newest that fits, if the events after it are all there. */
static void find_snapshot(struct load *load, const struct varve_stream_info *info)
{
    struct varve_snapshots *cache = load->batches.server->snapshots;
    struct varve_snapshot_query query = { .stream = load->streams[load->at], .at_or_below = info->version,
                                          .type = load->type, .schema_version = load->schema_version };

    if (load->no_snapshots || cache == NULL ||
        varve_snapshots_get(cache, &query, &load->snapshot, NULL) != VARVE_OK) /* A cache: what fails is a miss. */
        return;
    if ((uint64_t)load->snapshot->version + 1 >= info->first_version)
        return;
    free(load->snapshot);
    load->snapshot = NULL;
}

static enum varve_status open_reader(struct load *load)
{
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = load->streams[load->at];
    read.from = load->snapshot != NULL ? (uint64_t)load->snapshot->version + 1 : 0;
    if (load->snapshot != NULL && load->snapshot->version == load->version)
        return VARVE_OK;
    return varve_reader_open(load->batches.server->store, &read, &load->reader, &load->batches.error);
}

static void prepare(struct load *load)
{
    struct varve_stream_info info = { .version = -1 };
    enum varve_status status = look_up(load, &info);

    load->version = info.version;
    if (status == VARVE_OK) {
        find_snapshot(load, &info);
        status = open_reader(load);
    }
    if (is_outcome(status)) {
        free(load->snapshot);
        load->snapshot = NULL;
        load->batches.error.status = VARVE_OK;
        if (announce(load, status, -1, 0))
            end_turn(load);
        return;
    }
    load->prepared = status == VARVE_OK;
}

/* ---- its events ---------------------------------------------------------------------------------------------- */

/* What came after the view is not shown. */
static void cut(const struct load *load, struct varve_batch *batch)
{
    while (batch->count > 0 && varve_record_version(batch->records[batch->count - 1]) > (uint64_t)load->version) {
        batch->count--;
        batch->end = true;
    }
    if (batch->count > 0 && varve_record_version(batch->records[batch->count - 1]) == (uint64_t)load->version)
        batch->end = true;
}

/* The first event that the stream shows is known now, or that there is none. A snapshot that does not join with it is
 * of no use: what lay between was hidden since it was looked up. */
static bool announce_first(struct load *load, const struct varve_batch *batch)
{
    uint64_t first = batch->count > 0 ? varve_record_version(batch->records[0]) : (uint64_t)load->version + 1;

    if (load->snapshot != NULL && (uint64_t)load->snapshot->version + 1 != first) {
        free(load->snapshot);
        load->snapshot = NULL;
    }
    return announce(load, VARVE_OK, load->version, first);
}

static bool has_gap(const struct load *load, const struct varve_batch *batch)
{
    uint64_t next = load->next_version + batch->count;

    if (batch->count > 0 && (varve_record_version(batch->records[0]) != load->next_version ||
                             varve_record_version(batch->records[batch->count - 1]) + 1 != next))
        return true;
    return batch->end && next != (uint64_t)load->version + 1;
}

static void send_batch(struct load *load, const struct varve_batch *batch)
{
    struct batches *batches = &load->batches;
    size_t before;

    if (has_gap(load, batch)) {
        varve_fail(&batches->error, VARVE_OVERLOADED, NULL, "a stream was truncated while it was loaded; load again");
        batches->error.retry_after_ms = SERVER_RETRY_AFTER_MS;
        return;
    }
    if (batch->count > 0) {
        if (!batches_reserve(batches, batches_size_of(batch)))
            return;
        before = batches->frames.size;
        varve_encode_read_batch(&batches->frames, batches->request.id, batch);
        batches->body_bytes += batches->frames.size - before - VARVE_WIRE_HEADER;
        load->next_version += batch->count;
    }
    if (batch->end)
        end_turn(load);
}

static void go_on(struct load *load)
{
    struct batches *batches = &load->batches;
    struct varve_batch batch = { .count = 0, .end = true };
    size_t room = batches->batch_bytes > batches->body_bytes ? batches->batch_bytes - batches->body_bytes : 1;

    if (load->reader != NULL) {
        enum varve_status status = varve_reader_next(load->reader, room, BATCH_EVENTS, &batch, &batches->error);

        if (status != VARVE_OK)
            return;
        cut(load, &batch);
    }
    if (!load->announced && (batch.count > 0 || batch.end) && !announce_first(load, &batch))
        return;
    if (load->announced)
        send_batch(load, &batch);
}

static void make(struct batches *batches)
{
    struct load *load = (struct load *)batches; /* Its first member. */
    uint64_t begun_us = uv_hrtime() / 1000;

    if (!load->has_view)
        load->view_position = varve_store_last_position(batches->server->store);
    load->has_view = true;
    while (load->at < load->stream_count && batches->error.status == VARVE_OK) {
        if (!load->prepared)
            prepare(load);
        else
            go_on(load);
        if (load->at < load->stream_count && batches_is_enough(batches, begun_us))
            return;
    }
    if (batches->error.status != VARVE_OK)
        return;
    varve_encode_read_end(&batches->frames, batches->request.id, load->view_position);
    batches->ended = true;
}

/* ---- on the loop --------------------------------------------------------------------------------------------- */

static void destroy(struct batches *batches)
{
    struct load *load = (struct load *)batches;

    varve_reader_close(load->reader);
    free(load->snapshot);
    free(load);
}

static size_t describe(const struct request *request, struct log_field *ret_fields)
{
    const struct load *load = (const struct load *)request; /* The first member of the first member. */

    ret_fields[0] = log_view("stream", load->streams[0]);
    ret_fields[1] = log_number("streams", load->stream_count);
    return 2;
}

static const struct batches_kind load_kind = {
    .request = BATCHES_REQUEST("load", describe), .make = make, .destroy = destroy, .failed = "load.failed"
};

static size_t size_of(const struct varve_load_request *request)
{
    size_t bytes = sizeof(struct load) + request->stream_count * sizeof(struct varve_view) + request->type.size;

    for (size_t i = 0; i < request->stream_count; i++)
        bytes += request->streams[i].size;
    return bytes;
}

static struct varve_view copy_text(char **at, struct varve_view text)
{
    struct varve_view copy = varve_view_of(*at, text.size);

    if (text.size > 0)
        memcpy(*at, text.data, text.size);
    *at += text.size;
    return copy;
}

/* With the names in the same piece of memory. */
static struct load *create_load(const struct varve_load_request *request)
{
    struct load *load = calloc(1, size_of(request));
    struct varve_view *streams;
    char *text;

    if (load == NULL)
        return NULL;
    streams = (struct varve_view *)(load + 1);
    text = (char *)(streams + request->stream_count);
    for (size_t i = 0; i < request->stream_count; i++)
        streams[i] = copy_text(&text, request->streams[i]);
    load->streams = streams;
    load->stream_count = request->stream_count;
    load->type = copy_text(&text, request->type);
    load->schema_version = request->schema_version;
    load->no_snapshots = request->no_snapshots;
    return load;
}

void handle_load(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_load_request request;
    struct varve_error error = { .status = VARVE_OK };

    if (varve_decode_load(body, session_server(session)->arena, &request, &error) != VARVE_OK ||
        batches_check(session, frame->request_id, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct load *load = create_load(&request);
    if (load == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    uint64_t bytes = size_of(&request) + (request.no_snapshots ? 0 : VARVE_SNAPSHOT_MAX_BYTES);
    batches_begin(session, frame->request_id, &load->batches, &load_kind, request.credit_bytes, request.batch_bytes,
                  bytes);
}
