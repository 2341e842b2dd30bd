/* test_outbox_state.c - every phase and every report; orders; claims; waits; jobs. */
#include "state_driver.h"
#include "support/check.h"

static void begin(struct driven *driven)
{
    struct outbox_settings settings = driven_settings();

    driven_begin(driven, &settings);
}

static void begin_at(struct driven *driven, enum varve_outbox_phase phase)
{
    begin(driven);
    driven_to(driven, phase);
}

/* ---- phase by report ---- */

enum { LOOK_FIRST = 1, SUSPECT = 2, FOREIGN = 4, NO_POISON = 8, ONE = 16, HALT = 32 };

static const struct {
    const char *label;
    enum varve_outbox_phase from;
    unsigned how;
    enum outbox_step step;
    enum outbox_result result;
    enum varve_outbox_phase to;
    enum outbox_step next;      /* after waits that end by themselves */
} cases[] = {
#define P(name) VARVE_OUTBOX_##name
#define S(name) OUTBOX_STEP_##name
#define R(name) OUTBOX_##name
    { "a first producer",          P(INIT), 0, S(INIT), R(DONE), P(RECOVER), S(RECOVER) },
    { "no first producer",         P(INIT), 0, S(INIT), R(AGAIN), P(BACKOFF), S(RELEASE) },
    { "a first producer, fenced",  P(INIT), 0, S(INIT), R(FENCED), P(BACKOFF), S(RELEASE) },
    { "a property is wrong",       P(INIT), 0, S(INIT), R(MISCONFIGURED), P(BACKOFF), S(RELEASE) },
    { "an order while it begins",  P(INIT), 0, S(INIT), R(INTERRUPTED), P(REFRESH), S(RELEASE) },
    { "suspect from the start",    P(INIT), SUSPECT, S(INIT), R(DONE), P(RECOVER), S(RECOVER) },
    { "the claim is ours",         P(INIT), LOOK_FIRST, S(LOOK), R(DONE), P(INIT), S(INIT) },
    { "the claim is another's",    P(INIT), LOOK_FIRST | FOREIGN, S(LOOK), R(DONE), P(HALTED), S(RELEASE) },
    { "the claim cannot be read",  P(INIT), LOOK_FIRST, S(LOOK), R(AGAIN), P(BACKOFF), S(RELEASE) },
    { "a checkpoint",              P(RECOVER), 0, S(RECOVER), R(DONE), P(RECOVER), S(CLAIM) },
    { "a first checkpoint, foreign", P(RECOVER), FOREIGN, S(RECOVER), R(DONE), P(RECOVER), S(CLAIM) },
    { "a later one, foreign",      P(RECOVER), LOOK_FIRST | FOREIGN, S(RECOVER), R(DONE), P(HALTED), S(RELEASE) },
    { "a checkpoint that is odd",  P(RECOVER), HALT, S(RECOVER), R(DONE), P(HALTED), S(RELEASE) },
    { "no checkpoint was read",    P(RECOVER), 0, S(RECOVER), R(AGAIN), P(BACKOFF), S(RELEASE) },
    { "a batch",                   P(RUN), 0, S(PUBLISH), R(DONE), P(RUN), S(PUBLISH) },
    { "a batch, suspect",          P(RUN), SUSPECT, S(PUBLISH), R(DONE), P(REFRESH), S(RELEASE) },
    { "a batch, outcome unknown",  P(RUN), 0, S(PUBLISH), R(AGAIN), P(BACKOFF), S(RELEASE) },
    { "a batch, fenced",           P(RUN), 0, S(PUBLISH), R(FENCED), P(BACKOFF), S(RELEASE) },
    { "a batch, no rights",        P(RUN), 0, S(PUBLISH), R(MISCONFIGURED), P(BACKOFF), S(RELEASE) },
    { "a batch, interrupted",      P(RUN), 0, S(PUBLISH), R(INTERRUPTED), P(REFRESH), S(RELEASE) },
    { "a batch, refused",          P(RUN), 0, S(PUBLISH), R(REFUSED), P(ISOLATE), S(RELEASE) },
    { "one event, refused",        P(RUN), ONE, S(PUBLISH), R(REFUSED), P(ISOLATE), S(RELEASE) },
    { "refused, but no poison",    P(RUN), NO_POISON, S(PUBLISH), R(REFUSED), P(BACKOFF), S(RELEASE) },
    { "the log is damaged",        P(RUN), HALT, S(PUBLISH), R(DONE), P(HALTED), S(RELEASE) },
    { "a wait",                    P(RUN), 0, S(WAIT), R(DONE), P(RUN), S(PUBLISH) },
    { "a wait, suspect by the end", P(RUN), SUSPECT, S(WAIT), R(DONE), P(REFRESH), S(RELEASE) },
    { "a job",                     P(RUN), 0, S(JOB), R(DONE), P(RUN), S(PUBLISH) },
    { "a job, refused",            P(RUN), 0, S(JOB), R(REFUSED), P(REFRESH), S(RELEASE) },
    { "a job, not done",           P(RUN), 0, S(JOB), R(AGAIN), P(BACKOFF), S(RELEASE) },
    { "a job, suspect",            P(RUN), SUSPECT, S(JOB), R(DONE), P(REFRESH), S(RELEASE) },
    { "a probe",                   P(PROBE), 0, S(PUBLISH), R(DONE), P(RUN), S(PUBLISH) },
    { "a probe, suspect",          P(PROBE), SUSPECT, S(PUBLISH), R(DONE), P(REFRESH), S(RELEASE) },
    { "a probe that fails",        P(PROBE), 0, S(PUBLISH), R(AGAIN), P(BACKOFF), S(RELEASE) },
    { "a probe, refused",          P(PROBE), 0, S(PUBLISH), R(REFUSED), P(ISOLATE), S(RELEASE) },
    { "a part",                    P(ISOLATE), 0, S(PUBLISH), R(DONE), P(ISOLATE), S(PUBLISH) },
    { "a part, refused",           P(ISOLATE), 0, S(PUBLISH), R(REFUSED), P(ISOLATE), S(RELEASE) },
    { "a part, outcome unknown",   P(ISOLATE), 0, S(PUBLISH), R(AGAIN), P(BACKOFF), S(RELEASE) },
    { "a part, suspect",           P(ISOLATE), SUSPECT, S(PUBLISH), R(DONE), P(REFRESH), S(RELEASE) },
    { "released, refreshing",      P(REFRESH), 0, S(RELEASE), R(DONE), P(REFRESH), S(LOOK) },
    { "released, after a failure", P(BACKOFF), 0, S(RELEASE), R(DONE), P(BACKOFF), S(LOOK) },
    { "nothing to release",        P(PAUSED), 0, S(WAIT), R(DONE), P(PAUSED), S(WAIT) },
    { "released, halted",          P(HALTED), 0, S(RELEASE), R(DONE), P(HALTED), S(WAIT) },
    { "late, paused",              P(PAUSED), 0, S(PUBLISH), R(AGAIN), P(PAUSED), S(WAIT) },
    { "late, halted",              P(HALTED), 0, S(JOB), R(DONE), P(HALTED), S(RELEASE) },
    { "late, stopped",             P(STOPPED), 0, S(PUBLISH), R(DONE), P(STOPPED), S(WAIT) },
};

