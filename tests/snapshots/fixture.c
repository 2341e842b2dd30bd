/* fixture.c - see fixture.h. */
#include "fixture.h"

#include <stdlib.h>

#include "support/random.h"

static void remember(void *user, const char *message)
{
    struct fixture *fixture = user;

    fixture->told++;
    snprintf(fixture->message, sizeof(fixture->message), "%s", message);
}

static void open_cache(struct fixture *fixture)
{
    struct varve_error error;

    if (varve_snapshots_open(fixture->directory, &fixture->database_id, &fixture->options, &fixture->cache, &error) !=
        VARVE_OK)
        fail_msg("%s", error.message);
}

void fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){ .database_id = { { 1, 2, 3 } } };
    temp_dir_make(fixture->directory);
    snprintf(fixture->path, sizeof(fixture->path), "%s/snapshots.mdb", fixture->directory);
    varve_snapshots_options_init(&fixture->options);
    fixture->options.map_size_bytes = FIXTURE_MAP;
    fixture->options.damaged = remember;
    fixture->options.user = fixture;
    open_cache(fixture);
}

void fixture_reopen(struct fixture *fixture)
{
    varve_snapshots_close(fixture->cache);
    fixture->cache = NULL;
    open_cache(fixture);
}

void fixture_close(struct fixture *fixture)
{
    varve_snapshots_close(fixture->cache);
    fixture->cache = NULL;
    temp_dir_remove(fixture->directory);
}

/* ---- the model ---- */

void model_free(struct model *model)
{
    free(model->items);
    *model = (struct model){ .items = NULL };
}

static void take_out(struct model *model, size_t at)
{
    memmove(&model->items[at], &model->items[at + 1], (model->count - at - 1) * sizeof(*model->items));
    model->count--;
}

static int order_of(const struct model_snapshot *a, const struct model_snapshot *b)
{
    int order = strcmp(a->stream, b->stream);
    return order != 0 ? order : a->version < b->version ? -1 : a->version > b->version;
}

uint32_t model_put(struct model *model, const struct model_snapshot *item, uint32_t keep)
{
    uint32_t removed = 0, seen = 0;
    size_t at = 0;

    while (at < model->count && order_of(&model->items[at], item) < 0)
        at++;
    if (at < model->count && order_of(&model->items[at], item) == 0)
        take_out(model, at);
    model->items = realloc(model->items, (model->count + 1) * sizeof(*model->items));
    assert_non_null(model->items);
    memmove(&model->items[at + 1], &model->items[at], (model->count - at) * sizeof(*model->items));
    model->items[at] = *item;
    model->count++;
    for (size_t i = model->count; i-- > 0;) {
        if (strcmp(model->items[i].stream, item->stream) != 0 || seen++ < keep)
            continue;
        take_out(model, i);
        removed++;
    }
    return removed;
}

uint64_t model_delete(struct model *model, const char *stream, int64_t from, int64_t until)
{
    uint64_t count = 0;

    for (size_t i = model->count; i-- > 0;) {
        const struct model_snapshot *item = &model->items[i];

        if (strcmp(item->stream, stream) != 0 || item->version < from || item->version > until)
            continue;
        take_out(model, i);
        count++;
    }
    return count;
}

const struct model_snapshot *model_get(const struct model *model, const char *stream, int64_t at_or_below,
                                       const char *type, uint32_t schema_version)
{
    for (size_t i = model->count; i-- > 0;) {
        const struct model_snapshot *item = &model->items[i];

        if (strcmp(item->stream, stream) == 0 && item->version <= at_or_below &&
            (type[0] == '\0' || strcmp(type, item->type) == 0) &&
            (schema_version == 0 || schema_version == item->schema_version))
            return item;
    }
    return NULL;
}

const struct model_snapshot *model_find(const struct model *model, struct varve_view stream, int64_t version)
{
    for (size_t i = 0; i < model->count; i++)
        if (model->items[i].version == version && varve_view_equal(varve_view_str(model->items[i].stream), stream))
            return &model->items[i];
    return NULL;
}

/* ---- both ---- */

struct varve_snapshot model_snapshot_of(const struct model_snapshot *item, char **ret_data)
{
    uint64_t random = item->seed;
    char *data = malloc(item->size + 1);

    assert_non_null(data);
    for (uint32_t i = 0; i < item->size; i++)
        data[i] = (char)random_next(&random);
    *ret_data = data;
    return (struct varve_snapshot){
        .stream = varve_view_str(item->stream), .version = item->version, .type = varve_view_str(item->type),
        .schema_version = item->schema_version, .content_type = VARVE_CONTENT_OCTET_STREAM,
        .data = varve_view_of(data, item->size), .size = item->size,
    };
}

