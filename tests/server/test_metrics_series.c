/* test_metrics_series.c - values and combinations have a place up to a bound, the rest is `other`, and a reader beside
 * the writer sees whole series only. */
#include "support/check.h"

#include "server/metrics_series.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { VALUES = 3, MANY = 200, ROUNDS = 20000 };

static struct series_set set;

static int teardown(void **state)
{
    series_end(&set);
    return 0;
}

static struct series *find2(const char *first, const char *second)
{
    return series_find(&set, (struct varve_view[]){ varve_view_str(first), varve_view_str(second) });
}

static void count2(const char *first, const char *second)
{
    series_add(find2(first, second), 1);
}

/* "first/second=count ..." of all series, in their order. */
static const char *told(void)
{
    static char text[1000];
    size_t size = 0;

    for (uint32_t i = 0; i < series_count(&set); i++) {
        const struct series *series = &set.all[i];
        struct varve_view first = series_label(&set, series, 0), second = series_label(&set, series, 1);

        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%.*s/%.*s=%d", i > 0 ? " " : "", (int)first.size,
                                 first.data, (int)second.size, second.data, (int)series->count);
    }
    return text;
}

static void what_is_counted_has_its_labels(void **state)
{
    assert_true(series_start(&set, 2, VALUES, false));
    assert_string_equal(told(), "other/other=0");
    count2("a", "x");
    count2("a", "y");
    count2("a", "x");
    assert_string_equal(told(), "other/other=0 a/x=2 a/y=1");
    assert_null(set.all[1].histogram);
}

static void values_above_the_bound_are_other(void **state)
{
    assert_true(series_start(&set, 2, VALUES, false));
    for (int i = 0; i < 5; i++) {
        char value[8];

        snprintf(value, sizeof(value), "v%d", i);
        count2(value, "x");
    }
    count2("v4", "x");
    count2("v4", "y");
    count2("other", "other");
    assert_string_equal(told(), "other/other=1 v0/x=1 v1/x=1 v2/x=1 other/x=3 other/y=1");
}

static void combinations_above_the_bound_are_other(void **state)
{
    uint64_t sum = 0;

    assert_true(series_start(&set, 2, 20, false));
    for (int i = 0; i < 20 * 20; i++) {
        char first[8], second[8];

        snprintf(first, sizeof(first), "f%d", i / 20);
        snprintf(second, sizeof(second), "s%d", i % 20);
        count2(first, second);
    }
    assert_int_equal(series_count(&set), 20 * SERIES_PER_VALUE + 1);
    assert_int_equal(set.all[SERIES_OTHER].count, 400 - 20 * SERIES_PER_VALUE);
    for (uint32_t i = 0; i < series_count(&set); i++)
        sum += set.all[i].count;
    assert_int_equal(sum, 400);
}

static void histograms_have_fewer_combinations(void **state)
{
    assert_true(series_start(&set, 2, 20, true));
    for (int i = 0; i < 20 * 20; i++) {
        char first[8], second[8];

        snprintf(first, sizeof(first), "f%d", i / 20);
        snprintf(second, sizeof(second), "s%d", i % 20);
        varve_histogram_add(find2(first, second)->histogram, 1);
    }
    assert_int_equal(series_count(&set), 20 * SPREADS_PER_VALUE + 1);
    assert_int_equal(set.all[SERIES_OTHER].histogram->sum, 400 - 20 * SPREADS_PER_VALUE);
    assert_true(series_text_bytes(&set, 22) > 22 * 41 * 100);
}

static void hostile_values_are_escaped(void **state)
{
    static const struct {
        const char *raw, *escaped;
    } cases[] = {
        { "", "" },
        { "plain.type", "plain.type" },
        { "a\"b", "a\\\"b" },
        { "a\\", "a\\\\" },
        { "a\nb", "a\\nb" },
        { "\",x=\"1", "\\\",x=\\\"1" },
        { "\\n", "\\\\n" },
        { "{gr\xc3\xbc\xc3\x9f}", "{gr\xc3\xbc\xc3\x9f}" },
    };

    assert_true(series_start(&set, 1, MANY, false));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_view raw = varve_view_str(cases[i].raw);
        struct series *series = series_find(&set, &raw);
        struct varve_view escaped = series_label(&set, series, 0);

        assert_true(varve_view_equal(escaped, varve_view_str(cases[i].escaped)));
        assert_ptr_equal(series_find(&set, &raw), series);
    }
}

static void histograms_come_with_their_series(void **state)
{
    struct varve_histogram_view view;

    assert_true(series_start(&set, 2, VALUES, true));
    varve_histogram_add(find2("a", "b")->histogram, 7);
    varve_histogram_add(find2("a", "b")->histogram, 9);
    varve_histogram_add(find2("a", "c")->histogram, 1);
    varve_histogram_look(find2("a", "b")->histogram, &view);
    assert_int_equal(view.count, 2);
    assert_int_equal(view.sum, 16);
    assert_non_null(set.all[SERIES_OTHER].histogram);
}

static void *write_many(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        char value[16];

        snprintf(value, sizeof(value), "value %d", i % (2 * MANY));
        count2(value, i % 2 == 0 ? "even" : "odd");
    }
    return NULL;
}

static void a_reader_sees_whole_series(void **state)
{
    pthread_t writer;
    uint64_t sum = 0;

    assert_true(series_start(&set, 2, MANY, true));
    assert_int_equal(pthread_create(&writer, NULL, write_many, NULL), 0);
    while (sum < ROUNDS) {
        uint64_t before = sum;

        sum = 0;
        for (uint32_t i = 0; i < series_count(&set); i++) {
            struct varve_view second = series_label(&set, &set.all[i], 1);

            assert_non_null(set.all[i].histogram);
            assert_true(i == 0 || second.size == 3 || second.size == 4);
            sum += set.all[i].count;
        }
        assert_true(sum >= before);
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    assert_int_equal(sum, ROUNDS);
}

static void the_bound_of_memory_grows_with_the_values(void **state)
{
    assert_true(series_memory_bound(2, 200, true) > series_memory_bound(2, 200, false));
    assert_true(series_memory_bound(2, 200, false) > series_memory_bound(1, 200, false));
    assert_in_range(series_memory_bound(2, 200, true), 1 << 20, 2 << 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(what_is_counted_has_its_labels, teardown),
        cmocka_unit_test_teardown(values_above_the_bound_are_other, teardown),
        cmocka_unit_test_teardown(combinations_above_the_bound_are_other, teardown),
        cmocka_unit_test_teardown(histograms_have_fewer_combinations, teardown),
        cmocka_unit_test_teardown(hostile_values_are_escaped, teardown),
        cmocka_unit_test_teardown(histograms_come_with_their_series, teardown),
        cmocka_unit_test_teardown(a_reader_sees_whole_series, teardown),
        cmocka_unit_test(the_bound_of_memory_grows_with_the_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
