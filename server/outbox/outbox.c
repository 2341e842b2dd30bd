/* outbox.c - the life of one outbox: started, woken, ordered about, stopped; and the loop of its thread.
 *
 *   orders -> outbox_state_next() -> do it -> outbox_state_report() -> show -> orders ...
 *
 * Nobody but its thread touches Kafka or what it remembers. From outside come wakes (the log has grown), orders, and
 * the wish that it end; out go a view, figures and dead letters, each behind a lock that is never held for long. */
#include "outbox_parts.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "varve/uuid.h"

/* ---- the thread ------------------------------------------------------------------------------------------------- */

static bool has_ended(const struct outbox *outbox)
{
    return outbox->state.stopping && outbox->state.phase == VARVE_OUTBOX_STOPPED && outbox->kafka == NULL;
}

static void begin(struct outbox *outbox)
{
    const struct outbox_config *config = outbox->config;
    const struct outbox_settings settings = {
        .transactional = config->mode == VARVE_OUTBOX_EXACTLY_ONCE,
        .max_events = config->max_events,
        .far_max_events = config->max_events > OUTBOX_FAR_MAX_EVENTS ? config->max_events : OUTBOX_FAR_MAX_EVENTS,
        .far_behind = OUTBOX_FAR_BEHIND,
        .gap_us = config->gap_us,
        .poison_attempts = config->poison_attempts,
        .poison_halts = config->poison_policy == OUTBOX_POISON_HALT,
        .backoff_min_us = config->backoff_min_ms * 1000,
        .backoff_max_us = config->backoff_max_ms * 1000,
        .probe_events = OUTBOX_PROBE_EVENTS,
        .config_attempts = OUTBOX_CONFIG_ATTEMPTS,
    };
    uint64_t seed;

    memcpy(&seed, outbox->owner.bytes + 8, sizeof(seed)); /* The random half. */
    outbox_state_init(&outbox->state, &settings, seed);
    outbox_state_start(&outbox->state, outbox->memory.generation, outbox->memory.paused);
}

static void step(struct outbox *outbox)
{
    struct outbox_state *state = &outbox->state;
    uint64_t head = atomic_load(&outbox->head);
    const struct outbox_todo todo = outbox_state_next(state, outbox_now_us(), head);
    struct outbox_report report = { .step = todo.step };

    outbox_do(outbox, &todo, &report);
    outbox_state_report(state, outbox_now_us(), atomic_load(&outbox->head), &report);
    outbox_tell(outbox, &report);
    outbox_show(outbox);
}

static void *run(void *user)
{
    struct outbox *outbox = user;

    begin(outbox);
    outbox_show(outbox);
    while (!has_ended(outbox)) {
        outbox_take_orders(outbox);
        outbox_retry_due(outbox, outbox_now_us());
        outbox_state_set_jobs(&outbox->state, outbox->retries.count > 0 || outbox->memory.replay.number != 0);
        step(outbox);
        if (atomic_load(&outbox->stopping) && !outbox->state.stopping)
            outbox_state_stop(&outbox->state);
    }
    outbox_tell(outbox, &(struct outbox_report){ .step = OUTBOX_STEP_WAIT });
    outbox_hint(outbox);
    outbox_show(outbox);
    outbox_refuse_orders(outbox);
    return NULL;
}

/* ---- outside ---------------------------------------------------------------------------------------------------- */

static enum varve_status no_memory(struct varve_error *error)
{
    return varve_fail(error, VARVE_NO_MEMORY, NULL, "no memory for an outbox");
}

/* A process start is an owner. */
static enum varve_status make_owner(struct outbox *outbox, struct varve_error *error)
{
    const struct varve_os *os = varve_os_default();
    uint8_t random[10];

    if (os->random_bytes(os->self, random, sizeof(random)) < 0)
        return varve_fail(error, VARVE_IO, NULL, "the system gives no random bytes");
    varve_uuid_v7(os->now_us(os->self), random, &outbox->owner);
    return VARVE_OK;
}

static void make_condition(struct outbox *outbox)
{
    pthread_condattr_t attributes;

    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&outbox->woken, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&outbox->lock, NULL);
}

static enum varve_status create(const struct outbox_options *options, struct outbox **ret, struct varve_error *error)
{
    struct outbox *outbox = calloc(1, sizeof(*outbox));
    struct varve_stats stats;

