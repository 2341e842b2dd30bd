/* test_settle.c - random layers are settled, and every table is held against the log they came from. */
#include "support/fail_alloc.h"
#include "support/log_check.h"

#include "engine/runs.h"
#include "engine/settle_parts.h"
#include "varve/record.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

static const struct {
    const char *label;
    unsigned indexes;
    uint64_t layers, layer_most, streams;
} loads[] = {
    { "many small layers", VARVE_INDEX_ALL, 150, 12, 40 },
    { "one stream", VARVE_INDEX_ALL, 12, 700, 1 },
    { "large layers", VARVE_INDEX_ALL, 6, 4000, 900 },
    { "streams only", 0, 10, 300, 30 },
    { "types and ids", VARVE_INDEX_TYPE | VARVE_INDEX_ID, 10, 300, 30 },
};

static void random_layers_equal_the_log(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < COUNT_OF(loads); i++) {
        struct log_fixture log;

        log_open(&log, loads[i].indexes);
        for (uint64_t layer = 0; layer < loads[i].layers; layer++) {
            log_random_layer(&log, 1 + random_below(&random, loads[i].layer_most), loads[i].streams, &random);
            log_settle(&log);
            if (layer == loads[i].layers / 2)
                db_fixture_reopen(&log.db);
        }
        log_check(&log);
        log_close(&log);
    }
}

static void a_damaged_end_refuses_the_layer_whole(void **state)
{
    uint64_t first = 1;
    struct varve_error error;
    struct tables_meta meta;
    struct log_fixture log;

    log_open(&log, VARVE_INDEX_ALL);
    log_append(&log, "order-1", "t", 1, 1);
    log_settle(&log);
    struct db_txn *txn = db_fixture_write(&log.db);
    db_fixture_flip(txn, DB_EVENTS, (struct db_bytes){ &first, 8 }, 5, 0);
    db_fixture_commit(txn);
    log_append(&log, "order-1", "t", 1, 1);
    assert_int_equal(tail_freeze(log.tail), VARVE_OK);
    assert_int_equal(settle_layer(log.db.db, tail_frozen(log.tail), &error), VARVE_CORRUPT);
    assert_non_null(strstr(error.message, "table events, block of position 1"));
    txn = db_fixture_read(&log.db);
    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    assert_int_equal(meta.settled_position, 1);
    db_abort(txn);
    log_close(&log);
}

static void a_layer_is_continued_where_it_was_left(void **state)
{
    uint64_t random = 8;
    struct varve_error error;
    struct log_fixture log;

    log_open(&log, VARVE_INDEX_ALL);
    log_random_layer(&log, 500, 30, &random);
    assert_int_equal(tail_freeze(log.tail), VARVE_OK);
    assert_int_equal(settle_slices(log.db.db, tail_frozen(log.tail), 33, 200, &error), VARVE_OK);
    assert_int_equal(settle_layer(log.db.db, tail_frozen(log.tail), &error), VARVE_OK);
    assert_int_equal(settle_layer(log.db.db, tail_frozen(log.tail), &error), VARVE_OK); /* nothing is left */
    tail_drop_frozen(log.tail);
    log_check(&log);
    log_close(&log);
}

/* ---- faults ---- */

/* Whichever allocation fails, ours or LMDB's: nothing is written, and the next attempt succeeds. */
static void every_allocation_may_fail(void **state)
{
    unsigned nth = 1, failed = 0;

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (bool fired = true; fired; nth++) {
        uint64_t random = 3;
        enum varve_status status;
        struct varve_error error;
        struct log_fixture log;

        log_open(&log, VARVE_INDEX_ALL);
        log_random_layer(&log, 40, 10, &random);
        log_settle(&log);
        log_random_layer(&log, 60, 15, &random);
        assert_int_equal(tail_freeze(log.tail), VARVE_OK);
        fail_alloc_arm(nth);
        status = settle_layer(log.db.db, tail_frozen(log.tail), &error);
        fired = fail_alloc_disarm();
        if (status != VARVE_OK) {
            failed++;
            assert_true(fired);
            assert_int_equal(status, VARVE_NO_MEMORY);
            assert_int_equal(settle_layer(log.db.db, tail_frozen(log.tail), &error), VARVE_OK);
        }
        tail_drop_frozen(log.tail);
        log_check(&log);
        db_fixture_reopen(&log.db);
        log_check(&log);
        log_close(&log);
    }
    assert_true(failed > 20);
}

/* ---- readers beside the settler ---- */

struct beside {
    struct log_fixture *log;
    bool stop; /* atomic */
    uint64_t looks;
};

/* All tables of one view agree about a random event, and end where it says. */
static void look_at_one(struct db_txn *txn, uint64_t *random)
{
    struct tables_list_key key = { .table = DB_STREAM_EVENTS };
    struct stream_state stream;
    struct tables_block block;
    struct tables_meta meta;
    struct varve_event event;
    const uint8_t *record;
    uint32_t size;

    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    assert_int_equal(tables_get_block(txn, meta.settled_position + 1, &block), VARVE_EVENT_NOT_FOUND);
    if (meta.settled_position == 0)
        return;
    uint64_t position = 1 + random_below(random, meta.settled_position);
    assert_int_equal(tables_get_block(txn, position, &block), VARVE_OK);
    assert_true(tables_block_record(&block, (uint32_t)(position - block.first_position), &record, &size));
    assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
    assert_int_equal(tables_get_stream(txn, event.stream, &stream), VARVE_OK);
    assert_true(stream.last_position <= meta.settled_position);
    key.stream_id = stream.id;
    log_check_list_entry(txn, &key, event.version, position);
    assert_true(log_has_position(txn, DB_IDS, runs_hash(meta.hash_seed, &event.id), position));
}

static void *read_beside(void *argument)
{
    struct beside *beside = argument;
    uint64_t random = (uint64_t)(uintptr_t)&beside;
    struct db_txn *txn = db_fixture_read(&beside->log->db);

    while (!__atomic_load_n(&beside->stop, __ATOMIC_ACQUIRE)) {
        look_at_one(txn, &random);
        assert_int_equal(db_renew(txn, NULL), VARVE_OK);
        __atomic_fetch_add(&beside->looks, 1, __ATOMIC_RELAXED);
    }
    db_abort(txn);
    return NULL;
}

static void readers_see_whole_layers(void **state)
{
    enum { READERS = 3, LAYERS = 40 };
    struct log_fixture log;
    struct beside beside = { .log = &log };
    pthread_t readers[READERS];
    uint64_t random = 9;

    log_open(&log, VARVE_INDEX_ALL);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_beside, &beside), 0);
    for (int layer = 0; layer < LAYERS; layer++) {
        log_random_layer(&log, 200, 60, &random);
        log_settle(&log);
    }
    while (__atomic_load_n(&beside.looks, __ATOMIC_RELAXED) < LAYERS)
        sched_yield();
    __atomic_store_n(&beside.stop, true, __ATOMIC_RELEASE);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(readers[i], NULL), 0);
    log_check(&log);
    log_close(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_layers_equal_the_log),
        cmocka_unit_test(a_damaged_end_refuses_the_layer_whole),
        cmocka_unit_test(a_layer_is_continued_where_it_was_left),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(readers_see_whole_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
