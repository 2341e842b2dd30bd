/* test_cache_plan.c - which versions a put or a delete takes away. */
#include "fixture.h"

#include <stdlib.h>

#include "snapshots/cache.h"

static void fill(struct fixture *fixture, struct model *model, const int64_t *versions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct model_snapshot item = { .stream = "stream-5", .version = versions[i], .schema_version = 1, .type = "t" };

        fixture_put(fixture, model, &item, 1000);
        snprintf(item.stream, sizeof(item.stream), "stream-%s", i % 2 == 0 ? "4" : "50");
        fixture_put(fixture, model, &item, 1000);
    }
}

static void puts_spare_the_newest(void **state)
{
    static const int64_t versions[] = { 10, 20, 30 };
    static const struct {
        const char *label;
        int64_t version;
        uint32_t keep;
        bool adds;
        uint32_t removed, doomed_count;
        int64_t doomed[3];
    } cases[] = {
        { "room for all", 40, 4, true, 0, 0, { 0 } },
        { "the oldest goes", 40, 3, true, 1, 1, { 10 } },
        { "only the new one stays", 40, 1, true, 3, 3, { 10, 20, 30 } },
        { "in the middle", 25, 2, true, 2, 2, { 10, 20 } },
        { "it is replaced", 20, 3, true, 0, 1, { 20 } },
        { "it is replaced, the oldest goes", 20, 2, true, 1, 2, { 10, 20 } },
        { "too old to stay", 5, 3, false, 1, 0, { 0 } },
        { "too old to stay, as are others", 5, 1, false, 3, 2, { 10, 20 } },
        { "replaced by one that does not stay", 10, 2, false, 1, 1, { 10 } },
    };
    struct fixture fixture;
    struct model model = { .items = NULL };

    fixture_open(&fixture);
    fill(&fixture, &model, versions, COUNT_OF(versions));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct varve_snapshot snapshot = { .stream = varve_view_str("stream-5"), .version = cases[i].version };
        const struct cache_item item = { .work = CACHE_PUT, .snapshot = &snapshot, .keep = cases[i].keep };
        struct cache_leaves leaves = { .leaves = { { .page = 0 } } };
        struct cache_plan plan;

        assert_int_equal(cache_plan_item(fixture.cache, &item, &leaves, &plan, NULL), VARVE_OK);
        CHECK_CASE(plan.adds == cases[i].adds, cases[i].label);
        CHECK_CASE(plan.removed == cases[i].removed, cases[i].label);
        CHECK_CASE(plan.doomed_count == cases[i].doomed_count, cases[i].label);
        for (uint32_t n = 0; n < plan.doomed_count; n++)
            CHECK_CASE(plan.doomed[n] == cases[i].doomed[n], cases[i].label);
        free(plan.doomed);
    }
    model_free(&model);
    fixture_close(&fixture);
}

static void deletes_take_a_range(void **state)
{
    static const int64_t versions[] = { 0, 10, 20, 30 };
    static const struct {
        const char *label;
        int64_t from, until;
        uint32_t count;
    } cases[] = { { "all", 0, INT64_MAX, 4 }, { "one", 10, 10, 1 }, { "none", 11, 19, 0 }, { "two", 1, 20, 2 } };
    const struct varve_snapshot snapshot = { .stream = varve_view_str("stream-5") };
    struct fixture fixture;
    struct model model = { .items = NULL };

    fixture_open(&fixture);
    fill(&fixture, &model, versions, COUNT_OF(versions));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct cache_item item = { .work = CACHE_DELETE, .snapshot = &snapshot, .from_version = cases[i].from,
                                         .until_version = cases[i].until };
        struct cache_leaves leaves = { .leaves = { { .page = 0 } } };
        struct cache_plan plan;

        assert_int_equal(cache_plan_item(fixture.cache, &item, &leaves, &plan, NULL), VARVE_OK);
        CHECK_CASE(!plan.adds && plan.removed == cases[i].count && plan.doomed_count == cases[i].count,
                   cases[i].label);
        free(plan.doomed);
    }
    model_free(&model);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(puts_spare_the_newest),
        cmocka_unit_test(deletes_take_a_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