    if (outbox == NULL)
        return no_memory(error);
    varve_store_stats(options->store, &stats);
    outbox->config = options->config;
    outbox->store = options->store;
    outbox->log = options->log;
    outbox->counting = options->counting;
    outbox->database_id = stats.database_id;
    outbox->errands_last = &outbox->errands;
    outbox->replay_portion = options->config->max_events;
    atomic_init(&outbox->head, stats.last_position);
    make_condition(outbox);
    outbox_figures_init(&outbox->figures);
    outbox->arena = outbox_arena_create(OUTBOX_ARENA_KEEP);
    *ret = outbox;
    if (outbox->arena == NULL || !outbox_batch_start(&outbox->batch) || !outbox_partitions_start(&outbox->partitions))
        return no_memory(error);
    return make_owner(outbox, error);
}

void outbox_free(struct outbox *outbox)
{
    if (outbox == NULL)
        return;
    assert(!outbox->started || outbox->ended);
    outbox_memory_close(&outbox->memory);
    outbox_retries_end(&outbox->retries);
    outbox_partitions_end(&outbox->partitions);
    outbox_batch_end(&outbox->batch);
    outbox_arena_free(outbox->arena);
    outbox_figures_end(&outbox->figures);
    pthread_cond_destroy(&outbox->woken);
    pthread_mutex_destroy(&outbox->lock);
    free(outbox);
}

/* Signals are the main thread's; librdkafka's threads inherit that. */
static bool start_thread(struct outbox *outbox)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    outbox->started = pthread_create(&outbox->thread, NULL, run, outbox) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return outbox->started;
}

enum varve_status outbox_open(const struct outbox_options *options, struct outbox **ret, struct varve_error *error)
{
    struct outbox *outbox = NULL;
    enum varve_status status = create(options, &outbox, error);

    if (status == VARVE_OK)
        status = outbox_memory_open(&outbox->memory, options->store, options->config->name, error);
    if (status != VARVE_OK) {
        outbox_free(outbox);
        return status;
    }
    outbox->committed = outbox->memory.position;
    outbox_show(outbox);
    *ret = outbox;
    return VARVE_OK;
}

enum varve_status outbox_start(struct outbox *outbox, struct varve_error *error)
{
    return start_thread(outbox) ? VARVE_OK : no_memory(error);
}

static void rouse(struct outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    pthread_cond_signal(&outbox->woken);
    pthread_mutex_unlock(&outbox->lock);
}

void outbox_stop(struct outbox *outbox)
{
    int64_t none = 0;

    atomic_compare_exchange_strong(&outbox->stop_us, &none, outbox_now_us());
    atomic_store(&outbox->stopping, true);
    rouse(outbox);
}

bool outbox_join(struct outbox *outbox, uint64_t timeout_ms)
{
    int64_t until_us = outbox_wall_us() + (int64_t)timeout_ms * 1000; /* pthread_timedjoin_np() knows no other clock. */
    const struct timespec until = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };

    if (!outbox->started || outbox->ended)
        return true;
    outbox->ended = pthread_timedjoin_np(outbox->thread, NULL, &until) == 0;
    return outbox->ended;
}

void outbox_wake(struct outbox *outbox, uint64_t last_position)
{
    uint64_t known = atomic_load(&outbox->head);

    while (known < last_position && !atomic_compare_exchange_weak(&outbox->head, &known, last_position))
        ;
    /* Whoever falls asleep says so, and looks at `head` after that: one of the two sees the other. */
    if (atomic_load(&outbox->asleep))
        rouse(outbox);
}

void outbox_order(struct outbox *outbox, struct outbox_errand *errand)
{
    errand->next = NULL;
    errand->status = VARVE_OK;
    errand->position = errand->count = 0;
    pthread_mutex_lock(&outbox->lock);
    bool refused = outbox->errands_last == NULL;
    if (!refused) {
        *outbox->errands_last = errand;
        outbox->errands_last = &errand->next;
        atomic_store(&outbox->has_errands, true);
        pthread_cond_signal(&outbox->woken);
    }
    pthread_mutex_unlock(&outbox->lock);
    if (refused) {
        errand->status = varve_fail(&errand->error, VARVE_NOT_READY, NULL, "the server is stopping");
        errand->done(errand);
    }
}
