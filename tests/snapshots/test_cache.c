/* test_cache.c - the cache against a naive model, opened and closed on the way; what is deleted, or of another store,
 * is begun anew; and the memory that cannot be had. */
#include "fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/effort.h"
#include "support/fail_alloc.h"
#include "support/random.h"

enum { STREAMS = 40, VERSIONS = 12 };

static void get_something(struct fixture *fixture, const struct model *model, uint64_t *random)
{
    struct model_snapshot like = random_item(random, STREAMS, VERSIONS + 2, 1);
    const char *type = random_below(random, 2) == 0 ? like.type : "";
    uint32_t schema_version = random_below(random, 2) == 0 ? like.schema_version : 0;
    struct varve_snapshot_query query = { .stream = varve_view_str(like.stream), .at_or_below = like.version,
                                          .type = varve_view_str(type), .schema_version = schema_version };
    const struct model_snapshot *expected = model_get(model, like.stream, like.version, type, schema_version);
    struct varve_snapshot *snapshot;
    enum varve_status status = varve_snapshots_get(fixture->cache, &query, &snapshot, NULL);

    assert_int_equal(status, expected != NULL ? VARVE_OK : VARVE_SNAPSHOT_NOT_FOUND);
    if (status != VARVE_OK)
        return;
    check_is(snapshot, expected);
    free(snapshot);
}

static void delete_something(struct fixture *fixture, struct model *model, uint64_t *random)
{
    struct model_snapshot like = random_item(random, STREAMS, VERSIONS, 1);
    int64_t until = random_below(random, 3) == 0 ? INT64_MAX : like.version + (int64_t)random_below(random, 4);
    uint64_t count = 77;

    assert_int_equal(varve_snapshots_delete(fixture->cache, varve_view_str(like.stream), like.version, until, &count,
                                            NULL), VARVE_OK);
    assert_int_equal(count, model_delete(model, like.stream, like.version, until));
}

static void it_holds_what_a_naive_model_holds(void **state)
{
    uint64_t random = test_seed((uint64_t)getpid());
    struct fixture fixture;
    struct model model = { .items = NULL };

    fixture_open(&fixture);
    for (unsigned step = 0; step < TEST_EFFORT(4000); step++) {
        uint64_t what = random_below(&random, 100);
        uint32_t most_bytes = what == 0 ? VARVE_SNAPSHOT_MAX_BYTES : 9000;
        struct model_snapshot item = random_item(&random, STREAMS, VERSIONS, most_bytes);

        if (what < 60)
            fixture_put(&fixture, &model, &item, (uint32_t)random_below(&random, 6));
        else if (what < 75)
            get_something(&fixture, &model, &random);
        else if (what < 85)
            delete_something(&fixture, &model, &random);
        else if (what == 99)
            fixture_reopen(&fixture);
        else if (what == 98)
            check_same(&fixture, &model, 1 + (uint32_t)random_below(&random, 50));
    }
    check_same(&fixture, &model, 1000);
    assert_int_equal(fixture.told, 0);
    model_free(&model);
    fixture_close(&fixture);
}

static void a_file_of_another_store_is_begun_anew(void **state)
{
    struct fixture fixture;
    struct model model = { .items = NULL };
    struct model_snapshot item = { .stream = "stream-1", .version = 3, .schema_version = 1, .type = "t", .size = 10 };

    fixture_open(&fixture);
    fixture_put(&fixture, &model, &item, 0);
    fixture.database_id.bytes[15] = 9;
    fixture_reopen(&fixture);
    assert_int_equal(fixture.told, 1);
    assert_non_null(strstr(fixture.message, "another store"));
    assert_int_equal(check_no_lies(&fixture, &model, 4), 1);
    model_free(&model);
    fixture_close(&fixture);
}

static void a_deleted_file_is_a_miss(void **state)
{
    struct fixture fixture;
    struct model model = { .items = NULL };
    struct model_snapshot item = { .stream = "stream-1", .version = 3, .schema_version = 1, .type = "t", .size = 10 };

    fixture_open(&fixture);
    fixture_put(&fixture, &model, &item, 0);
    varve_snapshots_close(fixture.cache);
    fixture.cache = NULL;
    assert_int_equal(unlink(fixture.path), 0);
    fixture_reopen(&fixture);
    assert_int_equal(check_no_lies(&fixture, &model, 4), 1);

    fixture.lossy = true;
    fixture_put(&fixture, &model, &item, 0);
    assert_int_equal(unlink(fixture.path), 0); /* in use */
    assert_int_equal(fixture.told, 0);
    item.version = 4;
    fixture_put(&fixture, &model, &item, 0);
    assert_int_equal(fixture.told, 1);
    assert_non_null(strstr(fixture.message, "deleted"));
    fixture_reopen(&fixture); /* What was put after it was gone is there. */
    assert_int_equal(check_no_lies(&fixture, &model, 4), 0);
    model_free(&model);
    fixture_close(&fixture);
}

