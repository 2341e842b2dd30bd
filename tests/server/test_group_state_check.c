/* test_group_state_check.c - a machine that breaks a rule is noticed: each breach aborts a child process. */
#include "group_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* 1 with a member, 2 behind it, 3 of another key retrying, 5 a replay. */
static void setup(struct group_fixture *f)
{
    group_fixture_setup(f);
    add_events(f, 1, 2, 1);
    add_events(f, 3, 1, 2);
    assert_true(group_state_replay(f->state, 5, 3, f));
    join_ready(f, 1);
    expect_delivery(f, 1, 1, 1);
    expect_delivery(f, 1, 3, 1);
    expect_delivery(f, 1, 5, 1);
    nack(f, 1, 3, VARVE_NACK_RETRY);
}

static struct group_event *event_at(struct group_state *state, uint64_t position)
{
    return &state->events[group_events_find(state, position)];
}

static void nothing(struct group_state *state) {}
static void two_of_a_key(struct group_state *state) { event_at(state, 2)->state = GROUP_EVENT_PARKING; }
static void with_nobody(struct group_state *state) { event_at(state, 1)->epoch = 7; }
static void no_deadline(struct group_state *state)
{
    group_heap_remove(&state->deadlines, group_events_find(state, 1));
}
static void ready_while_out(struct group_state *state) { group_keys_make_ready(state, event_at(state, 1)->key, true); }
static void replay_in_the_log(struct group_state *state)
{
    group_list_append(&state->log, state->log_links, group_events_find(state, 5));
}
static void not_in_the_log(struct group_state *state)
{
    group_list_remove(&state->log, state->log_links, group_events_find(state, 3));
}
static void past_the_end(struct group_state *state) { state->looked_at = 2; }
static void miscounted(struct group_state *state) { state->in_flight++; }
static void lost_event(struct group_state *state)
{
    group_list_remove(&state->members[0].in_flight, state->event_links, group_events_find(state, 1));
}
static void forgotten_taker(struct group_state *state) { group_heap_remove(&state->takers, 0); }
static void replay_parked_as_new(struct group_state *state)
{
    struct group_event *event = event_at(state, 5);

    group_members_take_back(state, group_events_find(state, 5));
    group_heap_remove(&state->deadlines, group_events_find(state, 5));
    *event = (struct group_event){ .position = 5, .key_hash = 3, .key = event->key, .next_in_key = GROUP_NONE,
                                   .next_in_bucket = event->next_in_bucket, .replay = true, .told = true,
                                   .state = GROUP_EVENT_PARKING, .settling = GROUP_PARK };
}
static void held_with_a_deadline(struct group_state *state) { event_at(state, 1)->state = GROUP_EVENT_HELD; }
static void orphan_of_a_member(struct group_state *state)
{
    no_deadline(state);
    group_members_take_back(state, group_events_find(state, 1));
    event_at(state, 1)->state = GROUP_EVENT_ORPHANED;
    state->held++;
}
static void held_and_not_counted(struct group_state *state)
{
    no_deadline(state);
    event_at(state, 1)->state = GROUP_EVENT_HELD;
}
static void told_of_a_stop_that_is_none(struct group_state *state) { state->tell_stop = true; }

static bool aborts(void (*breach)(struct group_state *state))
{
    struct group_fixture f;
    int status;

    setup(&f);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        signal(SIGABRT, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL)
            _exit(2);
        breach(f.state);
        group_state_check(f.state);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    group_fixture_teardown(&f);
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void breaches_are_noticed(void **unused)
{
    static const struct {
        const char *label;
        void (*breach)(struct group_state *state);
    } cases[] = {
        { "two events of a key under way", two_of_a_key }, { "an event with nobody", with_nobody },
        { "an event without a deadline", no_deadline },    { "a key that is ready while it is out", ready_while_out },
        { "a replay in the log", replay_in_the_log },      { "an event that holds no checkpoint", not_in_the_log },
        { "a checkpoint past the end", past_the_end },     { "a wrong count", miscounted },
        { "an event its member does not have", lost_event }, { "a member that gets no turn", forgotten_taker },
        { "a replay parked as new", replay_parked_as_new },
        { "a deadline of what is held", held_with_a_deadline }, { "an orphan of a member", orphan_of_a_member },
        { "a hold that is not counted", held_and_not_counted },
        { "a stop that is none", told_of_a_stop_that_is_none },
    };

    assert_false(aborts(nothing));
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(aborts(cases[i].breach), cases[i].label);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(breaches_are_noticed) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
