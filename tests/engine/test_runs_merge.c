/* test_runs_merge.c - runs are sorted and merged whatever comes, stay few, and damage stops a merge. */
#include "support/db_fixture.h"
#include "support/random.h"

#include "engine/runs.h"

#include <stdlib.h>

enum { MOST = 20000 };
static struct run_entry entries[MOST];

/* `count` entries at *next and on, few hashes among them, in any order. */
static void add_some(struct db_txn *txn, size_t count, uint64_t *next, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        size_t other = random_below(random, i + 1);

        entries[i] = entries[other];
        entries[other] = (struct run_entry){ random_below(random, 1000) << 40, *next + i };
    }
    *next += count;
    assert_int_equal(runs_add(txn, DB_CORRELATIONS, entries, count), VARVE_OK);
}

/* Keys of runs begin with their number. */
static unsigned count_runs(struct db_txn *txn)
{
    unsigned runs = 0;
    uint8_t number[4] = { 0 };
    struct db_bytes key = { 0 }, value;
    enum varve_status status = VARVE_OK;
    struct db_cursor *cursor;

    assert_int_equal(db_cursor_open(txn, DB_CORRELATIONS, &cursor), VARVE_OK);
    for (bool more = db_cursor_move(cursor, DB_FIRST, &key, &value, &status); more;
         more = db_cursor_move(cursor, DB_NEXT, &key, &value, &status)) {
        runs += memcmp(key.data, number, 4) != 0;
        memcpy(number, key.data, 4);
    }
    db_cursor_close(cursor);
    return runs;
}

static void runs_stay_few(void **state)
{
    static const size_t portions[] = { 1, 100, 1, 1, 2000, 3, 7 }; /* large and small in turn */
    uint64_t random = 4, next = 1;
    struct db_fixture f;
    unsigned most = 0;

    db_fixture_open(&f);
    for (size_t i = 0; next < 50000; i++) {
        struct db_txn *txn = db_fixture_write(&f);
        unsigned runs;

        add_some(txn, portions[i % COUNT_OF(portions)], &next, &random);
        runs = count_runs(txn);
        most = runs > most ? runs : most;
        db_fixture_commit(txn);
    }
    assert_true(most > 1);
    assert_true(most <= 7 * 6); /* 7 of a class, and 50,000 entries make 6 classes */
    db_fixture_close(&f);
}

static enum varve_status count_entry(void *user, const struct run_entry *entry)
{
    ++*(uint64_t *)user;
    return VARVE_OK;
}

/* What sorting meets: all of one hash, all hashes in one bucket, sorted already, sorted backwards. */
static void any_hashes_are_sorted(void **state)
{
    struct db_fixture f;
    uint64_t count = 0;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    for (uint64_t shape = 0; shape < 5; shape++) {
        for (uint64_t i = 0; i < MOST; i++) {
            const uint64_t hashes[] = { 7, i % 5, i << 44, (MOST - i) << 44, i * UINT64_C(0x9e3779b97f4a7c15) };

            entries[i] = (struct run_entry){ hashes[shape], 1 + shape * MOST + i };
        }
        assert_int_equal(runs_add(txn, DB_CORRELATIONS, entries, MOST), VARVE_OK);
        for (size_t i = 1; i < MOST; i++)
            assert_true(entries[i - 1].hash < entries[i].hash || (entries[i - 1].hash == entries[i].hash &&
                                                                  entries[i - 1].position < entries[i].position));
    }
    assert_int_equal(runs_each(txn, DB_CORRELATIONS, count_entry, &count), VARVE_OK);
    assert_int_equal(count, 5 * MOST);
    db_abort(txn);
    db_fixture_close(&f);
}

/* A run that should be taken up but cannot be read as a whole. */
static void a_merge_refuses_damaged_runs(void **state)
{
    uint64_t random = 4, next = 1;
    enum varve_status status = VARVE_OK;
    struct run_entry one = { 1, 1000000 };
    struct db_bytes key = { 0 }, value;
    struct db_cursor *cursor;
    struct db_fixture f;
    uint8_t copy[20];

    db_fixture_open(&f);
    for (int lose = 0; lose < 2; lose++) {
        struct db_txn *txn = db_fixture_write(&f);

        next = 1;
        for (int i = 0; i < 7; i++)
            add_some(txn, 1, &next, &random);
        assert_int_equal(db_cursor_open(txn, DB_CORRELATIONS, &cursor), VARVE_OK);
        assert_true(db_cursor_move(cursor, DB_LAST, &key, &value, &status));
        memcpy(copy, key.data, sizeof(copy));
        db_cursor_close(cursor);
        if (lose == 0)
            db_fixture_flip(txn, DB_CORRELATIONS, (struct db_bytes){ copy, 20 }, 6, 0);
        else
            assert_int_equal(db_delete(txn, DB_CORRELATIONS, (struct db_bytes){ copy, 20 }), VARVE_OK);
        assert_int_equal(runs_add(txn, DB_CORRELATIONS, &one, 1), VARVE_CORRUPT);
        db_abort(txn);
    }
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_stay_few),
        cmocka_unit_test(any_hashes_are_sorted),
        cmocka_unit_test(a_merge_refuses_damaged_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
