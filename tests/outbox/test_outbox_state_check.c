/* test_outbox_state_check.c - each rule of the machine, broken by hand, is noticed. */
#include "state_driver.h"
#include "support/check.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define BREAK(name, change) static void name(struct outbox_state *s) { change; }

BREAK(not_a_phase, s->phase = 10)
BREAK(paused_and_at_work, s->paused = true)
BREAK(pausing_by_itself, s->phase = VARVE_OUTBOX_PAUSED; s->ready = false; s->failures = 0)
BREAK(halted_for_nothing, s->phase = VARVE_OUTBOX_HALTED; s->ready = false)
BREAK(halting_at_work, s->halt = VARVE_HALT_CONFIG)
BREAK(halted_without_a_word, s->phase = VARVE_OUTBOX_HALTED; s->halt = VARVE_HALT_CONFIG; s->ready = false;
      s->reason[0] = '\0')
BREAK(publishing_unready, s->ready = false)
BREAK(publishing_with_nothing, s->has_instance = false; s->committed = s->suspect = false)
BREAK(publishing_unclaimed, s->generation = 0)
BREAK(claim_is_not_the_newest, s->seen_generation++)
BREAK(publishing_though_suspect, s->suspect = s->committed = true)
BREAK(claiming_what_was_not_seen, s->seen_generation--)
BREAK(breaker_open_at_work, s->failures = 1)
BREAK(a_reason_when_all_is_well, s->reason[0] = 'x')
BREAK(waiting_for_no_failure, s->phase = VARVE_OUTBOX_BACKOFF; s->ready = false)
BREAK(probing_for_no_failure, s->phase = VARVE_OUTBOX_PROBE)
BREAK(searching_for_nothing, s->phase = VARVE_OUTBOX_ISOLATE)
BREAK(a_search_behind, s->phase = VARVE_OUTBOX_ISOLATE; s->isolate_until = s->isolate_bad = s->position;
      s->isolate_events = 1)
BREAK(a_search_of_nothing, s->phase = VARVE_OUTBOX_ISOLATE; s->isolate_until = s->isolate_bad = s->position + 5)
BREAK(a_search_while_running, s->isolate_until = s->isolate_bad = s->position + 5; s->isolate_events = 1)
BREAK(attempts_of_nothing, s->attempts = 1)
BREAK(a_gap_too_long, s->gap_us = 20001)
BREAK(a_gap_too_short, s->gap_us = 999)
BREAK(not_a_step_of_init, s->phase = VARVE_OUTBOX_INIT; s->ready = false; s->due = OUTBOX_STEP_CLAIM)
BREAK(not_a_step_of_recover, s->phase = VARVE_OUTBOX_RECOVER; s->ready = false; s->due = OUTBOX_STEP_INIT)

static const struct {
    const char *label;
    void (*make)(struct outbox_state *state);
} broken[] = {
#define CASE(name) { #name, name }
    CASE(not_a_phase), CASE(paused_and_at_work), CASE(pausing_by_itself), CASE(halted_for_nothing),
    CASE(halting_at_work), CASE(halted_without_a_word), CASE(publishing_unready), CASE(publishing_with_nothing),
    CASE(publishing_unclaimed), CASE(claim_is_not_the_newest), CASE(publishing_though_suspect),
    CASE(claiming_what_was_not_seen), CASE(breaker_open_at_work), CASE(a_reason_when_all_is_well),
    CASE(waiting_for_no_failure), CASE(probing_for_no_failure), CASE(searching_for_nothing), CASE(a_search_behind),
    CASE(a_search_of_nothing), CASE(a_search_while_running), CASE(attempts_of_nothing), CASE(a_gap_too_long),
    CASE(a_gap_too_short), CASE(not_a_step_of_init), CASE(not_a_step_of_recover),
};

static bool is_noticed(const struct outbox_state *state)
{
    int status;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        signal(SIGABRT, SIG_DFL);
        close(STDERR_FILENO);
        outbox_state_check(state);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status);
}

static void broken_rules_are_noticed(void **unused)
{
    struct outbox_settings settings = driven_settings();
    struct driven driven;

    driven_begin(&driven, &settings);
    driven_to(&driven, VARVE_OUTBOX_RUN);
    assert_false(is_noticed(&driven.state));
    for (size_t i = 0; i < COUNT_OF(broken); i++) {
        struct outbox_state state = driven.state;
        broken[i].make(&state);
        CHECK_CASE(is_noticed(&state), broken[i].label);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(broken_rules_are_noticed) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
