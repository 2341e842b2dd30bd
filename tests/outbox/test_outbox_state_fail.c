/* test_outbox_state_fail.c - the breaker, its waits, and the search for the one event that Kafka refuses. */
#include "state_driver.h"
#include "support/check.h"

#include <stdlib.h>

static void begin_at(struct driven *driven, enum varve_outbox_phase phase)
{
    struct outbox_settings settings = driven_settings();

    driven_begin(driven, &settings);
    driven_to(driven, phase);
}

/* ---- the environment ---- */

static void waits_grow_within_their_bounds(void **unused)
{
    struct driven driven;
    int64_t longest = 0;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    for (uint32_t n = 1; n <= 200; n++) {
        driven_fail(&driven, OUTBOX_AGAIN);
        int64_t wait = driven.state.until_us - driven.now_us, most = n < 9 ? 100000 << n : 30000000;
        assert_int_equal(driven.state.phase, VARVE_OUTBOX_BACKOFF);
        assert_int_equal(driven.state.failures, n);
        assert_int_equal(outbox_state_breaker(&driven.state), VARVE_BREAKER_OPEN);
        assert_in_range(wait, 100000, most);
        longest = wait > longest ? wait : longest;
        driven_do(&driven); /* RELEASE */
        driven_wait(&driven);
        assert_int_equal(outbox_state_breaker(&driven.state), VARVE_BREAKER_HALF_OPEN);
        assert_string_equal(driven.state.reason, "a call: _TRANSPORT: it was so");
    }
    assert_true(longest > 20000000);
}

static void a_probe_is_small_and_closes_the_breaker(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_PROBE);
    assert_int_equal(driven_wait(&driven).max_events, 10);
    /* Events with nothing to send prove nothing. */
    driven_report(&driven, &(struct outbox_report){ .step = OUTBOX_STEP_PUBLISH, .position = 4 });
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_PROBE);
    driven_do(&driven);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_RUN);
    assert_int_equal(driven.state.failures, 0);
    assert_string_equal(driven.state.reason, "");
}

/* The claim was a transaction; with nothing else to send it is proof enough. */
static void with_nothing_to_publish_the_claim_closes_the_breaker(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven_fail(&driven, OUTBOX_AGAIN);
    driven.head = driven.state.position;
    driven_until(&driven, OUTBOX_STEP_CLAIM);
    assert_int_equal(outbox_state_breaker(&driven.state), VARVE_BREAKER_HALF_OPEN);
    driven_do(&driven);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_RUN);
}

static void a_misconfiguration_halts_after_some_tries_in_a_row(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven_fail(&driven, OUTBOX_MISCONFIGURED);
    driven_until(&driven, OUTBOX_STEP_CLAIM);
    driven_fail(&driven, OUTBOX_MISCONFIGURED);
    driven_until(&driven, OUTBOX_STEP_CLAIM);
    driven_fail(&driven, OUTBOX_AGAIN); /* Not in a row. */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(driven.state.phase, VARVE_OUTBOX_BACKOFF);
        driven_until(&driven, OUTBOX_STEP_INIT);
        driven_fail(&driven, OUTBOX_MISCONFIGURED);
    }
    assert_int_equal(driven.state.halt, VARVE_HALT_CONFIG);
    assert_int_equal(outbox_state_breaker(&driven.state), VARVE_BREAKER_OPEN);
    outbox_state_resume(&driven.state);
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_RUN);
}

static void a_fault_that_says_nothing_is_told_all_the_same(void **unused)
{
    struct outbox_fault fault = { .code = "" };
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    outbox_state_say(&driven.state, &fault);
    assert_string_equal(driven.state.reason, "failed, and nothing says why");
    memset(fault.reason, 'x', sizeof(fault.reason) - 1);
    fault.call = "commit_transaction";
    outbox_state_say(&driven.state, &fault);
    assert_int_equal(strlen(driven.state.reason), sizeof(driven.state.reason) - 1);
    assert_memory_equal(driven.state.reason, "commit_transaction: xxx", 23);
}

