/* outbox_state_check.c - the rules of an outbox's machine, as asserts. */
#include "outbox_state_parts.h"

#include <assert.h>
#include <string.h>

static bool is_at_work(const struct outbox_state *state)
{
    return state->phase == VARVE_OUTBOX_RUN || state->phase == VARVE_OUTBOX_PROBE ||
           (state->phase == VARVE_OUTBOX_ISOLATE && state->ready);
}

static void check_phase(const struct outbox_state *state)
{
    bool stands = state->phase == VARVE_OUTBOX_PAUSED || state->phase == VARVE_OUTBOX_HALTED ||
                  state->phase == VARVE_OUTBOX_STOPPED || state->stopping;

    assert((unsigned)state->phase < VARVE_OUTBOX_PHASES);
    assert(!state->paused || stands);                                      /* Orders are obeyed at once. */
    assert(state->phase != VARVE_OUTBOX_PAUSED || state->paused || state->stopping);
    assert((state->phase == VARVE_OUTBOX_HALTED) == (state->halt != VARVE_HALT_NONE) || state->stopping);
    assert((unsigned)state->halt < VARVE_HALTS);
    assert(state->phase != VARVE_OUTBOX_HALTED || state->reason[0] != '\0');
    if (state->phase == VARVE_OUTBOX_INIT)
        assert(state->due == OUTBOX_STEP_LOOK || state->due == OUTBOX_STEP_INIT);
    if (state->phase == VARVE_OUTBOX_RECOVER)
        assert(state->due == OUTBOX_STEP_RECOVER || state->due == OUTBOX_STEP_CLAIM);
    if (state->due == OUTBOX_STEP_LOOK)
        assert(state->settings.transactional);
    if (state->due == OUTBOX_STEP_CLAIM && state->phase == VARVE_OUTBOX_RECOVER)
        assert(state->settings.transactional && state->has_instance);
}

/* Nothing is published but by an instance that has taken over and whose claim is the newest. */
static void check_instance(const struct outbox_state *state)
{
    assert(!is_at_work(state) || state->ready || state->stopping);
    assert(!state->ready || (is_at_work(state) && state->has_instance));
    assert(!state->ready || !state->settings.transactional ||
           (state->generation > 0 && state->generation == state->seen_generation));
    assert(state->generation <= state->seen_generation);
    assert(!state->committed || state->has_instance);
    assert(!state->suspect || state->has_instance);
    assert(!state->ready || !state->settings.transactional || !state->suspect || !state->committed);
}

static void check_breaker(const struct outbox_state *state)
{
    enum varve_outbox_breaker breaker = outbox_state_breaker(state);

    if (state->stopping)
        return;
    assert(state->misconfigured <= state->failures || state->misconfigured <= state->settings.config_attempts);
    switch (state->phase) {
    case VARVE_OUTBOX_RUN:
        assert(breaker == VARVE_BREAKER_CLOSED && state->reason[0] == '\0');
        break;
    case VARVE_OUTBOX_ISOLATE:
    case VARVE_OUTBOX_PAUSED:
        assert(breaker == VARVE_BREAKER_CLOSED);
        break;
    case VARVE_OUTBOX_BACKOFF:
        assert(breaker == VARVE_BREAKER_OPEN && state->reason[0] != '\0');
        break;
    case VARVE_OUTBOX_PROBE:
        assert(breaker == VARVE_BREAKER_HALF_OPEN);
        break;
    default:
        assert(breaker != VARVE_BREAKER_OPEN || state->phase == VARVE_OUTBOX_HALTED);
        break;
    }
}

static void check_search(const struct outbox_state *state)
{
    if (!outbox_state_is_isolating(state)) {
        assert(state->isolate_bad == 0 && state->isolate_events == 0);
        assert(state->attempts == 0 && state->attempt_position == 0);
        assert(state->phase != VARVE_OUTBOX_ISOLATE || state->stopping);
        return;
    }
    assert(state->isolate_until > state->position);
    assert(state->isolate_bad > 0 && state->isolate_bad <= state->isolate_until);
    assert(state->isolate_events > 0);
    assert(state->phase != VARVE_OUTBOX_RUN);
    assert((state->attempts == 0) == (state->attempt_position == 0));
    assert(state->attempts <= state->settings.poison_attempts);
    if (state->attempts > 0)
        assert(state->attempt_position > state->position && state->attempt_position <= state->isolate_until);
}

static void check_gap(const struct outbox_state *state)
{
    if (!state->settings.transactional)
        assert(state->gap_us == 0);
    else if (state->settings.gap_us >= 0)
        assert(state->gap_us == state->settings.gap_us);
    else
        assert(state->gap_us >= OUTBOX_GAP_MIN_US && state->gap_us <= OUTBOX_GAP_MAX_US);
}

void outbox_state_check(const struct outbox_state *state)
{
    assert(memchr(state->reason, '\0', sizeof(state->reason)) != NULL);
    check_phase(state);
    check_instance(state);
    check_breaker(state);
    check_search(state);
    check_gap(state);
}
