/* test_runs.c - sorted runs against a naive model: an array that is searched from end to end. */
#include "support/db_fixture.h"
#include "support/random.h"

#include "engine/runs.h"

#include <stdlib.h>
#include <unistd.h>

enum { MOST = 60000 };
static struct run_entry model[MOST];
static size_t model_count;

static size_t model_find(uint64_t hash, uint64_t from, bool backwards, uint64_t *positions, size_t room)
{
    size_t found = 0;

    for (size_t n = 0; n < model_count && found < room; n++) {
        const struct run_entry *entry = &model[backwards ? model_count - 1 - n : n];

        if (entry->hash == hash && (backwards ? entry->position <= from : entry->position >= from))
            positions[found++] = entry->position;
    }
    return found;
}

static void check_find(struct db_txn *txn, uint64_t hash, uint64_t from, bool backwards, size_t room)
{
    static uint64_t expected[1000], found[1000];
    size_t expected_count = model_find(hash, from, backwards, expected, room), count = 0;

    assert_int_equal(runs_find(txn, DB_CORRELATIONS, hash, from, backwards, found, room, &count), VARVE_OK);
    assert_int_equal(count, expected_count);
    assert_memory_equal(found, expected, count * sizeof(*found));
}

/* Add `count` entries with hashes out of `hashes` many. */
static void add_entries(struct db_txn *txn, size_t count, uint64_t hashes, uint64_t *random)
{
    static struct run_entry entries[MOST];
    uint64_t position = model_count == 0 ? 0 : model[model_count - 1].position;

    for (size_t i = 0; i < count; i++) {
        position += 1 + random_below(random, 3);
        model[model_count + i] =
            (struct run_entry){ random_below(random, hashes) * UINT64_C(0x9e3779b97f4a7c15), position };
    }
    memcpy(entries, model + model_count, count * sizeof(*entries));
    for (size_t i = count; i > 1; i--) { /* They come in any order. */
        size_t other = random_below(random, i);
        struct run_entry swapped = entries[i - 1];

        entries[i - 1] = entries[other];
        entries[other] = swapped;
    }
    model_count += count;
    assert_int_equal(runs_add(txn, DB_CORRELATIONS, entries, count), VARVE_OK);
}

struct each {
    size_t count;
    uint64_t sum;
};

static enum varve_status sum_entry(void *user, const struct run_entry *entry)
{
    struct each *each = user;

    each->count++;
    each->sum += entry->hash ^ (entry->position * 3);
    return VARVE_OK;
}

static void check_each(struct db_txn *txn)
{
    struct each each = { 0 };
    uint64_t sum = 0;

    for (size_t i = 0; i < model_count; i++)
        sum += model[i].hash ^ (model[i].position * 3);
    assert_int_equal(runs_each(txn, DB_CORRELATIONS, sum_entry, &each), VARVE_OK);
    assert_int_equal(each.count, model_count);
    assert_int_equal(each.sum, sum);
}

static const struct {
    const char *label;
    size_t portion_most, total;
    uint64_t hashes;
} loads[] = {
    { "one by one", 1, 1200, 300 },
    { "small portions, few ids", 40, 5000, 7 },
    { "one id only", 900, 9000, 1 },
    { "any portions, many ids", 9000, 50000, UINT64_C(1) << 60 },
    { "any portions, some ids", 3000, 30000, 400 },
};

static void random_runs_equal_the_model(void **state)
{
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (size_t i = 0; i < COUNT_OF(loads); i++) {
        struct db_fixture f;

        model_count = 0;
        db_fixture_open(&f);
        while (model_count < loads[i].total) {
            struct db_txn *txn = db_fixture_write(&f);
            size_t most = random_below(&random, 3) == 0 ? loads[i].portion_most : (loads[i].portion_most + 9) / 10;

            add_entries(txn, 1 + random_below(&random, most), loads[i].hashes, &random);
            db_fixture_commit(txn);
        }
        struct db_txn *txn = db_fixture_read(&f);
        uint64_t last = model[model_count - 1].position;
        check_each(txn);
        for (int n = 0; n < 300; n++) {
            uint64_t hash = random_below(&random, 20) == 0 ? random_next(&random)
                                                           : model[random_below(&random, model_count)].hash;
            uint64_t from = random_below(&random, 5) == 0 ? UINT64_MAX : random_below(&random, last + 5);

            check_find(txn, hash, from, random_below(&random, 2) == 0, 1 + random_below(&random, 900));
        }
        check_find(txn, model[0].hash, 0, false, 1000);
        check_find(txn, model[0].hash, UINT64_MAX, true, 1000);
        db_abort(txn);
        db_fixture_close(&f);
    }
}

