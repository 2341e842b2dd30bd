/* test_settle_sagas.c - however layers are sliced, the rows, entries and counts of sagas are a fold of what is settled.
 */
#include "support/log_check.h"

#include <stdlib.h>
#include <unistd.h>

#include "engine/settle_sagas.h"
#include "engine/tables_sagas.h"

/* ---- the fold of the log, and how it compares ---- */

struct folded {
    char stream[96];
    struct saga_row row; /* its texts point into records that lie in the map */
};

struct expectation {
    struct folded sagas[200];
    size_t count;
};

static struct folded *find(struct expectation *expected, const char *stream)
{
    for (size_t i = 0; i < expected->count; i++)
        if (strcmp(expected->sagas[i].stream, stream) == 0)
            return &expected->sagas[i];
    assert_true(expected->count < COUNT_OF(expected->sagas));
    struct folded *folded = &expected->sagas[expected->count++];
    snprintf(folded->stream, sizeof(folded->stream), "%s", stream);
    saga_row_init(&folded->row);
    return folded;
}

static void fold_settled(struct db_txn *txn, const struct log_fixture *log, struct expectation *expected)
{
    struct tables_meta meta;

    expected->count = 0;
    assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
    for (uint64_t position = 1; position <= meta.settled_position; position++) {
        const char *stream = log->events[position - 1].stream;
        struct tables_block block;
        const uint8_t *record;
        uint32_t size;

        if (!saga_is_stream(varve_view_str(stream)))
            continue;
        assert_int_equal(tables_get_block(txn, position, &block), VARVE_OK);
        assert_true(tables_block_record(&block, (uint32_t)(position - block.first_position), &record, &size));
        assert_int_equal(saga_fold(&find(expected, stream)->row, record, size), VARVE_OK);
    }
}

static void expect_row(struct db_txn *txn, const struct folded *folded)
{
    struct varve_view type, id;
    struct saga_row row;

    assert_true(saga_split(varve_view_str(folded->stream), &type, &id));
    enum varve_status status = tables_get_saga(txn, type, id, &row);
    assert_int_equal(status, saga_row_is_listed(&folded->row) ? VARVE_OK : VARVE_SAGA_NOT_FOUND);
    if (status != VARVE_OK)
        return;
    assert_true(row.step.size == folded->row.step.size && row.error_json.size == folded->row.error_json.size);
    assert_memory_equal(row.step.data, folded->row.step.data, row.step.size);
    assert_memory_equal(row.error_json.data, folded->row.error_json.data, row.error_json.size);
    row.step = folded->row.step;
    row.error_json = folded->row.error_json;
    assert_memory_equal(&row, &folded->row, sizeof(row));
}

static size_t count_rows(struct db_txn *txn, enum db_table table)
{
    struct db_table_size size;

    assert_int_equal(db_get_table_size(txn, table, &size), VARVE_OK);
    return size.entries;
}

/* The entries that the row ought to have; there are no others when their number is right as well. */
static size_t expect_entries(struct db_txn *txn, const struct folded *folded)
{
    struct varve_view type, id, type_found, id_found;
    struct saga_key keys[2], key_found;

    assert_true(saga_split(varve_view_str(folded->stream), &type, &id));
    size_t count = saga_keys_of(&folded->row, type, keys);
    for (size_t i = 0; i < count; i++) {
        uint8_t bytes[SAGA_KEY_MAX];
        struct db_bytes key = { bytes, saga_key_encode(&keys[i], bytes) }, value;
        enum varve_status status = VARVE_OK;

        assert_true(db_get(txn, DB_SAGA_INDEX, key, &value, &status));
        assert_int_equal(tables_read_saga_entry(txn, key, value, &key_found, &type_found, &id_found), VARVE_OK);
        assert_true(varve_view_equal(type, type_found) && varve_view_equal(id, id_found));
    }
    return count;
}

static bool add_counts(void *user, struct varve_view type, const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    const struct expectation *expected = user;
    uint64_t counts[VARVE_SAGA_STATUSES] = { 0 };
    bool is_known = false;

    for (size_t i = 0; i < expected->count; i++) {
        struct varve_view type_of, id;

        assert_true(saga_split(varve_view_str(expected->sagas[i].stream), &type_of, &id));
        if (!varve_view_equal(type, type_of))
            continue;
        is_known = true;
        if (saga_row_is_listed(&expected->sagas[i].row))
            counts[expected->sagas[i].row.status]++;
    }
    assert_true(is_known);
    assert_memory_equal(counts, by_status, sizeof(counts));
    return true;
}

