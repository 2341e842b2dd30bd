/* outbox_steps.c - which file does which step; and what log and figures are told of it. */
#include "outbox_parts.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- reports ---------------------------------------------------------------------------------------------------- */

bool outbox_report_fault(struct outbox_report *report, enum outbox_result result, const char *code,
                         const char *format, ...)
{
    va_list arguments;

    report->result = result;
    snprintf(report->fault.code, sizeof(report->fault.code), "%s", code);
    va_start(arguments, format);
    vsnprintf(report->fault.reason, sizeof(report->fault.reason), format, arguments);
    va_end(arguments);
    return false;
}

bool outbox_report_halt(struct outbox_report *report, enum varve_outbox_halt halt, const char *format, ...)
{
    va_list arguments;

    report->result = OUTBOX_AGAIN;
    report->halt = halt;
    snprintf(report->fault.code, sizeof(report->fault.code), "%s", varve_outbox_halt_name(halt));
    va_start(arguments, format);
    vsnprintf(report->fault.reason, sizeof(report->fault.reason), format, arguments);
    va_end(arguments);
    return false;
}

bool outbox_report_status(struct outbox_report *report, const struct varve_error *error)
{
    if (error->status == VARVE_CORRUPT)
        return outbox_report_halt(report, VARVE_HALT_LOG_CORRUPT, "%s", error->message);
    return outbox_report_fault(report, OUTBOX_AGAIN, varve_status_name(error->status), "%s", error->message);
}

/* ---- doing ------------------------------------------------------------------------------------------------------ */

static void do_job(struct outbox *outbox, struct outbox_report *report)
{
    bool has_replay = outbox->memory.replay.number != 0, has_retry = outbox->retries.count > 0;

    report->result = OUTBOX_DONE;
    outbox->replay_turn = has_replay && (!has_retry || !outbox->replay_turn);
    if (outbox->replay_turn)
        outbox_replay_portion(outbox, report);
    else if (has_retry)
        outbox_retry_portion(outbox, report);
}

void outbox_do(struct outbox *outbox, const struct outbox_todo *todo, struct outbox_report *report)
{
    outbox->step = todo->step;
    switch (todo->step) {
    case OUTBOX_STEP_WAIT:
        outbox_wait(outbox, todo, report);
        break;
    case OUTBOX_STEP_LOOK:
        outbox_look_for_rivals(outbox, report);
        break;
    case OUTBOX_STEP_INIT:
        outbox_init_producer(outbox, report);
        break;
    case OUTBOX_STEP_RECOVER:
        outbox_recover(outbox, report);
        break;
    case OUTBOX_STEP_CLAIM:
        outbox_claim(outbox, report);
        break;
    case OUTBOX_STEP_PUBLISH:
        outbox_publish(outbox, todo->max_events, report);
        break;
    case OUTBOX_STEP_SET_ASIDE:
        outbox_set_aside_next(outbox, todo, report);
        break;
    case OUTBOX_STEP_JOB:
        do_job(outbox, report);
        break;
    case OUTBOX_STEP_RELEASE:
        outbox_release(outbox);
        break;
    }
}

/* ---- telling ---------------------------------------------------------------------------------------------------- */

static enum log_level level_of(enum varve_outbox_phase phase)
{
    switch (phase) {
    case VARVE_OUTBOX_HALTED:
        return LOG_LEVEL_ERROR;
    case VARVE_OUTBOX_BACKOFF:
    case VARVE_OUTBOX_ISOLATE:
        return LOG_LEVEL_WARN;
    case VARVE_OUTBOX_INIT:
    case VARVE_OUTBOX_RECOVER:
    case VARVE_OUTBOX_PROBE: /* An attempt after a failure is told by what comes of it. */
        return LOG_LEVEL_DEBUG;
    default:
        return LOG_LEVEL_INFO;
    }
}

/* "outbox.running" for RUN, and so on. */
static const char *event_of(enum varve_outbox_phase phase)
{
    static const char *const names[VARVE_OUTBOX_PHASES] = {
        [VARVE_OUTBOX_STOPPED] = "outbox.stopped", [VARVE_OUTBOX_INIT] = "outbox.init",
        [VARVE_OUTBOX_RECOVER] = "outbox.recover", [VARVE_OUTBOX_RUN] = "outbox.running",
        [VARVE_OUTBOX_REFRESH] = "outbox.refresh", [VARVE_OUTBOX_ISOLATE] = "outbox.isolate",
        [VARVE_OUTBOX_BACKOFF] = "outbox.backoff", [VARVE_OUTBOX_PROBE] = "outbox.probe",
        [VARVE_OUTBOX_PAUSED] = "outbox.paused", [VARVE_OUTBOX_HALTED] = "outbox.halted",
    };

    return names[phase];
}

static void tell_phase(struct outbox *outbox, const struct outbox_report *report)
{
    const struct outbox_state *state = &outbox->state;
    int64_t wait_us = state->until_us - outbox_now_us();
    bool failed = state->phase == VARVE_OUTBOX_BACKOFF || state->phase == VARVE_OUTBOX_HALTED ||
                  state->phase == VARVE_OUTBOX_ISOLATE;
    struct log_field fields[] = {
        log_text("outbox", outbox->config->name),
        log_number("position", state->position),
        log_number("generation", state->generation),
        log_text("breaker", varve_outbox_breaker_name(outbox_state_breaker(state))),
        log_text("reason", failed ? state->reason : ""),
        log_text("code", failed ? report->fault.code : ""),
        log_text("halt", varve_outbox_halt_name(state->halt)),
        log_number("failures", state->failures),
        log_number("wait_ms", state->phase == VARVE_OUTBOX_BACKOFF && wait_us > 0 ? (uint64_t)wait_us / 1000 : 0),
    };

    log_event(outbox->log, level_of(state->phase), event_of(state->phase), fields,
              failed ? sizeof(fields) / sizeof(fields[0]) : 4);
}

static void count_changes(struct outbox *outbox, const struct outbox_report *report)
{
    enum varve_outbox_breaker breaker = outbox_state_breaker(&outbox->state);

    if (outbox->told_phase != outbox->state.phase && outbox->state.phase == VARVE_OUTBOX_REFRESH)
        outbox_count(outbox, epoch_refreshes, 1);
    if (outbox->told_breaker == VARVE_BREAKER_CLOSED && breaker == VARVE_BREAKER_OPEN)
        outbox_count(outbox, breaker_opened, 1);
    outbox->told_breaker = breaker;
    if (report->result != OUTBOX_DONE && report->result != OUTBOX_INTERRUPTED) {
        outbox_count(outbox, rebuilds, 1);
        outbox_figures_count_code(&outbox->figures, &outbox->figures.rebuild_reasons, report->fault.code);
        outbox_counted_attempt(outbox, report);
    }
}

void outbox_tell(struct outbox *outbox, const struct outbox_report *report)
{
    count_changes(outbox, report);
    /* A failed attempt leads from BACKOFF to BACKOFF by way of INIT, so each is seen. */
    if (outbox->told_phase != outbox->state.phase)
        tell_phase(outbox, report);
    outbox->told_phase = outbox->state.phase;
}
