/* test_hash_set.c - each name counts once, however many there are. */
#include "support/check.h"
#include "tools/varve/hash_set.h"

static void each_name_counts_once(void **state)
{
    struct hash_set set = { 0 };
    char name[32];

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 50000; i++) {
            snprintf(name, sizeof(name), "stream-%u", i);
            hash_set_add(&set, varve_view_str(name));
        }
        assert_int_equal(set.count, 50000);
    }
    assert_true(set.capacity <= 131072);
    hash_set_free(&set);
    assert_int_equal(set.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_name_counts_once) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
