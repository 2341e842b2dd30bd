/* test_tables.c - the rows of meta and of streams: what goes in comes out, and damage is named. */
#include "support/db_fixture.h"
#include "support/random.h"

#include "engine/tables.h"

static struct stream_state some_state(uint64_t n)
{
    return (struct stream_state){
        .id = n, .version = (int64_t)n + 1, .last_position = n + 2, .created_at_us = -(int64_t)n,
        .updated_at_us = (int64_t)n + 4, .truncate_before = n + 5, .max_count = n + 6, .max_age_us = (int64_t)n + 7,
        .flags = STREAM_DELETED | STREAM_TOMBSTONED,
    };
}

static bool states_equal(const struct stream_state *a, const struct stream_state *b)
{
    return a->id == b->id && a->version == b->version && a->last_position == b->last_position &&
           a->created_at_us == b->created_at_us && a->updated_at_us == b->updated_at_us &&
           a->truncate_before == b->truncate_before && a->max_count == b->max_count &&
           a->max_age_us == b->max_age_us && a->flags == b->flags;
}

static void meta_comes_back(void **state)
{
    struct tables_meta meta = { 1, 2, 3, 4, -5, VARVE_INDEX_TYPE, { { 7 } }, 8 }, found;
    struct db_fixture f;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(tables_get_meta(txn, &found), VARVE_NOT_A_STORE);
    assert_int_equal(tables_put_meta(txn, &meta), VARVE_OK);
    assert_int_equal(tables_get_meta(txn, &found), VARVE_OK);
    assert_int_equal(found.settled_position, 1);
    assert_int_equal(found.next_stream_id, 2);
    assert_int_equal(found.stream_count, 3);
    assert_int_equal(found.system_stream_count, 4);
    assert_int_equal(found.last_recorded_at_us, -5);
    assert_int_equal(found.indexes, VARVE_INDEX_TYPE);
    assert_int_equal(found.database_id.bytes[0], 7);
    assert_int_equal(found.hash_seed, 8);
    db_fixture_commit(txn);
    db_fixture_close(&f);
}

static void every_flipped_bit_of_a_row_is_found(void **state)
{
    struct tables_meta meta = { .settled_position = 12 }, found;
    struct stream_state stream = some_state(5), got;
    struct db_fixture f;
    struct varve_error error;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(tables_put_meta(txn, &meta), VARVE_OK);
    assert_int_equal(tables_put_stream(txn, varve_view_str("order-1"), &stream), VARVE_OK);
    for (size_t bit = 0; bit < 80 * 8; bit++) {
        db_fixture_flip(txn, DB_META, db_text("store"), bit / 8, bit % 8);
        assert_int_equal(tables_get_meta(txn, &found), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_META, db_text("store"), bit / 8, bit % 8);
        db_fixture_flip(txn, DB_STREAMS, db_text("order-1"), bit / 8, bit % 8);
        assert_int_equal(tables_get_stream(txn, varve_view_str("order-1"), &got), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_STREAMS, db_text("order-1"), bit / 8, bit % 8);
    }
    assert_int_equal(tables_get_stream(txn, varve_view_str("order-1"), &got), VARVE_OK);
    db_abort(txn);

    /* A sound row under another name is damage too. */
    txn = db_fixture_write(&f);
    enum varve_status status = VARVE_OK;
    struct db_bytes value;
    char copy[80];
    assert_int_equal(tables_put_stream(txn, varve_view_str("order-1"), &stream), VARVE_OK);
    assert_true(db_get(txn, DB_STREAMS, db_text("order-1"), &value, &status));
    memcpy(copy, value.data, sizeof(copy));
    assert_int_equal(db_put(txn, DB_STREAMS, db_text("order-3"), (struct db_bytes){ copy, sizeof(copy) }), VARVE_OK);
    assert_int_equal(tables_get_stream(txn, varve_view_str("order-3"), &got), VARVE_CORRUPT);
    db_explain(txn, VARVE_CORRUPT, &error);
    assert_non_null(strstr(error.message, "table streams: the row of \"order-3\""));
    db_abort(txn);
    db_fixture_close(&f);
}

