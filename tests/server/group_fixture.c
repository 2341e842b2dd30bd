/* group_fixture.c - see group_fixture.h. */
#include "group_fixture.h"

#include "varve/wire.h"

void group_fixture_setup(struct group_fixture *f)
{
    struct group_state_limits limits = {
        .max_in_flight = 100, .consumer_max_in_flight = 100, .ack_timeout_ms = GROUP_FIXTURE_FAR, .max_attempts = 3,
        .backoff_count = 2, .backoff_ms = { 10, 20 },
    };

    group_fixture_begin(f, limits, 0);
}

void group_fixture_begin(struct group_fixture *f, struct group_state_limits limits, uint64_t checkpoint)
{
    *f = (struct group_fixture){ .limits = limits, .now_ms = 50 };
    f->state = group_state_create(&f->limits, checkpoint);
    assert_non_null(f->state);
}

void group_fixture_teardown(struct group_fixture *f)
{
    group_state_check(f->state);
    group_state_free(f->state);
}

void add_events(struct group_fixture *f, uint64_t first, uint64_t count, uint64_t key)
{
    for (uint64_t position = first; position < first + count; position++)
        assert_true(group_state_add(f->state, position, key, f));
}

void join_ready(struct group_fixture *f, uint64_t epoch)
{
    assert_true(group_state_join(f->state, epoch, 0));
    group_state_set_ready(f->state, epoch, true);
}

struct group_action next_action(struct group_fixture *f)
{
    struct group_action action;

    for (;;) {
        group_state_next_action(f->state, f->now_ms, &action);
        group_state_check(f->state);
        if (action.kind != GROUP_RELEASE)
            return action;
        f->released++;
    }
}

void expect_delivery(struct group_fixture *f, uint64_t epoch, uint64_t position, uint32_t attempt)
{
    struct group_action action = next_action(f);

    assert_int_equal(action.kind, GROUP_DELIVER);
    assert_int_equal(action.position, position);
    assert_int_equal(action.epoch, epoch);
    assert_int_equal(action.attempt, attempt);
    assert_ptr_equal(action.event, f);
}

void expect_settling(struct group_fixture *f, enum group_action_kind kind, uint64_t position, const char *reason)
{
    struct group_action action = next_action(f);

    assert_int_equal(action.kind, kind);
    assert_int_equal(action.position, position);
    if (reason == NULL)
        assert_null(action.reason);
    else
        assert_string_equal(action.reason, reason);
}

void expect_nothing(struct group_fixture *f)
{
    assert_int_equal(next_action(f).kind, GROUP_NOTHING);
}

void ack(struct group_fixture *f, uint64_t epoch, uint64_t position)
{
    assert_int_equal(group_state_ack(f->state, epoch, position), VARVE_OK);
    group_state_check(f->state);
}

void hold(struct group_fixture *f, uint64_t epoch, uint64_t position)
{
    bool replay;

    assert_int_equal(group_state_hold(f->state, epoch, position, &replay), VARVE_OK);
    group_state_check(f->state);
}

void settle(struct group_fixture *f, uint64_t epoch, uint64_t position, bool stored)
{
    assert_true(group_state_settle(f->state, epoch, position, stored, f->now_ms));
    group_state_check(f->state);
}

void nack(struct group_fixture *f, uint64_t epoch, uint64_t position, enum varve_nack action)
{
    assert_int_equal(group_state_nack(f->state, epoch, position, action, VARVE_RETRY_BACKOFF, varve_view_str("because"),
                                      f->now_ms), VARVE_OK);
    group_state_check(f->state);
}
