/* test_top_rates.c - what happened between two samples. */
#include <math.h>
#include <string.h>

#include "support/check.h"
#include "tools/varve/top_rates.h"

static struct top_sample sample_at(uint64_t seconds, uint64_t events, uint64_t requests)
{
    struct top_sample sample = { .taken_us = 5 + seconds * 1000000 };

    sample.values[TOP_uptime_s] = seconds;
    sample.values[TOP_events_appended] = events;
    sample.values[TOP_requests] = requests;
    return sample;
}

static void counters_become_rates(void **state)
{
    struct top_sample before = sample_at(10, 1000, 50), now = sample_at(12, 3000, 51);
    struct top_rates rates;

    before.values[TOP_subscription_events] = 5;
    now.values[TOP_subscription_events] = 15;
    now.values[TOP_group_events_delivered] = 4;
    top_rates_of(&rates, &before, &now);
    assert_true(rates.known);
    assert_float_equal(rates.all[TOP_EVENTS], 1000, 1e-9);
    assert_float_equal(rates.all[TOP_REQUESTS], 0.5, 1e-9);
    assert_float_equal(rates.all[TOP_DELIVERED], 7, 1e-9);
    assert_float_equal(rates.all[TOP_CONFLICTS], 0, 1e-9);
    top_rates_free(&rates);
}

static void nothing_is_known_of_another_life(void **state)
{
    struct top_sample before = sample_at(100, 1000, 50), restarted = sample_at(2, 10, 5), same = before;
    struct top_rates rates;

    restarted.taken_us = before.taken_us + 1000000;
    top_rates_of(&rates, &before, &restarted);
    assert_false(rates.known);
    top_rates_free(&rates);
    top_rates_of(&rates, NULL, &before);
    assert_false(rates.known);
    top_rates_free(&rates);
    top_rates_of(&rates, &before, &same); /* No time has passed. */
    assert_false(rates.known);
    top_rates_free(&rates);
}

static void groups_and_outboxes_by_name(void **state)
{
    struct top_group groups_before[] = { { .name = "a", .acked = 10 }, { .name = "b", .acked = 100 } };
    struct top_group groups_now[] = { { .name = "b", .acked = 120 }, { .name = "new", .acked = 7 },
                                      { .name = "a", .acked = 5 } };
    struct top_sample before = sample_at(10, 0, 0), now = sample_at(20, 0, 0);
    struct top_rates rates;

    before.groups = groups_before;
    before.group_count = COUNT_OF(groups_before);
    now.groups = groups_now;
    now.group_count = COUNT_OF(groups_now);
    before.outbox_count = 1;
    now.outbox_count = 2;
    before.outboxes[0] = (struct top_outbox){ .name = "kafka", .published = 50 };
    now.outboxes[0] = (struct top_outbox){ .name = "audit", .published = 9 };
    now.outboxes[1] = (struct top_outbox){ .name = "kafka", .published = 90 };
    top_rates_of(&rates, &before, &now);
    assert_float_equal(rates.acked[0], 2, 1e-9);
    assert_float_equal(rates.acked[1], 0, 1e-9); /* It was not there. */
    assert_float_equal(rates.acked[2], 0, 1e-9); /* It was made anew. */
    assert_float_equal(rates.published[0], 0, 1e-9);
    assert_float_equal(rates.published[1], 4, 1e-9);
    assert_float_equal(rates.all[TOP_PUBLISHED], 4, 1e-9);
    top_rates_free(&rates);
}

static void the_last_minute(void **state)
{
    struct top_rates rates = { .known = true };
    struct top_history history;

    top_history_init(&history);
    assert_true(isnan(history.values[TOP_EVENTS][TOP_HISTORY - 1]));
    for (int i = 0; i < TOP_HISTORY + 5; i++) {
        rates.all[TOP_EVENTS] = i;
        top_history_add(&history, &rates);
    }
    assert_float_equal(history.values[TOP_EVENTS][0], 5, 1e-9);
    assert_float_equal(history.values[TOP_EVENTS][TOP_HISTORY - 1], TOP_HISTORY + 4, 1e-9);
    top_history_add(&history, NULL);
    assert_true(isnan(history.values[TOP_EVENTS][TOP_HISTORY - 1]));
    assert_float_equal(history.values[TOP_EVENTS][TOP_HISTORY - 2], TOP_HISTORY + 4, 1e-9);
}

static void every_rate_has_a_name(void **state)
{
    for (int i = 0; i < TOP_RATES; i++) {
        for (int j = 0; j < i; j++)
            assert_string_not_equal(top_rate_name((enum top_rate)i), top_rate_name((enum top_rate)j));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_become_rates),
        cmocka_unit_test(nothing_is_known_of_another_life),
        cmocka_unit_test(groups_and_outboxes_by_name),
        cmocka_unit_test(the_last_minute),
        cmocka_unit_test(every_rate_has_a_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
