/* outbox_state.c - see outbox_state.h.
 *
 *               start                          DONE              DONE              claimed
 *   STOPPED ------------> INIT [LOOK] INIT ------------> RECOVER [RECOVER] -----> [CLAIM] ----+--> RUN      no failures
 *      ^                   ^   |   |                        |                        |        +--> PROBE    after some
 *      | RELEASE, stop     |   |   +--------- failure ------+----------- failure ----+        +--> ISOLATE  in a search
 *      |                   |   |                            v
 *   any phase              |   | foreign claim       BACKOFF (breaker OPEN)
 *                          |   v                            | RELEASE, time
 *        RELEASE, time     |  HALTED <-- what only an       v
 *   REFRESH ---------------+  ^          operator mends    INIT (HALF_OPEN)
 *      ^                   |  | resume, reset: INIT
 *      |                   |
 *   RUN, PROBE, ISOLATE    +--- ISOLATE (not ready) <-- refused for what it is -- RUN, PROBE, ISOLATE
 *   committed, but the instance is not trusted          RELEASE, time
 *
 *   any phase -- pause --> PAUSED -- RELEASE; resume --> INIT
 *
 *   phase     asks for                 DONE                          else
 *   --------  -----------------------  ----------------------------  ------------------------------------------------
 *   STOPPED   WAIT
 *   INIT      LOOK (rebuild only)      INIT; HALTED(SUPERSEDED)      BACKOFF
 *             INIT                     RECOVER                       BACKOFF
 *   RECOVER   RECOVER                  CLAIM; HALTED(SUPERSEDED)     BACKOFF
 *             CLAIM                    RUN, PROBE, ISOLATE; REFRESH  BACKOFF
 *   RUN       PUBLISH, JOB, WAIT       RUN; REFRESH                  BACKOFF; ISOLATE (PUBLISH), REFRESH (JOB) REFUSED
 *   PROBE     PUBLISH (few), WAIT      RUN, ISOLATE; REFRESH         BACKOFF; ISOLATE
 *   ISOLATE   RELEASE, WAIT, if not    INIT
 *             ready; PUBLISH (few),    ISOLATE; RUN, when the range  BACKOFF; ISOLATE with half of it; HALTED(POISON)
 *             SET_ASIDE                is passed; REFRESH
 *   REFRESH   RELEASE, WAIT            INIT
 *   BACKOFF   RELEASE, WAIT            INIT
 *   PAUSED    RELEASE, WAIT
 *   HALTED    RELEASE, WAIT
 *
 *   Any step: a halt that the hands report leads to HALTED; INTERRUPTED to REFRESH; MISCONFIGURED for the n-th time in
 *   a row to HALTED(CONFIG). FENCED is a failure like others: whether another process took over, or Kafka only lost its
 *   patience with us, is said by the claim that LOOK finds. at_least_once knows no LOOK, no CLAIM, and no REFRESH after
 *   a commit.
 *
 * Two things are not as simple as they could be. LOOK comes only after this process has read the checkpoint once: what
 * the log remembers of generations may be older than the last claim of the process before. And an instance that follows
 * one that did its work goes on under the old claim if that still stands: a broker that is down for long makes every
 * instance suspect, and then the one transaction that each may make must not always be the claim. */
#include "outbox_state_parts.h"

#include <assert.h>
#include <stdio.h>

void outbox_state_init(struct outbox_state *state, const struct outbox_settings *settings, uint64_t seed)
{
    assert(settings->max_events > 0 && settings->far_max_events > 0 && settings->probe_events > 0);
    assert(settings->poison_attempts > 0 && settings->config_attempts > 0);
    assert(settings->backoff_min_us <= settings->backoff_max_us && settings->backoff_max_us < INT64_MAX / 2);
    *state = (struct outbox_state){
        .settings = *settings, .phase = VARVE_OUTBOX_STOPPED, .due = OUTBOX_STEP_INIT,
        .random = seed | 1, .last_commit_us = INT64_MIN / 2, .gap_us = outbox_state_first_gap(settings),
    };
}

static void begin(struct outbox_state *state)
{
    state->phase = VARVE_OUTBOX_INIT;
    state->due = state->settings.transactional && state->rebuild ? OUTBOX_STEP_LOOK : OUTBOX_STEP_INIT;
    state->ready = false;
}

/* By order: what was before is over. */
static void begin_anew(struct outbox_state *state)
{
    state->failures = state->misconfigured = state->job_failures = 0;
    state->job_until_us = 0;
    state->halt = VARVE_HALT_NONE;
    state->reason[0] = '\0';
    state->refreshing = false;
    if (state->paused) {
        state->phase = VARVE_OUTBOX_PAUSED;
        state->ready = false;
    } else {
        begin(state);
    }
}

