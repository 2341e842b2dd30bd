/* test_tail_arena.c - the memory of a layer: what is taken stays where it is, and blocks are used again. */
#include "engine/tail_arena.h"
#include "support/check.h"
#include "support/fail_alloc.h"
#include "support/random.h"

#define BLOCK TAIL_ARENA_BLOCK_BYTES

/* ---- blocks ---- */

static void what_is_taken_is_aligned_and_apart(void **ignored)
{
    enum { PIECES = 5000, MOST = 3000 };
    struct tail_arena arena = { 0 };
    uint64_t random = 11;
    struct { uint8_t *at; size_t size; } pieces[PIECES];

    for (unsigned i = 0; i < PIECES; i++) {
        pieces[i].size = random_below(&random, MOST);
        pieces[i].at = tail_arena_take(&arena, pieces[i].size);
        assert_non_null(pieces[i].at);
        assert_int_equal((uintptr_t)pieces[i].at % sizeof(void *), 0);
        memset(pieces[i].at, (int)(i % 251), pieces[i].size);
    }
    for (unsigned i = 0; i < PIECES; i++)
        for (size_t k = 0; k < pieces[i].size; k++)
            assert_int_equal(pieces[i].at[k], i % 251);
    tail_arena_free(&arena);
}

static void what_is_larger_than_a_block_has_its_own(void **ignored)
{
    static const struct { const char *label; size_t size; uint64_t bytes; } cases[] = {
        { "nothing", 0, BLOCK },
        { "a byte", 1, BLOCK },
        { "a whole block", BLOCK, BLOCK },
        { "more than a block, rounded up", BLOCK + 1, BLOCK + 8 },
        { "much more", 5 * BLOCK, 5 * BLOCK },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tail_arena arena = { 0 };
        uint8_t *at = tail_arena_take(&arena, cases[i].size);
        CHECK_CASE(at != NULL && arena.bytes == cases[i].bytes, cases[i].label);
        memset(at, 'x', cases[i].size);
        tail_arena_free(&arena);
    }
}

static void blocks_are_used_again(void **ignored)
{
    struct tail_arena arena = { 0 };

    for (int again = 0; again < 3; again++) {
        for (int i = 0; i < 80; i++)
            assert_non_null(tail_arena_take(&arena, BLOCK / 8));
        assert_non_null(tail_arena_take(&arena, 3 * BLOCK));
        assert_int_equal(arena.bytes, 13 * BLOCK);
        tail_arena_reset(&arena);
        assert_int_equal(arena.bytes, 10 * BLOCK); /* What was larger than a block is given back. */
    }
    tail_arena_free(&arena);
}

static void not_all_blocks_are_kept(void **ignored)
{
    enum { BLOCKS = 300, KEPT = 256 };
    struct tail_arena arena = { 0 };

    for (int i = 0; i < BLOCKS; i++)
        assert_non_null(tail_arena_take(&arena, BLOCK));
    assert_int_equal(arena.bytes, (uint64_t)BLOCKS * BLOCK);
    tail_arena_reset(&arena);
    assert_int_equal(arena.bytes, (uint64_t)KEPT * BLOCK);
    tail_arena_free(&arena);
}

/* ---- pages ---- */

static void pages_do_not_move(void **ignored)
{
    enum { PER_PAGE = 8, ITEMS = 1000 };
    struct tail_pages pages = { 0 };
    uint64_t *items[ITEMS];

    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_true(tail_pages_reserve(&pages, PER_PAGE, sizeof(*items[i]), i));
        assert_true(tail_pages_reserve(&pages, PER_PAGE, sizeof(*items[i]), i)); /* There is room already. */
        assert_int_equal(pages.count, i / PER_PAGE + 1);
        items[i] = (uint64_t *)pages.page[i / PER_PAGE] + i % PER_PAGE;
        *items[i] = i;
    }
    for (uint32_t i = 0; i < ITEMS; i++) {
        assert_ptr_equal((uint64_t *)pages.page[i / PER_PAGE] + i % PER_PAGE, items[i]);
        assert_int_equal(*items[i], i);
    }
    tail_pages_free(&pages);
}

/* ---- faults ---- */

static void without_memory_nothing_changes(void **ignored)
{
    struct tail_arena arena = { 0 };
    struct tail_pages pages = { 0 };

    if (!FAIL_ALLOC_WORKS)
        skip();
    assert_non_null(tail_arena_take(&arena, 100));
    fail_alloc_arm(1);
    assert_null(tail_arena_take(&arena, BLOCK));
    assert_true(fail_alloc_disarm());
    assert_int_equal(arena.bytes, BLOCK);
    assert_non_null(tail_arena_take(&arena, 100)); /* of what is left of the first block */
    assert_int_equal(arena.bytes, BLOCK);
    for (unsigned nth = 1; nth <= 2; nth++) { /* the table of pages, then the page */
        fail_alloc_arm(nth);
        assert_false(tail_pages_reserve(&pages, 8, 8, 0));
        assert_true(fail_alloc_disarm());
        assert_int_equal(pages.count, 0);
    }
    assert_true(tail_pages_reserve(&pages, 8, 8, 0));
    tail_pages_free(&pages);
    tail_arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_aligned_and_apart),
        cmocka_unit_test(what_is_larger_than_a_block_has_its_own),
        cmocka_unit_test(blocks_are_used_again),
        cmocka_unit_test(not_all_blocks_are_kept),
        cmocka_unit_test(pages_do_not_move),
        cmocka_unit_test(without_memory_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
