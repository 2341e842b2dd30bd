/* test_histogram.c - quantiles against a sorted array, bounds against counting, what happened between two looks, and a
 * reader beside the writer. */
#include "support/check.h"
#include "support/random.h"

#include "varve/histogram.h"

#include <pthread.h>
#include <stdlib.h>

enum { VALUES = 2000, WRITTEN = 200000 };

static struct varve_histogram histogram;
static struct varve_histogram_view view;

static int setup(void **state)
{
    memset(&histogram, 0, sizeof(histogram));
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return left < right ? -1 : left > right;
}

/* What is said is the truth or a little more: less than a quarter, for four buckets make a doubling. */
static void check_quantiles(uint64_t *values, size_t count)
{
    static const unsigned per_mille[] = { 0, 1, 250, 500, 750, 900, 990, 999, 1000 };

    qsort(values, count, sizeof(*values), compare);
    varve_histogram_look(&histogram, &view);
    assert_int_equal(view.count, count);
    for (size_t i = 0; i < COUNT_OF(per_mille); i++) {
        size_t rank = (count * per_mille[i] + 999) / 1000;
        uint64_t truth = values[rank == 0 ? 0 : rank - 1];
        uint64_t said = varve_histogram_quantile(&view, per_mille[i]);

        assert_true(said >= truth);
        assert_true(said - truth <= truth / 4);
        assert_true(said <= values[count - 1]);
    }
}

static void an_empty_one_says_zero(void **state)
{
    varve_histogram_look(&histogram, &view);
    assert_int_equal(view.count, 0);
    assert_int_equal(varve_histogram_quantile(&view, 500), 0);
    assert_int_equal(varve_histogram_below(&view, UINT64_MAX), 0);
}

static void quantiles_are_near_the_truth(void **state)
{
    static uint64_t values[VALUES];
    uint64_t seed = 3, sum = 0;

    for (size_t i = 0; i < VALUES; i++) {
        values[i] = random_next(&seed) >> (8 + random_below(&seed, 56));
        sum += values[i];
        varve_histogram_add(&histogram, values[i]);
    }
    check_quantiles(values, VALUES);
    assert_int_equal(view.sum, sum);
    assert_int_equal(view.max, values[VALUES - 1]);
}

static void edges_of_buckets_are_exact(void **state)
{
    for (unsigned shift = 0; shift < 64; shift++) {
        for (int step = -1; step <= 1; step++) {
            uint64_t value = (UINT64_C(1) << shift) + (uint64_t)(int64_t)step;

            setup(NULL);
            varve_histogram_add(&histogram, value);
            check_quantiles(&value, 1);
        }
    }
    setup(NULL);
    varve_histogram_add(&histogram, UINT64_MAX);
    check_quantiles(&(uint64_t){ UINT64_MAX }, 1);
}

static void small_numbers_are_exact(void **state)
{
    for (uint64_t value = 0; value < 8; value++)
        varve_histogram_add(&histogram, value);
    varve_histogram_look(&histogram, &view);
    for (unsigned value = 0; value < 8; value++)
        assert_int_equal(varve_histogram_quantile(&view, (value + 1) * 125), value);
}

static void powers_of_two_are_exact_bounds(void **state)
{
    static uint64_t values[VALUES];
    uint64_t seed = 5;

    for (size_t i = 0; i < VALUES; i++) {
        unsigned shift = (unsigned)random_below(&seed, 64);

        /* About half of them stand on a power of two, or beside one. */
        values[i] = i % 2 == 0 ? random_next(&seed) >> shift : (UINT64_C(1) << shift) + i % 3 - 1;
        varve_histogram_add(&histogram, values[i]);
    }
    varve_histogram_look(&histogram, &view);
    for (unsigned shift = 0; shift < 64; shift++) {
        uint64_t bound = UINT64_C(1) << shift, counted = 0;

        for (size_t i = 0; i < VALUES; i++)
            counted += values[i] <= bound;
        assert_int_equal(varve_histogram_below(&view, bound), counted);
        assert_true(varve_histogram_below(&view, bound - 1) <= counted);
    }
    assert_int_equal(varve_histogram_below(&view, UINT64_MAX), VALUES);
}

static void the_difference_is_what_came_between(void **state)
{
    static struct varve_histogram_view earlier;

    for (uint64_t i = 0; i < 100; i++)
        varve_histogram_add(&histogram, 1000000);
    varve_histogram_look(&histogram, &earlier);
    for (uint64_t i = 1; i <= 8; i++)
        varve_histogram_add(&histogram, i);
    varve_histogram_look(&histogram, &view);
    assert_int_equal(view.max, 1000000);
    varve_histogram_subtract(&view, &earlier);
    assert_int_equal(view.count, 8);
    assert_int_equal(view.sum, 36);
    assert_int_equal(view.max, 8);
    assert_int_equal(varve_histogram_quantile(&view, 500), 4);
    varve_histogram_look(&histogram, &earlier);
    varve_histogram_look(&histogram, &view);
    varve_histogram_subtract(&view, &earlier);
    assert_int_equal(view.count + view.sum + view.max, 0);
}

static void *write_many(void *argument)
{
    for (uint64_t i = 0; i < WRITTEN; i++)
        varve_histogram_add(&histogram, i);
    return NULL;
}

static void a_reader_sees_it_grow(void **state)
{
    pthread_t writer;
    uint64_t count = 0, sum = 0;

    assert_int_equal(pthread_create(&writer, NULL, write_many, NULL), 0);
    while (count < WRITTEN) {
        varve_histogram_look(&histogram, &view);
        assert_true(view.count >= count && view.sum >= sum && view.max < WRITTEN);
        count = view.count;
        sum = view.sum;
    }
    assert_int_equal(pthread_join(writer, NULL), 0);
    varve_histogram_look(&histogram, &view);
    assert_int_equal(view.sum, (uint64_t)WRITTEN * (WRITTEN - 1) / 2);
    assert_int_equal(view.max, WRITTEN - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_empty_one_says_zero, setup),
        cmocka_unit_test_setup(quantiles_are_near_the_truth, setup),
        cmocka_unit_test_setup(edges_of_buckets_are_exact, setup),
        cmocka_unit_test_setup(small_numbers_are_exact, setup),
        cmocka_unit_test_setup(powers_of_two_are_exact_bounds, setup),
        cmocka_unit_test_setup(the_difference_is_what_came_between, setup),
        cmocka_unit_test_setup(a_reader_sees_it_grow, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
