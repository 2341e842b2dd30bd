/* test_page_sums.c - a page is known by the bytes that LMDB wrote last, and by no others. */
#include "support/check.h"

#include "engine/db_pages.h"
#include "engine/page_sums.h"

enum { PAGE = 4096 };

static void make_page(uint8_t page[PAGE], uint64_t number, uint16_t flags, uint8_t fill)
{
    struct page_header header = { .number = number, .flags = flags };

    memset(page, fill, PAGE);
    memcpy(page, &header, sizeof(header));
}

static void pages_are_known_by_their_bytes(void **state)
{
    struct varve_page_sums *sums = varve_page_sums_create(1u << 30);
    uint8_t page[PAGE], other[PAGE];

    assert_non_null(sums);
    make_page(page, 70000, PAGE_LEAF, 1);
    make_page(other, 70000, PAGE_LEAF, 2);
    assert_true(page_sums_match(sums, 70000, other, PAGE)); /* not known yet */
    page_sums_set(sums, 70000, page, PAGE);
    assert_true(page_sums_match(sums, 70000, page, PAGE));
    assert_false(page_sums_match(sums, 70000, other, PAGE));
    assert_true(page_sums_match(sums, 70001, other, PAGE));
    page_sums_set(sums, 70000, other, PAGE);
    assert_true(page_sums_match(sums, 70000, other, PAGE));

    page_sums_set(sums, 1u << 20, page, PAGE); /* beyond the map: not known */
    assert_true(page_sums_match(sums, 1u << 20, other, PAGE));
    assert_true(page_sums_match(NULL, 3, other, PAGE));
    page_sums_set(NULL, 3, other, PAGE);
    varve_page_sums_destroy(sums);
    varve_page_sums_destroy(NULL);
}

static void only_pages_of_trees_are_seen_and_only_while_watching(void **state)
{
    struct varve_page_sums *sums = varve_page_sums_create(1u << 24);
    uint8_t page[PAGE], other[PAGE];

    make_page(page, 5, PAGE_BRANCH, 1);
    make_page(other, 5, PAGE_BRANCH, 2);
    page_sums_see(page, PAGE);
    assert_true(page_sums_match(sums, 5, other, PAGE));
    varve_page_sums_watch(sums);
    page_sums_see(page, 100); /* part of a meta page */
    assert_true(page_sums_match(sums, 5, other, PAGE));
    page_sums_see(page, PAGE);
    assert_false(page_sums_match(sums, 5, other, PAGE));
    make_page(page, 6, PAGE_OVERFLOW, 1);
    page_sums_see(page, PAGE);
    assert_true(page_sums_match(sums, 6, other, PAGE));
    varve_page_sums_watch(NULL);
    page_sums_see(other, PAGE);
    assert_false(page_sums_match(sums, 5, other, PAGE));
    varve_page_sums_destroy(sums);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_known_by_their_bytes),
        cmocka_unit_test(only_pages_of_trees_are_seen_and_only_while_watching),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