static void the_call_is_said_once(void **unused)
{
    struct outbox_fault fault = { .code = "_TIMED_OUT", .call = "fetch", .reason = "fetch: it was late" };
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    outbox_state_say(&driven.state, &fault);
    assert_string_equal(driven.state.reason, "fetch: _TIMED_OUT: it was late");
    snprintf(fault.reason, sizeof(fault.reason), "fetching took too long");
    outbox_state_say(&driven.state, &fault);
    assert_string_equal(driven.state.reason, "fetch: _TIMED_OUT: fetching took too long");
}

/* ---- poison ---- */

/* Do what is asked for, with these events refused. Fails now and then in between, when `faults`. Returns the number of
 * transactions; *ret_aside: positions set aside, in order, ended by 0. */
static unsigned publish_all(struct driven *driven, const uint64_t *poison, size_t count, bool faults,
                            uint64_t *ret_aside)
{
    unsigned steps = 0, transactions = 0;

    while (driven->state.position < driven->head) {
        struct outbox_todo todo = driven_wait(driven);
        assert_true(steps++ < 5000);
        transactions += todo.step == OUTBOX_STEP_PUBLISH;
        if (faults && steps % 7 == 0 && todo.step != OUTBOX_STEP_RELEASE && todo.step != OUTBOX_STEP_WAIT) {
            driven_fail(driven, steps % 2 ? OUTBOX_AGAIN : OUTBOX_FENCED);
            continue;
        }
        if (todo.step == OUTBOX_STEP_SET_ASIDE) {
            assert_int_equal(todo.attempts, driven->state.settings.poison_attempts);
            *ret_aside++ = todo.position;
        }
        uint64_t last = driven->state.position + todo.max_events, refused = 0;
        for (size_t i = 0; i < count && todo.step == OUTBOX_STEP_PUBLISH; i++)
            if (poison[i] > driven->state.position && poison[i] <= last)
                refused = poison[i];
        if (refused != 0)
            driven_refuse(driven, refused);
        else
            driven_do(driven);
    }
    *ret_aside = 0;
    return transactions;
}

static void the_search_finds_exactly_the_events_that_are_refused(void **unused)
{
    static const struct {
        const char *label;
        uint64_t poison[6];
    } searches[] = {
        { "the first", { 1 } }, { "the last", { 1000 } }, { "one in the middle", { 537 } },
        { "two together", { 64, 65 } }, { "two in one batch", { 1, 100 } }, { "at edges", { 100, 101, 200, 201 } },
        { "none", { 0 } },
    };

    for (size_t i = 0; i < COUNT_OF(searches); i++)
        for (int faults = 0; faults < 2; faults++) {
            struct driven driven;
            uint64_t aside[32];
            size_t count = 0;
            begin_at(&driven, VARVE_OUTBOX_RUN);
            while (count < 6 && searches[i].poison[count] != 0)
                count++;
            unsigned transactions = publish_all(&driven, searches[i].poison, count, faults, aside);
            for (size_t k = 0; k < count; k++)
                CHECK_CASE(aside[k] == searches[i].poison[k], searches[i].label);
            CHECK_CASE(aside[count] == 0, searches[i].label);
            CHECK_CASE(faults || transactions <= 10 + 20 * count, searches[i].label);
            CHECK_CASE(!outbox_state_is_isolating(&driven.state), searches[i].label);
        }
}

static void an_event_is_tried_again_before_it_is_set_aside(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven.head = 1;
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        driven_until(&driven, OUTBOX_STEP_PUBLISH);
        driven_refuse(&driven, 1);
        assert_int_equal(driven.state.attempts, attempt);
        assert_true(driven.state.until_us >= driven.now_us + 100000); /* Nothing is hurried. */
        assert_int_equal(driven.state.failures, 0);                   /* And Kafka is well. */
    }
    driven_until(&driven, OUTBOX_STEP_SET_ASIDE); /* By a new instance, under a new claim. */
    assert_int_equal(driven_wait(&driven).position, 1);
    driven_fail(&driven, OUTBOX_AGAIN);           /* The disk is full, say. */
    driven_until(&driven, OUTBOX_STEP_SET_ASIDE); /* It is not tried again at Kafka's. */
    driven_do(&driven);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_RUN);
}

