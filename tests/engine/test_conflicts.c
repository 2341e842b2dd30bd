/* test_conflicts.c - what stands in the way of a transaction: every part that failed, what was expected and what is,
 * and a sentence that helps. */
#include "engine/conflicts.h"
#include "support/check.h"
#include "support/transact_fixture.h"

enum { NONE, RUNNING, COMPENSATING, TIMED_OUT, COMPLETED, FAILED, ARCHIVED, STATUSES };
static const char *const ids[STATUSES] = { "none", "running", "compensating", "timed", "completed", "failed",
                                           "archived" };

/* A saga in every status: "*t-running" and so on. */
static void begin_all(struct store_fixture *f)
{
    static const char *const steps[] = {
        ("*t-running:begin!500 *t-compensating:begin *t-timed:begin!500 *t-completed:begin *t-failed:begin "
         "*t-archived:begin"),
        "*t-compensating:compensate/undo *t-timed:time_out *t-completed:complete *t-failed:fail *t-archived:complete",
        "*t-archived:archive",
    };

    fixture_init(f);
    fixture_open(f);
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        if (strncmp(transact(f, steps[i]), "ok ", 3) != 0)
            fail_msg("%s", f->error.message);
}

static void every_action_in_every_status(void **ignored)
{
    /* By status, as above: o it may, f finished, x exists, n not found. */
    static const struct { const char *action, *may; } cases[] = {
        { "begin", "oxxxxxx" },       { "step/s", "noooffn" }, { "compensate/s", "noooffn" },
        { "complete", "nofoffn" }, { "fail", "noooffn" },   { "archive", "nfffoon" },
        { "time_out", "noffffn" }, /* Nothing compensates with a deadline here. */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        begin_all(&f);
        for (int status = 0; status < STATUSES; status++) {
            char text[64];
            snprintf(text, sizeof(text), "*t-%s:%s", ids[status], cases[i].action);
            const char *outcome = transact(&f, text);
            const char *wanted = cases[i].may[status] == 'o'   ? "ok "
                                 : cases[i].may[status] == 'f' ? "SAGA_FINISHED"
                                 : cases[i].may[status] == 'x' ? "SAGA_EXISTS"
                                                               : "SAGA_NOT_FOUND";
            CHECK_CASE(strstr(outcome, wanted) != NULL, text);
        }
        fixture_free(&f);
    }
}

static void sentences_say_what_is_and_what_was_wanted(void **ignored)
{
    static const struct { const char *transaction, *outcome, *sentence; } cases[] = {
        { "*t-running:begin", "no: *t-running SAGA_EXISTS none/0",
          "saga t \"running\": was begun before; it is running, at version 0" },
        { "*t-archived:begin", "no: *t-archived SAGA_EXISTS none/2",
          "saga t \"archived\": was begun before; it is archived, at version 2" },
        { "*t-none:step:3/s", "no: *t-none SAGA_NOT_FOUND 3/none", "saga t \"none\": not found, it was never begun" },
        { "*t-archived:step/s", "no: *t-archived SAGA_NOT_FOUND exists/2",
          "saga t \"archived\": not found, it was archived" },
        { "*t-timed:step:0/s", "no: *t-timed SAGA_CONFLICT 0/1",
          "saga t \"timed\": is timed_out, at version 1, not at 0 as expected" },
        { "*t-completed:step:1/s", "no: *t-completed SAGA_FINISHED 1/1",
          "saga t \"completed\": is completed, at version 1, and cannot step" },
        { "*t-compensating:time_out:1", "no: *t-compensating SAGA_FINISHED 1/1",
          "saga t \"compensating\": has no deadline that could pass; it is compensating, at version 1" },
        { "a:7 *t-none:step/s *t-running:step:0/s *t-timed:fail:9 $p:3=.",
          "no: a WRONG_EXPECTED_VERSION 7/none, *t-none SAGA_NOT_FOUND exists/none, *t-timed SAGA_CONFLICT 9/1, "
          "$p WRONG_EXPECTED_VERSION 3/none", "stream \"a\": expected 7, actual no_stream" },
        { "*t-running:step/s $p:3=.", "no: $p WRONG_EXPECTED_VERSION 3/none",
          "stream \"$p\": expected 3, actual no_stream" },
    };
    struct store_fixture f;

    begin_all(&f);
    uint64_t before = varve_store_last_position(f.store);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_string_equal(transact(&f, cases[i].transaction), cases[i].outcome);
        assert_string_equal(f.error.message, cases[i].sentence);
    }
    assert_int_equal(varve_store_last_position(f.store), before);
    assert_string_equal(saga_counts_text(&f), "t 1,1,1,1,1");
    fixture_free(&f);
}

static void a_conflict_of_a_plain_append_is_about_its_streams(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    struct varve_append *append = fixture_make(&f, "a:none=. b:5=. c:exists");
    assert_int_equal(varve_append_wait(append, &f.error), VARVE_WRONG_EXPECTED_VERSION);
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    assert_int_equal(outcome->conflict_count, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(outcome->conflicts[i].part, VARVE_PART_STREAM);
        assert_int_equal(outcome->conflicts[i].stream_index, i + 1);
    }
    varve_append_free(append);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_action_in_every_status),
        cmocka_unit_test(sentences_say_what_is_and_what_was_wanted),
        cmocka_unit_test(a_conflict_of_a_plain_append_is_about_its_streams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
