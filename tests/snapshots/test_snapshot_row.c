/* test_snapshot_row.c - keys sort as streams and versions do; rows come back as they went, or not at all. */
#include "support/check.h"
#include "support/random.h"

#include "snapshots/snapshot_row.h"

static int compare(const struct snapshot_key *a, const struct snapshot_key *b)
{
    int order = memcmp(a->bytes, b->bytes, a->size < b->size ? a->size : b->size);
    return order != 0 ? order : (a->size > b->size) - (a->size < b->size);
}

static void keys_sort_by_stream_then_version(void **state)
{
    static const struct {
        const char *stream;
        int64_t version;
    } sorted[] = { { "a", 0 }, { "a", 1 }, { "a", 256 }, { "a", INT64_MAX - 1 }, { "a ", 0 }, { "a-1", 5 },
                   { "a-10", 0 }, { "b", 0 } };
    struct snapshot_key before, key, end;

    for (size_t i = 0; i < COUNT_OF(sorted); i++) {
        struct varve_view stream;
        int64_t version;

        snapshot_key_make(&key, varve_view_str(sorted[i].stream), sorted[i].version);
        snapshot_key_make_end(&end, varve_view_str(sorted[i].stream));
        assert_true(compare(&key, &end) < 0);
        assert_true(i == 0 || compare(&before, &key) < 0);
        assert_true(snapshot_key_take(key.bytes, key.size, &stream, &version));
        assert_true(varve_view_equal(stream, varve_view_str(sorted[i].stream)));
        assert_int_equal(version, sorted[i].version);
        before = key;
    }
    snapshot_key_make_end(&end, varve_view_str("a"));
    snapshot_key_make(&key, varve_view_str("a "), 0);
    assert_true(compare(&end, &key) < 0);
}

static void what_is_no_key_is_refused(void **state)
{
    struct varve_view stream;
    int64_t version;

    assert_false(snapshot_key_take("\0\0\0\0\0\0\0\0\1", 9, &stream, &version)); /* no stream */
    assert_false(snapshot_key_take("ab\0\0\0\0\0\0\0\1", 10, &stream, &version)); /* no zero in its place */
    assert_false(snapshot_key_take("a\0b\0\0\0\0\0\0\0\0\1", 12, &stream, &version));
    assert_false(snapshot_key_take("a\0\200\0\0\0\0\0\0\1", 10, &stream, &version)); /* less than zero */
}

static void rows_come_back_or_not_at_all(void **state)
{
    struct varve_snapshot snapshot = {
        .stream = varve_view_str("account-1"), .version = 77, .type = varve_view_str("account"), .schema_version = 3,
        .content_type = VARVE_CONTENT_MSGPACK, .created_at_us = 1234567890, .data = varve_view_str("something"),
    }, back;
    struct snapshot_key key, other;
    uint8_t row[SNAPSHOT_MAX_ROW];
    uint64_t sum;

    snapshot_key_make(&key, snapshot.stream, snapshot.version);
    snapshot_key_make(&other, snapshot.stream, snapshot.version + 1);
    size_t size = snapshot_row_encode(&snapshot, &key, row);
    assert_int_equal(size, SNAPSHOT_ROW_HEAD + 7);
    assert_true(snapshot_row_decode(row, size, &key, &back, &sum));
    assert_true(varve_view_equal(back.stream, snapshot.stream));
    assert_true(varve_view_equal(back.type, snapshot.type));
    assert_int_equal(back.version, 77);
    assert_int_equal(back.schema_version, 3);
    assert_int_equal(back.content_type, VARVE_CONTENT_MSGPACK);
    assert_int_equal(back.created_at_us, 1234567890);
    assert_int_equal(back.size, 9);
    assert_int_equal(sum, snapshot_data_sum(&key, snapshot.data));
    assert_true(sum != snapshot_data_sum(&other, snapshot.data));

    assert_false(snapshot_row_decode(row, size, &other, &back, &sum)); /* another's row */
    for (size_t shorter = 0; shorter < size; shorter++)
        assert_false(snapshot_row_decode(row, shorter, &key, &back, &sum));
    for (size_t bit = 0; bit < size * 8; bit++) {
        row[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(snapshot_row_decode(row, size, &key, &back, &sum));
        row[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort_by_stream_then_version),
        cmocka_unit_test(what_is_no_key_is_refused),
        cmocka_unit_test(rows_come_back_or_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
