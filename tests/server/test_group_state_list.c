/* test_group_state_list.c - lists of indexes: both ends, the middle, and empty again. */
#include "server/group_state_list.h"
#include "support/check.h"

enum { SIZE = 8 };

static void check_list(const struct group_list *list, const struct group_links *links, const uint32_t *expected,
                       uint32_t count)
{
    uint32_t before = GROUP_NONE, at = list->first;

    assert_int_equal(list->count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(at, expected[i]);
        assert_int_equal(links[at].previous, before);
        before = at;
        at = links[at].next;
    }
    assert_int_equal(at, GROUP_NONE);
    assert_int_equal(list->last, before);
}

static void both_ends_take(void **unused)
{
    struct group_links links[SIZE];
    struct group_list list = GROUP_LIST_EMPTY;

    group_list_append(&list, links, 3);
    group_list_append(&list, links, 5);
    group_list_prepend(&list, links, 1);
    check_list(&list, links, (const uint32_t[]){ 1, 3, 5 }, 3);
}

static void first_middle_and_last_can_go(void **unused)
{
    struct group_links links[SIZE];
    struct group_list list = GROUP_LIST_EMPTY;

    for (uint32_t i = 0; i < 5; i++)
        group_list_append(&list, links, i);
    group_list_remove(&list, links, 2);
    check_list(&list, links, (const uint32_t[]){ 0, 1, 3, 4 }, 4);
    group_list_remove(&list, links, 0);
    check_list(&list, links, (const uint32_t[]){ 1, 3, 4 }, 3);
    group_list_remove(&list, links, 4);
    check_list(&list, links, (const uint32_t[]){ 1, 3 }, 2);
    group_list_remove(&list, links, 1);
    group_list_remove(&list, links, 3);
    check_list(&list, links, NULL, 0);
    group_list_prepend(&list, links, 7);
    check_list(&list, links, (const uint32_t[]){ 7 }, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_take), cmocka_unit_test(first_middle_and_last_can_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
