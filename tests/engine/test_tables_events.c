/* test_tables_events.c - blocks of records: whatever sizes come in whatever portions, each record is found again. */
#include "support/db_fixture.h"
#include "support/random.h"

#include "engine/tables.h"

#include <stdlib.h>
#include <unistd.h>

/* Records here are any bytes: the table does not look into them. Each begins with its position. */
struct source {
    uint64_t first_position;
    const uint32_t *sizes; /* of position 1 on */
};
static uint8_t scratch[1 << 20];

static void make_record(uint64_t position, uint32_t size)
{
    memset(scratch, (int)(position * 7), size);
    memcpy(scratch, &position, size < 8 ? size : 8);
}

static const uint8_t *record_at(const void *user, uint32_t i, uint32_t *ret_size)
{
    const struct source *source = user;
    uint64_t position = source->first_position + i;

    *ret_size = source->sizes[position - 1];
    make_record(position, *ret_size);
    return scratch;
}

static void add(struct db_txn *txn, uint64_t first_position, uint32_t count, const uint32_t *sizes)
{
    struct source source = { first_position, sizes };

    assert_int_equal(tables_add_events(txn, first_position, count, record_at, &source), VARVE_OK);
}

static void check_all(struct db_txn *txn, uint32_t count, const uint32_t *sizes)
{
    struct tables_block block;
    const uint8_t *record;
    uint32_t size;

    for (uint64_t position = 1; position <= count; position++) {
        assert_int_equal(tables_get_block(txn, position, &block), VARVE_OK);
        assert_true(block.count <= TABLES_BLOCK_RECORDS);
        assert_true(block.size <= TABLES_BLOCK_BYTES || block.count == 1);
        assert_true(position >= block.first_position && position < block.first_position + block.count);
        assert_true(tables_block_record(&block, (uint32_t)(position - block.first_position), &record, &size));
        assert_int_equal(size, sizes[position - 1]);
        make_record(position, size);
        assert_memory_equal(record, scratch, size);
        assert_false(tables_block_record(&block, block.count, &record, &size));
    }
    assert_int_equal(tables_get_block(txn, (uint64_t)count + 1, &block), VARVE_EVENT_NOT_FOUND);
    assert_int_equal(tables_get_block(txn, 0, &block), VARVE_EVENT_NOT_FOUND);
    assert_int_equal(tables_get_block(txn, UINT64_MAX, &block), VARVE_EVENT_NOT_FOUND);
}

static const struct {
    const char *label;
    uint32_t portion, count, size, blocks;
} shapes[] = {
    { "one by one", 1, 200, 100, 4 },
    { "a full block", 64, 64, 100, 1 },
    { "one more", 65, 65, 10, 2 },
    { "portions of 63", 63, 630, 10, 10 },
    { "64 KiB before 64 records", 40, 40, 3000, 2 },
    { "two do not fit", 7, 7, 40000, 7 },
    { "larger than a block", 3, 3, 200000, 3 },
    { "cut at a page's end", 128, 128, 320, 3 },
};

static void shapes_of_blocks(void **state)
{
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        uint32_t sizes[700];
        struct db_table_size size;
        struct db_fixture f;

        db_fixture_open(&f);
        for (uint32_t n = 0; n < shapes[i].count; n++)
            sizes[n] = shapes[i].size;
        for (uint32_t done = 0; done < shapes[i].count; done += shapes[i].portion) {
            struct db_txn *txn = db_fixture_write(&f);
            uint32_t left = shapes[i].count - done;

            add(txn, (uint64_t)done + 1, left < shapes[i].portion ? left : shapes[i].portion, sizes);
            db_fixture_commit(txn);
        }
        struct db_txn *txn = db_fixture_read(&f);
        check_all(txn, shapes[i].count, sizes);
        assert_int_equal(db_get_table_size(txn, DB_EVENTS, &size), VARVE_OK);
        CHECK_CASE(size.entries == shapes[i].blocks, shapes[i].label);
        db_abort(txn);
        db_fixture_close(&f);
    }
}

