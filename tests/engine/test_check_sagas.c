/* test_check_sagas.c - whatever is wrong about a saga's row, the lists it is in, or the counts, is found and named. */
#include "support/check_fixture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "engine/saga.h"
#include "engine/tables_sagas.h"
#include "varve/transact.h"

static struct varve_view view(const char *text)
{
    return varve_view_str(text);
}

static void change(struct varve_store *store, const char *type, const char *id, enum varve_saga_action action,
                   int64_t deadline_us)
{
    bool steps = action == VARVE_SAGA_BEGIN || action == VARVE_SAGA_STEP || action == VARVE_SAGA_COMPENSATE;
    struct varve_saga_change saga = {
        .action = action, .type = view(type), .id = view(id), .expected = VARVE_EXPECTED_STREAM_EXISTS,
        .step = view(steps ? "charge" : ""), .has_state = action == VARVE_SAGA_STEP, .state = view("{\"n\":1}"),
        .deadline_us = deadline_us, .error = view(action == VARVE_SAGA_FAIL ? "no \"luck\"" : ""),
    };
    struct varve_transact transact = { .sagas = &saga, .saga_count = 1 };
    struct varve_append *append;
    struct varve_error error;

    if (varve_transact_create(store, &transact, &append, &error) != VARVE_OK ||
        varve_append_wait(append, &error) != VARVE_OK)
        fail_msg("%s", error.message);
    varve_append_free(append);
}

/* order: a running with a deadline, b completed, c failed, d archived; pay: a running, timed out; old: all archived. */
static int make_store(void **state)
{
    check_make_store(state);
    struct varve_store *store = check_open_store();

    change(store, "order", "a", VARVE_SAGA_BEGIN, 5000);
    change(store, "order", "b", VARVE_SAGA_BEGIN, VARVE_TIME_NONE);
    change(store, "order", "d", VARVE_SAGA_BEGIN, VARVE_TIME_NONE);
    change(store, "order", "c", VARVE_SAGA_BEGIN, 6000);
    change(store, "pay", "a", VARVE_SAGA_BEGIN, 7000);
    change(store, "old", "x", VARVE_SAGA_BEGIN, VARVE_TIME_NONE);
    assert_int_equal(varve_store_settle(store), VARVE_OK);
    change(store, "order", "a", VARVE_SAGA_STEP, 5500);
    change(store, "order", "b", VARVE_SAGA_COMPLETE, VARVE_TIME_NONE);
    change(store, "order", "c", VARVE_SAGA_FAIL, VARVE_TIME_NONE);
    change(store, "order", "d", VARVE_SAGA_FAIL, VARVE_TIME_NONE);
    change(store, "order", "d", VARVE_SAGA_ARCHIVE, VARVE_TIME_NONE);
    change(store, "pay", "a", VARVE_SAGA_TIME_OUT, VARVE_TIME_NONE);
    change(store, "old", "x", VARVE_SAGA_COMPLETE, VARVE_TIME_NONE);
    change(store, "old", "x", VARVE_SAGA_ARCHIVE, VARVE_TIME_NONE);
    assert_int_equal(varve_store_close(store), VARVE_OK);
    return 0;
}

static void a_store_with_sagas_is_sound(void **state)
{
    check_expect_sound(false);
    check_expect_sound(true);
}

/* ---- damage ---- */

static struct saga_row get(struct db_txn *txn, const char *type, const char *id)
{
    struct saga_row row;

    assert_int_equal(tables_get_saga(txn, view(type), view(id), &row), VARVE_OK);
    return row;
}

/* As tables_put_saga() would, but the counts are those of `counted`. */
static void replace(struct db_txn *txn, const char *type, const char *id, const struct saga_row *before,
                    const struct saga_row *row)
{
    assert_int_equal(tables_put_saga(txn, view(type), view(id), before, row), VARVE_OK);
}

static void other_version(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "a"), row = before;

    row.version++;
    replace(txn, "order", "a", &before, &row);
}

static void other_step(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "a"), row = before;

    row.step = view("ship");
    replace(txn, "order", "a", &before, &row);
}

static void other_error(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "c"), row = before;

    row.error_json = view("\"luck\"");
    replace(txn, "order", "c", &before, &row);
}

static void other_state(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "a"), row = before;

    row.state_position = 1;
    replace(txn, "order", "a", &before, &row);
}

static void other_status(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "b"), row = before;

    row.status = VARVE_SAGA_FAILED;
    replace(txn, "order", "b", &before, &row);
}

static void other_deadline(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "a"), row = before;

    row.deadline_us++;
    replace(txn, "order", "a", &before, &row);
}

static void lost_row(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "b"), row;

    saga_row_init(&row);
    replace(txn, "order", "b", &before, &row);
}

static void row_of_an_archived_one(struct db_txn *txn)
{
    struct saga_row row = get(txn, "order", "b"), none;

    saga_row_init(&none);
    row.position++;
    replace(txn, "order", "d", &none, &row);
}

static void row_without_events(struct db_txn *txn)
{
    struct saga_row row = get(txn, "order", "b"), none;

    saga_row_init(&none);
    row.position++;
    replace(txn, "order", "never", &none, &row);
}