static struct outbox_report report_of(const struct driven *driven, size_t i)
{
    uint32_t events = cases[i].how & ONE ? 1 : 10;
    struct outbox_report report = {
        .step = cases[i].step, .result = cases[i].result, .position = driven->state.position,
        .is_suspect = cases[i].how & SUSPECT, .is_foreign = cases[i].how & FOREIGN,
        .halt = cases[i].how & HALT ? VARVE_HALT_LOG_CORRUPT : VARVE_HALT_NONE, .committed = cases[i].step != S(WAIT),
        .fault = { .code = "SOME_CODE", .is_poison = !(cases[i].how & NO_POISON) },
    };

    if (cases[i].how & FOREIGN)
        report.generation = driven->state.seen_generation + 1;
    if (cases[i].step == S(PUBLISH)) {
        report.events = events;
        report.last_sent = driven->state.position + events;
        report.position += cases[i].result == R(DONE) ? events : 0;
    }
    return report;
}

static void every_phase_answers_every_report(void **unused)
{
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct driven driven;
        begin_at(&driven, cases[i].how & LOOK_FIRST ? P(RUN) : cases[i].from);
        if (cases[i].how & LOOK_FIRST) {
            driven_fail(&driven, OUTBOX_AGAIN);
            driven_until(&driven, cases[i].step);
        }
        struct outbox_report report = report_of(&driven, i);
        driven_report(&driven, &report);
        CHECK_CASE(driven.state.phase == cases[i].to, cases[i].label);
        CHECK_CASE((cases[i].next == S(RELEASE) ? driven_next(&driven) : driven_wait(&driven)).step == cases[i].next,
                   cases[i].label);
    }
}

/* ---- the way up ---- */

