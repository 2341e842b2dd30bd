/* kill9_sagas.c - see kill9_sagas.h: the worker. */
#include "crash/kill9_sagas.h"
#include "crash/kill9_sagas_parts.h"
#include "support/random.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TIMER_EVERY 4u

/* ---- what the n-th transaction does ---- */

struct saga_step sagas_next(struct saga_lives *lives)
{
    uint64_t n = ++lives->transactions, random = n;
    struct saga_step step = { .n = n, .saga = (uint32_t)random_below(&random, PLAN_SAGAS) };
    int status = lives->sagas[step.saga].status;

    step.generation = lives->sagas[step.saga].generation;
    step.version = lives->sagas[step.saga].version;
    step.action = plan_choose_action(status, false, &random);
    step.status = plan_next_status(status, step.action);
    step.has_state = step.action != VARVE_SAGA_ARCHIVE;
    step.has_timer = n % TIMER_EVERY == 0;
    lives->sagas[step.saga].status = step.status;
    lives->sagas[step.saga].version++;
    lives->sagas[step.saga].state_n = n;
    if (step.status == PLAN_ARCHIVED) {
        lives->sagas[step.saga].generation++;
        lives->sagas[step.saga].status = PLAN_NOT_BEGUN;
        lives->sagas[step.saga].version = -1;
    }
    return step;
}

struct varve_uuid sagas_id(uint64_t n, uint8_t part)
{
    struct varve_uuid id = { { 0x5a, part } };

    memcpy(&id.bytes[8], &n, sizeof(n));
    return id;
}

void sagas_lives_begin(struct saga_lives *lives)
{
    *lives = (struct saga_lives){ .transactions = 0 };
    for (unsigned i = 0; i < PLAN_SAGAS; i++) {
        lives->sagas[i].status = PLAN_NOT_BEGUN;
        lives->sagas[i].version = -1;
    }
}

/* ---- the worker ---- */

void sagas_init(struct saga_worker *worker, const char *url)
{
    *worker = (struct saga_worker){ .url = url, .deadline_us = VARVE_TIME_NONE };
    sagas_lives_begin(&worker->lives);
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* The same each time it is tried, so that the server knows it again. */
static enum varve_status try_transaction(struct saga_worker *worker, struct varve_client *client,
                                         const struct saga_step *step, struct varve_transact_outcome *ret_outcome,
                                         struct varve_error *error)
{
    struct plan_saga_name name;
    char text[24], timer[24];
    struct varve_append_stream stream = { varve_view_str(SAGAS_EFFECTS), (int64_t)step->n - 2 };
    struct varve_event event = { .type = varve_view_str("effect.had"), .id = sagas_id(step->n, SAGAS_EFFECT),
                                 .time_us = VARVE_TIME_NONE, .content_type = VARVE_CONTENT_JSON };
    struct varve_saga_change sagas[2];
    struct varve_checkpoint checkpoint = { varve_view_str("kill9"), step->n, (int64_t)step->n - 2,
                                           sagas_id(step->n, SAGAS_CHECKPOINT) };

    snprintf(text, sizeof(text), "%" PRIu64, step->n);
    snprintf(timer, sizeof(timer), "%" PRIu64, step->n);
    event.data = varve_view_str(text);
    plan_saga_name(step->saga, step->generation, &name);
    for (unsigned i = 0; i < 2; i++)
        varve_saga_change_init(&sagas[i]);
    sagas[0].action = step->action;
    sagas[0].type = varve_view_str(name.type);
    sagas[0].id = varve_view_str(name.id);
    sagas[0].expected = step->version;
    sagas[0].step = varve_view_str(step->action == VARVE_SAGA_STEP || step->action == VARVE_SAGA_COMPENSATE ? "s" : "");
    sagas[0].has_state = step->has_state;
    sagas[0].state = varve_view_str(step->has_state ? text : "");
    sagas[0].event_id = sagas_id(step->n, SAGAS_TRANSITION);
    sagas[1].action = VARVE_SAGA_BEGIN;
    sagas[1].type = varve_view_str(SAGAS_TIMER_TYPE);
    sagas[1].id = varve_view_str(timer);
    sagas[1].deadline_us = worker->deadline_us;
    sagas[1].event_id = sagas_id(step->n, SAGAS_TIMER);
    const struct varve_transact_request request = { .appends = { &stream, 1, &event, NULL, 1 }, .sagas = sagas,
                                                    .saga_count = step->has_timer ? 2 : 1,
                                                    .checkpoints = &checkpoint, .checkpoint_count = 1 };
    return varve_client_transact(client, &request, ret_outcome, error);
}

static void note_fault(struct saga_worker *worker, uint64_t n, const char *what, const char *detail)
{
    snprintf(worker->fault, sizeof(worker->fault), "transaction %" PRIu64 ": %s %s", n, what, detail);
}

/* False: the connection was lost, or something is wrong. */
static bool do_next(struct saga_worker *worker, struct varve_client *client)
{
    struct saga_lives lives = worker->lives;
    struct saga_step step = sagas_next(&lives);
    struct varve_transact_outcome outcome;
    struct varve_error error;

    if (worker->deadline_us == VARVE_TIME_NONE)
        worker->deadline_us = now_us() + (int64_t)(step.n % 200) * 1000;
    enum varve_status status = try_transaction(worker, client, &step, &outcome, &error);
    if (status == VARVE_UNREACHABLE || status == VARVE_DISCONNECTED || status == VARVE_NOT_READY ||
        status == VARVE_TIMEOUT)
        return false;
    if (status != VARVE_OK)
        note_fault(worker, step.n, varve_status_name(status), error.message);
    else if (outcome.sagas[0].version != step.version + 1 || outcome.checkpoints[0].version != (int64_t)step.n - 1 ||
             outcome.results[0].first_version != (int64_t)step.n - 1)
        note_fault(worker, step.n, "was acknowledged with numbers of something else", "");
    worker->lives = lives;
    worker->deadline_us = VARVE_TIME_NONE;
    return worker->fault[0] == '\0';
}

static struct varve_client *make_client(struct saga_worker *worker)
{
    struct varve_client_options options;
    struct varve_client *client = NULL;
    struct varve_error error;

    varve_client_options_init(&options);
    options.reconnect_attempts = worker->persists ? 1000 : 0;
    options.reconnect_delay_ms = 1;
    if (varve_client_create(worker->url, &options, &client, &error) != VARVE_OK)
        snprintf(worker->fault, sizeof(worker->fault), "%.150s", error.message);
    return client;
}

static void *work_on(void *argument)
{
    struct saga_worker *worker = argument;
    struct varve_client *client = make_client(worker);

    while (client != NULL && !atomic_load(&worker->stop) && do_next(worker, client))
        ;
    varve_client_free(client);
    return NULL;
}

void sagas_begin(struct saga_worker *worker, bool persists)
{
    worker->persists = persists;
    atomic_store(&worker->stop, false);
    if (pthread_create(&worker->thread, NULL, work_on, worker) != 0)
        abort();
}

void sagas_end(struct saga_worker *worker)
{
    atomic_store(&worker->stop, true);
    pthread_join(worker->thread, NULL);
}

void sagas_settle(struct saga_worker *worker)
{
    worker->persists = true;
    struct varve_client *client = make_client(worker);

    if (client != NULL && worker->deadline_us != VARVE_TIME_NONE && !do_next(worker, client) &&
        worker->fault[0] == '\0')
        note_fault(worker, worker->lives.transactions + 1, "cannot be settled", "");
    varve_client_free(client);
}
