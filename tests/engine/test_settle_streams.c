/* test_settle_streams.c - ids and rows of streams: new ones, known ones, and those that only metadata knows. */
#include "support/log_check.h"

#include "engine/settle_parts.h"

#include <unistd.h>

static void a_stream_that_only_metadata_knows(void **state)
{
    struct log_fixture log;
    struct stream_state stream;
    struct tables_meta meta;

    log_open(&log, VARVE_INDEX_ALL);
    log_change(&log, "order-1", "{\"max_count\":3}"); /* No event yet, so no stream, but a row. */
    log_settle(&log);
    struct db_txn *txn = db_fixture_read(&log.db);
    assert_int_equal(tables_get_stream(txn, varve_view_str("order-1"), &stream), VARVE_OK);
    assert_int_equal(stream.version, -1);
    assert_int_equal(stream.max_count, 3);
    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    assert_int_equal(meta.stream_count, 0);
    assert_int_equal(meta.system_stream_count, 1);
    db_abort(txn);

    log_append(&log, "order-1", "t", 0, 5);
    log_append(&log, "order-0", "t", 0, 5);
    log_settle(&log);
    log_change(&log, "order-1", "{\"truncate_before\":1}"); /* The layer has no event of it. */
    log_settle(&log);
    txn = db_fixture_read(&log.db);
    assert_int_equal(tables_get_stream(txn, varve_view_str("order-1"), &stream), VARVE_OK);
    assert_int_equal(stream.version, 0);
    assert_int_equal(stream.max_count, 3);
    assert_int_equal(stream.truncate_before, 1);
    assert_int_equal(stream.created_at_us, log_recorded_at(2));
    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    assert_int_equal(meta.stream_count, 2);
    db_abort(txn);
    log_check(&log);
    log_close(&log);
}

static void ids_count_up_from_first_appearance(void **state)
{
    static const char *const names[] = { "m", "b", "z", "a" };
    struct stream_state stream;
    struct log_fixture log;

    log_open(&log, 0);
    for (size_t i = 0; i < COUNT_OF(names); i++)
        log_append(&log, names[i], "t", 0, 1);
    log_settle(&log);
    log_append(&log, "0", "t", 0, 1);
    log_append(&log, "m", "t", 0, 1);
    log_settle(&log);
    struct db_txn *txn = db_fixture_read(&log.db);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        assert_int_equal(tables_get_stream(txn, varve_view_str(names[i]), &stream), VARVE_OK);
        assert_int_equal(stream.id, i + 1);
    }
    assert_int_equal(tables_get_stream(txn, varve_view_str("0"), &stream), VARVE_OK);
    assert_int_equal(stream.id, 5);
    db_abort(txn);
    log_close(&log);
}

/* The tail met the stream while an earlier layer with it was still being settled, so it does not know its id. */
static void a_stream_known_to_the_frozen_layer(void **state)
{
    struct varve_error error;
    struct log_fixture log;

    log_open(&log, VARVE_INDEX_ALL);
    log_append(&log, "order-1", "t", 1, 1);
    assert_int_equal(tail_freeze(log.tail), VARVE_OK);
    log_append(&log, "order-1", "t", 1, 1);
    log_append(&log, "order-2", "t", 1, 1);
    assert_int_equal(settle_layer(log.db.db, tail_frozen(log.tail), &error), VARVE_OK);
    tail_drop_frozen(log.tail);
    log_settle(&log);
    log_check(&log);
    log_close(&log);
}

/* ---- slices ---- */

