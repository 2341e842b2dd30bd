/* test_tables_lists.c - posting lists against a naive model: arrays in memory. */
#include "support/db_fixture.h"
#include "support/random.h"

#include "engine/big_endian.h"
#include "engine/tables.h"

#include <stdlib.h>
#include <unistd.h>

enum { LISTS = 12, MOST = 4000 };

struct model {
    struct tables_list_key key;
    char name[16];
    uint32_t count;
    uint64_t values[MOST];
};
static struct model models[LISTS];

static void make_models(void)
{
    memset(models, 0, sizeof(models));
    for (uint32_t i = 0; i < LISTS; i++) {
        static const enum db_table tables[] = { DB_STREAM_EVENTS, DB_CATEGORIES, DB_TYPES };
        struct model *model = &models[i];

        model->key.table = tables[i % 3];
        if (i % 3 == 0) {
            model->key.stream_id = 1 + i / 3 * 255; /* ids whose bytes differ in more than the last */
        } else {
            memset(model->name, 'a', i / 3); /* "", "a", "aa", "aaa": each the beginning of the next */
            model->key.name = varve_view_of(model->name, i / 3);
        }
    }
}

static uint64_t ordinal_at(const struct model *model, uint32_t i)
{
    return model->key.table == DB_STREAM_EVENTS ? i : model->values[i];
}

static void add(struct db_txn *txn, const struct model *model, uint32_t first, uint32_t count)
{
    enum varve_status status =
        tables_add_to_list(txn, &model->key, ordinal_at(model, first), model->values + first, count);

    assert_int_equal(status, VARVE_OK);
}

static void check_forwards(struct db_txn *txn, const struct model *model)
{
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk;
    uint32_t seen = 0;
    bool more = tables_seek_chunk(txn, &model->key, 0, &chunk, &status);

    while (more) {
        assert_int_equal(chunk.first_ordinal, ordinal_at(model, seen));
        for (uint32_t i = 0; i < chunk.count; i++)
            assert_int_equal(tables_chunk_value(&chunk, i), model->values[seen++]);
        more = tables_next_chunk(txn, &model->key, chunk.first_ordinal, false, &chunk, &status);
    }
    assert_int_equal(status, VARVE_OK);
    assert_int_equal(seen, model->count);
}

static void check_backwards(struct db_txn *txn, const struct model *model)
{
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk;
    uint32_t left = model->count;
    bool more = tables_seek_chunk(txn, &model->key, UINT64_MAX, &chunk, &status);

    while (more) {
        for (uint32_t i = chunk.count; i > 0; i--)
            assert_int_equal(tables_chunk_value(&chunk, i - 1), model->values[--left]);
        more = tables_next_chunk(txn, &model->key, chunk.first_ordinal, true, &chunk, &status);
    }
    assert_int_equal(status, VARVE_OK);
    assert_int_equal(left, 0);
}

/* Wherever one starts, the chunk that is found holds the first value at or after it, or is the last before it. */
static void check_seek(struct db_txn *txn, const struct model *model, uint64_t ordinal)
{
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk, next;
    bool found = tables_seek_chunk(txn, &model->key, ordinal, &chunk, &status);

    assert_int_equal(status, VARVE_OK);
    assert_int_equal(found, model->count > 0);
    if (!found)
        return;
    if (chunk.first_ordinal > ordinal)
        assert_int_equal(chunk.first_ordinal, ordinal_at(model, 0));
    else if (tables_next_chunk(txn, &model->key, chunk.first_ordinal, false, &next, &status))
        assert_true(next.first_ordinal > ordinal);
}

static void random_lists_equal_the_model(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed, position = 0;
    struct db_fixture f;

    print_message("seed %llu\n", (unsigned long long)seed);
    make_models();
    db_fixture_open(&f);
    for (int round = 0; round < 60; round++) {
        struct db_txn *txn = db_fixture_write(&f);

        for (uint32_t i = 0; i < LISTS; i++) {
            struct model *model = &models[i];
            uint32_t room = MOST - model->count, most = random_below(&random, 10) == 0 ? 600 : 60;
            uint32_t count = (uint32_t)random_below(&random, most), first = model->count;

            if (i == LISTS - 1 || random_below(&random, 3) == 0)
                continue; /* One list stays empty. */
            count = count < room ? count : room;
            for (uint32_t n = 0; n < count; n++)
                model->values[model->count++] = position += 1 + random_below(&random, 3);
            add(txn, model, first, count);
        }
        db_fixture_commit(txn);
        if (round % 20 == 19) {
            db_fixture_reopen(&f);
            txn = db_fixture_read(&f);
            for (uint32_t i = 0; i < LISTS; i++) {
                check_forwards(txn, &models[i]);
                check_backwards(txn, &models[i]);
                for (int n = 0; n < 100; n++)
                    check_seek(txn, &models[i], random_below(&random, position + 100));
            }
            db_abort(txn);
        }
    }
    db_fixture_close(&f);
}

