/* batches.c - see batches.h. */
#include "batches.h"

#include <stdlib.h>

#include "reply.h"

enum {
    PER_RECORD_BYTES = 5,      /* what its bin's header takes at most */
    AROUND_BATCH_BYTES = 128,  /* two frames' headers, counts, READ_END */
    SLICE_US = 50000,          /* when everything is hidden: how long a job looks on before it lets others in */
};

static const struct batches_kind *kind_of(const struct batches *batches)
{
    return (const struct batches_kind *)batches->request.kind; /* Its first member. */
}

/* ---- on a reader thread -------------------------------------------------------------------------------------- */

bool batches_reserve(struct batches *batches, size_t bytes)
{
    struct varve_wire_buffer *frames = &batches->frames;
    uint8_t *grown;

    if (frames->capacity - frames->size >= bytes)
        return true;
    grown = realloc(frames->bytes, frames->size + bytes);
    if (grown == NULL) {
        varve_fail(&batches->error, VARVE_NO_MEMORY, NULL, "the server has no memory for a batch");
        return false;
    }
    frames->bytes = grown;
    frames->capacity = frames->size + bytes;
    return true;
}

size_t batches_size_of(const struct varve_batch *batch)
{
    size_t bytes = AROUND_BATCH_BYTES;

    for (uint32_t i = 0; i < batch->count; i++)
        bytes += PER_RECORD_BYTES + batch->sizes[i];
    return bytes;
}

bool batches_is_enough(const struct batches *batches, uint64_t begun_us)
{
    return batches->body_bytes >= batches->batch_bytes || uv_hrtime() / 1000 >= begun_us + SLICE_US ||
           atomic_load_explicit(&batches->cancelled, memory_order_relaxed);
}

static void work(struct job *job, struct varve_wire_arena *arena)
{
    struct batches *batches = (struct batches *)((char *)job - offsetof(struct batches, job));

    kind_of(batches)->make(batches);
}

/* ---- on the loop --------------------------------------------------------------------------------------------- */

static void end(struct batches *batches)
{
    const struct batches_kind *kind = kind_of(batches);

    figure_subtract(&batches->server->figures.reads_under_way, 1);
    varve_wire_buffer_free(&batches->frames);
    session_end(&batches->request);
    kind->destroy(batches);
}

/* Nobody is there to take the rest. */
static void abandon(struct batches *batches)
{
    if (!batches->ended)
        batches->request.status = VARVE_CANCELLED;
    end(batches);
}

/* Send the next batch on its way, or wait. May end it. */
static void go_on(struct batches *batches)
{
    struct session *session = batches->request.session;

    if (batches->credit_bytes <= 0 && !session_is_open(session)) {
        abandon(batches); /* The credit it waits for will never come. */
        return;
    }
    session_wait_for_peer(&batches->request, batches->credit_bytes <= 0);
    if (batches->credit_bytes <= 0 || !session_has_room(session))
        return;
    batches->request.away = true;
    batches->body_bytes = 0;
    workers_submit(&batches->server->workers, &batches->job);
}

/* Why what is not at its end cannot go on; VARVE_OK when it can. */
static enum varve_status find_obstacle(const struct batches *batches, struct varve_error *ret)
{
    if (batches->error.status != VARVE_OK) {
        *ret = batches->error;
        return ret->status;
    }
    if (batches->why_ended.status != VARVE_OK) {
        *ret = batches->why_ended;
        return ret->status;
    }
    if (batches->server->stopping)
        return varve_fail(ret, VARVE_NOT_READY, NULL, "the server is stopping");
    if (!session_goes_on(batches->request.session))
        return varve_fail(ret, VARVE_CANCELLED, NULL, "the connection is being closed");
    return VARVE_OK;
}

static void log_fault(const struct batches *batches)
{
    if (batches->error.status >= VARVE_IO)
        log_error(&batches->server->log, kind_of(batches)->failed,
                  log_number("session", session_id(batches->request.session)),
                  log_text("error", varve_status_name(batches->error.status)),
                  log_text("message", batches->error.message));
}