static void an_empty_table_has_nothing(void **state)
{
    struct db_fixture f;
    uint64_t position;
    size_t count = 9;

    model_count = 0;
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    assert_int_equal(runs_add(txn, DB_CORRELATIONS, NULL, 0), VARVE_OK);
    assert_int_equal(runs_find(txn, DB_CORRELATIONS, 1, 0, false, &position, 1, &count), VARVE_OK);
    assert_int_equal(count, 0);
    check_each(txn);
    db_abort(txn);
    db_fixture_close(&f);
}

static enum varve_status fail_at_once(void *user, const struct run_entry *entry)
{
    return VARVE_CANCELLED;
}

static void flipped_bits_are_found(void **state)
{
    uint64_t random = 3, positions[100];
    uint8_t directory[20] = { 0 }, chunk[20];
    struct db_bytes directory_key = { directory, 20 }, key = { directory, 20 }, value;
    enum varve_status status = VARVE_OK;
    struct run_entry more[1] = { { 1, 1u << 20 } };
    struct varve_error error;
    struct each each = { 0 };
    struct db_cursor *cursor;
    struct db_fixture f;
    size_t count;

    model_count = 0;
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    add_entries(txn, 20, 3, &random);
    assert_int_equal(runs_each(txn, DB_CORRELATIONS, fail_at_once, NULL), VARVE_CANCELLED);
    assert_int_equal(db_cursor_open(txn, DB_CORRELATIONS, &cursor), VARVE_OK);
    assert_true(db_cursor_move(cursor, DB_LAST, &key, &value, &status));
    memcpy(chunk, key.data, 20);
    size_t size = value.size;
    db_cursor_close(cursor);
    for (size_t bit = 0; bit < size * 8; bit++) {
        struct db_bytes chunk_key = { chunk, 20 };

        db_fixture_flip(txn, DB_CORRELATIONS, chunk_key, bit / 8, bit % 8);
        status = runs_find(txn, DB_CORRELATIONS, model[0].hash, 0, false, positions, 100, &count);
        assert_int_equal(status, VARVE_CORRUPT);
        assert_int_equal(runs_each(txn, DB_CORRELATIONS, sum_entry, &each), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_CORRELATIONS, chunk_key, bit / 8, bit % 8);
    }
    db_explain(txn, VARVE_CORRUPT, &error);
    assert_non_null(strstr(error.message, "table correlations, run 1: a chunk"));
    for (size_t bit = 0; bit < (8 + 32 + 8) * 8; bit++) {
        db_fixture_flip(txn, DB_CORRELATIONS, directory_key, bit / 8, bit % 8);
        assert_int_equal(runs_find(txn, DB_CORRELATIONS, 1, 0, false, positions, 100, &count), VARVE_CORRUPT);
        assert_int_equal(runs_add(txn, DB_CORRELATIONS, more, 1), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_CORRELATIONS, directory_key, bit / 8, bit % 8);
    }
    /* A run that lost its only chunk. */
    assert_int_equal(db_delete(txn, DB_CORRELATIONS, (struct db_bytes){ chunk, 20 }), VARVE_OK);
    assert_int_equal(runs_each(txn, DB_CORRELATIONS, sum_entry, &each), VARVE_CORRUPT);
    db_abort(txn);
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_runs_equal_the_model),
        cmocka_unit_test(an_empty_table_has_nothing),
        cmocka_unit_test(flipped_bits_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
