/* test_cache_read.c - what is asked wrongly is said; lists begin where they should; a snapshot whose data is damaged is
 * thrown away, and the one before it is given. */
#include "fixture.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void wrong_questions_are_told(void **state)
{
    struct fixture fixture;
    struct varve_snapshot_query query = { .stream = varve_view_str("a"), .at_or_below = -1 };
    struct varve_snapshot *ret;
    struct varve_view none = varve_view_of("", 0);
    struct varve_error error;
    char name[600];
    size_t count;
    bool end;

    memset(name, 'a', sizeof(name));
    fixture_open(&fixture);
    assert_int_equal(varve_snapshots_get(fixture.cache, &query, &ret, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "version");
    query.stream = none;
    query.at_or_below = 0;
    assert_int_equal(varve_snapshots_get(fixture.cache, &query, &ret, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "stream");
    assert_int_equal(varve_snapshots_list(fixture.cache, varve_view_of(name, 500), none, -1, 1, &ret, &count, &end,
                                          &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "prefix");
    assert_int_equal(varve_snapshots_list(fixture.cache, none, varve_view_of(name, 500), -1, 1, &ret, &count, &end,
                                          &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "after_stream");
    assert_int_equal(varve_snapshots_list(fixture.cache, none, none, -2, 1, &ret, &count, &end, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "after_version");
    for (uint32_t limit = 0; limit < 2000; limit += 1001)
        assert_int_equal(varve_snapshots_list(fixture.cache, none, none, -1, limit, &ret, &count, &end, &error),
                         VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "limit");
    assert_int_equal(varve_snapshots_delete(fixture.cache, varve_view_str("a"), 5, 4, NULL, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "until_version");
    fixture_close(&fixture);
}

static void put(struct fixture *fixture, struct model *model, const char *stream, int64_t version, uint32_t size)
{
    struct model_snapshot item = { .version = version, .schema_version = 1, .type = "t", .size = size,
                                   .seed = (uint64_t)version };

    snprintf(item.stream, sizeof(item.stream), "%s", stream);
    fixture_put(fixture, model, &item, 100);
}

static void lists_begin_where_they_should(void **state)
{
    static const struct {
        const char *label, *prefix, *after;
        int64_t after_version;
        uint32_t limit;
        const char *first;
        int64_t first_version;
        size_t count;
        bool end;
    } cases[] = {
        { "all", "", "", -1, 100, "a-1", 1, 6, true },
        { "all, in two", "", "", -1, 4, "a-1", 1, 4, false },
        { "exactly as many as there are", "", "", -1, 6, "a-1", 1, 6, true },
        { "a prefix", "a-1", "", -1, 100, "a-1", 1, 4, true },
        { "a prefix of nothing", "c", "", -1, 100, NULL, 0, 0, true },
        { "after a version", "", "a-1", 1, 100, "a-1", 2, 5, true },
        { "after the last version", "", "a-1", 2, 100, "a-10", 0, 4, true },
        { "after a stream", "", "a-1", INT64_MAX, 100, "a-10", 0, 4, true },
        { "after a stream that is none", "", "a-15", INT64_MAX, 100, "a-2", 7, 2, true },
        { "a stream from its first", "", "a-10", -1, 100, "a-10", 0, 4, true },
        { "after one before the prefix", "a-2", "a-1", 1, 100, "a-2", 7, 1, true },
        { "after the beginning of the prefix", "a-2", "a", 1, 100, "a-2", 7, 1, true },
        { "after one behind the prefix", "a-2", "b", -1, 100, NULL, 0, 0, true },
    };
    struct fixture fixture;
    struct model model = { .items = NULL };

    fixture_open(&fixture);
    put(&fixture, &model, "a-1", 1, 10);
    put(&fixture, &model, "a-1", 2, 10);
    put(&fixture, &model, "a-10", 0, 10);
    put(&fixture, &model, "a-10", 9, 10);
    put(&fixture, &model, "a-2", 7, 10);
    put(&fixture, &model, "b", 3, 10);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_snapshot *snapshots;
        size_t count;
        bool end;

        assert_int_equal(varve_snapshots_list(fixture.cache, varve_view_str(cases[i].prefix),
                                              varve_view_str(cases[i].after), cases[i].after_version, cases[i].limit,
                                              &snapshots, &count, &end, NULL), VARVE_OK);
        CHECK_CASE(count == cases[i].count && end == cases[i].end, cases[i].label);
        CHECK_CASE(count == 0 || (varve_view_equal(snapshots[0].stream, varve_view_str(cases[i].first)) &&
                                  snapshots[0].version == cases[i].first_version), cases[i].label);
        free(snapshots);
    }
    model_free(&model);
    fixture_close(&fixture);
}

/* Turn over one bit of the data that begins with these bytes. */
static void damage_data(struct fixture *fixture, const struct model_snapshot *item)
{
    char *data, *bytes = malloc(1 << 22);
    struct varve_snapshot snapshot = model_snapshot_of(item, &data);
    int fd = open(fixture->path, O_RDWR);
    ssize_t size = read(fd, bytes, 1 << 22);

    assert_true(size > 0);
    char *at = memmem(bytes, (size_t)size, snapshot.data.data, snapshot.data.size);
    assert_non_null(at);
    at[snapshot.data.size / 2] ^= 1;
    assert_int_equal(pwrite(fd, at, snapshot.data.size, at - bytes), snapshot.data.size);
    close(fd);
    free(bytes);
    free(data);
}

static void damaged_data_gives_way_to_the_one_before(void **state)
{
    struct fixture fixture;
    struct model model = { .items = NULL };
    struct varve_snapshot_query query = { .stream = varve_view_str("stream-1"), .at_or_below = INT64_MAX };
    struct varve_snapshots_stats stats;
    struct varve_snapshot *snapshot;

    fixture_open(&fixture);
    put(&fixture, &model, "stream-1", 1, 20000);
    put(&fixture, &model, "stream-1", 2, 20000);
    put(&fixture, &model, "stream-1", 3, 20000);
    damage_data(&fixture, model_get(&model, "stream-1", 3, "", 0));
    assert_int_equal(varve_snapshots_get(fixture.cache, &query, &snapshot, NULL), VARVE_OK);
    check_is(snapshot, model_get(&model, "stream-1", 2, "", 0));
    free(snapshot);
    assert_int_equal(fixture.told, 1);
    assert_non_null(strstr(fixture.message, "stream-1 at version 3"));
    model_delete(&model, "stream-1", 3, 3);
    check_same(&fixture, &model, 10);
    damage_data(&fixture, model_get(&model, "stream-1", 1, "", 0));
    damage_data(&fixture, model_get(&model, "stream-1", 2, "", 0));
    assert_int_equal(varve_snapshots_get(fixture.cache, &query, &snapshot, NULL), VARVE_SNAPSHOT_NOT_FOUND);
    varve_snapshots_get_stats(fixture.cache, &stats);
    assert_int_equal(stats.count, 0);
    assert_int_equal(stats.damaged, 3);
    assert_int_equal(stats.hits, 3);
    assert_int_equal(stats.misses, 1);
    assert_int_equal(stats.puts, 3);
    model_free(&model);
    fixture_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_questions_are_told),
        cmocka_unit_test(lists_begin_where_they_should),
        cmocka_unit_test(damaged_data_gives_way_to_the_one_before),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