static void random_portions_of_random_sizes(void **state)
{
    enum { COUNT = 3000 };
    static uint32_t sizes[COUNT];
    uint64_t seed = (uint64_t)(uintptr_t)&seed ^ (uint64_t)getpid(), random = seed;
    struct db_fixture f;
    uint32_t done = 0;

    print_message("seed %llu\n", (unsigned long long)seed);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint64_t kind = random_below(&random, 100);
        sizes[i] = 8 + (uint32_t)random_below(&random, kind == 0 ? 200000 : kind < 10 ? 9000 : 500);
    }
    db_fixture_open(&f);
    while (done < COUNT) {
        uint32_t count = 1 + (uint32_t)random_below(&random, random_below(&random, 4) == 0 ? 300 : 20);
        struct db_txn *txn = db_fixture_write(&f);

        count = count < COUNT - done ? count : COUNT - done;
        add(txn, (uint64_t)done + 1, count, sizes);
        add(txn, (uint64_t)done + 1 + count, 0, sizes);
        db_fixture_commit(txn);
        done += count;
    }
    db_fixture_reopen(&f);
    struct db_txn *txn = db_fixture_read(&f);
    check_all(txn, COUNT, sizes);
    db_abort(txn);
    db_fixture_close(&f);
}

static void damage_is_found_before_it_is_followed(void **state)
{
    static const uint32_t sizes[] = { 20, 30, 40 };
    uint64_t position = 1;
    struct db_bytes key = { &position, sizeof(position) };
    const size_t header = 4 + 4 * 4 + 8;
    struct tables_block block;
    struct varve_error error;
    struct db_fixture f;

    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    add(txn, 1, 3, sizes);
    for (size_t bit = 0; bit < header * 8; bit++) {
        db_fixture_flip(txn, DB_EVENTS, key, bit / 8, bit % 8);
        assert_int_equal(tables_get_block(txn, 2, &block), VARVE_CORRUPT);
        db_fixture_flip(txn, DB_EVENTS, key, bit / 8, bit % 8);
    }
    db_explain(txn, VARVE_CORRUPT, &error);
    assert_non_null(strstr(error.message, "table events, block of position 1:"));
    for (size_t size = 1; size < 114; size++) { /* cut short */
        static uint8_t bytes[200];
        enum varve_status status = VARVE_OK;
        struct db_bytes value;

        add(txn, 1, 0, sizes);
        assert_int_equal(db_delete(txn, DB_EVENTS, key), VARVE_OK);
        add(txn, 1, 3, sizes);
        assert_true(db_get(txn, DB_EVENTS, key, &value, &status));
        memcpy(bytes, value.data, size);
        assert_int_equal(db_put(txn, DB_EVENTS, key, (struct db_bytes){ bytes, size }), VARVE_OK);
        assert_int_equal(tables_get_block(txn, 1, &block), VARVE_CORRUPT);
    }
    db_abort(txn);
    db_fixture_close(&f);
}

static void a_gap_is_damage(void **state)
{
    static uint32_t sizes[300];
    uint64_t middle = 65;
    struct tables_block block;
    struct db_fixture f;

    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        sizes[i] = 10;
    db_fixture_open(&f);
    struct db_txn *txn = db_fixture_write(&f);
    add(txn, 1, 300, sizes);
    assert_int_equal(db_delete(txn, DB_EVENTS, (struct db_bytes){ &middle, 8 }), VARVE_OK);
    assert_int_equal(tables_get_block(txn, 64, &block), VARVE_OK);
    assert_int_equal(tables_get_block(txn, 70, &block), VARVE_CORRUPT);
    assert_int_equal(tables_get_block(txn, 300, &block), VARVE_OK);
    struct source source = { 303, sizes };
    assert_int_equal(tables_add_events(txn, 303, 1, record_at, &source), VARVE_CORRUPT);
    db_abort(txn);
    db_fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes_of_blocks),
        cmocka_unit_test(random_portions_of_random_sizes),
        cmocka_unit_test(damage_is_found_before_it_is_followed),
        cmocka_unit_test(a_gap_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