static void the_first_instance_does_not_look(void **unused)
{
    struct driven driven;

    begin(&driven);
    outbox_state_start(&driven.state, 7, false);
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_INIT);
    driven_fail(&driven, OUTBOX_AGAIN);
    driven_until(&driven, OUTBOX_STEP_INIT); /* Nothing was read yet: a claim of whoever was before is no surprise. */
    assert_int_equal(driven_do(&driven).step, OUTBOX_STEP_RECOVER);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_RECOVER, .position = 20, .generation = 9,
                                                    .is_foreign = true });
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_CLAIM);
    assert_int_equal(driven.state.seen_generation, 9);
    driven_do(&driven);
    assert_int_equal(driven.state.generation, 10);
    assert_int_equal(driven.state.position, 20);
    driven_fail(&driven, OUTBOX_AGAIN);
    driven_next(&driven);
    driven_until(&driven, OUTBOX_STEP_LOOK);
}

/* A claim of which nobody knows whether it was committed, and then the one before it is found. */
static void an_old_foreign_claim_is_gone_past(void **unused)
{
    struct driven driven;

    begin(&driven);
    outbox_state_start(&driven.state, 0, false);
    driven_do(&driven);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_RECOVER, .generation = 9, .is_foreign = true });
    driven_fail(&driven, OUTBOX_AGAIN); /* the claim */
    driven_until(&driven, OUTBOX_STEP_LOOK);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_LOOK, .generation = 9, .is_foreign = true });
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_INIT);
    driven_do(&driven);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_RECOVER, .generation = 10 }); /* It was. */
    driven_do(&driven);
    assert_int_equal(driven.state.generation, 11);
}

static void who_is_superseded_says_by_whom_and_stays(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven_fail(&driven, OUTBOX_FENCED);
    driven_until(&driven, OUTBOX_STEP_LOOK);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_LOOK, .generation = 2, .is_foreign = true });
    assert_int_equal(driven.state.halt, VARVE_HALT_SUPERSEDED);
    assert_non_null(strstr(driven.state.reason, "generation 2"));
    driven_do(&driven);
    driven.now_us += INT64_C(86400000000);
    assert_int_equal(driven_wait(&driven).step, OUTBOX_STEP_WAIT);
    assert_true(driven_next(&driven).until_us == INT64_MAX);
    outbox_state_resume(&driven.state); /* An operator wants this one. */
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_INIT);
    driven_do(&driven);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_RECOVER, .generation = 2, .is_foreign = true });
    driven_do(&driven);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_RUN);
    assert_int_equal(driven.state.generation, 3);
}

/* ---- refreshing ---- */

static void a_refresh_goes_on_under_the_claim_that_stands(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_REFRESH);
    assert_int_equal(driven.state.failures, 0);
    driven_do(&driven);
    driven_until(&driven, OUTBOX_STEP_RECOVER);
    assert_int_equal(driven_do(&driven).step, OUTBOX_STEP_PUBLISH);
    assert_int_equal(driven.state.generation, 1);
    assert_true(driven.state.ready);
}

/* A broker that stays away makes every instance suspect. */
static void who_is_always_suspect_publishes_all_the_same(void **unused)
{
    struct driven driven;
    unsigned batches = 0;

    begin(&driven);
    outbox_state_start(&driven.state, 0, false);
    for (int i = 0; i < 200 && driven.state.position < driven.head; i++) {
        struct outbox_todo todo = driven_wait(&driven);
        struct outbox_report report = { .step = todo.step, .is_suspect = todo.step != OUTBOX_STEP_RELEASE,
                                        .position = driven.state.position, .generation = driven.state.generation };
        if (todo.step == OUTBOX_STEP_CLAIM)
            report.generation++;
        if (todo.step == OUTBOX_STEP_PUBLISH) {
            assert_false(driven.state.committed); /* One transaction for each instance. */
            report.position = report.last_sent = driven.state.position + 100;
            report.events = 100;
            report.committed = true;
            batches++;
        }
        driven_report(&driven, &report);
    }
    assert_int_equal(driven.state.position, driven.head);
    assert_int_equal(batches, 10);
}

/* ---- at_least_once ---- */

