/* test_saga_counts.c - counts of sagas: types in order, whatever order they come in, and moves between statuses. */
#include "engine/saga_counts.h"
#include "support/check.h"
#include "support/fail_alloc.h"
#include "support/random.h"

static struct varve_view view(const char *text)
{
    return varve_view_str(text);
}

static void types_stand_in_order(void **ignored)
{
    struct saga_counts counts = { 0 };
    uint64_t random = 4;
    char name[16];

    for (int i = 0; i < 2000; i++) {
        snprintf(name, sizeof(name), "t%llu", (unsigned long long)random_below(&random, 500));
        assert_true(saga_counts_reserve(&counts, view(name)));
        assert_true(saga_counts_knows(&counts, view(name)));
    }
    assert_in_range(counts.count, 450, 500);
    for (uint32_t i = 1; i < counts.count; i++) {
        const struct saga_type *a = counts.types[i - 1], *b = counts.types[i];
        size_t common = a->name_size < b->name_size ? a->name_size : b->name_size;
        int order = memcmp(a->name, b->name, common);
        assert_true(order < 0 || (order == 0 && a->name_size < b->name_size));
    }
    assert_false(saga_counts_knows(&counts, view("t")));
    assert_false(saga_counts_knows(&counts, view("t500")));
    saga_counts_free(&counts);
    assert_int_equal(counts.count, 0);
}

static void sagas_move_between_statuses(void **ignored)
{
    static const uint64_t loaded[VARVE_SAGA_STATUSES] = { 1, 2, 3, 4, 5 };
    struct saga_counts counts = { 0 };

    assert_true(saga_counts_reserve(&counts, view("b")));
    assert_false(counts.types[0]->counted);
    saga_counts_move(&counts, view("b"), SAGA_NONE, VARVE_SAGA_RUNNING);
    assert_true(counts.types[0]->counted);
    assert_int_equal(counts.types[0]->by_status[VARVE_SAGA_RUNNING], 1);
    assert_true(saga_counts_load(&counts, view("a"), loaded));
    assert_int_equal(counts.types[0]->by_status[VARVE_SAGA_FAILED], 5);
    assert_int_equal(counts.types[1]->by_status[VARVE_SAGA_RUNNING], 1);
    saga_counts_move(&counts, view("b"), VARVE_SAGA_RUNNING, VARVE_SAGA_RUNNING);
    saga_counts_move(&counts, view("b"), VARVE_SAGA_RUNNING, VARVE_SAGA_FAILED);
    assert_int_equal(counts.types[1]->by_status[VARVE_SAGA_RUNNING], 0);
    assert_int_equal(counts.types[1]->by_status[VARVE_SAGA_FAILED], 1);
    assert_int_equal(counts.types[0]->by_status[VARVE_SAGA_FAILED], 5);
    saga_counts_move(&counts, view("b"), VARVE_SAGA_FAILED, SAGA_ARCHIVED);
    assert_int_equal(counts.types[1]->by_status[VARVE_SAGA_FAILED], 0);
    assert_true(counts.types[1]->counted);
    saga_counts_free(&counts);
}

static void without_memory_nothing_changes(void **ignored)
{
    struct saga_counts counts = { 0 };
    char name[16];
    unsigned refused = 0;

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "t%d", i);
        for (unsigned nth = 1;; nth++) {
            uint32_t before = counts.count;
            fail_alloc_arm(nth);
            bool reserved = saga_counts_reserve(&counts, view(name));
            bool failed = fail_alloc_disarm();
            assert_true(reserved == !failed);
            assert_int_equal(counts.count, before + reserved);
            assert_true(saga_counts_knows(&counts, view(name)) == reserved);
            refused += failed;
            if (reserved)
                break;
        }
    }
    assert_in_range(refused, 100, 110); /* One for the type, and now and then one for the list. */
    saga_counts_free(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_stand_in_order),
        cmocka_unit_test(sagas_move_between_statuses),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
