/* read.c - READ: batches from a reader thread, as many as the client's credit and the connection's room allow.
 *
 *   WAITING --credit and room--> AWAY (one batch with a reader thread) --more to come--> WAITING
 *                                  '--end, fault, cancelled--> gone
 * A read holds nothing of the store between batches; a client that stops taking costs the memory of one batch. */
#include "handlers.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "reply.h"

enum {
    BATCH_EVENTS = 65536,
    PER_RECORD_BYTES = 5,      /* what its bin's header takes at most */
    AROUND_BATCH_BYTES = 128,  /* two frames' headers, counts, READ_END */
    EMPTY_SLICE_US = 50000,    /* when everything is hidden: how long a job looks on before it lets others in */
};

struct read {
    struct request request;
    struct job job;
    struct varve_read what;
    char name[VARVE_MAX_SYSTEM_STREAM_NAME];
    int64_t credit_bytes;
    uint32_t batch_bytes;
    struct varve_error why_ended;  /* by the client; status VARVE_OK: not so */
    atomic_bool cancelled;         /* likewise, for the reader thread, which may stop early */

    /* With the reader thread while away: */
    struct server *server;
    struct varve_reader *reader;
    uint64_t view_position;        /* everything up to here is in the view */
    struct varve_wire_buffer frames;
    size_t body_bytes;             /* of the batch, as taken from the credit */
    bool ended;                    /* READ_END is among the frames */
    struct varve_error error;      /* status VARVE_OK: none */
};

/* ---- on a reader thread -------------------------------------------------------------------------------------- */

static bool reserve(struct varve_wire_buffer *frames, const struct varve_batch *batch)
{
    size_t bytes = AROUND_BATCH_BYTES;

    for (uint32_t i = 0; i < batch->count; i++)
        bytes += PER_RECORD_BYTES + batch->sizes[i];
    frames->bytes = malloc(bytes);
    frames->capacity = frames->bytes != NULL ? bytes : 0;
    return frames->bytes != NULL;
}

static void encode_batch(struct read *read, const struct varve_batch *batch)
{
    if (!reserve(&read->frames, batch)) {
        varve_fail(&read->error, VARVE_NO_MEMORY, NULL, "the server has no memory for a batch");
        return;
    }
    if (batch->count > 0 || !batch->end) {
        varve_encode_read_batch(&read->frames, read->request.id, batch);
        read->body_bytes = read->frames.size - VARVE_WIRE_HEADER;
    }
    if (batch->end)
        varve_encode_read_end(&read->frames, read->request.id, read->view_position);
    read->ended = batch->end;
}

static enum varve_status open_reader(struct read *read)
{
    if (read->reader != NULL)
        return VARVE_OK;
    read->view_position = varve_store_last_position(read->server->store);
    return varve_reader_open(read->server->store, &read->what, &read->reader, &read->error);
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct read *read = (struct read *)((char *)job - offsetof(struct read, job));
    uint64_t until_us = uv_hrtime() / 1000 + EMPTY_SLICE_US;
    struct varve_batch batch = { .count = 0 };

    if (open_reader(read) != VARVE_OK)
        return;
    do {
        if (varve_reader_next(read->reader, read->batch_bytes, BATCH_EVENTS, &batch, &read->error) != VARVE_OK)
            return;
    } while (batch.count == 0 && !batch.end && uv_hrtime() / 1000 < until_us &&
             !atomic_load_explicit(&read->cancelled, memory_order_relaxed));
    encode_batch(read, &batch);
    if (batch.end) {
        varve_reader_close(read->reader);
        read->reader = NULL;
    }
}

/* ---- on the loop --------------------------------------------------------------------------------------------- */

static void end_read(struct read *read)
{
    figure_subtract(&session_server(read->request.session)->figures.reads_under_way, 1);
    varve_reader_close(read->reader);
    varve_wire_buffer_free(&read->frames);
    session_end(&read->request);
    free(read);
}

/* Send the next batch on its way, or wait. May end the read. */
static void go_on(struct read *read)
{
    struct session *session = read->request.session;

    if (read->credit_bytes <= 0 && !session_is_open(session)) {
        end_read(read); /* The credit it waits for will never come. */
        return;
    }
    session_wait_for_peer(&read->request, read->credit_bytes <= 0);
    if (read->credit_bytes <= 0 || !session_has_room(session))
        return;
    read->request.away = true;
    read->body_bytes = 0;
    workers_submit(&read->server->workers, &read->job);
}

/* Why a read that is not at its end cannot go on; VARVE_OK when it can. */
static enum varve_status find_obstacle(const struct read *read, struct varve_error *ret)
{
    if (read->error.status != VARVE_OK) {
        *ret = read->error;
        return ret->status;
    }
    if (read->why_ended.status != VARVE_OK) {
        *ret = read->why_ended;
        return ret->status;
    }
    if (read->server->stopping)
        return varve_fail(ret, VARVE_NOT_READY, NULL, "the server is stopping");
    if (!session_goes_on(read->request.session))
        return varve_fail(ret, VARVE_CANCELLED, NULL, "the connection is being closed");
    return VARVE_OK;
}

