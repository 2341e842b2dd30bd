/* test_parked_table.c - the table of parked events against a plain array. */
#include "support/check.h"

#include "server/parked_table.h"

enum { POSITIONS = 200, ROUNDS = 20000 };

static void compare(const struct parked_table *table, const uint64_t where[POSITIONS])
{
    struct parked_entry *next = parked_table_next(table, 0);
    size_t count = 0;

    for (uint64_t position = 1; position < POSITIONS; position++) {
        struct parked_entry *entry = parked_table_find(table, position);

        assert_int_equal(entry != NULL, where[position] != 0);
        if (entry == NULL)
            continue;
        count++;
        assert_int_equal(entry->where, where[position]);
        assert_ptr_equal(next, entry);
        next = parked_table_next(table, position);
    }
    assert_null(next);
    assert_int_equal(table->count, count);
}

static void it_holds_what_was_put_and_not_removed(void **state)
{
    struct parked_table table = { .entries = NULL };
    uint64_t where[POSITIONS] = { 0 }, seed = 1;

    for (int round = 0; round < ROUNDS; round++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        uint64_t position = 1 + (seed >> 33) % (POSITIONS - 1);

        if ((seed >> 60) < 7) {
            assert_true(parked_table_put(&table, &(struct parked_entry){ .position = position, .where = seed | 1 }));
            where[position] = seed | 1;
        } else {
            parked_table_remove(&table, position);
            where[position] = 0;
        }
        if (round % 100 == 0)
            compare(&table, where);
    }
    for (uint64_t position = 1; position < POSITIONS; position++)
        parked_table_remove(&table, position);
    assert_int_equal(table.count, 0);
    assert_null(parked_table_next(&table, 0));
    assert_null(parked_table_next(&table, UINT64_MAX));
    parked_table_free(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(it_holds_what_was_put_and_not_removed) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
