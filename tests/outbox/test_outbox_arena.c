/* test_outbox_arena.c - what is taken stays until all is cleared, and is nobody else's. */
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

#include "server/outbox/outbox_arena.h"

static void what_is_taken_is_aligned_and_apart(void **state)
{
    enum { COUNT = 5000 };
    static char *taken[COUNT];
    struct outbox_arena *arena = outbox_arena_create(1 << 20);

    assert_non_null(arena);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            size_t size = (i * 37) % 700;

            taken[i] = outbox_arena_take(arena, size);
            assert_non_null(taken[i]);
            assert_int_equal((uintptr_t)taken[i] % 8, 0);
            memset(taken[i], (int)(i % 251), size);
        }
        for (size_t i = 0; i < COUNT; i++)
            for (size_t at = 0; at < (i * 37) % 700; at++)
                assert_int_equal((unsigned char)taken[i][at], i % 251);
        outbox_arena_clear(arena);
    }
    outbox_arena_free(arena);
}

static void large_ones_get_blocks_of_their_own(void **state)
{
    struct outbox_arena *arena = outbox_arena_create(8 << 20);

    for (unsigned round = 0; round < 3; round++) {
        char *small = outbox_arena_take(arena, 10), *large = outbox_arena_take(arena, 3 << 20);
        char *after = outbox_arena_take(arena, 10), *larger = outbox_arena_take(arena, 4 << 20);

        assert_true(small != NULL && large != NULL && after != NULL && larger != NULL);
        memset(large, 1, 3 << 20);
        memset(larger, 2, 4 << 20);
        memset(small, 3, 10);
        memset(after, 4, 10);
        assert_true(large[0] == 1 && large[(3 << 20) - 1] == 1 && larger[0] == 2 && small[9] == 3 && after[0] == 4);
        outbox_arena_clear(arena);
    }
    outbox_arena_free(arena);
}

static void the_same_memory_is_used_again(void **state)
{
    struct outbox_arena *arena = outbox_arena_create(1 << 20);
    void *first = outbox_arena_take(arena, 100);

    outbox_arena_take(arena, 300000);
    outbox_arena_clear(arena);
    assert_ptr_equal(outbox_arena_take(arena, 100), first);
    outbox_arena_free(arena);
}

static void nothing_need_be_kept(void **state)
{
    struct outbox_arena *arena = outbox_arena_create(0);

    assert_non_null(outbox_arena_take(arena, 100));
    outbox_arena_clear(arena);
    outbox_arena_clear(arena);
    assert_non_null(outbox_arena_take(arena, 0));
    outbox_arena_free(arena);
    outbox_arena_free(NULL);
}

static void sizes_that_nobody_has_are_refused(void **state)
{
    struct outbox_arena *arena = outbox_arena_create(0);

    assert_null(outbox_arena_take(arena, SIZE_MAX));
    assert_null(outbox_arena_copy(arena, varve_view_of("", SIZE_MAX)).data);
    outbox_arena_free(arena);
}

static void copies_end_with_a_nul(void **state)
{
    struct outbox_arena *arena = outbox_arena_create(0);
    struct varve_view copy = outbox_arena_copy(arena, varve_view_of("payment-4711", 7));

    assert_int_equal(copy.size, 7);
    assert_string_equal(copy.data, "payment");
    copy = outbox_arena_copy(arena, varve_view_of(NULL, 0));
    assert_non_null(copy.data);
    assert_string_equal(copy.data, "");
    outbox_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_aligned_and_apart),
        cmocka_unit_test(large_ones_get_blocks_of_their_own),
        cmocka_unit_test(the_same_memory_is_used_again),
        cmocka_unit_test(nothing_need_be_kept),
        cmocka_unit_test(sizes_that_nobody_has_are_refused),
        cmocka_unit_test(copies_end_with_a_nul),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