static void type_without_events(struct db_txn *txn)
{
    struct saga_row row, none;

    saga_row_init(&none);
    row = none;
    row.status = SAGA_ARCHIVED;
    replace(txn, "never", "1", &none, &row);
}

/* Only one of the three tables. */

static void lost_entry(struct db_txn *txn)
{
    check_delete_row(txn, DB_SAGA_INDEX, DB_FIRST);
}

static void lost_deadline(struct db_txn *txn)
{
    check_delete_row(txn, DB_SAGA_INDEX, DB_LAST);
}

static void lost_counts(struct db_txn *txn)
{
    check_delete_row(txn, DB_SAGA_COUNTS, DB_LAST);
}

static void lost_counts_of_archived_ones(struct db_txn *txn)
{
    check_delete_row(txn, DB_SAGA_COUNTS, DB_FIRST);
}

static void wrong_counts(struct db_txn *txn)
{
    struct saga_row row = get(txn, "order", "b"), none;
    uint8_t key[SAGA_KEY_MAX];
    struct saga_key keys[2];

    saga_row_init(&none);
    row.position = 1000000;
    replace(txn, "order", "e", &none, &row); /* One more, and all but its count taken away again. */
    assert_int_equal(saga_keys_of(&row, view("order"), keys), 1);
    assert_int_equal(db_delete(txn, DB_SAGA_INDEX, (struct db_bytes){ key, saga_key_encode(&keys[0], key) }),
                     VARVE_OK);
    assert_int_equal(db_delete(txn, DB_SAGAS, (struct db_bytes){ "order\0e", 7 }), VARVE_OK);
}

static void stale_entry(struct db_txn *txn)
{
    struct saga_row before = get(txn, "order", "b"), row = before, none;

    saga_row_init(&none);
    row.position--;
    replace(txn, "order", "b", &none, &row); /* Written over, but what it was listed by is left. */
    row = before;
    replace(txn, "order", "b", &none, &row);
}

static void flipped_row(struct db_txn *txn)
{
    check_flip_value(txn, DB_SAGAS, 30);
}

static void flipped_entry(struct db_txn *txn)
{
    check_flip_value(txn, DB_SAGA_INDEX, 3);
}

static void flipped_counts(struct db_txn *txn)
{
    check_flip_value(txn, DB_SAGA_COUNTS, 9);
}

static const struct check_damage damages[] = {
    { "version", other_version, true, "sagas, \"a\" of type order: its row's version is not what its events say" },
    { "step", other_step, true, "sagas, \"a\" of type order: its row's step is not" },
    { "error", other_error, true, "sagas, \"c\" of type order: its row's error is not" },
    { "state", other_state, true, "sagas, \"a\" of type order: its row's state is not" },
    { "status", other_status, true, "sagas, \"b\" of type order: its row's status is not" },
    { "status, counted", other_status, true, "saga_counts, \"order\": 2 are counted as failed, but there are 1" },
    { "deadline", other_deadline, true, "sagas, \"a\" of type order: its row's deadline is not" },
    { "deadline, listed", other_deadline, true, "it is missing from the list by deadline" },
    { "row gone", lost_row, true, "its events say that it is completed, but it has no row" },
    { "row of an archived one", row_of_an_archived_one, true, "\"d\" of type order: it has a row, but its events say" },
    { "row without events", row_without_events, true, "\"never\" of type order: it has a row, but no events" },
    { "type without events", type_without_events, true, "saga_counts, \"never\": there never was a saga of this" },
    { "entry gone", lost_entry, true, "sagas, \"a\" of type order: it is missing from the list by change" },
    { "deadline gone", lost_deadline, true, "sagas, \"a\" of type order: it is missing from the list by deadline" },
    { "counts gone", lost_counts, true, "saga_counts, \"pay\": there are sagas of this type, but" },
    { "counts of zero gone", lost_counts_of_archived_ones, true, "saga_counts, \"old\": there are sagas" },
    { "counts wrong", wrong_counts, true, "saga_counts, \"order\": 2 are counted as completed, but there are 1" },
    { "entry stale", stale_entry, true, "by change, which is not what that saga's row says" },
    { "bit of a row", flipped_row, true, "table sagas: the row of \"a\" of type pay does not match its checksum" },
    { "bit of an entry", flipped_entry, true, "table saga_index: the entry of position" },
    { "bit of counts", flipped_counts, true, "table saga_counts: the row of \"pay\" does not match" },
};

static void damage_is_found_and_named(void **state)
{
    check_damages(damages, COUNT_OF(damages));
}

static void what_is_unsettled_is_not_expected(void **state)
{
    pid_t child = fork();
    int result;

    assert_true(child >= 0);
    if (child == 0) {
        struct varve_store *store = check_open_store();

        change(store, "order", "a", VARVE_SAGA_COMPENSATE, VARVE_TIME_NONE);
        change(store, "fresh", "a", VARVE_SAGA_BEGIN, VARVE_TIME_NONE);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(result, 0);
    check_expect_sound(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_with_sagas_is_sound),
        cmocka_unit_test(damage_is_found_and_named),
        cmocka_unit_test(what_is_unsettled_is_not_expected),
    };
    return cmocka_run_group_tests(tests, make_store, check_remove_store);
}