static void streams_come_back(void **state)
{
    struct stream_state states[3] = { some_state(1), some_state(2), some_state(3) }, got;
    char longest[VARVE_MAX_SYSTEM_STREAM_NAME], too_long[DB_MAX_KEY + 1];
    struct db_fixture f;

    memset(longest, 'n', sizeof(longest));
    memset(too_long, 'n', sizeof(too_long));
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(tables_put_stream(txn, varve_view_str("a"), &states[0]), VARVE_OK);
    assert_int_equal(tables_put_stream(txn, varve_view_of(longest, sizeof(longest)), &states[1]), VARVE_OK);
    assert_int_equal(tables_put_stream(txn, varve_view_str("a"), &states[2]), VARVE_OK); /* over the first */
    assert_int_equal(tables_get_stream(txn, varve_view_str("a"), &got), VARVE_OK);
    assert_true(states_equal(&got, &states[2]));
    assert_int_equal(tables_get_stream(txn, varve_view_of(longest, sizeof(longest)), &got), VARVE_OK);
    assert_true(states_equal(&got, &states[1]));
    assert_int_equal(tables_get_stream(txn, varve_view_str("b"), &got), VARVE_STREAM_NOT_FOUND);
    assert_int_equal(tables_get_stream(txn, varve_view_str(""), &got), VARVE_STREAM_NOT_FOUND);
    assert_int_equal(tables_get_stream(txn, varve_view_of(too_long, sizeof(too_long)), &got), VARVE_STREAM_NOT_FOUND);
    db_fixture_commit(txn);
    db_fixture_close(&f);
}

struct listing {
    char names[200];
    unsigned left;
};

static bool list_name(void *user, struct varve_view name, const struct stream_state *state)
{
    struct listing *listing = user;

    strncat(listing->names, name.data, name.size);
    strcat(listing->names, " ");
    return --listing->left > 0;
}

static const struct {
    const char *label, *prefix, *after;
    unsigned room;
    const char *names;
} listings[] = {
    { "all", "", "", 99, "$s a ab abc b ba " },
    { "a prefix", "a", "", 99, "a ab abc " },
    { "a prefix that is no name", "$", "", 99, "$s " },
    { "after one inside", "a", "ab", 99, "abc " },
    { "after one before the prefix", "ab", "a", 99, "ab abc " },
    { "after one behind the prefix", "a", "b", 99, "" },
    { "after one that is not there", "", "aa", 99, "ab abc b ba " },
    { "after the last", "", "ba", 99, "" },
    { "a prefix of nothing", "x", "", 99, "" },
    { "only two", "a", "", 2, "a ab " },
};

static void listings_are_sorted_and_bounded(void **state)
{
    static const char *const names[] = { "b", "ab", "$s", "abc", "a", "ba" };
    struct stream_state any = some_state(1);
    struct db_fixture f;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_int_equal(tables_put_stream(txn, varve_view_str(names[i]), &any), VARVE_OK);
    db_fixture_commit(txn);
    txn = db_fixture_read(&f);
    for (size_t i = 0; i < COUNT_OF(listings); i++) {
        struct listing listing = { .left = listings[i].room };

        CHECK_CASE(tables_each_stream(txn, varve_view_str(listings[i].prefix), varve_view_str(listings[i].after),
                                      list_name, &listing) == VARVE_OK, listings[i].label);
        CHECK_CASE(strcmp(listing.names, listings[i].names) == 0, listings[i].label);
    }
    db_abort(txn);
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(meta_comes_back),
        cmocka_unit_test(every_flipped_bit_of_a_row_is_found),
        cmocka_unit_test(streams_come_back),
        cmocka_unit_test(listings_are_sorted_and_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
