/* test_metrics_text.c - the format, byte by byte. */
#include "support/check.h"

#include "server/metrics_text.h"

static struct varve_wire_buffer out;

static int teardown(void **state)
{
    varve_wire_buffer_free(&out);
    return 0;
}

static void expect(const char *text)
{
    assert_false(out.failed);
    assert_int_equal(out.size, strlen(text));
    assert_memory_equal(out.bytes, text, out.size);
}

static void heads_and_samples(void **state)
{
    const struct metric_label labels[] = { { "event_type", varve_view_str("a\\\"b") },
                                           { "service", varve_view_of(NULL, 0) } };

    metric_text_head(&out, "x_total", METRIC_COUNTER, "What x is.");
    metric_text_sample(&out, "x_total", NULL, 0, UINT64_MAX, METRIC_PLAIN);
    metric_text_sample(&out, "x_total", labels, 2, 0, METRIC_PLAIN);
    expect("# HELP x_total What x is.\n# TYPE x_total counter\nx_total 18446744073709551615\n"
           "x_total{event_type=\"a\\\"b\",service=\"\"} 0\n");
}

static void durations_are_exact_seconds(void **state)
{
    static const struct {
        uint64_t us;
        const char *seconds;
    } cases[] = {
        { 0, "g 0\n" }, { 1, "g 0.000001\n" }, { 10, "g 0.00001\n" }, { 1500000, "g 1.5\n" }, { 60000000, "g 60\n" },
        { 123456789, "g 123.456789\n" }, { UINT64_MAX, "g 18446744073709.551615\n" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        out.size = 0;
        metric_text_sample(&out, "g", NULL, 0, cases[i].us, METRIC_SECONDS);
        expect(cases[i].seconds);
    }
}

static void histograms_are_cumulative_and_add_up(void **state)
{
    static struct varve_histogram histogram;
    struct varve_histogram_view view;
    const struct metric_label label = { "outbox", varve_view_str("k") };

    for (uint64_t value = 1; value <= 1000; value++)
        varve_histogram_add(&histogram, value);
    varve_histogram_look(&histogram, &view);
    metric_text_histogram(&out, "h", &label, 1, &view, &(struct metric_bounds){ 0, 9, 3 }, METRIC_PLAIN);
    expect("h_bucket{outbox=\"k\",le=\"1\"} 1\nh_bucket{outbox=\"k\",le=\"8\"} 8\nh_bucket{outbox=\"k\",le=\"64\"} 64\n"
           "h_bucket{outbox=\"k\",le=\"512\"} 512\nh_bucket{outbox=\"k\",le=\"+Inf\"} 1000\n"
           "h_sum{outbox=\"k\"} 500500\nh_count{outbox=\"k\"} 1000\n");
    out.size = 0;
    metric_text_histogram(&out, "h", NULL, 0, &view, &(struct metric_bounds){ 8, 8, 1 }, METRIC_SECONDS);
    expect("h_bucket{le=\"0.000256\"} 256\nh_bucket{le=\"+Inf\"} 1000\nh_sum 0.5005\nh_count 1000\n");
}

static void a_buffer_without_memory_takes_nothing_more(void **state)
{
    struct varve_wire_buffer full = { .failed = true };

    metric_text_sample(&full, "g", NULL, 0, 1, METRIC_PLAIN);
    assert_true(full.failed && full.size == 0 && full.bytes == NULL);
}

static void a_buffer_grows(void **state)
{
    size_t each = strlen("name 7\n");

    for (int i = 0; i < 20000; i++)
        metric_text_sample(&out, "name", NULL, 0, 7, METRIC_PLAIN);
    assert_int_equal(out.size, 20000 * each);
    for (size_t i = 0; i < 20000; i++)
        assert_memory_equal(out.bytes + i * each, "name 7\n", each);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(heads_and_samples, teardown),
        cmocka_unit_test_teardown(durations_are_exact_seconds, teardown),
        cmocka_unit_test_teardown(histograms_are_cumulative_and_add_up, teardown),
        cmocka_unit_test(a_buffer_without_memory_takes_nothing_more),
        cmocka_unit_test_teardown(a_buffer_grows, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
