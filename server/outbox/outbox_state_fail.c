/* outbox_state_fail.c - what an outbox does about failures: waiting longer and longer when it is the environment, and
 * looking for the one event when Kafka refuses something for what it is.
 *
 * The search halves: a range that was refused is tried again by its first half. As long as what was refused lies ahead,
 * each success halves too, for it must be in the rest; behind it the portions double again. Failures of the environment
 * say nothing about events, and leave all of this as it is. */
#include "outbox_state_parts.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* xorshift64* */
static uint64_t next_random(struct outbox_state *state)
{
    state->random ^= state->random >> 12;
    state->random ^= state->random << 25;
    state->random ^= state->random >> 27;
    return state->random * 2685821657736338717u;
}

/* Anything from the shortest wait to the shortest doubled `times`, within the longest: so that many who failed together
 * do not come back together. */
static int64_t jittered_us(struct outbox_state *state, uint32_t times)
{
    uint64_t low = state->settings.backoff_min_us, high = low, most = state->settings.backoff_max_us;

    for (uint32_t i = 0; i < times && high < most; i++)
        high = high > most / 2 ? most : high * 2;
    return (int64_t)(low + next_random(state) % (high - low + 1));
}

/* The sentence without the call that it may begin with: that is said already. */
static const char *sentence_of(const struct outbox_fault *fault)
{
    size_t length = fault->call != NULL ? strlen(fault->call) : 0;
    bool says_it = length > 0 && strncmp(fault->reason, fault->call, length) == 0 &&
                   strncmp(&fault->reason[length], ": ", 2) == 0;

    return says_it ? &fault->reason[length + 2] : fault->reason;
}

void outbox_state_say(struct outbox_state *state, const struct outbox_fault *fault)
{
    const char *sentence = sentence_of(fault);
    bool has_call = fault->call != NULL, has_code = fault->code[0] != '\0', has_reason = sentence[0] != '\0';
    int length = snprintf(state->reason, sizeof(state->reason), "%s%s%s%s%s", has_call ? fault->call : "",
                          has_call && (has_code || has_reason) ? ": " : "", fault->code,
                          has_code && has_reason ? ": " : "", sentence);

    if (length <= 0)
        snprintf(state->reason, sizeof(state->reason), "failed, and nothing says why");
}

void outbox_state_halt(struct outbox_state *state, enum varve_outbox_halt halt)
{
    assert(halt != VARVE_HALT_NONE);
    state->phase = VARVE_OUTBOX_HALTED;
    state->halt = halt;
    state->ready = state->refreshing = false;
}

void outbox_state_back_off(struct outbox_state *state, int64_t now_us, const struct outbox_report *report)
{
    outbox_state_say(state, &report->fault);
    state->failures += state->failures < UINT32_MAX;
    state->misconfigured = report->result == OUTBOX_MISCONFIGURED ? state->misconfigured + 1 : 0;
    if (state->misconfigured >= state->settings.config_attempts) {
        outbox_state_halt(state, VARVE_HALT_CONFIG);
        return;
    }
    state->phase = VARVE_OUTBOX_BACKOFF;
    state->ready = state->refreshing = false;
    state->until_us = now_us + jittered_us(state, state->failures);
}

bool outbox_state_is_isolating(const struct outbox_state *state)
{
    return state->isolate_until != 0;
}

void outbox_state_forget_poison(struct outbox_state *state)
{
    state->isolate_until = state->isolate_bad = state->attempt_position = 0;
    state->isolate_events = state->attempts = 0;
    state->attempt_code[0] = '\0';
}

static void count_attempt(struct outbox_state *state, const struct outbox_report *report)
{
    bool again = state->attempt_position == report->last_sent && strcmp(state->attempt_code, report->fault.code) == 0;

    state->attempts = again ? state->attempts + 1 : 1;
    state->attempt_position = report->last_sent;
    snprintf(state->attempt_code, sizeof(state->attempt_code), "%s", report->fault.code);
}

void outbox_state_refuse(struct outbox_state *state, int64_t now_us, const struct outbox_report *report)
{
    assert(report->events > 0 && report->last_sent > state->position);
    outbox_state_say(state, &report->fault);
    state->failures = state->misconfigured = 0; /* Kafka is there, and answers. */
    state->isolate_until = report->last_sent > state->isolate_until ? report->last_sent : state->isolate_until;
    state->isolate_bad = report->last_sent;
    state->isolate_events = report->events / 2 > 1 ? report->events / 2 : 1;
    state->until_us = now_us + state->gap_us;
    if (report->events == 1) {
        count_attempt(state, report);
        state->until_us = now_us + jittered_us(state, state->attempts);
    }
    state->phase = VARVE_OUTBOX_ISOLATE;
    state->ready = state->refreshing = false;
    if (state->attempts >= state->settings.poison_attempts && state->settings.poison_halts)
        outbox_state_halt(state, VARVE_HALT_POISON);
}

void outbox_state_narrow(struct outbox_state *state, uint32_t events)
{
    uint32_t now = state->isolate_events, most = state->settings.max_events;

    if (!outbox_state_is_isolating(state) || events == 0)
        return;
    if (state->position < state->isolate_bad)
        state->isolate_events = now > 1 ? now / 2 : 1;
    else
        state->isolate_events = now > most / 2 ? most : now * 2;
}

void outbox_state_job_failed(struct outbox_state *state, int64_t now_us)
{
    state->job_failures += state->job_failures < UINT32_MAX;
    state->job_until_us = now_us + jittered_us(state, state->job_failures);
}
