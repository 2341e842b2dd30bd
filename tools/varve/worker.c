/* worker.c - see worker.h. */
#include "worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "varve/wire.h"

#define EXTENSIONS 3         /* so often the deadline is put off before it would have passed, */
#define SILENCE_MAX_MS 10000 /* and after so long at the latest, which keeps the connection in use */
#define CONFIRM_MS 30000     /* so long the last acknowledgements are waited for */
#define NAME_ROOM (VARVE_MAX_SYSTEM_STREAM_NAME + 32)

static bool is_set(const bool *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

static void set(bool *flag, bool value)
{
    __atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

static void count(uint64_t *counter, uint64_t more)
{
    __atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

/* ---- one event --------------------------------------------------------------------------------------------------- */

/* If it cannot be put off, its acknowledgement will say why. */
static void put_off(void *user)
{
    struct worker *worker = user;

    varve_consumer_extend(worker->consumer, worker->position, worker->pool->ack_timeout_ms, NULL);
}

/* The event's number, attempt and names for the command's environment. */
struct variables {
    char position[48], attempt[32], stream[NAME_ROOM], type[VARVE_MAX_TYPE + 16];
    const char *list[5];
};

static void set_variables(struct variables *v, const struct varve_work *work)
{
    const struct varve_event *event = work->event;

    snprintf(v->position, sizeof(v->position), "VARVE_POSITION=%" PRIu64, event->position);
    snprintf(v->attempt, sizeof(v->attempt), "VARVE_ATTEMPT=%" PRIu32, work->attempt);
    snprintf(v->stream, sizeof(v->stream), "VARVE_STREAM=%.*s", (int)event->stream.size, event->stream.data);
    snprintf(v->type, sizeof(v->type), "VARVE_TYPE=%.*s", (int)event->type.size, event->type.data);
    v->list[0] = v->position;
    v->list[1] = v->attempt;
    v->list[2] = v->stream;
    v->list[3] = v->type;
    v->list[4] = NULL;
}

static enum varve_status run_command(struct worker *worker, const struct varve_work *work,
                                     struct job_result *ret_result, struct varve_error *error)
{
    struct variables variables;
    uint32_t tick_ms = worker->pool->ack_timeout_ms / EXTENSIONS;

    tick_ms = tick_ms < SILENCE_MAX_MS ? tick_ms : SILENCE_MAX_MS;
    set_variables(&variables, work);
    text_clear(&worker->line);
    text_add_event(&worker->line, work->event);
    text_add_str(&worker->line, "\n");
    worker->position = work->event->position;
    worker->job.command = worker->pool->command;
    worker->job.variables = variables.list;
    worker->job.input = text_view(&worker->line);
    worker->job.tick_ms = tick_ms > 0 ? tick_ms : 1;
    worker->job.tick = put_off;
    worker->job.user = worker;
    return job_run(&worker->job, ret_result, error);
}

static void say_refused(struct worker *worker, uint64_t position, enum varve_status status, const char *why)
{
    count(&worker->pool->refused, 1);
    cli_note("position %" PRIu64 ": its end was not taken: %s: %s", position, varve_status_name(status), why);
}

/* Takes in the answers to acknowledgements; waits for all of them up to timeout_ms. A fault of the connection the next
 * event will show. */
static void confirm(struct worker *worker, uint32_t timeout_ms)
{
    const struct varve_refused_ack *refused;
    size_t refused_count;

    varve_consumer_flush(worker->consumer, timeout_ms, &refused, &refused_count, NULL);
    uint64_t unconfirmed = varve_consumer_unconfirmed(worker->consumer);
    for (size_t i = 0; i < refused_count; i++)
        say_refused(worker, refused[i].position, refused[i].status, varve_status_meaning(refused[i].status));
    count(&worker->pool->acked, worker->sent - unconfirmed - refused_count);
    worker->sent = unconfirmed;
}

/* Before it leaves: so that what is counted as acknowledged is. */
static void confirm_all(struct worker *worker)
{
    confirm(worker, CONFIRM_MS);
    if (worker->sent == 0)
        return;
    count(&worker->pool->refused, worker->sent);
    cli_note("%" PRIu64 " acknowledgements were not confirmed: their events may come again", worker->sent);
}

/* Tell the group how it went. A refusal is no fault of ours: the event went to somebody else meanwhile, or will. */
static enum varve_status report(struct worker *worker, uint32_t attempt, const struct job_result *result,
                                struct varve_error *error)
{
    char reason[JOB_LINE + 64];
    bool done = job_succeeded(result);
    enum varve_status status;

    job_describe(result, reason, sizeof(reason));
    if (done) {
        status = varve_consumer_ack(worker->consumer, worker->position, error);
    } else {
        cli_note("position %" PRIu64 ", attempt %" PRIu32 ": %s", worker->position, attempt, reason);
        status = varve_consumer_nack(worker->consumer, worker->position, VARVE_NACK_RETRY, VARVE_RETRY_BACKOFF,
                                     varve_view_str(reason), error);
    }
    worker->sent += status == VARVE_OK && done;
    if (status == VARVE_OK && !done)
        count(&worker->pool->retried, 1);
    if (status != VARVE_OK)
        say_refused(worker, worker->position, status, error->message);
    bool goes_on = status == VARVE_OK || status == VARVE_FENCED || status == VARVE_NOT_DELIVERED ||
                   varve_status_retryable(status);
    if (goes_on)
        confirm(worker, 0);
    return goes_on ? VARVE_OK : status;
}

static void set_waiting(struct worker *worker, bool waiting)
{
    pthread_mutex_lock(&worker->pool->lock);
    worker->waiting = waiting;
    pthread_mutex_unlock(&worker->pool->lock);
}

/* CANCELLED: it is to stop. */
static enum varve_status next_event(struct worker *worker, struct varve_work *ret_work, struct varve_error *error)
{
    enum varve_status status = VARVE_TIMEOUT;

    set_waiting(worker, true);
    while (status == VARVE_TIMEOUT && !is_set(&worker->pool->stopping))
        status = varve_consumer_next(worker->consumer, UINT32_MAX, ret_work, error);
    set_waiting(worker, false);
    return is_set(&worker->pool->stopping) ? VARVE_CANCELLED : status;
}

static enum varve_status work_on_one(struct worker *worker, struct varve_error *error)
{
    struct varve_work work;
    struct job_result result;
    enum varve_status status = next_event(worker, &work, error);

    if (status == VARVE_OK)
        status = run_command(worker, &work, &result, error);
    if (status == VARVE_OK)
        status = report(worker, work.attempt, &result, error);
    return status;
}

/* ---- the thread -------------------------------------------------------------------------------------------------- */

static bool take_ticket(struct worker_pool *pool)
{
    uint64_t left = __atomic_load_n(&pool->tickets, __ATOMIC_RELAXED);

    while (left > 0 && !__atomic_compare_exchange_n(&pool->tickets, &left, left - 1, false, __ATOMIC_RELAXED,
                                                    __ATOMIC_RELAXED))
        continue;
    return left > 0;
}

static void keep_first_fault(struct worker_pool *pool, const struct varve_error *error)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->error.status == VARVE_OK)
        pool->error = *error;
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *user)
{
    struct worker *worker = user;
    struct varve_error error = { 0 };
    enum varve_status status = VARVE_OK;
    uint64_t one = 1;

    while (status == VARVE_OK && !is_set(&worker->pool->stopping) && take_ticket(worker->pool))
        status = work_on_one(worker, &error);
    if (status != VARVE_OK && status != VARVE_CANCELLED)
        keep_first_fault(worker->pool, &error);
    confirm_all(worker);
    varve_consumer_close(worker->consumer);
    worker->consumer = NULL;
    set(&worker->over, true);
    while (write(worker->pool->over_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
    return NULL;
}

enum varve_status worker_start(struct worker *worker, struct varve_error *error)
{
    int failed = pthread_create(&worker->thread, NULL, worker_main, worker);

    if (failed != 0)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "cannot start a thread: %s", strerror(failed));
    return VARVE_OK;
}

/* Either it sees `stopping` before it waits, or we see it waiting. */
void worker_stop(struct worker *worker)
{
    set(&worker->pool->stopping, true);
    pthread_mutex_lock(&worker->pool->lock);
    if (worker->waiting)
        varve_consumer_stop(worker->consumer);
    pthread_mutex_unlock(&worker->pool->lock);
}

bool worker_is_over(const struct worker *worker)
{
    return is_set(&worker->over);
}

void worker_join(struct worker *worker)
{
    pthread_join(worker->thread, NULL);
    text_free(&worker->line);
}
