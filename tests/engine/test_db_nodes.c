/* test_db_nodes.c - a page taken apart, and one byte of it wrong at a time. */
#include "support/check.h"

#include "engine/db_nodes.h"

enum { PAGE = 4096, UPPER = PAGE - 40 };

/* A leaf of two nodes: "ab" -> "xyz" and "b" -> a value on overflow page 7. */
static void make_leaf(uint8_t page[PAGE])
{
    struct page_header header = { .number = 9, .flags = PAGE_LEAF, .lower = 20, .upper = UPPER };
    const uint16_t offsets[] = { UPPER, UPPER + 14 };
    const uint16_t first[] = { 3, 0, 0, 2 }, second[] = { 5000, 0, NODE_BIG, 1 };
    const uint64_t overflow = 7;

    memset(page, 0, PAGE);
    memcpy(page, &header, sizeof(header));
    memcpy(page + sizeof(header), offsets, sizeof(offsets));
    memcpy(page + offsets[0], first, sizeof(first));
    memcpy(page + offsets[0] + 8, "abxyz", 5);
    memcpy(page + offsets[1], second, sizeof(second));
    memcpy(page + offsets[1] + 8, "b", 1);
    memcpy(page + offsets[1] + 9, &overflow, sizeof(overflow));
}

static struct page_header header_of(const uint8_t *page)
{
    struct page_header header;

    memcpy(&header, page, sizeof(header));
    return header;
}

static void a_sound_page_comes_apart(void **state)
{
    uint8_t page[PAGE];
    struct page_header header;
    struct node node;
    size_t used = 0;

    make_leaf(page);
    header = header_of(page);
    assert_null(node_page_problem(&header, 9, PAGE, true, 1));
    assert_int_equal(node_count(&header), 2);
    assert_null(node_take(page, PAGE, &header, 0, &node, &used));
    assert_int_equal(used, 14);
    assert_memory_equal(node.key.data, "ab", 2);
    assert_int_equal(node.value_size, 3);
    assert_memory_equal(node.value, "xyz", 3);
    assert_null(node_take(page, PAGE, &header, 1, &node, &used));
    assert_int_equal(used, 14 + 18);
    assert_int_equal(node.flags, NODE_BIG);
    assert_int_equal(node_overflow_page(&node), 7);

    struct page_header overflow = { .number = 7, .flags = PAGE_OVERFLOW, .overflow_pages = 2 };
    assert_null(node_overflow_problem(&overflow, 7, PAGE, &node));
    overflow.overflow_pages = 1;
    assert_non_null(node_overflow_problem(&overflow, 7, PAGE, &node));
    assert_non_null(node_overflow_problem(&overflow, 8, PAGE, &node));
}

static void wrong_headers_are_told(void **state)
{
    static const struct {
        const char *label;
        struct page_header header;
        unsigned least;
    } cases[] = {
        { "another page's number", { .number = 8, .flags = PAGE_LEAF, .lower = 20, .upper = UPPER }, 1 },
        { "another kind", { .number = 9, .flags = PAGE_BRANCH, .lower = 20, .upper = UPPER }, 1 },
        { "no node", { .number = 9, .flags = PAGE_LEAF, .lower = 16, .upper = UPPER }, 1 },
        { "too few nodes", { .number = 9, .flags = PAGE_LEAF, .lower = 20, .upper = UPPER }, 3 },
        { "half an offset", { .number = 9, .flags = PAGE_LEAF, .lower = 21, .upper = UPPER }, 1 },
        { "free space of less than nothing", { .number = 9, .flags = PAGE_LEAF, .lower = 20, .upper = 18 }, 1 },
        { "nodes behind the end", { .number = 9, .flags = PAGE_LEAF, .lower = 20, .upper = PAGE + 2 }, 1 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(node_page_problem(&cases[i].header, 9, PAGE, true, cases[i].least) != NULL, cases[i].label);
}

static void wrong_nodes_are_told(void **state)
{
    uint8_t page[PAGE];
    struct page_header header;
    struct node node;
    size_t used = 0;
    uint16_t wrong;

    make_leaf(page);
    header = header_of(page);
    wrong = PAGE - 4; /* no room for its head */
    memcpy(page + sizeof(header), &wrong, sizeof(wrong));
    assert_non_null(node_take(page, PAGE, &header, 0, &node, &used));
    wrong = 30; /* in the free space */
    memcpy(page + sizeof(header), &wrong, sizeof(wrong));
    assert_non_null(node_take(page, PAGE, &header, 0, &node, &used));
    make_leaf(page);
    wrong = 600; /* a key longer than keys can be, and than the page */
    memcpy(page + UPPER + 6, &wrong, sizeof(wrong));
    assert_non_null(node_take(page, PAGE, &header, 0, &node, &used));
    make_leaf(page);
    wrong = 1; /* a value of 64 KiB on the page */
    memcpy(page + UPPER + 2, &wrong, sizeof(wrong));
    assert_non_null(node_take(page, PAGE, &header, 0, &node, &used));
}

static struct db_bytes text(const char *chars)
{
    return (struct db_bytes){ chars, chars != NULL ? strlen(chars) : 0 };
}

static void keys_stand_in_order_and_between_their_bounds(void **state)
{
    static const struct {
        const char *label, *key, *before, *least, *bound;
        bool sound;
    } cases[] = {
        { "alone", "b", NULL, NULL, NULL, true },
        { "between", "b", "a", "a", "c", true },
        { "the least", "b", NULL, "b", NULL, true },
        { "the same twice", "b", "b", NULL, NULL, false },
        { "behind a greater", "b", "ba", NULL, NULL, false },
        { "below the least", "b", NULL, "ba", NULL, false },
        { "the bound", "b", NULL, NULL, "b", false },
        { "empty", "", NULL, NULL, NULL, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE((node_key_problem(false, text(cases[i].key), text(cases[i].before), text(cases[i].least),
                                     text(cases[i].bound)) == NULL) == cases[i].sound, cases[i].label);
    const uint64_t one = 1, two = 256;
    struct db_bytes small = { &one, 8 }, great = { &two, 8 };
    assert_null(node_key_problem(true, great, small, text(NULL), text(NULL)));
    assert_non_null(node_key_problem(true, small, great, text(NULL), text(NULL)));
    assert_non_null(node_key_problem(true, text("1234567"), text(NULL), text(NULL), text(NULL)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_page_comes_apart),
        cmocka_unit_test(wrong_headers_are_told),
        cmocka_unit_test(wrong_nodes_are_told),
        cmocka_unit_test(keys_stand_in_order_and_between_their_bounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
