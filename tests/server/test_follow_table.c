/* test_follow_table.c - followers are found by their place, whatever the order in which a filter's names were given. */
#include "support/check.h"

#include <stdlib.h>

#include "server/follow_parts.h"

static struct server server; /* Of which only the budget and the figures are used. */
static struct follower_table table;

static struct follower *create(const struct follow_place *place)
{
    struct follower *f = NULL;

    assert_int_equal(follower_create(&server, &table, place, &f, NULL), VARVE_OK);
    return f;
}

static void setup(void)
{
    server = (struct server){ .budget.limit_bytes = 64 << 20 };
    table = (struct follower_table){ .count = 0 };
}

static void teardown(void)
{
    assert_int_equal(table.count, 0);
    assert_int_equal(figure_get(&server.figures.followers), 0);
    assert_int_equal(server.budget.used_bytes, 0);
}

static void a_place_is_filter_size_and_position(void **state)
{
    struct varve_view ab[2] = { varve_view_str("a"), varve_view_str("b") }, ba[2] = { ab[1], ab[0] };
    const struct varve_filter raw[] = {
        { .streams = ab, .stream_count = 2 }, { .streams = ba, .stream_count = 2 },
        { .streams = ab, .stream_count = 1 }, { .categories = ab, .category_count = 2 },
        { .types = ab, .type_count = 2 }, { .prefixes = ab, .prefix_count = 2 }, { .classes = 1 },
        { .include_system = true }, { .correlation_id.bytes = { 1 } }, { .stream_count = 0 },
    };
    struct varve_filter *filters[COUNT_OF(raw)];
    setup();

    for (size_t i = 0; i < COUNT_OF(raw); i++)
        filters[i] = varve_filter_copy(&raw[i]);
    struct follower *f = create(&(struct follow_place){ filters[0], 100, 7 });
    follower_table_add(&table, f);
    for (size_t i = 0; i < COUNT_OF(raw); i++) {
        struct follower *found = follower_table_find(&table, &(struct follow_place){ filters[i], 100, 7 });

        assert_ptr_equal(found, i < 2 ? f : NULL);
    }
    assert_null(follower_table_find(&table, &(struct follow_place){ filters[0], 101, 7 }));
    assert_null(follower_table_find(&table, &(struct follow_place){ filters[0], 100, 8 }));
    follower_table_remove(&table, f);
    assert_null(follower_table_find(&table, &(struct follow_place){ filters[0], 100, 7 }));
    follower_table_remove(&table, f); /* Nothing, the second time. */
    follower_destroy(f, &table);
    for (size_t i = 0; i < COUNT_OF(raw); i++)
        free(filters[i]);
    teardown();
}

static void many_are_found(void **state)
{
    enum { MANY = 20000 };
    const struct varve_filter raw = { .stream_count = 0 };
    struct varve_filter *filter = varve_filter_copy(&raw);
    struct follower **all = calloc(MANY, sizeof(*all));
    setup();

    for (uint64_t i = 0; i < MANY; i++) {
        all[i] = create(&(struct follow_place){ filter, 100, i });
        follower_table_add(&table, all[i]);
    }
    for (uint64_t i = 0; i < MANY; i += 2) {
        follower_table_remove(&table, all[i]);
        follower_destroy(all[i], &table);
    }
    for (uint64_t i = 0; i < MANY; i++)
        assert_ptr_equal(follower_table_find(&table, &(struct follow_place){ filter, 100, i }),
                         i % 2 == 1 ? all[i] : NULL);
    for (uint64_t i = 1; i < MANY; i += 2) {
        follower_table_remove(&table, all[i]);
        follower_destroy(all[i], &table);
    }
    free(all);
    free(filter);
    teardown();
}

static void their_number_and_memory_are_bounded(void **state)
{
    static char text[VARVE_MAX_STREAM_NAME];
    struct varve_view names[VARVE_FILTER_MAX_ITEMS];
    const struct varve_filter raw = { .types = names, .type_count = 100 };
    struct follower *f = NULL;
    setup();

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < 100; i++)
        names[i] = varve_view_of(text, 20 + i);
    struct varve_filter *filter = varve_filter_copy(&raw);
    const struct follow_place place = { filter, 100, 7 };
    assert_in_range(follow_filter_bytes(filter), 100 * 20, 100 * 200);
    f = create(&place);
    assert_true(server.budget.used_bytes > follow_filter_bytes(filter));
    follower_destroy(f, &table);
    server.budget.limit_bytes = 1000;
    assert_int_equal(follower_create(&server, &table, &place, &f, NULL), VARVE_OVERLOADED);
    server.budget.limit_bytes = 64 << 20;
    table.count = FOLLOWERS_MAX;
    assert_int_equal(follower_create(&server, &table, &place, &f, NULL), VARVE_OVERLOADED);
    table.count = 0;
    free(filter);
    teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_is_filter_size_and_position), cmocka_unit_test(many_are_found),
        cmocka_unit_test(their_number_and_memory_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