static void at_least_once_neither_looks_nor_claims_nor_refreshes(void **unused)
{
    struct outbox_settings settings = driven_settings();
    struct driven driven;

    settings.transactional = false;
    driven_begin(&driven, &settings);
    outbox_state_start(&driven.state, 0, false);
    assert_int_equal(driven_do(&driven).step, OUTBOX_STEP_RECOVER);
    assert_int_equal(driven_do(&driven).step, OUTBOX_STEP_PUBLISH);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_PUBLISH, .position = 9, .committed = true,
                                                    .is_suspect = true, .events = 9, .last_sent = 9 });
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_RUN);
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_PUBLISH); /* And at once: there is no gap. */
    driven_fail(&driven, OUTBOX_AGAIN);
    driven_until(&driven, OUTBOX_STEP_INIT);
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_PROBE);
}

/* ---- orders, from every phase ---- */

static const enum varve_outbox_phase phases[] = { P(STOPPED), P(INIT), P(RECOVER), P(RUN), P(REFRESH), P(ISOLATE),
                                                  P(BACKOFF), P(PROBE), P(PAUSED), P(HALTED) };

static void drain_releases(struct driven *driven)
{
    if (driven_next(driven).step == OUTBOX_STEP_RELEASE)
        driven_do(driven);
    assert_int_equal(driven_next(driven).step, OUTBOX_STEP_WAIT);
    assert_true(driven_next(driven).until_us == INT64_MAX && !driven_next(driven).for_events);
    assert_false(driven->state.has_instance);
}

static void stop_ends_every_phase(void **unused)
{
    assert_int_equal(COUNT_OF(phases), VARVE_OUTBOX_PHASES);
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        struct driven driven;
        begin_at(&driven, phases[i]);
        bool had_instance = driven.state.has_instance;
        outbox_state_stop(&driven.state);
        CHECK_CASE((driven_next(&driven).step == OUTBOX_STEP_RELEASE) == had_instance,
                   varve_outbox_phase_name(phases[i]));
        drain_releases(&driven);
        CHECK_CASE(driven.state.phase == VARVE_OUTBOX_STOPPED, varve_outbox_phase_name(phases[i]));
    }
}

static void pause_and_resume_work_in_every_phase(void **unused)
{
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        struct driven driven;
        bool stays = phases[i] == P(STOPPED) || phases[i] == P(HALTED);
        begin_at(&driven, phases[i]);
        outbox_state_pause(&driven.state);
        CHECK_CASE(driven.state.phase == (stays ? phases[i] : P(PAUSED)), varve_outbox_phase_name(phases[i]));
        if (i % 2 == 0)
            drain_releases(&driven);
        outbox_state_resume(&driven.state);
        if (phases[i] == P(STOPPED))
            continue;
        CHECK_CASE(driven.state.phase == P(INIT) && driven.state.halt == VARVE_HALT_NONE,
                   varve_outbox_phase_name(phases[i]));
        driven_until(&driven, OUTBOX_STEP_PUBLISH);
        outbox_state_resume(&driven.state); /* Nothing to resume, nothing happens. */
        assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_PUBLISH);
    }
}

static void reset_begins_anew_in_every_phase(void **unused)
{
    for (size_t i = 0; i < COUNT_OF(phases); i++) {
        struct driven driven;
        begin_at(&driven, phases[i]);
        outbox_state_reset(&driven.state);
        if (phases[i] == P(PAUSED) || phases[i] == P(STOPPED)) {
            assert_int_equal(driven.state.phase, phases[i]);
            continue;
        }
        assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_INIT);
        driven_do(&driven);
        driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_RECOVER, .position = 0,
                                                        .generation = driven.state.seen_generation });
        driven_until(&driven, OUTBOX_STEP_PUBLISH);
        CHECK_CASE(driven.state.phase == P(RUN) && driven.state.position == 0, varve_outbox_phase_name(phases[i]));
    }
}

/* A batch is on its way, and an operator does not wait for it. What it did counts all the same. */
static void an_order_may_come_while_a_step_is_under_way(void **unused)
{
    struct outbox_report done = { .step = OUTBOX_STEP_PUBLISH, .position = 50, .events = 50, .last_sent = 50,
                                  .committed = true };
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    outbox_state_pause(&driven.state);
    driven_report(&driven, &done);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_PAUSED);
    assert_int_equal(driven.state.position, 50);
    outbox_state_resume(&driven.state);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_PUBLISH, .result = OUTBOX_FENCED });
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_LOOK);
    outbox_state_stop(&driven.state);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_LOOK, .result = OUTBOX_INTERRUPTED });
    drain_releases(&driven);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_STOPPED);
    outbox_state_start(&driven.state, 1, false);
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
}

static void what_was_paused_stays_so_when_started(void **unused)
{
    struct driven driven;

    begin(&driven);
    outbox_state_start(&driven.state, 3, true);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_PAUSED);
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_WAIT);
    outbox_state_resume(&driven.state);
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_INIT);
}