static void log_fault(const struct read *read)
{
    if (read->error.status >= VARVE_IO)
        log_error(&read->server->log, "read.failed", log_number("session", session_id(read->request.session)),
                  log_text("error", varve_status_name(read->error.status)), log_text("message", read->error.message));
}

static void finish(struct completion *completion)
{
    struct read *read = (struct read *)((char *)completion - offsetof(struct read, job.completion));
    struct session *session = read->request.session;
    struct varve_error obstacle = { .status = VARVE_OK };

    log_fault(read);
    if (session_is_closing(session)) {
        end_read(read);
        return;
    }
    if (!read->ended && find_obstacle(read, &obstacle) != VARVE_OK) {
        reply_error(session, read->request.id, &obstacle);
        end_read(read);
        return;
    }
    read->credit_bytes -= (int64_t)read->body_bytes;
    session_send_buffer(session, &read->frames);
    read->request.away = false;
    if (read->ended)
        end_read(read);
    else
        go_on(read);
}

static void stop(struct request *request, const struct varve_error *why)
{
    struct read *read = (struct read *)request; /* Its first member. */
    struct session *session = request->session;

    if (why == NULL && read->credit_bytes > 0 && !session_is_closing(session))
        return; /* It waits for room only, and can still end well. */
    if (why != NULL)
        reply_error(session, request->id, why);
    end_read(read);
}

static void room(struct request *request)
{
    go_on((struct read *)request);
}

/* The client ends it: now, or when its batch is back. */
static void cancel(struct request *request, const struct varve_error *why)
{
    struct read *read = (struct read *)request;

    read->why_ended = *why;
    atomic_store_explicit(&read->cancelled, true, memory_order_relaxed);
    if (request->away)
        return;
    reply_error(request->session, request->id, why);
    end_read(read);
}

static int64_t bound_credit(int64_t bytes)
{
    return bytes < SERVER_MAX_CREDIT_BYTES ? bytes : SERVER_MAX_CREDIT_BYTES;
}

static void credit(struct request *request, uint32_t bytes)
{
    struct read *read = (struct read *)request;

    read->credit_bytes = bound_credit(read->credit_bytes + bytes);
    if (!request->away)
        go_on(read);
}

static const struct request_kind read_kind = { .stop = stop, .room = room, .credit = credit, .cancel = cancel,
                                               .noun = "read" };

static unsigned count_reads(struct session *session)
{
    unsigned count = 0;

    for (const struct request *request = session_requests(session)->first; request != NULL; request = request->next)
        count += request->kind == &read_kind;
    return count;
}

static uint32_t choose_batch_bytes(uint32_t wanted)
{
    if (wanted == 0)
        return SERVER_BATCH_BYTES;
    return wanted < SERVER_MAX_BATCH_BYTES ? wanted : SERVER_MAX_BATCH_BYTES;
}

static enum varve_status check_read(struct session *session, uint32_t id, const struct varve_read_request *request,
                                    struct varve_error *error)
{
    const struct request *other = request_list_find(session_requests(session), id);

    if (other != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "request_id", "a %s with this request's id is under way",
                          other->kind->noun);
    if (count_reads(session) == SERVER_MAX_READS)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "%d reads are under way on this connection",
                          SERVER_MAX_READS);
    if (workers_full(&session_server(session)->workers))
        return varve_fail(error, VARVE_OVERLOADED, NULL, "too much waits for the reader threads");
    return VARVE_OK;
}

static struct read *create_read(struct session *session, const struct varve_read_request *request)
{
    struct read *read = calloc(1, sizeof(*read));

    if (read == NULL)
        return NULL;
    read->what = request->read;
    if (request->read.name.size > 0)
        memcpy(read->name, request->read.name.data, request->read.name.size); /* The decoder checked its size. */
    read->what.name = varve_view_of(request->read.name.data != NULL ? read->name : NULL, request->read.name.size);
    read->credit_bytes = bound_credit(request->credit_bytes);
    read->batch_bytes = choose_batch_bytes(request->batch_bytes);
    read->server = session_server(session);
    read->job.work = work;
    read->job.completion.finish = finish;
    return read;
}

void handle_read(struct session *session, const struct varve_frame *frame, struct varve_view body)
{
    struct varve_read_request request;
    struct varve_error error = { .status = VARVE_OK };

    if (varve_decode_read(body, &request, &error) != VARVE_OK ||
        check_read(session, frame->request_id, &request, &error) != VARVE_OK) {
        reply_error(session, frame->request_id, &error);
        return;
    }
    struct read *read = create_read(session, &request);
    if (read == NULL) {
        reply_no_memory(session, frame->request_id);
        return;
    }
    uint64_t bytes = sizeof(*read) + 2 * (uint64_t)read->batch_bytes; /* In the reader, and as a frame. */
    if (!session_begin(session, &read->request, &read_kind, frame->request_id, bytes)) {
        free(read);
        reply_overloaded(session, frame->request_id, "the server's memory for reads is used up");
        return;
    }
    figure_add(&read->server->figures.reads_under_way, 1);
    go_on(read);
}
