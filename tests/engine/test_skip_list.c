/* test_skip_list.c - a skip list holds what a sorted array would, after any sequence of insertions and removals. */
#include <stdlib.h>

#include "engine/skip_list.h"
#include "support/check.h"
#include "support/random.h"

enum { MOST = 2000, KEY_ROOM = 6 };

struct pair {
    struct skip_list list;
    struct skip_node *sorted[MOST]; /* the same nodes */
    size_t count;
};

static struct skip_node *make(struct skip_list *list, const uint8_t *key, size_t key_size)
{
    unsigned height = skip_list_draw_height(list);
    size_t size = skip_list_node_size(height, key_size);
    void *memory = malloc(size);

    assert_true(height >= 1 && height <= SKIP_LIST_HEIGHT);
    return skip_node_make(memory, height, key, key_size, memory);
}

static int compare_keys(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

/* How many of the array are below the key, or not above it. */
static size_t rank(const struct pair *pair, const uint8_t *key, size_t key_size, bool above)
{
    size_t n = 0;

    while (n < pair->count &&
           compare_keys(pair->sorted[n]->key, pair->sorted[n]->key_size, key, key_size) < (above ? 1 : 0))
        n++;
    return n;
}

/* Few bytes of few values: many keys are met twice, and many begin with another. */
static size_t draw_key(uint64_t *random, uint8_t key[KEY_ROOM])
{
    size_t size = random_below(random, KEY_ROOM) + 1;

    for (size_t i = 0; i < size; i++)
        key[i] = (uint8_t)(random_below(random, 4) * 85);
    return size;
}

static bool is_at(const struct pair *pair, size_t at, const uint8_t *key, size_t key_size)
{
    return at < pair->count && compare_keys(pair->sorted[at]->key, pair->sorted[at]->key_size, key, key_size) == 0;
}

static void insert_or_remove(struct pair *pair, uint64_t *random)
{
    uint8_t key[KEY_ROOM];
    size_t key_size = draw_key(random, key), at = rank(pair, key, key_size, false);
    struct skip_node *node;

    if (is_at(pair, at, key, key_size)) {
        node = pair->sorted[at];
        assert_true(skip_list_remove(&pair->list, node));
        assert_false(skip_list_remove(&pair->list, node)); /* It is not in it any more. */
        pair->count--;
        memmove(&pair->sorted[at], &pair->sorted[at + 1], (pair->count - at) * sizeof(node));
        free(node);
    } else if (pair->count < MOST) {
        node = make(&pair->list, key, key_size);
        assert_false(skip_list_remove(&pair->list, node)); /* Nor is it yet. */
        skip_list_insert(&pair->list, node);
        memmove(&pair->sorted[at + 1], &pair->sorted[at], (pair->count - at) * sizeof(node));
        pair->sorted[at] = node;
        pair->count++;
    }
}

static void compare_all(const struct pair *pair)
{
    const struct skip_node *node = skip_list_seek(&pair->list, (const uint8_t *)"", 0, false);

    for (size_t i = 0; i < pair->count; i++, node = skip_list_next(node)) {
        assert_ptr_equal(node, pair->sorted[i]);
        assert_ptr_equal(node->value, node);
    }
    assert_null(node);
}

static void compare_seek(const struct pair *pair, uint64_t *random)
{
    uint8_t key[KEY_ROOM];
    size_t key_size = draw_key(random, key);

    for (int above = 0; above < 2; above++) {
        size_t at = rank(pair, key, key_size, above);
        assert_ptr_equal(skip_list_seek(&pair->list, key, key_size, above),
                         at == pair->count ? NULL : pair->sorted[at]);
    }
}

static void as_a_sorted_array(void **ignored)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct pair *pair = calloc(1, sizeof(*pair));
        uint64_t random = seed;

        skip_list_init(&pair->list, seed);
        for (unsigned i = 0; i < 3000; i++) {
            insert_or_remove(pair, &random);
            compare_seek(pair, &random);
            if (i % 100 == 0)
                compare_all(pair);
        }
        compare_all(pair);
        while (pair->count > 0) {
            assert_true(skip_list_remove(&pair->list, pair->sorted[--pair->count]));
            free(pair->sorted[pair->count]);
        }
        for (unsigned level = 0; level < SKIP_LIST_HEIGHT; level++)
            assert_null(pair->list.first[level]);
        free(pair);
    }
}

/* A quarter of the nodes reach each next level: a list that were one chain would be slow without being wrong. */
static void heights_are_spread(void **ignored)
{
    static const uint64_t seeds[] = { 0, 1, 2, UINT64_MAX };

    for (unsigned s = 0; s < COUNT_OF(seeds); s++) {
        unsigned counts[SKIP_LIST_HEIGHT + 1] = { 0 }, draws = 1 << 16, reached = draws;
        struct skip_list list;

        skip_list_init(&list, seeds[s]);
        for (unsigned i = 0; i < draws; i++)
            counts[skip_list_draw_height(&list)]++;
        for (unsigned height = 1; height <= 4; height++) {
            reached -= counts[height];
            assert_in_range(reached, (draws >> (2 * height)) * 7 / 10, (draws >> (2 * height)) * 13 / 10);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_a_sorted_array),
        cmocka_unit_test(heights_are_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