static void options_are_checked(void **state)
{
    struct fixture fixture;
    struct varve_snapshots *cache;
    struct varve_error error;
    char path[5000];

    fixture_open(&fixture);
    fixture.options.keep = 0;
    assert_int_equal(varve_snapshots_open(fixture.directory, &fixture.database_id, &fixture.options, &cache, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "keep");
    fixture.options.keep = 1001;
    assert_int_equal(varve_snapshots_open(fixture.directory, &fixture.database_id, &fixture.options, &cache, NULL),
                     VARVE_INVALID_ARGUMENT);
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(varve_snapshots_open(path, &fixture.database_id, NULL, &cache, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_snapshots_open("/nowhere/at/all", &fixture.database_id, NULL, &cache, &error), VARVE_IO);
    varve_snapshots_close(NULL);
    fixture_close(&fixture);
}

#if FAIL_ALLOC_WORKS
/* What is asked must succeed, or fail with NO_MEMORY and change nothing. */
static bool try_opening(struct fixture *fixture, unsigned nth)
{
    varve_snapshots_close(fixture->cache);
    fixture->cache = NULL;
    fail_alloc_arm(nth);
    enum varve_status status =
        varve_snapshots_open(fixture->directory, &fixture->database_id, &fixture->options, &fixture->cache, NULL);
    bool fired = fail_alloc_disarm();
    assert_true(status == VARVE_OK || (fired && status == VARVE_NO_MEMORY));
    if (status != VARVE_OK)
        fixture_reopen(fixture);
    return fired;
}

static bool try_putting(struct fixture *fixture, struct model *model, unsigned nth)
{
    struct model_snapshot item = { .stream = "stream-3", .version = 100 + nth, .schema_version = 1, .type = "t",
                                   .size = 9000, .seed = nth };
    char *data;
    struct varve_snapshot snapshot = model_snapshot_of(&item, &data);

    fail_alloc_arm(nth);
    enum varve_status status = varve_snapshots_put(fixture->cache, &snapshot, 2, NULL, NULL, NULL);
    bool fired = fail_alloc_disarm();
    free(data);
    assert_true(status == VARVE_OK || (fired && status == VARVE_NO_MEMORY));
    if (status == VARVE_OK)
        model_put(model, &item, 2);
    return fired;
}

static bool try_getting(struct fixture *fixture, const struct model *model, unsigned nth)
{
    struct varve_snapshot_query query = { .stream = varve_view_str("stream-3"), .at_or_below = INT64_MAX };
    struct varve_snapshot *found = NULL, *listed = NULL;
    size_t count;
    bool end;

    fail_alloc_arm(nth);
    enum varve_status status = varve_snapshots_get(fixture->cache, &query, &found, NULL);
    enum varve_status list = varve_snapshots_list(fixture->cache, query.stream, varve_view_of("", 0), -1, 10, &listed,
                                                  &count, &end, NULL);
    bool fired = fail_alloc_disarm();
    assert_true(status == VARVE_OK || (fired && status == VARVE_NO_MEMORY));
    assert_true(list == VARVE_OK || (fired && list == VARVE_NO_MEMORY));
    if (status == VARVE_OK)
        check_is(found, model_get(model, "stream-3", INT64_MAX, "", 0));
    free(found);
    free(listed);
    return fired;
}

static void memory_that_cannot_be_had_loses_nothing(void **state)
{
    struct fixture fixture;
    struct model model = { .items = NULL };
    uint64_t random = 3;
    unsigned nth;

    fixture_open(&fixture);
    for (unsigned i = 0; i < 300; i++) {
        struct model_snapshot item = random_item(&random, STREAMS, VERSIONS, 9000);

        fixture_put(&fixture, &model, &item, 5);
    }
    for (nth = 1; try_opening(&fixture, nth); nth++)
        check_same(&fixture, &model, 1000);
    assert_true(nth > 10);
    for (nth = 1; try_putting(&fixture, &model, nth); nth++)
        check_same(&fixture, &model, 1000);
    assert_true(nth > 5);
    for (nth = 1; try_getting(&fixture, &model, nth); nth++)
        continue;
    check_same(&fixture, &model, 1000);
    assert_int_equal(fixture.told, 0);
    model_free(&model);
    fixture_close(&fixture);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_holds_what_a_naive_model_holds),
        cmocka_unit_test(a_file_of_another_store_is_begun_anew),
        cmocka_unit_test(a_deleted_file_is_a_miss),
        cmocka_unit_test(options_are_checked),
#if FAIL_ALLOC_WORKS
        cmocka_unit_test(memory_that_cannot_be_had_loses_nothing),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
