/* state_driver.c - see state_driver.h. */
#include "state_driver.h"

#include "support/check.h"

struct outbox_settings driven_settings(void)
{
    return (struct outbox_settings){
        .transactional = true, .max_events = 100, .far_max_events = 200, .far_behind = 5000, .gap_us = -1,
        .poison_attempts = 3, .backoff_min_us = 100000, .backoff_max_us = 30000000, .probe_events = 10,
        .config_attempts = 3,
    };
}

void driven_begin(struct driven *driven, const struct outbox_settings *settings)
{
    *driven = (struct driven){ .now_us = 1000000, .head = 1000 };
    outbox_state_init(&driven->state, settings, 42);
    outbox_state_check(&driven->state);
}

struct outbox_todo driven_next(const struct driven *driven)
{
    return outbox_state_next(&driven->state, driven->now_us, driven->head);
}

void driven_report(struct driven *driven, const struct outbox_report *report)
{
    driven->now_us += 1000;
    outbox_state_report(&driven->state, driven->now_us, driven->head, report);
}

struct outbox_todo driven_wait(struct driven *driven)
{
    struct outbox_todo todo = driven_next(driven);

    for (int i = 0; i < 4 && todo.step == OUTBOX_STEP_WAIT && todo.until_us != INT64_MAX; i++) {
        driven->now_us = todo.until_us > driven->now_us ? todo.until_us : driven->now_us;
        outbox_state_report(&driven->state, driven->now_us, driven->head,
                            &(struct outbox_report){ .step = OUTBOX_STEP_WAIT });
        todo = driven_next(driven);
    }
    return todo;
}

static struct outbox_report well_done(const struct driven *driven, const struct outbox_todo *todo)
{
    struct outbox_report report = { .step = todo->step, .position = driven->state.position };
    uint64_t left = driven->head - driven->state.position;

    if (todo->step == OUTBOX_STEP_PUBLISH) {
        report.events = todo->max_events < left ? todo->max_events : (uint32_t)left;
        report.position = report.last_sent = driven->state.position + report.events;
        report.committed = true;
    }
    if (todo->step == OUTBOX_STEP_RECOVER)
        report.generation = driven->state.generation;
    if (todo->step == OUTBOX_STEP_CLAIM)
        report.generation = driven->state.seen_generation + 1;
    if (todo->step == OUTBOX_STEP_SET_ASIDE)
        report.position = todo->position;
    report.committed = report.committed || todo->step == OUTBOX_STEP_JOB;
    return report;
}

struct outbox_todo driven_do(struct driven *driven)
{
    struct outbox_todo todo = driven_wait(driven);
    struct outbox_report report = well_done(driven, &todo);

    driven_report(driven, &report);
    return driven_wait(driven);
}

void driven_until(struct driven *driven, enum outbox_step step)
{
    int steps = 0;

    while (driven_wait(driven).step != step) {
        assert_true(steps++ < 1000);
        driven_do(driven);
    }
}

struct outbox_todo driven_fail(struct driven *driven, enum outbox_result result)
{
    struct outbox_todo todo = driven_wait(driven);
    struct outbox_report report = { .step = todo.step, .result = result,
                                    .fault = { .code = "_TRANSPORT", .call = "a call", .reason = "it was so" } };

    driven_report(driven, &report);
    return driven_next(driven);
}

struct outbox_todo driven_refuse(struct driven *driven, uint64_t poison)
{
    struct outbox_todo todo = driven_wait(driven);
    struct outbox_report report = well_done(driven, &todo);

    assert_int_equal(todo.step, OUTBOX_STEP_PUBLISH);
    if (poison == 0 || (poison > driven->state.position && poison <= report.last_sent)) {
        report.result = OUTBOX_REFUSED;
        report.committed = false;
        report.fault = (struct outbox_fault){ .code = "MSG_SIZE_TOO_LARGE", .is_poison = true };
    }
    driven_report(driven, &report);
    return driven_next(driven);
}

void driven_to(struct driven *driven, enum varve_outbox_phase phase)
{
    struct outbox_state *state = &driven->state;

    if (phase == VARVE_OUTBOX_STOPPED)
        return;
    outbox_state_start(state, 0, phase == VARVE_OUTBOX_PAUSED);
    if (phase == VARVE_OUTBOX_INIT || phase == VARVE_OUTBOX_PAUSED)
        return;
    driven_until(driven, phase == VARVE_OUTBOX_RECOVER ? OUTBOX_STEP_RECOVER : OUTBOX_STEP_PUBLISH);
    if (phase == VARVE_OUTBOX_BACKOFF || phase == VARVE_OUTBOX_PROBE)
        driven_fail(driven, OUTBOX_AGAIN);
    if (phase == VARVE_OUTBOX_ISOLATE)
        driven_refuse(driven, 0);
    if (phase == VARVE_OUTBOX_PROBE || phase == VARVE_OUTBOX_ISOLATE)
        driven_until(driven, OUTBOX_STEP_PUBLISH);
    if (phase == VARVE_OUTBOX_REFRESH) {
        struct outbox_report report = { .step = OUTBOX_STEP_PUBLISH, .position = 5, .events = 5, .last_sent = 5,
                                        .committed = true, .is_suspect = true };
        driven_report(driven, &report);
    }
    if (phase == VARVE_OUTBOX_HALTED) {
        struct outbox_report report = { .step = OUTBOX_STEP_PUBLISH, .halt = VARVE_HALT_LOG_CORRUPT };
        driven_report(driven, &report);
    }
    assert_int_equal(state->phase, phase);
}
