/* test_group_state_heap.c - the least first, whatever is put in, moved and taken out, against a plain array. */
#include "server/group_state_heap.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/fail_alloc.h"
#include "support/random.h"

enum { ITEMS = 50 };

static void equal_ranks_go_by_the_second(void **unused)
{
    struct group_heap heap = { 0 };

    assert_true(group_heap_reserve(&heap, 4));
    group_heap_set(&heap, 0, 7, 3);
    group_heap_set(&heap, 1, 7, 1);
    group_heap_set(&heap, 2, 7, 2);
    assert_int_equal(heap.entries[0].item, 1);
    group_heap_remove(&heap, 1);
    assert_int_equal(heap.entries[0].item, 2);
    group_heap_remove(&heap, 1); /* It is not in: nothing. */
    assert_int_equal(heap.count, 2);
    group_heap_free(&heap);
}

static void what_is_in_stays_when_it_grows(void **unused)
{
    struct group_heap heap = { 0 };

    assert_true(group_heap_reserve(&heap, 1));
    group_heap_set(&heap, 0, 5, 0);
    assert_true(group_heap_reserve(&heap, 100));
    assert_true(group_heap_has(&heap, 0));
    assert_false(group_heap_has(&heap, 99));
    group_heap_set(&heap, 99, 1, 0);
    assert_int_equal(heap.entries[0].item, 99);
    group_heap_free(&heap);
}

static void without_memory_it_stays_as_it_was(void **unused)
{
    if (!FAIL_ALLOC_WORKS)
        skip();
    for (unsigned nth = 1; nth <= 2; nth++) {
        struct group_heap heap = { 0 };

        assert_true(group_heap_reserve(&heap, 2));
        group_heap_set(&heap, 1, 5, 0);
        fail_alloc_arm(nth);
        bool grew = group_heap_reserve(&heap, 1000);
        assert_true(fail_alloc_disarm());
        assert_false(grew);
        assert_int_equal(heap.capacity, 2);
        group_heap_set(&heap, 0, 4, 0);
        assert_int_equal(heap.entries[0].item, 0);
        group_heap_free(&heap);
    }
}

/* The least of those that are in; ITEMS: none. */
static uint32_t least_of(const uint64_t *ranks)
{
    uint32_t least = ITEMS;

    for (uint32_t i = 0; i < ITEMS; i++)
        if (ranks[i] != 0 && (least == ITEMS || ranks[i] < ranks[least]))
            least = i;
    return least;
}

static void random_moves_keep_the_least_first(void **unused)
{
    uint64_t random = test_seed(1), ranks[ITEMS] = { 0 };
    struct group_heap heap = { 0 };

    assert_true(group_heap_reserve(&heap, ITEMS));
    for (int round = 0; round < TEST_EFFORT(200000); round++) {
        uint32_t item = (uint32_t)random_below(&random, ITEMS);
        if (random_below(&random, 3) == 0) {
            group_heap_remove(&heap, item);
            ranks[item] = 0;
        } else {
            ranks[item] = 1 + random_below(&random, 100);
            group_heap_set(&heap, item, ranks[item], item);
        }
        uint32_t least = least_of(ranks);
        assert_int_equal(heap.count == 0, least == ITEMS);
        assert_true(least == ITEMS || heap.entries[0].item == least); /* Equal ranks: the lower item. */
        assert_int_equal(group_heap_has(&heap, item), ranks[item] != 0);
    }
    group_heap_free(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_ranks_go_by_the_second), cmocka_unit_test(what_is_in_stays_when_it_grows),
        cmocka_unit_test(without_memory_it_stays_as_it_was), cmocka_unit_test(random_moves_keep_the_least_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