/* The change of a stream is settled, and with it what it changed, though the stream's own events come later. */
static void a_change_is_settled_before_the_stream(void **state)
{
    struct stream_state stream;
    struct log_fixture log;

    log_open(&log, VARVE_INDEX_ALL);
    log_append(&log, "order-1", "t", 0, 5);
    log_append(&log, "order-2", "t", 0, 5);
    log_settle(&log);
    log_change(&log, "order-1", "{\"deleted\":true}"); /* Has no event here, */
    log_change(&log, "order-2", "{\"max_age_us\":9}"); /* one after it, */
    log_change(&log, "order-3", "{\"max_count\":7}");  /* its first after it. */
    log_append(&log, "order-2", "t", 0, 5);
    log_append(&log, "order-3", "t", 0, 5);
    log_settle_and_die(&log, 3, 3);
    assert_true(log_find_state(&log, "order-1", &stream));
    assert_int_equal(stream.truncate_before, 1);
    assert_true(stream_state_is_deleted(&stream));
    assert_true(log_find_state(&log, "order-2", &stream));
    assert_int_equal(stream.max_age_us, 9);
    assert_int_equal(stream.version, 1);
    assert_true(log_find_state(&log, "order-3", &stream));
    assert_int_equal(stream.max_count, 7);
    assert_int_equal(stream.version, 0);
    log_settle(&log);
    log_check(&log);
    log_close(&log);
}

struct row_comparison {
    struct db_txn *other;
    size_t rows;
};

static bool compare_row(void *user, struct varve_view name, const struct stream_state *state)
{
    struct row_comparison *comparison = user;
    struct stream_state other;

    comparison->rows++;
    assert_int_equal(tables_get_stream(comparison->other, name, &other), VARVE_OK);
    assert_int_equal(state->version, other.version);
    assert_int_equal(state->last_position, other.last_position);
    assert_int_equal(state->created_at_us, other.created_at_us);
    assert_int_equal(state->updated_at_us, other.updated_at_us);
    assert_int_equal(state->truncate_before, other.truncate_before);
    assert_int_equal(state->max_count, other.max_count);
    assert_int_equal(state->max_age_us, other.max_age_us);
    assert_int_equal(state->flags, other.flags);
    return true;
}

/* However the layers are sliced, and wherever between two slices the process dies: the same rows in the end. */
static void slices_make_the_same_rows(void **state)
{
    static const char *const changes[] = { "{\"max_count\":3}", "{\"truncate_before\":2}", "{\"deleted\":true}",
                                           "{\"max_count\":0,\"max_age_us\":9}" };
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed;
    struct log_fixture whole, sliced;

    print_message("seed %llu\n", (unsigned long long)seed);
    log_open(&whole, VARVE_INDEX_ALL);
    log_open(&sliced, VARVE_INDEX_ALL);
    for (int layer = 0; layer < 30; layer++) {
        uint32_t count = 1 + (uint32_t)random_below(&random, 200);

        for (uint32_t i = 0; i < count; i++) {
            const char *change = changes[random_below(&random, COUNT_OF(changes))];
            bool is_change = random_below(&random, 10) == 0;
            uint64_t correlation = random_below(&random, 5);
            char stream[32];

            snprintf(stream, sizeof(stream), "s-%llu", (unsigned long long)random_below(&random, 20));
            for (int log = 0; log < 2; log++)
                if (is_change)
                    log_change(log == 0 ? &whole : &sliced, stream, change);
                else
                    log_append(log == 0 ? &whole : &sliced, stream, "t", correlation, 10);
        }
        log_settle(&whole);
        if (random_below(&random, 4) > 0)
            log_settle_and_die(&sliced, 1 + (uint32_t)random_below(&random, 50),
                               (uint32_t)random_below(&random, count + 1));
    }
    log_settle(&sliced);
    log_check(&whole);
    log_check(&sliced);
    struct row_comparison comparison = { .other = db_fixture_read(&sliced.db) };
    struct db_txn *txn = db_fixture_read(&whole.db);
    struct varve_view none = varve_view_str("");
    assert_int_equal(tables_each_stream(txn, none, none, compare_row, &comparison), VARVE_OK);
    assert_true(comparison.rows > 20);
    db_abort(txn);
    db_abort(comparison.other);
    log_close(&whole);
    log_close(&sliced);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_that_only_metadata_knows),
        cmocka_unit_test(ids_count_up_from_first_appearance),
        cmocka_unit_test(a_stream_known_to_the_frozen_layer),
        cmocka_unit_test(a_change_is_settled_before_the_stream),
        cmocka_unit_test(slices_make_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
