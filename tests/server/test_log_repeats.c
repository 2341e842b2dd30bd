/* test_log_repeats.c - what is let through, what is counted, and who is forgotten. */
#include "support/check.h"

#include <stdio.h>

#include "server/log_repeats.h"

enum { LEVEL = 2, LATER_US = LOG_REPEATS_INTERVAL_US };

static bool allow(struct log_repeats *repeats, const char *cause, uint64_t now_us, uint64_t repeated)
{
    uint64_t got = 7;
    bool allowed = log_repeats_allow(repeats, "test.event", LEVEL, cause, now_us, &got);

    assert_int_equal(got, repeated);
    return allowed;
}

static void so_many_in_an_interval(void **state)
{
    struct log_repeats repeats;

    log_repeats_init(&repeats);
    for (int i = 0; i < LOG_REPEATS_LINES; i++)
        assert_true(allow(&repeats, "a", 5, 0));
    for (int i = 0; i < 30; i++)
        assert_false(allow(&repeats, "a", 5 + LATER_US - 1, 0));
    assert_true(allow(&repeats, "b", 5, 0)); /* Others are not concerned. */
    assert_true(allow(&repeats, "a", 5 + LATER_US, 30)); /* A new interval tells of the last. */
    assert_true(allow(&repeats, "a", 5 + LATER_US, 0));
    log_repeats_end(&repeats);
}

static void event_level_and_cause_tell_apart(void **state)
{
    static const struct { const char *label, *event, *cause; int level; bool known; } cases[] = {
        { "the same", "test.event", "a", LEVEL, true },
        { "another event", "test.other", "a", LEVEL, false },
        { "another level", "test.event", "a", LEVEL + 1, false },
        { "another cause", "test.event", "b", LEVEL, false },
        { "no cause", "test.event", "", LEVEL, false },
    };
    struct log_repeats repeats;

    log_repeats_init(&repeats);
    for (int i = 0; i < LOG_REPEATS_LINES; i++)
        assert_true(allow(&repeats, "a", 1, 0));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t repeated;

        CHECK_CASE(log_repeats_allow(&repeats, cases[i].event, cases[i].level, cases[i].cause, 1, &repeated) ==
                   !cases[i].known, cases[i].label);
    }
    log_repeats_end(&repeats);
}

static void a_flood_that_is_over_is_told_once(void **state)
{
    struct log_repeats repeats;
    struct log_repeats_row row;

    log_repeats_init(&repeats);
    for (int i = 0; i < LOG_REPEATS_LINES + 4; i++)
        allow(&repeats, "a", 1, 0);
    assert_false(log_repeats_take(&repeats, LATER_US, false, &row));
    assert_true(log_repeats_take(&repeats, 1 + LATER_US, false, &row));
    assert_string_equal(row.event, "test.event");
    assert_string_equal(row.cause, "a");
    assert_int_equal(row.level, LEVEL);
    assert_int_equal(row.left_out, 4);
    assert_false(log_repeats_take(&repeats, 10 * LATER_US, false, &row));
    for (int i = 0; i < LOG_REPEATS_LINES + 1; i++)
        allow(&repeats, "b", 1, 0);
    assert_true(log_repeats_take(&repeats, 1, true, &row)); /* At the end, also what is not over. */
    assert_false(log_repeats_take(&repeats, 1, true, &row));
    log_repeats_end(&repeats);
}

static void the_first_of_anything_gets_out(void **state)
{
    struct log_repeats repeats;
    struct log_repeats_row row;
    char cause[32];

    log_repeats_init(&repeats);
    for (int i = 0; i < LOG_REPEATS_LINES + 3; i++)
        allow(&repeats, "a flood", 1, 0);
    for (uint64_t i = 0; i < 10 * LOG_REPEATS_ROWS; i++) {
        snprintf(cause, sizeof(cause), "%d", (int)i);
        assert_true(allow(&repeats, cause, 2 + i, 0));
    }
    assert_true(log_repeats_take(&repeats, 1 + LATER_US, false, &row)); /* Who has something to tell was kept. */
    assert_string_equal(row.cause, "a flood");
    log_repeats_end(&repeats);
}

static void long_causes_are_cut(void **state)
{
    struct log_repeats repeats;
    char cause[2 * LOG_REPEATS_CAUSE];

    log_repeats_init(&repeats);
    memset(cause, 'x', sizeof(cause));
    cause[sizeof(cause) - 1] = 0;
    for (int i = 0; i < LOG_REPEATS_LINES; i++)
        assert_true(allow(&repeats, cause, 1, 0));
    assert_false(allow(&repeats, cause, 1, 0));
    cause[LOG_REPEATS_CAUSE + 5] = 'y'; /* Beyond what is told apart. */
    assert_false(allow(&repeats, cause, 1, 0));
    log_repeats_end(&repeats);
}

enum { THREADS = 4, LINES_EACH = 1000 };

static void *flood(void *user)
{
    struct log_repeats *repeats = user;
    uintptr_t allowed = 0;

    for (int i = 0; i < LINES_EACH; i++) {
        uint64_t repeated;

        allowed += log_repeats_allow(repeats, "test.event", LEVEL, "a", 1, &repeated);
    }
    return (void *)allowed;
}

static void threads_share_one_count(void **state)
{
    struct log_repeats repeats;
    struct log_repeats_row row;
    pthread_t threads[THREADS];
    uintptr_t allowed = 0;

    log_repeats_init(&repeats);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, flood, &repeats), 0);
    for (int i = 0; i < THREADS; i++) {
        void *got;

        assert_int_equal(pthread_join(threads[i], &got), 0);
        allowed += (uintptr_t)got;
    }
    assert_int_equal(allowed, LOG_REPEATS_LINES);
    assert_true(log_repeats_take(&repeats, 1, true, &row));
    assert_int_equal(row.left_out, THREADS * LINES_EACH - LOG_REPEATS_LINES);
    log_repeats_end(&repeats);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_in_an_interval),
        cmocka_unit_test(event_level_and_cause_tell_apart),
        cmocka_unit_test(a_flood_that_is_over_is_told_once),
        cmocka_unit_test(the_first_of_anything_gets_out),
        cmocka_unit_test(long_causes_are_cut),
        cmocka_unit_test(threads_share_one_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