static size_t count_types(const struct expectation *expected)
{
    size_t types = 0;

    for (size_t i = 0; i < expected->count; i++) {
        size_t same = 0, length = strcspn(expected->sagas[i].stream + 6, "-") + 7;

        while (strncmp(expected->sagas[same].stream, expected->sagas[i].stream, length) != 0)
            same++;
        types += same == i;
    }
    return types;
}

static void check_sagas(struct log_fixture *log)
{
    struct expectation *expected = malloc(sizeof(*expected));
    struct db_txn *txn = db_fixture_read(&log->db);
    size_t listed = 0, entries = 0;

    fold_settled(txn, log, expected);
    for (size_t i = 0; i < expected->count; i++) {
        expect_row(txn, &expected->sagas[i]);
        entries += expect_entries(txn, &expected->sagas[i]);
        listed += saga_row_is_listed(&expected->sagas[i].row);
    }
    assert_int_equal(count_rows(txn, DB_SAGAS), listed);
    assert_int_equal(count_rows(txn, DB_SAGA_INDEX), entries);
    assert_int_equal(tables_each_saga_counts(txn, add_counts, expected), VARVE_OK);
    assert_int_equal(count_rows(txn, DB_SAGA_COUNTS), count_types(expected));
    db_abort(txn);
    free(expected);
}

/* ---- random lives ---- */

struct lives {
    unsigned status[64];
    bool has_deadline[64];
};

static void lives_init(struct lives *lives)
{
    for (size_t i = 0; i < COUNT_OF(lives->status); i++)
        lives->status[i] = SAGA_NONE;
}

static void name_saga(uint64_t number, char name[96])
{
    static const char *const types[] = { "order", "o", "order.v2", "zzz" };

    snprintf(name, 96, "$saga-%s-%d-x", types[number % COUNT_OF(types)], (int)(number / 3));
}

/* Some transition that its status allows; false: nothing happens to it any more. */
static bool random_change(struct lives *lives, uint64_t number, uint64_t *random, struct varve_saga_change *ret_change)
{
    enum varve_saga_action action;
    int next;

    if (lives->status[number] == SAGA_ARCHIVED)
        return false;
    do {
        action = (enum varve_saga_action)random_below(random, VARVE_SAGA_ACTIONS);
        next = saga_next_status(lives->status[number], action);
    } while (next < 0 || (action == VARVE_SAGA_TIME_OUT && !lives->has_deadline[number]));
    bool steps = action == VARVE_SAGA_BEGIN || action == VARVE_SAGA_STEP || action == VARVE_SAGA_COMPENSATE;
    bool fails = action == VARVE_SAGA_COMPENSATE || action == VARVE_SAGA_FAIL;
    bool has_deadline = steps && random_below(random, 2) == 0;

    *ret_change = (struct varve_saga_change){
        .action = action,
        .step = varve_view_str(steps ? random_below(random, 2) == 0 ? "reserve" : "charge" : ""),
        .has_state = (steps || fails) && random_below(random, 2) == 0,
        .deadline_us = has_deadline ? (int64_t)random_below(random, 1000) - 500 : VARVE_TIME_NONE,
        .error = varve_view_str(fails && random_below(random, 3) > 0 ? "out of \"stock\"" : ""),
    };
    lives->status[number] = (unsigned)next;
    lives->has_deadline[number] = has_deadline;
    return true;
}

static void random_event(struct log_fixture *log, struct lives *lives, uint64_t *random)
{
    uint64_t number = random_below(random, COUNT_OF(lives->status));
    struct varve_saga_change change;
    char name[96];

    if (random_below(random, 3) == 0) {
        snprintf(name, sizeof(name), "%s%d", random_below(random, 2) == 0 ? "$saga" : "$sagb-", (int)number % 10);
        log_append(log, name, "t", 0, 10); /* Neighbours that are none. */
    } else {
        name_saga(number, name);
        if (random_change(lives, number, random, &change))
            log_saga(log, name, &change);
    }
}

static void begin_anew(struct log_fixture *log, struct lives *lives)
{
    if (log->tail != NULL)
        log_close(log);
    log_open(log, VARVE_INDEX_ALL);
    lives_init(lives);
}

