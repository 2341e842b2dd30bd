/* test_group_acked.c - what transactions acked: into JSON and back, and folded into what is finished. */
#include "server/group_acked.h"
#include "support/check.h"

#include <stdlib.h>

static void positions_come_back(void **state)
{
    const uint64_t positions[] = { 7, 8, 9, 3, INT64_MAX, 8 };
    struct varve_view data = group_acked_encode(positions, 6, 12);
    struct group_acked acked = { .runs = NULL };
    struct group_ranges finished = { .complete = true };

    assert_string_equal(data.data, "{\"epoch\":12,\"positions\":[7,8,9,3,9223372036854775807,8]}");
    assert_int_equal(group_acked_add(&acked, data, NULL), VARVE_OK);
    assert_int_equal(acked.positions, 6);
    assert_true(group_acked_fold(&acked, 0, &finished));
    assert_int_equal(finished.count, 3);
    assert_int_equal(finished.runs[0].first, 3);
    assert_int_equal(finished.runs[1].first, 7);
    assert_int_equal(finished.runs[1].last, 9);
    assert_int_equal(finished.runs[2].last, INT64_MAX);
    group_ranges_end(&finished);
    group_acked_end(&acked);
    free((char *)data.data);
}

static void as_many_as_one_event_may_name(void **state)
{
    uint64_t *positions = malloc((GROUP_ACKED_MAX_POSITIONS + 1) * sizeof(*positions));
    struct group_acked acked = { .runs = NULL };

    for (uint64_t i = 0; i <= GROUP_ACKED_MAX_POSITIONS; i++)
        positions[i] = 1 + 2 * i;
    struct varve_view data = group_acked_encode(positions, GROUP_ACKED_MAX_POSITIONS, 1);
    struct varve_view more = group_acked_encode(positions, GROUP_ACKED_MAX_POSITIONS + 1, 1);
    assert_int_equal(group_acked_add(&acked, data, NULL), VARVE_OK);
    assert_int_equal(acked.count, GROUP_ACKED_MAX_POSITIONS);
    assert_int_equal(group_acked_add(&acked, more, NULL), VARVE_CORRUPT);
    group_acked_end(&acked);
    free((char *)data.data);
    free((char *)more.data);
    free(positions);
}

static void what_is_no_such_event_is_told(void **state)
{
    static const char *const bad[] = {
        "", "7", "[]", "{}", "{\"positions\":[]}", "{\"positions\":7}", "{\"positions\":[0]}", "{\"positions\":[-1]}",
        "{\"positions\":[1,\"2\"]}", "{\"positions\":[1.5]}", "{\"positions\":[99999999999999999999]}",
    };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        struct group_acked acked = { .runs = NULL };
        struct varve_error error = { .status = VARVE_OK };

        CHECK_CASE(group_acked_add(&acked, varve_view_str(bad[i]), &error) == VARVE_CORRUPT, bad[i]);
        CHECK_CASE(error.message[0] != '\0', bad[i]);
        group_acked_end(&acked);
    }
}

/* Against an array that says of each position whether it is finished. */
static void runs_are_joined_and_what_lies_below_the_checkpoint_is_left_out(void **state)
{
    enum { POSITIONS = 60 };
    uint64_t seed = 11;

    for (int round = 0; round < 2000; round++) {
        bool is_finished[POSITIONS + 2] = { false };
        struct group_acked acked = { .runs = NULL };
        struct group_range *runs = calloc(2, sizeof(*runs));
        uint64_t checkpoint = (seed >> 40) % 20, numbers[8];
        struct group_ranges finished = { .runs = runs, .count = 2, .complete = true };

        runs[0] = (struct group_range){ checkpoint + 3, checkpoint + 5 };
        runs[1] = (struct group_range){ checkpoint + 9, checkpoint + 30 };
        for (int i = 0; i < 2; i++)
            for (uint64_t at = runs[i].first; at <= runs[i].last; at++)
                is_finished[at] = true;
        for (int events = 0; events < 3; events++) {
            for (int i = 0; i < 8; i++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                numbers[i] = i > 0 && seed >> 63 ? numbers[i - 1] % POSITIONS + 1 : 1 + (seed >> 33) % POSITIONS;
                is_finished[numbers[i]] |= numbers[i] > checkpoint;
            }
            struct varve_view data = group_acked_encode(numbers, 8, 1);
            assert_int_equal(group_acked_add(&acked, data, NULL), VARVE_OK);
            free((char *)data.data);
        }
        assert_true(group_acked_fold(&acked, checkpoint, &finished));
        for (uint64_t at = 1; at <= POSITIONS; at++)
            assert_int_equal(group_ranges_have(&finished, at), is_finished[at]);
        for (size_t i = 1; i < finished.count; i++)
            assert_true(finished.runs[i].first > finished.runs[i - 1].last + 1);
        group_acked_end(&acked);
        group_ranges_end(&finished);
    }
}

static void damaged_events_never_do_harm(void **state)
{
    const uint64_t positions[] = { 7, 8, 9, 3, INT64_MAX, 8 };
    struct varve_view data = group_acked_encode(positions, 6, 12);
    char *copy = malloc(data.size);
    uint64_t seed = 7;

    for (int round = 0; round < 20000; round++) {
        struct group_acked acked = { .runs = NULL };
        struct group_ranges finished = { .complete = true };

        memcpy(copy, data.data, data.size);
        for (int i = 0; i < 3; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            copy[(seed >> 33) % data.size] = "{}[]\",:0-a9\\"[(seed >> 20) % 12];
        }
        if (group_acked_add(&acked, varve_view_of(copy, data.size), NULL) == VARVE_OK)
            assert_true(group_acked_fold(&acked, 5, &finished));
        group_ranges_end(&finished);
        group_acked_end(&acked);
    }
    free(copy);
    free((char *)data.data);
}

static void nothing_is_folded_into_nothing(void **state)
{
    struct group_acked acked = { .runs = NULL };
    struct group_ranges finished = { .complete = true };

    assert_true(group_acked_fold(&acked, 5, &finished));
    assert_int_equal(finished.count, 0);
    group_ranges_end(&finished);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(positions_come_back),
        cmocka_unit_test(as_many_as_one_event_may_name),
        cmocka_unit_test(what_is_no_such_event_is_told),
        cmocka_unit_test(runs_are_joined_and_what_lies_below_the_checkpoint_is_left_out),
        cmocka_unit_test(damaged_events_never_do_harm),
        cmocka_unit_test(nothing_is_folded_into_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
