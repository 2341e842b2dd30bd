/* test_histogram.c - percentiles are right to within a bucket, 1.6 %, over nine orders of magnitude. */
#include "bench/histogram.h"
#include "support/check.h"

#include <stdlib.h>

static struct histogram histogram;

static bool about(uint64_t is, uint64_t wanted)
{
    return is <= wanted && is + wanted / 60 + 1 >= wanted;
}

static void an_empty_one_says_zero(void **state)
{
    histogram_reset(&histogram);
    assert_int_equal(histogram_at(&histogram, 0.5), 0);
    assert_int_equal(histogram.count, 0);
}

static void single_values_come_back(void **state)
{
    for (uint64_t value = 1; value < 1000000000000ull; value = value * 5 / 4 + 1) {
        histogram_reset(&histogram);
        histogram_add(&histogram, value);
        assert_true(about(histogram_at(&histogram, 0), value));
        assert_true(about(histogram_at(&histogram, 0.999), value));
        assert_int_equal(histogram.max, value);
    }
}

static void percentiles_are_those_of_sorting(void **state)
{
    static const double fractions[] = { 0.01, 0.5, 0.9, 0.99, 0.999 };

    histogram_reset(&histogram);
    for (uint64_t i = 0; i < 100000; i++)
        histogram_add(&histogram, 1000 + (i * 7919) % 100000); /* Each value once, in another order. */
    for (size_t i = 0; i < COUNT_OF(fractions); i++)
        assert_true(about(histogram_at(&histogram, fractions[i]), 1000 + (uint64_t)(fractions[i] * 100000)));
}

static void merging_adds_up(void **state)
{
    struct histogram *other = calloc(1, sizeof(*other));

    assert_non_null(other);
    histogram_reset(&histogram);
    for (uint64_t i = 0; i < 90; i++)
        histogram_add(&histogram, 10);
    for (uint64_t i = 0; i < 10; i++)
        histogram_add(other, 5000);
    histogram_merge(&histogram, other);
    assert_int_equal(histogram.count, 100);
    assert_int_equal(histogram.max, 5000);
    assert_int_equal(histogram_at(&histogram, 0.5), 10);
    assert_true(about(histogram_at(&histogram, 0.95), 5000));
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_one_says_zero),
        cmocka_unit_test(single_values_come_back),
        cmocka_unit_test(percentiles_are_those_of_sorting),
        cmocka_unit_test(merging_adds_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