static void another_code_is_another_reason(void **unused)
{
    struct outbox_report report = { .step = OUTBOX_STEP_PUBLISH, .result = OUTBOX_REFUSED, .events = 1, .last_sent = 1,
                                    .fault = { .code = "CORRUPT", .is_poison = true } };
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven_report(&driven, &report);
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
    driven_report(&driven, &report);
    assert_int_equal(driven.state.attempts, 2);
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
    snprintf(report.fault.code, sizeof(report.fault.code), "INVALID_RECORD");
    driven_report(&driven, &report);
    assert_int_equal(driven.state.attempts, 1);
}

/* Who waits an hour for Kafka in the midst of a search goes on where it was. */
static void failures_of_the_environment_change_nothing_in_a_search(void **unused)
{
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    for (int i = 0; i < 7; i++) {
        driven_until(&driven, OUTBOX_STEP_PUBLISH);
        driven_refuse(&driven, 3);
    }
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
    struct outbox_state before = driven.state;
    assert_int_equal(before.phase, VARVE_OUTBOX_ISOLATE);
    for (int i = 0; i < 20; i++) {
        driven_fail(&driven, i % 2 ? OUTBOX_INTERRUPTED : OUTBOX_AGAIN);
        driven_until(&driven, OUTBOX_STEP_INIT);
    }
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_PROBE);
    assert_int_equal(driven.state.isolate_until, before.isolate_until);
    assert_int_equal(driven.state.isolate_bad, before.isolate_bad);
    assert_int_equal(driven.state.isolate_events, before.isolate_events);
    assert_int_equal(driven.state.attempts, before.attempts);
    assert_true(driven_wait(&driven).max_events <= before.isolate_events);
}

static void refusals_that_name_no_event_are_the_environment(void **unused)
{
    struct outbox_report report = { .step = OUTBOX_STEP_PUBLISH, .result = OUTBOX_REFUSED,
                                    .fault = { .code = "MSG_SIZE_TOO_LARGE", .is_poison = true } };
    struct driven driven;

    begin_at(&driven, VARVE_OUTBOX_RUN);
    driven_report(&driven, &report); /* Only a checkpoint was in it. */
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_BACKOFF);
    driven_until(&driven, OUTBOX_STEP_CLAIM);
    report.step = OUTBOX_STEP_CLAIM;
    driven_report(&driven, &report);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_BACKOFF);
    assert_int_equal(driven.state.failures, 2);
}

static void the_policy_may_be_to_halt(void **unused)
{
    struct outbox_settings settings = driven_settings();
    struct driven driven;

    settings.poison_halts = true;
    driven_begin(&driven, &settings);
    driven_to(&driven, VARVE_OUTBOX_RUN);
    driven.head = 1;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            driven_until(&driven, OUTBOX_STEP_PUBLISH);
            driven_refuse(&driven, 1);
        }
        assert_int_equal(driven.state.halt, VARVE_HALT_POISON);
        assert_string_equal(driven.state.reason, "MSG_SIZE_TOO_LARGE");
        outbox_state_resume(&driven.state); /* Which is to try again. */
    }
    driven_until(&driven, OUTBOX_STEP_PUBLISH);
    driven_do(&driven);
    assert_int_equal(driven.state.phase, VARVE_OUTBOX_RUN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_within_their_bounds),
        cmocka_unit_test(a_probe_is_small_and_closes_the_breaker),
        cmocka_unit_test(with_nothing_to_publish_the_claim_closes_the_breaker),
        cmocka_unit_test(a_misconfiguration_halts_after_some_tries_in_a_row),
        cmocka_unit_test(a_fault_that_says_nothing_is_told_all_the_same),
        cmocka_unit_test(the_call_is_said_once),
        cmocka_unit_test(the_search_finds_exactly_the_events_that_are_refused),
        cmocka_unit_test(an_event_is_tried_again_before_it_is_set_aside),
        cmocka_unit_test(another_code_is_another_reason),
        cmocka_unit_test(failures_of_the_environment_change_nothing_in_a_search),
        cmocka_unit_test(refusals_that_name_no_event_are_the_environment),
        cmocka_unit_test(the_policy_may_be_to_halt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
