/* test_partition.c - events of a key go to one worker, and keys are spread. */
#include "support/check.h"
#include "tools/varve/partition.h"

static struct varve_event event_of(const char *stream, uint8_t correlation)
{
    struct varve_event event = { .stream = varve_view_str(stream) };

    event.correlation_id.bytes[15] = correlation;
    return event;
}

static unsigned part(const char *stream, uint8_t correlation, enum partition_key key)
{
    struct varve_event event = event_of(stream, correlation);

    return partition_of(&event, key, 1000);
}

static void keys_have_names(void **state)
{
    enum partition_key key = PARTITION_STREAM;

    assert_true(partition_key_parse(varve_view_str("category"), &key) && key == PARTITION_CATEGORY);
    assert_true(partition_key_parse(varve_view_str("correlation"), &key) && key == PARTITION_CORRELATION);
    assert_true(partition_key_parse(varve_view_str("stream"), &key) && key == PARTITION_STREAM);
    assert_false(partition_key_parse(varve_view_str("streams"), &key));
    assert_false(partition_key_parse(varve_view_str(""), &key));
}

static void the_key_decides(void **state)
{
    assert_int_equal(part("order-1", 1, PARTITION_STREAM), part("order-1", 2, PARTITION_STREAM));
    assert_int_not_equal(part("order-1", 1, PARTITION_STREAM), part("order-2", 1, PARTITION_STREAM));
    assert_int_equal(part("order-1", 1, PARTITION_CATEGORY), part("order-2", 2, PARTITION_CATEGORY));
    assert_int_not_equal(part("order-1", 1, PARTITION_CATEGORY), part("user-1", 1, PARTITION_CATEGORY));
    assert_int_equal(part("order-1", 1, PARTITION_CORRELATION), part("user-1", 1, PARTITION_CORRELATION));
    assert_int_not_equal(part("order-1", 1, PARTITION_CORRELATION), part("order-1", 2, PARTITION_CORRELATION));
    assert_int_equal(part("order-1", 0, PARTITION_CORRELATION), part("order-1", 0, PARTITION_STREAM));
}

static void keys_are_spread(void **state)
{
    unsigned counts[7] = { 0 };
    char name[32];

    for (int i = 0; i < 7000; i++) {
        snprintf(name, sizeof(name), "order-%d", i);
        struct varve_event event = event_of(name, 0);
        unsigned worker = partition_of(&event, PARTITION_STREAM, 7);
        assert_in_range(worker, 0, 6);
        counts[worker]++;
    }
    for (size_t i = 0; i < COUNT_OF(counts); i++)
        assert_in_range(counts[i], 800, 1200);
}

/* Who keeps a part per worker relies on it from one version to the next. */
static void it_is_the_same_for_ever(void **state)
{
    assert_int_equal(part("order-42", 0, PARTITION_STREAM), 756);
    assert_int_equal(part("order-42", 0, PARTITION_CATEGORY), 57);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_have_names),
        cmocka_unit_test(the_key_decides),
        cmocka_unit_test(keys_are_spread),
        cmocka_unit_test(it_is_the_same_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
