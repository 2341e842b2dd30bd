/* test_memory.c - scratch gives distinct, aligned bytes and take all back. */
#include "support/check.h"
#include "tools/varve/memory.h"

static void pieces_do_not_overlap_and_stay(void **state)
{
    struct scratch scratch = { 0 };
    char *pieces[5000];

    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNT_OF(pieces); i++) {
            pieces[i] = scratch_take(&scratch, i);
            assert_int_equal((uintptr_t)pieces[i] % sizeof(void *), 0);
            memset(pieces[i], (int)(i % 251), i);
        }
        for (unsigned i = 1; i < COUNT_OF(pieces); i++) {
            assert_int_equal((unsigned char)pieces[i][0], i % 251);
            assert_int_equal((unsigned char)pieces[i][i - 1], i % 251);
        }
        scratch_reset(&scratch);
    }
    scratch_free(&scratch);
}

static void pieces_may_be_larger_than_a_block(void **state)
{
    struct scratch scratch = { 0 };
    char *small = scratch_take(&scratch, 10), *large = scratch_take(&scratch, (size_t)5 << 20);

    memset(large, 1, (size_t)5 << 20);
    memset(small, 2, 10);
    assert_int_equal(large[0], 1);
    scratch_reset(&scratch);
    scratch_reset(&scratch);
    scratch_free(&scratch);
    scratch_free(&scratch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_overlap_and_stay),
        cmocka_unit_test(pieces_may_be_larger_than_a_block),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
