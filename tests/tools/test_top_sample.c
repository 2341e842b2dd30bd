/* test_top_sample.c - what is taken from the answers of a server. */
#include "support/check.h"
#include "tools/varve/top_sample.h"

static struct varve_stat number(const char *name, uint64_t value)
{
    return (struct varve_stat){ .name = varve_view_str(name), .number = value };
}

static struct varve_stat word(const char *name, const char *value)
{
    return (struct varve_stat){ .name = varve_view_str(name), .is_text = true, .text = varve_view_str(value) };
}

static void figures_that_are_there(void **state)
{
    const struct varve_stat stats[] = { number("last_position", 4711), word("version", "1.2.3"),
                                        word("requests", "no number"), number("of_a_later_version", 1) };
    struct top_sample sample = { .taken_us = 0 };

    top_sample_stats(&sample, stats, COUNT_OF(stats));
    assert_int_equal(sample.values[TOP_last_position], 4711);
    assert_true(sample.has[TOP_last_position]);
    assert_false(sample.has[TOP_requests]);
    assert_string_equal(sample.version, "1.2.3");
    assert_string_equal(top_figure_name(TOP_last_position), "last_position");
    top_sample_free(&sample);
}

static void health_tells_why(void **state)
{
    const struct varve_health_check checks[] = { { varve_view_str("store"), true, varve_view_str("") },
                                                 { varve_view_str("disk"), false, varve_view_str("full") },
                                                 { varve_view_str("outboxes"), false, varve_view_str("halted") } };
    const struct varve_health health = { .live = true, .checks = checks, .check_count = 3 };
    struct top_sample sample = { .taken_us = 0 };

    top_sample_health(&sample, &health);
    assert_true(sample.has_health && sample.live && !sample.ready);
    assert_string_equal(sample.reason, "disk: full; outboxes: halted");
    top_sample_free(&sample);
}

static void groups_that_need_a_look_come_first(void **state)
{
    const struct varve_group_info infos[] = {
        { .name = varve_view_str("b"), .checkpoint = 90, .last_position = 100, .parked = 2, .acked = 7 },
        { .name = varve_view_str("a"), .checkpoint = 90, .last_position = 100 },
        { .name = varve_view_str("far"), .checkpoint = 1, .last_position = 100 },
        { .name = varve_view_str("stopped"), .checkpoint = 100, .last_position = 100, .stopped = true },
        { .name = varve_view_str("ahead"), .checkpoint = 101, .last_position = 100 },
    };
    static const char *const order[] = { "stopped", "far", "a", "b", "ahead" };
    struct top_sample sample = { .taken_us = 0 };

    top_sample_groups(&sample, infos, COUNT_OF(infos));
    assert_int_equal(sample.group_count, COUNT_OF(order));
    for (size_t i = 0; i < COUNT_OF(order); i++)
        assert_string_equal(sample.groups[i].name, order[i]);
    assert_int_equal(sample.groups[1].lag_events, 99);
    assert_true(sample.groups[3].parked == 2 && sample.groups[3].acked == 7);
    assert_int_equal(sample.groups[4].lag_events, 0);
    top_sample_free(&sample);
}

static void outboxes_by_their_figures(void **state)
{
    const struct varve_stat figures[] = { word("phase", "BACKOFF"), word("breaker", "OPEN"),
                                          word("reason", "no broker"),
                                          number("lag_events", 12), number("lag_us", 3000000),
                                          number("events_published", 99), number("dead_streams", 1) };
    const struct varve_outbox_entry entries[] = { { varve_view_str("kafka"), figures, COUNT_OF(figures) } };
    struct top_sample sample = { .taken_us = 0 };

    top_sample_outboxes(&sample, entries, 1);
    assert_int_equal(sample.outbox_count, 1);
    assert_string_equal(sample.outboxes[0].name, "kafka");
    assert_string_equal(sample.outboxes[0].phase, "BACKOFF");
    assert_string_equal(sample.outboxes[0].breaker, "OPEN");
    assert_string_equal(sample.outboxes[0].reason, "no broker");
    assert_true(sample.outboxes[0].lag_events == 12 && sample.outboxes[0].lag_us == 3000000);
    assert_true(sample.outboxes[0].published == 99 && sample.outboxes[0].dead_streams == 1);
    top_sample_free(&sample);
}

static void outboxes_that_need_a_look_come_first(void **state)
{
    const struct varve_stat works[] = { word("phase", "RUN"), word("breaker", "CLOSED"), number("lag_events", 5) };
    const struct varve_stat lags[] = { word("phase", "RUN"), word("breaker", "CLOSED"), number("lag_events", 900) };
    const struct varve_stat fails[] = { word("phase", "BACKOFF"), word("breaker", "OPEN"), number("lag_events", 1) };
    const struct varve_stat stands[] = { word("phase", "HALTED"), word("breaker", "CLOSED") };
    const struct varve_outbox_entry entries[] = {
        { varve_view_str("d"), works, COUNT_OF(works) }, { varve_view_str("c"), works, COUNT_OF(works) },
        { varve_view_str("e"), lags, COUNT_OF(lags) }, { varve_view_str("x"), stands, COUNT_OF(stands) },
        { varve_view_str("f"), fails, COUNT_OF(fails) },
    };
    static const char expected[] = "xfecd";
    struct top_sample sample = { .taken_us = 0 };

    top_sample_outboxes(&sample, entries, COUNT_OF(entries));
    assert_int_equal(sample.outbox_count, COUNT_OF(entries));
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        assert_int_equal(sample.outboxes[i].name[0], expected[i]);
    top_sample_free(&sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_that_are_there),
        cmocka_unit_test(health_tells_why),
        cmocka_unit_test(groups_that_need_a_look_come_first),
        cmocka_unit_test(outboxes_by_their_figures),
        cmocka_unit_test(outboxes_that_need_a_look_come_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