static void rows_are_a_fold_of_the_log(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed;
    struct log_fixture log = { .tail = NULL };
    struct lives lives;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (int layer = 0; layer < 60; layer++) {
        uint64_t count = 1 + random_below(&random, 120);

        if (layer % 20 == 0) /* Lives end; others begin elsewhere. */
            begin_anew(&log, &lives);
        for (uint64_t i = 0; i < count; i++)
            random_event(&log, &lives, &random);
        if (random_below(&random, 3) > 0)
            log_settle(&log);
        else
            log_settle_and_die(&log, 1 + (uint32_t)random_below(&random, 30),
                               (uint32_t)random_below(&random, tail_layer_count(tail_active(log.tail)) + 1));
        check_sagas(&log);
    }
    log_settle(&log);
    check_sagas(&log);
    log_check(&log);
    log_close(&log);
}

/* ---- the plan ---- */

static void sagas_are_found_among_streams(void **state)
{
    static const struct { const char *label, *names; uint32_t first, count; } cases[] = {
        { "nothing", "", 0, 0 },
        { "none", "$a $sag $saga $saga, $sagb a", 0, 0 },
        { "below all", "$saga-a-1 a b", 0, 1 },
        { "above all", "! # $saga-a-1 $saga-b-1", 2, 2 },
        { "amid", "$ $group-x $saga $saga-a-1 $saga-a-2 $saga-z-1 $saga. order-1", 3, 3 },
        { "alone", "$saga-a-1", 0, 1 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct settle_order orders[16];
        struct settle_plan plan = { .by_name = orders };
        const char *at = cases[i].names;

        while (*at != '\0') {
            size_t size = strcspn(at, " ");
            orders[plan.stream_count++] = (struct settle_order){ .name = at, .name_size = (uint32_t)size };
            at += size + (at[size] == ' ');
        }
        settle_find_sagas(&plan);
        CHECK_CASE(plan.saga_count == cases[i].count, cases[i].label);
        CHECK_CASE(plan.saga_count == 0 || plan.first_saga == cases[i].first, cases[i].label);
    }
}

/* No more pages than there are, and none without sagas. */
static void pages_are_counted(void **state)
{
    struct settle_plan plan = { .saga_count = 0 };
    struct log_fixture log;
    uint64_t pages = 99, random = 4;
    struct lives lives;

    lives_init(&lives);
    log_open(&log, 0);
    for (int i = 0; i < 300; i++)
        random_event(&log, &lives, &random);
    log_settle(&log);
    struct db_txn *txn = db_fixture_read(&log.db);
    assert_int_equal(settle_saga_pages(&plan, txn, &pages), VARVE_OK);
    assert_int_equal(pages, 0);
    plan.saga_count = 7;
    assert_int_equal(settle_saga_pages(&plan, txn, &pages), VARVE_OK);
    assert_in_range(pages, 3, 29);
    plan.saga_count = 700000;
    assert_int_equal(settle_saga_pages(&plan, txn, &pages), VARVE_OK);
    assert_in_range(pages, 100000, 100100);
    db_abort(txn);
    log_close(&log);
}

/* ---- faults ---- */

static void damage_refuses_the_layer_whole(void **state)
{
    const struct varve_saga_change begin = { .action = VARVE_SAGA_BEGIN, .deadline_us = VARVE_TIME_NONE };
    const struct varve_saga_change complete = { .action = VARVE_SAGA_COMPLETE, .deadline_us = VARVE_TIME_NONE };
    static const struct { enum db_table table; struct db_bytes key; const char *says; } cases[] = {
        { DB_SAGAS, { "order\0001", 7 }, "table sagas: the row of \"1\" of type order" },
        { DB_SAGA_COUNTS, { "order", 5 }, "table saga_counts: the row of \"order\"" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_error error;
        struct tables_meta meta;
        struct log_fixture log;

        log_open(&log, VARVE_INDEX_ALL);
        log_saga(&log, "$saga-order-1", &begin);
        log_settle(&log);
        log_saga(&log, "$saga-order-1", &complete);
        struct db_txn *txn = db_fixture_write(&log.db);
        db_fixture_flip(txn, cases[i].table, cases[i].key, 20, 0);
        db_fixture_commit(txn);
        assert_int_equal(tail_freeze(log.tail), VARVE_OK);
        assert_int_equal(settle_layer(log.db.db, tail_frozen(log.tail), &error), VARVE_CORRUPT);
        assert_non_null(strstr(error.message, cases[i].says));
        txn = db_fixture_read(&log.db);
        assert_int_equal(tables_get_meta(txn, &meta), VARVE_OK);
        assert_int_equal(meta.settled_position, 1);
        db_abort(txn);
        log_close(&log);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_a_fold_of_the_log),
        cmocka_unit_test(sagas_are_found_among_streams),
        cmocka_unit_test(pages_are_counted),
        cmocka_unit_test(damage_refuses_the_layer_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
