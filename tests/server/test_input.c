/* test_input.c - what has come of a frame, and whose memory it takes. */
#include "support/check.h"

#include <stdlib.h>

#include "server/input.h"

enum { FLOOR = 4096 };

static void append(struct input *input, size_t size, uint8_t with)
{
    uint8_t *bytes = malloc(size);

    memset(bytes, with, size);
    assert_true(input_append(input, bytes, size));
    free(bytes);
}

static void keeps_bytes_in_order(void **state)
{
    struct budget budget = { .limit_bytes = 1 << 20 };
    struct input input;

    input_init(&input, FLOOR, &budget);
    append(&input, 3, 'a');
    append(&input, 2, 'b');
    input_drop(&input, 2);
    append(&input, 1, 'c');
    assert_int_equal(input.size, 4);
    assert_memory_equal(input.bytes, "abbc", 4);
    input_drop(&input, 4);
    assert_null(input.bytes); /* An idle connection holds nothing. */
    assert_true(input_append(&input, NULL, 0));
    input_clear(&input);
}

static void small_is_free_and_large_is_charged(void **state)
{
    struct budget budget = { .limit_bytes = 64 * 1024 };
    struct input input;

    input_init(&input, FLOOR, &budget);
    append(&input, FLOOR, 'x');
    assert_int_equal(budget.used_bytes, 0);
    append(&input, 1, 'x');
    assert_int_equal(budget.used_bytes, input.capacity);
    append(&input, 20000, 'x');
    assert_int_equal(budget.used_bytes, input.capacity);
    input_drop(&input, input.size);
    assert_int_equal(budget.used_bytes, 0);
}

static void without_budget_nothing_changes(void **state)
{
    struct budget budget = { .limit_bytes = 64 * 1024, .used_bytes = 60 * 1024 };
    static uint8_t bytes[8192];
    struct input input;

    input_init(&input, FLOOR, &budget);
    append(&input, 100, 'x');
    assert_false(input_append(&input, bytes, sizeof(bytes)));
    assert_int_equal(input.size, 100);
    assert_int_equal(budget.used_bytes, 60 * 1024);
    budget_give(&budget, 60 * 1024);
    assert_true(input_append(&input, bytes, sizeof(bytes)));
    input_clear(&input);
    assert_int_equal(budget.used_bytes, 0);
}

static void budget_refuses_beyond_its_limit(void **state)
{
    struct budget budget = { .limit_bytes = 100 };

    assert_true(budget_take(&budget, 60));
    assert_false(budget_take(&budget, 41));
    assert_true(budget_take(&budget, 40));
    assert_false(budget_has_room(&budget));
    assert_true(budget_take(&budget, 0));
    budget_force(&budget, 50); /* Owed already: may pass the limit, */
    assert_false(budget_take(&budget, 1)); /* and then nothing new begins. */
    assert_false(budget_take(&budget, UINT64_MAX));
    budget_give(&budget, 100);
    assert_true(budget_has_room(&budget));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_bytes_in_order), cmocka_unit_test(small_is_free_and_large_is_charged),
        cmocka_unit_test(without_budget_nothing_changes), cmocka_unit_test(budget_refuses_beyond_its_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
