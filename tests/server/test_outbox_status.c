/* test_outbox_status.c - what is seen of an outbox, as figures. */
#include "support/check.h"

#include "server/outbox_status.h"

static const struct varve_stat *find(const struct varve_stat *stats, size_t count, const char *name)
{
    const struct varve_stat *found = NULL;

    for (size_t i = 0; i < count; i++) {
        if (!varve_view_equal(stats[i].name, varve_view_str(name)))
            continue;
        assert_null(found);
        found = &stats[i];
    }
    assert_non_null(found);
    return found;
}

static void expect_number(const struct varve_stat *stats, size_t count, const char *name, uint64_t number)
{
    const struct varve_stat *stat = find(stats, count, name);

    assert_false(stat->is_text);
    assert_true(stat->number == number);
}

static void expect_text(const struct varve_stat *stats, size_t count, const char *name, const char *text)
{
    const struct varve_stat *stat = find(stats, count, name);

    assert_true(stat->is_text);
    assert_true(varve_view_equal(stat->text, varve_view_str(text)));
}

static void every_part_of_the_view_has_its_figure(void **state)
{
    static struct outbox_config config = { .name = "loans", .brokers = "a:1,b:2", .is_mock = true };
    const struct outbox_view view = {
        .config = &config, .phase = VARVE_OUTBOX_BACKOFF, .breaker = VARVE_BREAKER_OPEN, .halt = VARVE_HALT_NONE,
        .reason = "no answer", .since_us = 1000, .next_attempt_us = 2000, .head = 50, .position = 40,
        .lag_events = 10, .lag_us = 7, .generation = 3, .failures = 4, .gap_us = 5000, .dead_streams = 6,
        .parked_events = 8, .retention_floor = 9, .replay_number = 11, .replay_position = 12, .replay_until = 13,
        .retry_streams = 14,
    };
    struct varve_stat stats[OUTBOX_STATUS_STATS];
    size_t count = outbox_status_of_view(&view, stats);

    for (size_t i = 0; i < count; i++)
        assert_ptr_equal(find(stats, count, stats[i].name.data), &stats[i]);
    expect_text(stats, count, "name", "loans");
    expect_text(stats, count, "mode", "exactly_once");
    expect_text(stats, count, "brokers", "a:1,b:2");
    expect_number(stats, count, "is_mock", 1);
    expect_text(stats, count, "phase", "BACKOFF");
    expect_text(stats, count, "breaker", "OPEN");
    expect_text(stats, count, "halt", "NONE");
    expect_text(stats, count, "reason", "no answer");
    expect_number(stats, count, "since", 1000);
    expect_number(stats, count, "next_attempt", 2000);
    expect_number(stats, count, "head_position", 50);
    expect_number(stats, count, "position", 40);
    expect_number(stats, count, "lag_events", 10);
    expect_number(stats, count, "lag_us", 7);
    expect_number(stats, count, "generation", 3);
    expect_number(stats, count, "failures", 4);
    expect_number(stats, count, "gap_us", 5000);
    expect_number(stats, count, "dead_streams", 6);
    expect_number(stats, count, "parked_events", 8);
    expect_number(stats, count, "retention_floor", 9);
    expect_number(stats, count, "replay_number", 11);
    expect_number(stats, count, "replay_position", 12);
    expect_number(stats, count, "replay_until", 13);
    expect_number(stats, count, "retry_streams", 14);
    assert_true(find(stats, count, "librdkafka")->text.size > 0);
}

static void times_that_are_none_are_0(void **state)
{
    static struct outbox_config config = { .name = "loans", .brokers = "a:1" };
    const struct outbox_view view = { .config = &config, .next_attempt_us = VARVE_TIME_NONE, .lag_us = -3 };
    struct varve_stat stats[OUTBOX_STATUS_STATS];
    size_t count = outbox_status_of_view(&view, stats);

    expect_number(stats, count, "next_attempt", 0);
    expect_number(stats, count, "lag_us", 0); /* The clock was set back. */
    expect_text(stats, count, "phase", "STOPPED");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_of_the_view_has_its_figure),
        cmocka_unit_test(times_that_are_none_are_0),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