static void finish(struct completion *completion)
{
    struct batches *batches = (struct batches *)((char *)completion - offsetof(struct batches, job.completion));
    struct session *session = batches->request.session;
    struct varve_error obstacle = { .status = VARVE_OK };

    log_fault(batches);
    if (session_is_closing(session)) {
        abandon(batches);
        return;
    }
    if (!batches->ended && find_obstacle(batches, &obstacle) != VARVE_OK) {
        reply_error(session, batches->request.id, &obstacle);
        end(batches);
        return;
    }
    batches->credit_bytes -= (int64_t)batches->body_bytes;
    session_send_buffer(session, &batches->frames);
    batches->request.away = false;
    if (batches->ended)
        end(batches);
    else
        go_on(batches);
}

void batches_stop(struct request *request, const struct varve_error *why)
{
    struct batches *batches = (struct batches *)request; /* Its first member. */
    struct session *session = request->session;

    if (why == NULL && batches->credit_bytes > 0 && !session_is_closing(session))
        return; /* It waits for room only, and can still end well. */
    if (why == NULL) {
        abandon(batches);
        return;
    }
    reply_error(session, request->id, why);
    end(batches);
}

void batches_room(struct request *request)
{
    go_on((struct batches *)request);
}

/* The client ends it: now, or when its batch is back. */
void batches_cancel(struct request *request, const struct varve_error *why)
{
    struct batches *batches = (struct batches *)request;

    batches->why_ended = *why;
    atomic_store_explicit(&batches->cancelled, true, memory_order_relaxed);
    if (request->away)
        return;
    reply_error(request->session, request->id, why);
    end(batches);
}

static int64_t bound_credit(int64_t bytes)
{
    return bytes < SERVER_MAX_CREDIT_BYTES ? bytes : SERVER_MAX_CREDIT_BYTES;
}

void batches_credit(struct request *request, uint32_t bytes)
{
    struct batches *batches = (struct batches *)request;

    batches->credit_bytes = bound_credit(batches->credit_bytes + bytes);
    if (!request->away)
        go_on(batches);
}

/* ---- beginning ----------------------------------------------------------------------------------------------- */

static unsigned count_batches(struct session *session)
{
    unsigned count = 0;

    for (const struct request *request = session_requests(session)->first; request != NULL; request = request->next)
        count += request->kind->cancel == batches_cancel;
    return count;
}

enum varve_status batches_check(struct session *session, uint32_t request_id, struct varve_error *error)
{
    const struct request *other = request_list_find(session_requests(session), request_id);

    if (other != NULL)
        return varve_fail(error, VARVE_INVALID_ARGUMENT, "request_id", "a %s with this request's id is under way",
                          other->kind->noun);
    if (count_batches(session) == SERVER_MAX_READS)
        return varve_fail(error, VARVE_OVERLOADED, NULL, "%d reads are under way on this connection",
                          SERVER_MAX_READS);
    if (workers_full(&session_server(session)->workers))
        return varve_fail(error, VARVE_OVERLOADED, NULL, "too much waits for the reader threads");
    return VARVE_OK;
}

static uint32_t choose_batch_bytes(uint32_t wanted)
{
    if (wanted == 0)
        return SERVER_BATCH_BYTES;
    return wanted < SERVER_MAX_BATCH_BYTES ? wanted : SERVER_MAX_BATCH_BYTES;
}

void batches_begin(struct session *session, uint32_t request_id, struct batches *batches,
                   const struct batches_kind *kind, uint32_t credit_bytes, uint32_t batch_bytes, uint64_t bytes)
{
    batches->server = session_server(session);
    batches->credit_bytes = bound_credit(credit_bytes);
    batches->batch_bytes = choose_batch_bytes(batch_bytes);
    batches->job = (struct job){ .work = work, .completion.finish = finish };
    bytes += 2 * (uint64_t)batches->batch_bytes; /* In the reader, and as frames. */
    if (!session_begin(session, &batches->request, &kind->request, request_id, bytes)) {
        kind->destroy(batches);
        reply_overloaded(session, request_id, "the server's memory for reads is used up");
        return;
    }
    figure_add(&batches->server->figures.reads_under_way, 1);
    go_on(batches);
}