void outbox_state_start(struct outbox_state *state, uint64_t hint_generation, bool paused)
{
    assert(state->phase == VARVE_OUTBOX_STOPPED);
    state->seen_generation = hint_generation;
    state->rebuild = state->stopping = false;
    state->paused = paused;
    begin_anew(state);
}

/* ---- what next ---- */

static struct outbox_todo wait_until(int64_t until_us)
{
    return (struct outbox_todo){ .step = OUTBOX_STEP_WAIT, .until_us = until_us };
}

/* What is of no use any more goes before anything else is waited for. */
static struct outbox_todo release_or_wait(const struct outbox_state *state, int64_t until_us)
{
    return state->has_instance ? (struct outbox_todo){ .step = OUTBOX_STEP_RELEASE } : wait_until(until_us);
}

static uint32_t batch_size(const struct outbox_state *state, uint64_t head)
{
    const struct outbox_settings *settings = &state->settings;
    uint32_t most = head - state->position > settings->far_behind ? settings->far_max_events : settings->max_events;

    if (outbox_state_is_isolating(state))
        most = state->isolate_events;
    if (state->phase == VARVE_OUTBOX_PROBE && most > settings->probe_events)
        most = settings->probe_events;
    return most;
}

static struct outbox_todo work(const struct outbox_state *state, int64_t now_us, uint64_t head)
{
    bool takes_jobs = state->phase == VARVE_OUTBOX_RUN && state->jobs;
    bool job = takes_jobs && now_us >= state->job_until_us;
    struct outbox_todo idle = { .step = OUTBOX_STEP_WAIT, .for_events = true,
                                .until_us = takes_jobs ? state->job_until_us : INT64_MAX };

    if (!job && state->position >= head)
        return idle;
    if (now_us < state->last_commit_us + state->gap_us)
        return wait_until(state->last_commit_us + state->gap_us);
    if (state->attempts >= state->settings.poison_attempts)
        return (struct outbox_todo){ .step = OUTBOX_STEP_SET_ASIDE, .position = state->attempt_position,
                                     .attempts = state->attempts };
    if (job && (state->job_turn || state->position >= head))
        return (struct outbox_todo){ .step = OUTBOX_STEP_JOB };
    return (struct outbox_todo){ .step = OUTBOX_STEP_PUBLISH, .max_events = batch_size(state, head) };
}

struct outbox_todo outbox_state_next(const struct outbox_state *state, int64_t now_us, uint64_t head)
{
    if (state->stopping)
        return release_or_wait(state, INT64_MAX);
    switch (state->phase) {
    case VARVE_OUTBOX_INIT:
    case VARVE_OUTBOX_RECOVER:
        return (struct outbox_todo){ .step = state->due };
    case VARVE_OUTBOX_RUN:
    case VARVE_OUTBOX_PROBE:
        return work(state, now_us, head);
    case VARVE_OUTBOX_ISOLATE:
        return state->ready ? work(state, now_us, head) : release_or_wait(state, state->until_us);
    case VARVE_OUTBOX_REFRESH:
    case VARVE_OUTBOX_BACKOFF:
        return release_or_wait(state, state->until_us);
    default:
        return release_or_wait(state, INT64_MAX);
    }
}

/* ---- what a report says, whatever was ordered meanwhile ---- */

static void move_to(struct outbox_state *state, uint64_t position)
{
    state->position = position;
    if (position >= state->attempt_position)
        state->attempt_position = state->attempts = 0;
    if (position >= state->isolate_until)
        outbox_state_forget_poison(state);
}

static bool has_committed(const struct outbox_report *report)
{
    return report->result == OUTBOX_DONE && (report->step == OUTBOX_STEP_CLAIM || report->committed);
}

static void note_generation(struct outbox_state *state, uint64_t generation)
{
    if (generation > state->seen_generation)
        state->seen_generation = generation;
}

static void note_done(struct outbox_state *state, const struct outbox_report *report)
{
    switch (report->step) {
    case OUTBOX_STEP_RECOVER:
        state->rebuild = true;
        note_generation(state, report->generation);
        move_to(state, report->position);
        break;
    case OUTBOX_STEP_CLAIM:
        assert(report->generation > state->generation);
        state->generation = report->generation;
        note_generation(state, report->generation);
        break;
    case OUTBOX_STEP_PUBLISH:
    case OUTBOX_STEP_SET_ASIDE:
        assert(report->position >= state->position);
        move_to(state, report->position);
        break;
    default:
        break;
    }
}

