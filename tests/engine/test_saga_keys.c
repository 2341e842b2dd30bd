/* test_saga_keys.c - keys sort as sagas are to be listed, and are read back as they were written. */
#include "engine/saga_keys.h"
#include "support/check.h"

static struct saga_key by_change(const char *type, unsigned status, uint64_t position)
{
    return (struct saga_key){ .order = VARVE_SAGA_BY_CHANGE, .type = varve_view_str(type), .status = status,
                              .deadline_us = VARVE_TIME_NONE, .position = position };
}

static struct saga_key by_deadline(int64_t deadline_us, uint64_t position)
{
    return (struct saga_key){ .order = VARVE_SAGA_BY_DEADLINE, .deadline_us = deadline_us, .position = position };
}

static void keys_sort_and_come_back(void **ignored)
{
    const struct saga_key keys[] = { /* in the order they must have */
        by_change("a", 0, 1), by_change("a", 0, 255), by_change("a", 0, 256), by_change("a", 1, 3),
        by_change("a", 4, 2), by_change("a.b", 0, 1), by_change("ab", 0, 1), by_change("b", 3, UINT64_MAX),
        by_deadline(VARVE_TIME_MIN, 9), by_deadline(-1, 1), by_deadline(0, 1), by_deadline(0, 2), by_deadline(1, 1),
        by_deadline(VARVE_TIME_MAX, 1), by_deadline(INT64_MAX, 1),
    };
    uint8_t last[SAGA_KEY_MAX], bytes[SAGA_KEY_MAX];
    size_t last_size = 0;

    for (unsigned i = 0; i < COUNT_OF(keys); i++) {
        size_t size = saga_key_encode(&keys[i], bytes), common = size < last_size ? size : last_size;
        int order = memcmp(last, bytes, common);
        struct saga_key back;

        assert_true(order < 0 || (order == 0 && last_size < size));
        assert_true(saga_key_decode(bytes, size, &back));
        assert_int_equal(back.order, keys[i].order);
        assert_int_equal(back.type.size, keys[i].type.size);
        assert_memory_equal(back.type.data, keys[i].type.data, back.type.size);
        assert_true(back.status == keys[i].status && back.position == keys[i].position);
        assert_true(back.deadline_us == keys[i].deadline_us);
        memcpy(last, bytes, size);
        last_size = size;
    }
}

static void what_is_no_key(void **ignored)
{
    static const struct { const char *label, *bytes; size_t size; } cases[] = {
        { "nothing", "", 0 },
        { "no order", "X\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17 },
        { "a deadline cut", "D\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16 },
        { "a deadline and more", "D\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18 },
        { "no type", "C\0\0\0\0\0\0\0\0\0\0", 11 },
        { "no zero behind the type", "Caa\0\0\0\0\0\0\0\0\0", 12 },
        { "an unknown status", "Ca\0\5\0\0\0\0\0\0\0\0", 12 },
        { "a zero in the type", "Ca\0b\0\0\0\0\0\0\0\0\0\0", 14 },
    };
    uint8_t longest[SAGA_KEY_MAX + 1] = { 'C' };
    struct saga_key key;

    for (unsigned i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(!saga_key_decode((const uint8_t *)cases[i].bytes, cases[i].size, &key), cases[i].label);
    memset(longest + 1, 't', VARVE_SAGA_MAX_TYPE);
    assert_true(saga_key_decode(longest, SAGA_KEY_MAX, &key));
    memset(longest + 1, 't', VARVE_SAGA_MAX_TYPE + 1);
    assert_false(saga_key_decode(longest, SAGA_KEY_MAX + 1, &key));
}

static void which_keys_a_row_has(void **ignored)
{
    struct saga_key keys[2];
    struct saga_row row;

    saga_row_init(&row);
    assert_int_equal(saga_keys_of(&row, varve_view_str("t"), keys), 0);
    row.status = SAGA_ARCHIVED;
    assert_int_equal(saga_keys_of(&row, varve_view_str("t"), keys), 0);
    row.status = VARVE_SAGA_COMPENSATING;
    row.position = 7;
    assert_int_equal(saga_keys_of(&row, varve_view_str("t"), keys), 1);
    assert_true(keys[0].order == VARVE_SAGA_BY_CHANGE && keys[0].status == VARVE_SAGA_COMPENSATING);
    row.deadline_us = -5;
    assert_int_equal(saga_keys_of(&row, varve_view_str("t"), keys), 2);
    assert_true(keys[1].order == VARVE_SAGA_BY_DEADLINE && keys[1].deadline_us == -5 && keys[1].position == 7);
}

static void names_come_back(void **ignored)
{
    static const struct { const char *label, *bytes; size_t size; } broken[] = {
        { "nothing", "", 0 }, { "no zero", "order", 5 }, { "no type", "\0a", 2 }, { "no id", "a\0", 2 },
    };
    char bytes[SAGA_NAME_MAX];
    struct varve_view type, id;
    size_t size = saga_name_encode(varve_view_str("order"), varve_view_str("a-1"), bytes);

    assert_int_equal(size, 9);
    assert_memory_equal(bytes, "order\0a-1", 9);
    assert_true(saga_name_decode(varve_view_of(bytes, size), &type, &id));
    assert_true(varve_view_equal(type, varve_view_str("order")) && varve_view_equal(id, varve_view_str("a-1")));
    for (unsigned i = 0; i < COUNT_OF(broken); i++)
        CHECK_CASE(!saga_name_decode(varve_view_of(broken[i].bytes, broken[i].size), &type, &id), broken[i].label);
    memset(bytes, 'x', sizeof(bytes));
    bytes[VARVE_SAGA_MAX_TYPE + 1] = 0;
    assert_false(saga_name_decode(varve_view_of(bytes, sizeof(bytes)), &type, &id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_sort_and_come_back),
        cmocka_unit_test(what_is_no_key),
        cmocka_unit_test(which_keys_a_row_has),
        cmocka_unit_test(names_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
