/* test_arena.c - memory of one message: aligned, apart, all there until the reset. */
#include "server/wire/arena.h"
#include "support/check.h"

#include <stdalign.h>

enum { PIECES = 400 };

/* Pieces of many sizes, each filled with its own number, must all still hold it at the end. */
static void fill(struct varve_wire_arena *arena)
{
    uint8_t *pieces[PIECES];

    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i] = arena_take(arena, i, 37);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)i, i * 37u);
    }
    for (unsigned i = 0; i < PIECES; i++) {
        for (unsigned at = 0; at < i * 37; at++)
            assert_int_equal(pieces[i][at], (uint8_t)i);
    }
}

static void pieces_do_not_touch(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (unsigned round = 0; round < 3; round++) {
        fill(arena);
        varve_wire_arena_reset(arena);
        assert_int_equal(arena_taken(arena), 0);
    }
    varve_wire_arena_free(arena);
    varve_wire_arena_free(NULL);
}

static void impossible_sizes_are_refused(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    assert_null(arena_take(arena, SIZE_MAX, 2));
    assert_null(arena_take(arena, SIZE_MAX / 2, 1));
    assert_null(arena_take(arena, (size_t)1 << 32, (size_t)1 << 32));
    assert_int_equal(arena_taken(arena), 0);
    assert_non_null(arena_take(arena, 0, 8));
    varve_wire_arena_free(arena);
}

/* What one message needed serves the next from one block. */
static void memory_is_used_again(void **state)
{
    struct varve_wire_arena *arena = varve_wire_arena_create();

    for (unsigned i = 0; i < 10; i++)
        assert_non_null(arena_take(arena, 10000, 1));
    varve_wire_arena_reset(arena);

    uint8_t *first = arena_take(arena, 10000, 1);

    for (unsigned i = 1; i < 10; i++)
        assert_ptr_equal(arena_take(arena, 10000, 1), first + i * 10000);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_do_not_touch),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(memory_is_used_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
