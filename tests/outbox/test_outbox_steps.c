/* test_outbox_steps.c - what log and figures are told of an outbox's steps. */
#include "fake_kafka.h"
#include "hands_fixture.h"

static void a_report_says_what_went_wrong(void **state)
{
    struct outbox_report report = { .step = OUTBOX_STEP_PUBLISH };
    struct varve_error error;

    assert_false(outbox_report_fault(&report, OUTBOX_MISCONFIGURED, "CODE", "because of %d", 7));
    assert_int_equal(report.result, OUTBOX_MISCONFIGURED);
    assert_string_equal(report.fault.code, "CODE");
    assert_string_equal(report.fault.reason, "because of 7");
    assert_int_equal(report.halt, VARVE_HALT_NONE);

    varve_fail(&error, VARVE_DISK_FULL, NULL, "no room");
    assert_false(outbox_report_status(&report, &error));
    assert_int_equal(report.result, OUTBOX_AGAIN);
    assert_int_equal(report.halt, VARVE_HALT_NONE);
    assert_string_equal(report.fault.code, "DISK_FULL");

    varve_fail(&error, VARVE_CORRUPT, NULL, "position 3");
    assert_false(outbox_report_status(&report, &error));
    assert_int_equal(report.halt, VARVE_HALT_LOG_CORRUPT);
    assert_false(outbox_report_halt(&report, VARVE_HALT_PARK_LIMIT, "%s", "too many"));
    assert_int_equal(report.halt, VARVE_HALT_PARK_LIMIT);
    assert_true(report.result != OUTBOX_DONE);
}

static void each_phase_is_told_with_its_reason(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake_plan(FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", 0, 2);
    hands_start(h);
    hands_wait_position(h, hands_append(h, "a-1", "went", 1));
    hands_wait_phase(h, VARVE_OUTBOX_RUN);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_OK);
    hands_wait_phase(h, VARVE_OUTBOX_PAUSED);
    struct outbox_figures *figures = outbox_figures_of(h->outbox);
    assert_int_equal(figures->rebuilds, 2);
    assert_int_equal(figures->rebuild_reasons.counts[0], 2);
    assert_string_equal(figures->rebuild_reasons.codes[0], "_TRANSPORT");
    assert_true(figures->breaker_opened >= 1);
    hands_stop(h);
    const char *log = hands_log(h);
    assert_non_null(strstr(log, "event=outbox.backoff outbox=t position=0"));
    assert_non_null(strstr(log, "_TRANSPORT"));
    assert_non_null(strstr(log, "so it was ordered"));
    assert_non_null(strstr(log, "event=outbox.running"));
    assert_non_null(strstr(log, "event=outbox.paused"));
    assert_non_null(strstr(log, "event=outbox.stopped"));
    hands_close(h);
}

static void what_nobody_can_mend_here_is_told_as_an_error(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake_plan(FAKE_CREATE, OUTBOX_MISCONFIGURED, "_INVALID_ARG", 0, 1000);
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_HALTED);
    assert_int_equal(h->view.halt, VARVE_HALT_CONFIG);
    const char *log = hands_log(h);
    assert_non_null(strstr(log, "level=error service=varved event=outbox.halted"));
    assert_non_null(strstr(log, "halt=CONFIG"));
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_report_says_what_went_wrong),
        cmocka_unit_test(each_phase_is_told_with_its_reason),
        cmocka_unit_test(what_nobody_can_mend_here_is_told_as_an_error),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
