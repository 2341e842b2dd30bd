/* test_stream_state.c - what a stream's state says at each turn of its life. */
#include "engine/stream_state.h"
#include "support/check.h"

static struct stream_state with_events(unsigned count)
{
    struct stream_state state;

    stream_state_init(&state);
    for (unsigned i = 0; i < count; i++)
        stream_state_add(&state, 100 + i, 1000 + i);
    return state;
}

static void delete_it(struct stream_state *state)
{
    state->flags |= STREAM_DELETED;
    state->truncate_before = (uint64_t)(state->version + 1);
}

static void a_stream_that_never_was(void **ignored)
{
    struct stream_state state = with_events(0);

    assert_int_equal(state.version, -1);
    assert_int_equal(stream_state_actual(&state), -1);
    assert_false(stream_state_is_deleted(&state));
    assert_int_equal(stream_state_first_visible(&state), 0);
}

static void events_are_counted(void **ignored)
{
    struct stream_state state = with_events(3);

    assert_int_equal(state.version, 2);
    assert_int_equal(state.last_position, 102);
    assert_int_equal(state.created_at_us, 1000);
    assert_int_equal(state.updated_at_us, 1002);
    assert_int_equal(stream_state_actual(&state), 2);
}

static void deleted_and_back_again(void **ignored)
{
    struct stream_state state = with_events(3);

    delete_it(&state);
    assert_true(stream_state_is_deleted(&state));
    assert_int_equal(stream_state_actual(&state), -1);
    assert_int_equal(stream_state_first_visible(&state), 3);
    assert_false(stream_state_shows(&state, 2, 1002, 1002));

    stream_state_add(&state, 200, 2000); /* Versions go on; what was before stays hidden. */
    assert_false(stream_state_is_deleted(&state));
    assert_int_equal(stream_state_actual(&state), 3);
    assert_int_equal(state.created_at_us, 1000);
    assert_false(stream_state_shows(&state, 2, 1002, 2000));
    assert_true(stream_state_shows(&state, 3, 2000, 2000));

    delete_it(&state); /* And a second time. */
    assert_true(stream_state_is_deleted(&state));
    assert_int_equal(stream_state_first_visible(&state), 4);
}

static void tombstoned_shows_nothing(void **ignored)
{
    struct stream_state state = with_events(3);
    struct varve_stream_info info;

    state.flags |= STREAM_TOMBSTONED;
    assert_int_equal(stream_state_first_visible(&state), 3);
    assert_false(stream_state_shows(&state, 2, 1002, 1002));
    assert_false(stream_state_shows(&state, 3, 1002, 1002));
    stream_state_to_info(&state, &info);
    assert_true(info.tombstoned);
    assert_false(info.deleted);
}

static void first_visible_is_the_higher_bound(void **ignored)
{
    static const struct { const char *label; uint64_t truncate_before, max_count, first; } cases[] = {
        { "no bound", 0, 0, 0 },          { "truncated", 4, 0, 4 },
        { "kept by count", 0, 3, 7 },     { "truncated further", 8, 3, 8 },
        { "counted further", 4, 3, 7 },   { "count is all", 0, 10, 0 },
        { "count is more", 0, 11, 0 },    { "count is huge", 2, UINT64_MAX, 2 },
        { "one is kept", 0, 1, 9 },       { "all truncated", 10, 0, 10 },
        { "truncated beyond", 99, 3, 10 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_state state = with_events(10); /* For all of them. */
        state.truncate_before = cases[i].truncate_before;
        state.max_count = cases[i].max_count;
        CHECK_CASE(stream_state_first_visible(&state) == cases[i].first, cases[i].label);
        CHECK_CASE(stream_state_shows(&state, cases[i].first, 0, 0), cases[i].label);
        CHECK_CASE(cases[i].first == 0 || !stream_state_shows(&state, cases[i].first - 1, 0, 0), cases[i].label);
    }
}

static void age_is_judged_per_event(void **ignored)
{
    static const struct { const char *label; int64_t max_age_us, recorded_at_us, now_us; bool shows; } cases[] = {
        { "no bound", 0, INT64_MIN, INT64_MAX, true },
        { "exactly as old", 10, 90, 100, true },
        { "one older", 10, 89, 100, false },
        { "from the future", 10, 200, 100, true },
        { "a clock far back", 10, INT64_MIN, 100, false },
        { "clocks as far apart as can be", INT64_MAX, INT64_MIN, INT64_MAX, false },
        { "age beyond all clocks", INT64_MAX, 0, INT64_MAX, true },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct stream_state state = with_events(1);
        state.max_age_us = cases[i].max_age_us;
        CHECK_CASE(stream_state_shows(&state, 0, cases[i].recorded_at_us, cases[i].now_us) == cases[i].shows,
                   cases[i].label);
    }
}

static void info_says_it_all(void **ignored)
{
    struct stream_state state = with_events(5);
    struct varve_stream_info info;

    state.truncate_before = 1;
    state.max_count = 2;
    state.max_age_us = 77;
    stream_state_to_info(&state, &info);
    assert_int_equal(info.version, 4);
    assert_int_equal(info.first_version, 3);
    assert_int_equal(info.last_position, 104);
    assert_int_equal(info.created_at_us, 1000);
    assert_int_equal(info.updated_at_us, 1004);
    assert_int_equal(info.truncate_before, 1);
    assert_int_equal(info.max_count, 2);
    assert_int_equal(info.max_age_us, 77);
    assert_false(info.deleted || info.tombstoned);

    delete_it(&state);
    stream_state_to_info(&state, &info);
    assert_true(info.deleted);
    assert_int_equal(info.first_version, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_that_never_was),
        cmocka_unit_test(events_are_counted),
        cmocka_unit_test(deleted_and_back_again),
        cmocka_unit_test(tombstoned_shows_nothing),
        cmocka_unit_test(first_visible_is_the_higher_bound),
        cmocka_unit_test(age_is_judged_per_event),
        cmocka_unit_test(info_says_it_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
