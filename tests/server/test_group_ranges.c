/* test_group_ranges.c - runs of finished positions: found, written and read back. */
#include "server/group_ranges.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static const struct group_state_limits limits = { .max_in_flight = 100, .consumer_max_in_flight = 100,
                                                  .ack_timeout_ms = 1000, .max_attempts = 5 };

/* A machine behind `checkpoint` whose member 1 was given the events up to `last`, each of a key of its own. */
static struct group_state *make_machine(uint64_t checkpoint, uint64_t last)
{
    struct group_state *state = group_state_create(&limits, checkpoint);
    struct group_action action;

    assert_non_null(state);
    assert_true(group_state_join(state, 1, 0));
    group_state_set_ready(state, 1, true);
    for (uint64_t position = checkpoint + 1; position <= last; position++)
        assert_true(group_state_add(state, position, position, NULL));
    do
        group_state_next_action(state, 0, &action);
    while (action.kind != GROUP_NOTHING);
    return state;
}

static void assert_runs(const struct group_ranges *ranges, size_t count, const uint64_t (*runs)[2])
{
    assert_int_equal(ranges->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ranges->runs[i].first, runs[i][0]);
        assert_int_equal(ranges->runs[i].last, runs[i][1]);
    }
}

static void what_is_finished_above_the_checkpoint_is_found(void **unused)
{
    static const uint64_t expected[][2] = { { 12, 13 }, { 15, 15 } };
    struct group_state *state = make_machine(10, 20);
    const struct group_ranges none = { .complete = true };
    struct group_ranges ranges;

    assert_int_equal(group_state_ack(state, 1, 12), VARVE_OK);
    assert_int_equal(group_state_ack(state, 1, 13), VARVE_OK);
    assert_int_equal(group_state_ack(state, 1, 15), VARVE_OK);
    assert_true(group_ranges_make(&ranges, state, &none, 10));
    assert_true(ranges.complete);
    assert_runs(&ranges, 2, expected);
    for (uint64_t position = 1; position <= 30; position++)
        assert_int_equal(group_ranges_have(&ranges, position), position == 12 || position == 13 || position == 15);
    group_ranges_end(&ranges);
    assert_true(group_ranges_make(&ranges, state, &none, 1));
    assert_false(ranges.complete);
    assert_runs(&ranges, 1, expected);
    group_ranges_end(&ranges);
    group_state_free(state);
}

static void what_an_earlier_life_finished_counts_until_it_is_looked_at(void **unused)
{
    static const uint64_t expected[][2] = { { 3, 3 }, { 5, 6 }, { 9, 9 } };
    struct group_range runs[] = { { 2, 3 }, { 4, 6 }, { 9, 9 } };
    const struct group_ranges earlier = { .runs = runs, .count = 3, .complete = true };
    struct group_state *state = make_machine(0, 2);
    struct group_ranges ranges;

    assert_int_equal(group_state_ack(state, 1, 2), VARVE_OK);
    group_state_looked_at(state, 4);
    group_state_note_finished(state, 3);
    assert_true(group_ranges_make(&ranges, state, &earlier, 10));
    assert_int_equal(ranges.runs[0].first, 2); /* What it finished and what it passed over are one run. */
    ranges.runs[0].first = 3;
    assert_runs(&ranges, 3, expected);
    group_ranges_end(&ranges);
    group_state_free(state);
}

static void runs_are_written_and_read_back(void **unused)
{
    struct group_range runs[] = { { 12, 13 }, { 15, 15 }, { 1000, INT64_MAX } };
    const struct group_ranges ranges = { .runs = runs, .count = 3, .complete = true };
    json_t *object = json_object();
    struct varve_error error;
    struct json_fields fields = { .object = object, .error = &error };
    struct group_ranges back;

    assert_true(group_ranges_set(object, "finished", &ranges, 10));
    assert_true(group_ranges_take(&fields, "finished", 10, &back));
    assert_false(fields.failed);
    assert_int_equal(back.count, 3);
    assert_memory_equal(back.runs, runs, sizeof(runs));
    group_ranges_end(&back);
    assert_true(group_ranges_take(&fields, "missing", 10, &back));
    assert_false(fields.failed);
    assert_int_equal(back.count, 0);
    json_decref(object);
}

static void what_we_never_wrote_is_refused(void **unused)
{
    static const char *const bad[] = { "[1]", "[0,1]", "[1,0]", "[1,-1]", "[1,\"a\"]", "[1,1.5]", "{}", "\"x\"",
                                       "[9223372036854775807,2]", "[1,9223372036854775807]" };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct varve_error error = { .status = VARVE_OK };
        json_t *value = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        struct json_fields fields = { .object = json_pack("{s:o}", "finished", value), .error = &error };
        struct group_ranges ranges;

        assert_true(group_ranges_take(&fields, "finished", 10, &ranges));
        CHECK_CASE(fields.failed, bad[i]);
        group_ranges_end(&ranges);
        json_decref((json_t *)fields.object);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_finished_above_the_checkpoint_is_found),
        cmocka_unit_test(what_an_earlier_life_finished_counts_until_it_is_looked_at),
        cmocka_unit_test(runs_are_written_and_read_back),
        cmocka_unit_test(what_we_never_wrote_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