static void note(struct outbox_state *state, int64_t now_us, const struct outbox_report *report)
{
    bool gone = report->step == OUTBOX_STEP_RELEASE, anew = report->step == OUTBOX_STEP_INIT;

    if (report->step == OUTBOX_STEP_LOOK || anew || gone) {
        state->has_instance = !gone;
        state->ready = state->committed = state->suspect = false;
    }
    state->suspect = state->suspect || (report->is_suspect && state->has_instance);
    if (report->result == OUTBOX_DONE && report->halt == VARVE_HALT_NONE)
        note_done(state, report);
    if (!has_committed(report))
        return;
    state->last_commit_us = now_us;
    state->committed = state->has_instance;
    if (report->step == OUTBOX_STEP_PUBLISH)
        outbox_state_tune_gap(state, report->first_ack_us);
}

/* ---- the moves ---- */

/* A new instance, though nothing failed. */
static void refresh(struct outbox_state *state, int64_t now_us)
{
    state->phase = VARVE_OUTBOX_REFRESH;
    state->ready = false;
    state->until_us = now_us + state->gap_us;
}

static void close_breaker(struct outbox_state *state)
{
    state->failures = state->misconfigured = 0;
    if (!outbox_state_is_isolating(state))
        state->reason[0] = '\0';
}

/* Ready, and something went well: with nothing left to try it on, that is proof enough. */
static void go_on(struct outbox_state *state, int64_t now_us, uint64_t head, bool proven)
{
    if (proven || state->position >= head)
        close_breaker(state);
    if (state->settings.transactional && state->suspect && state->committed) {
        state->refreshing = true;
        refresh(state, now_us);
        return;
    }
    state->ready = true;
    state->refreshing = false;
    if (state->failures > 0)
        state->phase = VARVE_OUTBOX_PROBE;
    else
        state->phase = outbox_state_is_isolating(state) ? VARVE_OUTBOX_ISOLATE : VARVE_OUTBOX_RUN;
    if (state->phase == VARVE_OUTBOX_RUN)
        state->reason[0] = '\0';
}

static void give_way(struct outbox_state *state, const struct outbox_report *report)
{
    snprintf(state->reason, sizeof(state->reason), "another process has claimed the checkpoint: generation %llu, and "
             "this one knew of %llu", (unsigned long long)report->generation,
             (unsigned long long)state->seen_generation);
    outbox_state_halt(state, VARVE_HALT_SUPERSEDED);
}

static void on_recovered(struct outbox_state *state, int64_t now_us, uint64_t head, const struct outbox_report *report)
{
    bool ours = !report->is_foreign && state->generation > 0 && report->generation == state->generation;

    if (state->settings.transactional && !(state->refreshing && ours))
        state->due = OUTBOX_STEP_CLAIM;
    else
        go_on(state, now_us, head, false);
}

static void on_work_done(struct outbox_state *state, int64_t now_us, uint64_t head, const struct outbox_report *report)
{
    if (report->step == OUTBOX_STEP_JOB)
        state->job_failures = 0;
    if (report->step == OUTBOX_STEP_PUBLISH)
        outbox_state_narrow(state, report->events);
    if (report->step != OUTBOX_STEP_WAIT)
        state->job_turn = report->step != OUTBOX_STEP_JOB;
    go_on(state, now_us, head, report->committed);
}

static void on_done(struct outbox_state *state, int64_t now_us, uint64_t head, const struct outbox_report *report)
{
    switch (report->step) {
    case OUTBOX_STEP_LOOK:
        state->due = OUTBOX_STEP_INIT;
        break;
    case OUTBOX_STEP_INIT:
        state->phase = VARVE_OUTBOX_RECOVER;
        state->due = OUTBOX_STEP_RECOVER;
        break;
    case OUTBOX_STEP_RECOVER:
        on_recovered(state, now_us, head, report);
        break;
    case OUTBOX_STEP_CLAIM:
        go_on(state, now_us, head, false);
        break;
    default:
        on_work_done(state, now_us, head, report);
        break;
    }
}

static bool is_poison(const struct outbox_state *state, const struct outbox_report *report)
{
    return report->result == OUTBOX_REFUSED && report->fault.is_poison && report->step == OUTBOX_STEP_PUBLISH &&
           report->events > 0 && report->last_sent > state->position;
}

static void on_failure(struct outbox_state *state, int64_t now_us, const struct outbox_report *report)
{
    bool job = report->step == OUTBOX_STEP_JOB;

    state->refreshing = false;
    if (job)
        state->job_turn = false;
    if (report->result == OUTBOX_INTERRUPTED) {
        refresh(state, now_us);
    } else if (is_poison(state, report)) {
        outbox_state_refuse(state, now_us, report);
    } else if (job && report->result == OUTBOX_REFUSED && report->fault.is_poison) {
        refresh(state, now_us);
    } else {
        if (job)
            outbox_state_job_failed(state, now_us);
        outbox_state_back_off(state, now_us, report);
    }
}

