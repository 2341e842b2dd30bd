/* name_sort.c - names are compared eight bytes at a time, as numbers that lie beside each other in the list: names of
 * one category share their beginning, and to follow a pointer for every comparison would cost more than all the
 * rest. */
#include "name_sort.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 8 };

static int compare_ranks(const void *a, const void *b)
{
    const struct settle_order *left = a, *right = b;

    return left->rank < right->rank ? -1 : left->rank > right->rank;
}

void sort_by_rank(struct settle_order *orders, size_t count)
{
    qsort(orders, count, sizeof(*orders), compare_ranks);
}

/* Eight bytes of the name from `depth` on, zeros behind its end. */
static uint64_t window_at(const struct settle_order *order, size_t depth)
{
    uint64_t window = 0;

    if (depth >= order->name_size)
        return 0;
    memcpy(&window, order->name + depth, order->name_size - depth < WINDOW ? order->name_size - depth : WINDOW);
    return __builtin_bswap64(window);
}

/* How many bytes all names have in common from `depth` on, in whole windows. */
static size_t skip_common(const struct settle_order *orders, size_t count, size_t depth)
{
    for (;; depth += WINDOW) {
        uint64_t first = window_at(&orders[0], depth);

        if ((first & 0xff) == 0)
            return depth; /* The first name ends here. */
        for (size_t i = 1; i < count; i++)
            if (window_at(&orders[i], depth) != first)
                return depth;
    }
}

static void sort_from(struct settle_order *orders, size_t count, size_t depth)
{
    depth = skip_common(orders, count, depth);
    for (size_t i = 0; i < count; i++)
        orders[i].rank = window_at(&orders[i], depth);
    sort_by_rank(orders, count);
    for (size_t begin = 0, end; begin < count; begin = end) {
        for (end = begin + 1; end < count && orders[end].rank == orders[begin].rank;)
            end++;
        /* Equal windows with a zero at the end are equal names. Depth is bounded by the longest name. */
        if (end - begin > 1 && (orders[begin].rank & 0xff) != 0)
            sort_from(orders + begin, end - begin, depth + WINDOW);
    }
}

void sort_by_name(struct settle_order *orders, size_t count)
{
    if (count > 1)
        sort_from(orders, count, 0);
}