/* ---- sizes, waits, jobs ---- */

static void batches_grow_when_far_behind(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    assert_int_equal(driven_wait(&driven).max_events, 100);
    driven.head = driven.state.position + 5000;
    assert_int_equal(driven_wait(&driven).max_events, 100);
    driven.head++;
    assert_int_equal(driven_wait(&driven).max_events, 200);
}

static void the_gap_is_kept_after_every_commit(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_PUBLISH, .position = 9, .committed = true,
                                                    .events = 9, .last_sent = 9 });
    struct outbox_todo todo = driven_next(&driven);
    assert_int_equal(todo.step, OUTBOX_STEP_WAIT);
    assert_true(todo.until_us == driven.now_us + OUTBOX_GAP_START_US && !todo.for_events);
    driven.now_us = todo.until_us;
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_PUBLISH);
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_PUBLISH, .position = 10 }); /* Without one. */
    assert_int_equal(driven_next(&driven).step, OUTBOX_STEP_PUBLISH);
}

static void at_the_end_it_waits_for_events(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    while (driven.state.position < driven.head)
        driven_do(&driven);
    struct outbox_todo todo = driven_next(&driven);
    assert_int_equal(todo.step, OUTBOX_STEP_WAIT);
    assert_true(todo.for_events && todo.until_us == INT64_MAX);
    driven.head++;
    assert_int_equal(driven_wait(&driven).step, OUTBOX_STEP_PUBLISH);
}

static void jobs_and_batches_take_turns(void **unused)
{
    struct driven driven;
    enum outbox_step before = OUTBOX_STEP_JOB;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    outbox_state_set_jobs(&driven.state, true);
    for (int i = 0; i < 6; i++) {
        enum outbox_step step = driven_wait(&driven).step;
        assert_int_equal(step, before == OUTBOX_STEP_JOB ? OUTBOX_STEP_PUBLISH : OUTBOX_STEP_JOB);
        before = step;
        driven_do(&driven);
    }
    driven.head = driven.state.position;
    for (int i = 0; i < 3; i++, driven_do(&driven))
        assert_int_equal(driven_wait(&driven).step, OUTBOX_STEP_JOB);
    outbox_state_set_jobs(&driven.state, false);
    assert_true(driven_wait(&driven).for_events);
}

/* Nothing to publish, and a job that never succeeds: it waits longer each time, and events pass meanwhile. */
static void a_job_that_fails_does_not_hold_up_events(void **unused)
{
    struct driven driven;
    int64_t waited = 0;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven.head = driven.state.position;
    outbox_state_set_jobs(&driven.state, true);
    for (int i = 0; i < 12; i++) {
        driven_until(&driven, OUTBOX_STEP_JOB);
        int64_t failed_us = driven.now_us;
        driven_fail(&driven, OUTBOX_AGAIN);
        driven.head++;
        driven_until(&driven, OUTBOX_STEP_PUBLISH);
        assert_true(driven.now_us - failed_us < 1000000);
        driven_do(&driven);
        driven_until(&driven, OUTBOX_STEP_JOB);
        waited = driven.now_us - failed_us;
    }
    assert_true(waited > 200000);
    driven_do(&driven);
    assert_int_equal(driven.state.job_failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_phase_answers_every_report),
        cmocka_unit_test(the_first_instance_does_not_look),
        cmocka_unit_test(an_old_foreign_claim_is_gone_past),
        cmocka_unit_test(who_is_superseded_says_by_whom_and_stays),
        cmocka_unit_test(a_refresh_goes_on_under_the_claim_that_stands),
        cmocka_unit_test(who_is_always_suspect_publishes_all_the_same),
        cmocka_unit_test(at_least_once_neither_looks_nor_claims_nor_refreshes),
        cmocka_unit_test(stop_ends_every_phase),
        cmocka_unit_test(pause_and_resume_work_in_every_phase),
        cmocka_unit_test(reset_begins_anew_in_every_phase),
        cmocka_unit_test(an_order_may_come_while_a_step_is_under_way),
        cmocka_unit_test(what_was_paused_stays_so_when_started),
        cmocka_unit_test(batches_grow_when_far_behind),
        cmocka_unit_test(the_gap_is_kept_after_every_commit),
        cmocka_unit_test(at_the_end_it_waits_for_events),
        cmocka_unit_test(jobs_and_batches_take_turns),
        cmocka_unit_test(a_job_that_fails_does_not_hold_up_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