/* Somebody else's claim that is newer than all that this process knew of. */
static bool is_superseded(const struct outbox_state *state, const struct outbox_report *report)
{
    bool has_looked = report->step == OUTBOX_STEP_LOOK || report->step == OUTBOX_STEP_RECOVER;

    return state->settings.transactional && state->rebuild && has_looked && report->result == OUTBOX_DONE &&
           report->is_foreign && report->generation > state->seen_generation;
}

/* Is the report about what the machine is at? Not when an order came in between. */
static bool is_expected(const struct outbox_state *state, enum outbox_step step)
{
    switch (state->phase) {
    case VARVE_OUTBOX_INIT:
    case VARVE_OUTBOX_RECOVER:
        return step == state->due;
    case VARVE_OUTBOX_RUN:
    case VARVE_OUTBOX_PROBE:
    case VARVE_OUTBOX_ISOLATE:
        return state->ready && (step == OUTBOX_STEP_PUBLISH || step == OUTBOX_STEP_SET_ASIDE ||
                                step == OUTBOX_STEP_JOB || step == OUTBOX_STEP_WAIT);
    default:
        return false;
    }
}

static bool is_over(const struct outbox_state *state, int64_t now_us)
{
    bool waits = state->phase == VARVE_OUTBOX_BACKOFF || state->phase == VARVE_OUTBOX_REFRESH ||
                 (state->phase == VARVE_OUTBOX_ISOLATE && !state->ready);

    return waits && !state->has_instance && now_us >= state->until_us;
}

static void move(struct outbox_state *state, int64_t now_us, uint64_t head, const struct outbox_report *report)
{
    if (report->halt != VARVE_HALT_NONE) {
        outbox_state_say(state, &report->fault);
        outbox_state_halt(state, report->halt);
    } else if (report->result == OUTBOX_DONE || report->step == OUTBOX_STEP_WAIT) {
        on_done(state, now_us, head, report);
    } else {
        on_failure(state, now_us, report);
    }
}

void outbox_state_report(struct outbox_state *state, int64_t now_us, uint64_t head, const struct outbox_report *report)
{
    bool expected = !state->stopping && is_expected(state, report->step);
    bool superseded = expected && is_superseded(state, report);

    if (superseded)
        give_way(state, report);
    note(state, now_us, report);
    if (state->stopping && !state->has_instance)
        state->phase = VARVE_OUTBOX_STOPPED;
    if (expected && !superseded)
        move(state, now_us, head, report);
    else if (!state->stopping && report->step == OUTBOX_STEP_WAIT && is_over(state, now_us))
        begin(state);
    outbox_state_check(state);
}

/* ---- orders ---- */

void outbox_state_pause(struct outbox_state *state)
{
    state->paused = true;
    if (!state->stopping && state->phase != VARVE_OUTBOX_STOPPED && state->phase != VARVE_OUTBOX_HALTED)
        begin_anew(state);
    outbox_state_check(state);
}

void outbox_state_resume(struct outbox_state *state)
{
    bool waits = state->phase == VARVE_OUTBOX_PAUSED || state->phase == VARVE_OUTBOX_HALTED;

    state->paused = false;
    if (waits && !state->stopping) {
        state->rebuild = state->rebuild && state->halt != VARVE_HALT_SUPERSEDED;
        state->attempt_position = state->attempts = 0;
        begin_anew(state);
    }
    outbox_state_check(state);
}

void outbox_state_reset(struct outbox_state *state)
{
    if (!state->stopping && state->phase != VARVE_OUTBOX_STOPPED) {
        state->rebuild = false;
        outbox_state_forget_poison(state);
        begin_anew(state);
    }
    outbox_state_check(state);
}

void outbox_state_stop(struct outbox_state *state)
{
    state->stopping = true;
    state->ready = false;
    if (!state->has_instance)
        state->phase = VARVE_OUTBOX_STOPPED;
    outbox_state_check(state);
}

void outbox_state_set_jobs(struct outbox_state *state, bool jobs)
{
    state->jobs = jobs;
    if (!jobs) {
        state->job_failures = 0;
        state->job_until_us = 0;
    }
}

enum varve_outbox_breaker outbox_state_breaker(const struct outbox_state *state)
{
    if (state->failures == 0)
        return VARVE_BREAKER_CLOSED;
    if (state->phase == VARVE_OUTBOX_BACKOFF || state->phase == VARVE_OUTBOX_HALTED)
        return VARVE_BREAKER_OPEN;
    return VARVE_BREAKER_HALF_OPEN;
}