static const struct {
    const char *label;
    enum db_table table;
    uint32_t portions[4], chunks;
} boundaries[] = {
    { "a stream's chunk, exactly", DB_STREAM_EVENTS, { TABLES_STREAM_CHUNK }, 1 },
    { "a stream's chunk and one", DB_STREAM_EVENTS, { TABLES_STREAM_CHUNK, 1 }, 2 },
    { "a stream's chunk in two", DB_STREAM_EVENTS, { TABLES_STREAM_CHUNK - 1, 1, 1 }, 2 },
    { "three chunks at once", DB_STREAM_EVENTS, { 10, 3 * TABLES_STREAM_CHUNK - 10 }, 3 },
    { "a type's chunk, exactly", DB_TYPES, { TABLES_NAME_CHUNK }, 1 },
    { "a type's chunk and one", DB_TYPES, { TABLES_NAME_CHUNK, 1 }, 2 },
    { "a category's chunk in two", DB_CATEGORIES, { TABLES_NAME_CHUNK - 1, 1, 1 }, 2 },
};

static void chunks_end_where_they_should(void **state)
{
    for (size_t i = 0; i < COUNT_OF(boundaries); i++) {
        struct model *model = &models[0];
        struct db_table_size size;
        struct db_fixture f;

        make_models();
        model->key = (struct tables_list_key){ boundaries[i].table, 3, varve_view_str("name") };
        db_fixture_open(&f);
        struct db_txn *txn = db_fixture_write(&f);
        for (const uint32_t *portion = boundaries[i].portions; *portion != 0; portion++) {
            uint32_t first = model->count;

            for (uint32_t n = 0; n < *portion; n++, model->count++)
                model->values[model->count] = 5 + 2 * (uint64_t)model->count;
            add(txn, model, first, *portion);
        }
        assert_int_equal(db_get_table_size(txn, boundaries[i].table, &size), VARVE_OK);
        CHECK_CASE(size.entries == boundaries[i].chunks, boundaries[i].label);
        check_forwards(txn, model);
        check_backwards(txn, model);
        db_abort(txn);
        db_fixture_close(&f);
    }
}

static void damage_is_found_and_named(void **state)
{
    static const uint64_t values[] = { 5, 6, 9 };
    struct tables_list_key stream = { DB_STREAM_EVENTS, 7, { 0 } }, type = { DB_TYPES, 0, varve_view_str("t") };
    uint8_t stream_bytes[16], type_bytes[10] = "t";
    struct db_bytes stream_key = { stream_bytes, 16 }, type_key = { type_bytes, 10 };
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk;
    struct varve_error error;
    struct db_fixture f;

    store_be64(stream_bytes, 7);
    store_be64(stream_bytes + 8, 0);
    store_be64(type_bytes + 2, 5);
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(tables_add_to_list(txn, &stream, 0, values, 3), VARVE_OK);
    assert_int_equal(tables_add_to_list(txn, &type, 5, values, 3), VARVE_OK);
    for (size_t bit = 0; bit < (4 + 24 + 8) * 8; bit++) {
        db_fixture_flip(txn, DB_STREAM_EVENTS, stream_key, bit / 8, bit % 8);
        assert_false(tables_seek_chunk(txn, &stream, 0, &chunk, &status));
        assert_int_equal(status, VARVE_CORRUPT);
        assert_int_equal(tables_add_to_list(txn, &stream, 3, values, 1), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_STREAM_EVENTS, stream_key, bit / 8, bit % 8);
        db_fixture_flip(txn, DB_TYPES, type_key, bit / 8, bit % 8);
        assert_false(tables_seek_chunk(txn, &type, 100, &chunk, &status));
        assert_int_equal(status, VARVE_CORRUPT);
        db_fixture_flip(txn, DB_TYPES, type_key, bit / 8, bit % 8);
    }
    db_explain(txn, VARVE_CORRUPT, &error);
    assert_non_null(strstr(error.message, "table stream_events, stream id 7, version 0: "));
    db_abort(txn);

    /* A list that does not end where the log says is not continued. */
    txn = db_fixture_write(&f);
    assert_int_equal(tables_add_to_list(txn, &stream, 0, values, 3), VARVE_OK);
    assert_int_equal(tables_add_to_list(txn, &stream, 4, values, 1), VARVE_CORRUPT);
    assert_int_equal(tables_add_to_list(txn, &stream, 251, values, 1), VARVE_CORRUPT);
    assert_int_equal(tables_add_to_list(txn, &type, 5, values, 3), VARVE_OK);
    assert_int_equal(tables_add_to_list(txn, &type, 9, values + 2, 1), VARVE_CORRUPT);
    db_abort(txn);
    db_fixture_close(&f);
}

static void a_name_too_long_for_a_key_has_no_list(void **state)
{
    static char name[DB_MAX_KEY];
    enum varve_status status = VARVE_OK;
    struct tables_chunk chunk;
    struct db_fixture f;

    memset(name, 'n', sizeof(name));
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_read(&f);
    struct tables_list_key key = { DB_TYPES, 0, varve_view_of(name, sizeof(name)) };
    assert_false(tables_seek_chunk(txn, &key, 0, &chunk, &status));
    assert_false(tables_next_chunk(txn, &key, 0, false, &chunk, &status));
    assert_int_equal(status, VARVE_OK);
    db_abort(txn);
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_lists_equal_the_model),
        cmocka_unit_test(chunks_end_where_they_should),
        cmocka_unit_test(damage_is_found_and_named),
        cmocka_unit_test(a_name_too_long_for_a_key_has_no_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
