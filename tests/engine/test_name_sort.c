/* test_name_sort.c - names in the order of their bytes, as another sort puts them. */
#include "support/check.h"
#include "support/random.h"

#include "engine/name_sort.h"

#include <stdlib.h>
#include <unistd.h>

enum { MOST = 3000, LONGEST = 60 };
static char names[MOST][LONGEST + 1];
static struct settle_order orders[MOST];

static int compare_names(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void check_sorted(size_t count)
{
    for (size_t i = 0; i < count; i++)
        orders[i] = (struct settle_order){ 0, names[i], (uint32_t)strlen(names[i]), (uint32_t)i };
    sort_by_name(orders, count);
    static char copy[MOST][LONGEST + 1]; /* The orders point into names: sort a copy of them. */
    memcpy(copy, names, sizeof(copy));
    qsort(copy, count, sizeof(copy[0]), compare_names);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(orders[i].name_size, strlen(copy[i]));
        assert_memory_equal(orders[i].name, copy[i], orders[i].name_size);
        assert_ptr_equal(orders[i].name, names[orders[i].stream]);
    }
}

static const struct {
    const char *label, *prefix, *alphabet;
    size_t count, longest;
} shapes[] = {
    { "none", "", "a", 0, 1 },
    { "one", "a-long-common-prefix-", "a", 1, 5 },
    { "all begin alike", "order-with-a-long-name-", "0123456789", MOST, 12 },
    { "each the beginning of others", "", "a", 60, 60 },
    { "two letters", "", "ab", MOST, 40 },
    { "bytes above 127", "\xc3\xa9-", "\x80\xff\x01z", MOST, 30 },
};

static void names_are_sorted_by_their_bytes(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t shape = 0; shape < COUNT_OF(shapes); shape++) {
        size_t letters = strlen(shapes[shape].alphabet), prefix = strlen(shapes[shape].prefix);

        memset(names, 0, sizeof(names));
        for (size_t i = 0; i < shapes[shape].count; i++) {
            size_t size = prefix + (letters == 1 ? i + 1 : 1 + random_below(&random, shapes[shape].longest));

            memcpy(names[i], shapes[shape].prefix, prefix);
            for (size_t at = prefix; at < size && at < LONGEST; at++)
                names[i][at] = shapes[shape].alphabet[random_below(&random, letters)];
        }
        check_sorted(shapes[shape].count);
    }
}

static void ranks_are_sorted(void **state)
{
    uint64_t random = 3;

    for (size_t i = 0; i < MOST; i++)
        orders[i] = (struct settle_order){ .rank = random_next(&random) };
    sort_by_rank(orders, MOST);
    for (size_t i = 1; i < MOST; i++)
        assert_true(orders[i - 1].rank <= orders[i].rank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_sorted_by_their_bytes),
        cmocka_unit_test(ranks_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