void fixture_put(struct fixture *fixture, struct model *model, const struct model_snapshot *item, uint32_t keep)
{
    char *data;
    struct varve_snapshot snapshot = model_snapshot_of(item, &data);
    uint32_t removed;
    int64_t created_at_us = 0;
    struct varve_error error;

    if (varve_snapshots_put(fixture->cache, &snapshot, keep, &created_at_us, &removed, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    free(data);
    assert_true(created_at_us > 0);
    if (keep == 0)
        keep = fixture->options.keep;
    uint32_t expected = model_put(model, item, fixture->lossy ? VARVE_SNAPSHOT_MAX_KEEP : keep);
    if (!fixture->lossy)
        assert_int_equal(removed, expected);
}

void check_is(const struct varve_snapshot *snapshot, const struct model_snapshot *item)
{
    char *data;
    struct varve_snapshot expected = model_snapshot_of(item, &data);

    assert_true(varve_view_equal(snapshot->stream, expected.stream));
    assert_int_equal(snapshot->version, expected.version);
    assert_true(varve_view_equal(snapshot->type, expected.type));
    assert_int_equal(snapshot->schema_version, expected.schema_version);
    assert_int_equal(snapshot->content_type, expected.content_type);
    assert_int_equal(snapshot->size, expected.size);
    assert_true(snapshot->created_at_us > 0);
    if (snapshot->data.data != NULL)
        assert_true(varve_view_equal(snapshot->data, expected.data));
    free(data);
}

struct model_snapshot random_item(uint64_t *random, unsigned streams, unsigned versions, uint32_t most_bytes)
{
    struct model_snapshot item = {
        .version = (int64_t)random_below(random, versions), .schema_version = 1 + (uint32_t)random_below(random, 3),
        .size = (uint32_t)random_below(random, random_below(random, 4) == 0 ? most_bytes + 1 : most_bytes / 20 + 1),
        .seed = random_next(random),
    };

    snprintf(item.stream, sizeof(item.stream), "stream-%u", (unsigned)random_below(random, streams));
    snprintf(item.type, sizeof(item.type), "%s", random_below(random, 3) == 0 ? "account" : "basket");
    return item;
}

static void check_list(struct fixture *fixture, const struct model *model, uint32_t limit)
{
    char after[64] = "";
    int64_t after_version = -1;
    size_t seen = 0;
    bool end = false;

    while (!end) {
        struct varve_snapshot *snapshots;
        size_t count;

        assert_int_equal(varve_snapshots_list(fixture->cache, varve_view_of("", 0), varve_view_str(after),
                                              after_version, limit, &snapshots, &count, &end, NULL), VARVE_OK);
        assert_true(count <= limit && (end || count == limit));
        for (size_t i = 0; i < count; i++) {
            assert_true(seen < model->count);
            assert_null(snapshots[i].data.data);
            check_is(&snapshots[i], &model->items[seen++]);
        }
        if (count > 0) {
            snprintf(after, sizeof(after), "%.*s", (int)snapshots[count - 1].stream.size,
                     snapshots[count - 1].stream.data);
            after_version = snapshots[count - 1].version;
        }
        free(snapshots);
    }
    assert_int_equal(seen, model->count);
}

void check_same(struct fixture *fixture, const struct model *model, uint32_t limit)
{
    struct varve_snapshots_stats stats;

    for (size_t i = 0; i < model->count; i++) {
        const struct model_snapshot *item = &model->items[i];
        struct varve_snapshot_query query = { .stream = varve_view_str(item->stream), .at_or_below = item->version };
        struct varve_snapshot *snapshot;

        assert_int_equal(varve_snapshots_get(fixture->cache, &query, &snapshot, NULL), VARVE_OK);
        check_is(snapshot, item);
        free(snapshot);
    }
    check_list(fixture, model, limit);
    varve_snapshots_get_stats(fixture->cache, &stats);
    assert_int_equal(stats.count, model->count);
}

unsigned check_no_lies(struct fixture *fixture, const struct model *model, unsigned streams)
{
    unsigned missed = 0;
    struct varve_snapshot *snapshots;
    size_t count;
    bool end;

    for (unsigned i = 0; i < streams; i++) {
        char stream[32];
        struct varve_snapshot_query query = { .at_or_below = INT64_MAX };
        const struct model_snapshot *expected;
        struct varve_snapshot *snapshot;
        struct varve_error error;

        snprintf(stream, sizeof(stream), "stream-%u", i);
        query.stream = varve_view_str(stream);
        expected = model_get(model, stream, INT64_MAX, "", 0);
        enum varve_status status = varve_snapshots_get(fixture->cache, &query, &snapshot, &error);
        assert_true(status == VARVE_OK || status == VARVE_SNAPSHOT_NOT_FOUND);
        if (status == VARVE_OK) {
            const struct model_snapshot *item = model_find(model, snapshot->stream, snapshot->version);

            assert_non_null(item);
            assert_non_null(snapshot->data.data);
            check_is(snapshot, item);
            missed += item != expected;
            free(snapshot);
        } else {
            missed += expected != NULL;
        }
    }
    assert_int_equal(varve_snapshots_list(fixture->cache, varve_view_of("", 0), varve_view_of("", 0), -1, 1000,
                                          &snapshots, &count, &end, NULL), VARVE_OK);
    for (size_t i = 0; i < count; i++) {
        const struct model_snapshot *item = model_find(model, snapshots[i].stream, snapshots[i].version);

        assert_non_null(item);
        check_is(&snapshots[i], item);
    }
    free(snapshots);
    return missed;
}
