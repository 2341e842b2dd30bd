/* test_tail_layer.c - one layer: what is added is found under each of its keys, and memory is used again. */
#include "engine/tail_layer.h"
#include "support/check.h"
#include "support/records.h"

#include <stdlib.h>

#define FIRST 1000u

static struct tail_layer *make(unsigned indexes)
{
    struct tail_layer *layer = NULL;

    assert_int_equal(layer_create(5, indexes, FIRST, &layer), VARVE_OK);
    return layer;
}

/* The next event of a stream, whose state the layer knows or never was. */
static enum varve_status add(struct tail_layer *layer, const char *stream, const char *type, uint64_t correlation,
                             const char *data)
{
    const struct layer_key *key = layer_find(layer, TAIL_STREAM, varve_view_str(stream));
    struct test_record described = { .stream = stream, .type = type, .recorded_at_us = 5000, .data = data,
                                     .position = FIRST + tail_layer_count(layer),
                                     .version = key == NULL ? 0 : (uint64_t)(key->states[0].version + 1) };
    struct tail_event event = { .correlation_id = { { 0 } } };

    if (correlation != 0)
        event.correlation_id = described.correlation_id = test_uuid(correlation);
    uint8_t *record = test_record_make(&described, &event.size);
    event.record = record;
    enum varve_status status = layer_add(layer, &event);
    free(record);
    return status;
}

/* The key's offsets as text: "0 2 5"; "none" without the key. */
static const char *offsets_of(const struct tail_layer *layer, enum tail_kind kind, struct varve_view name)
{
    static char text[256];
    struct tail_key key;
    int used = 0;

    if (!tail_layer_find(layer, kind, name, &key))
        return "none";
    text[0] = '\0';
    for (uint32_t i = 0; i < key.count; i++)
        used += snprintf(text + used, sizeof(text) - (size_t)used, i == 0 ? "%u" : " %u", key.offsets[i]);
    return text;
}

static void every_key_leads_to_its_events(void **ignored)
{
    struct tail_layer *layer = make(VARVE_INDEX_ALL);
    struct varve_uuid seven = test_uuid(7), eight = test_uuid(8);

    assert_int_equal(add(layer, "order-1", "placed", 7, "a"), VARVE_OK);
    assert_int_equal(add(layer, "order-2", "placed", 0, "b"), VARVE_OK);
    assert_int_equal(add(layer, "order-1", "paid", 7, "c"), VARVE_OK);
    assert_int_equal(add(layer, "user-1", "named", 8, "d"), VARVE_OK);
    assert_int_equal(add(layer, "order", "paid", 7, "e"), VARVE_OK);
    const struct { enum tail_kind kind; struct varve_view name; const char *offsets; } cases[] = {
        { TAIL_STREAM, varve_view_str("order-1"), "0 2" },
        { TAIL_STREAM, varve_view_str("order-2"), "1" },
        { TAIL_STREAM, varve_view_str("order"), "4" },
        { TAIL_STREAM, varve_view_str("order-"), "none" },
        { TAIL_CATEGORY, varve_view_str("order"), "0 1 2 4" },
        { TAIL_CATEGORY, varve_view_str("user"), "3" },
        { TAIL_CATEGORY, varve_view_str("order-1"), "none" },
        { TAIL_TYPE, varve_view_str("placed"), "0 1" },
        { TAIL_TYPE, varve_view_str("paid"), "2 4" },
        { TAIL_TYPE, varve_view_str("order"), "none" },
        { TAIL_CORRELATION, varve_view_of((const char *)seven.bytes, 16), "0 2 4" },
        { TAIL_CORRELATION, varve_view_of((const char *)eight.bytes, 16), "3" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_string_equal(offsets_of(layer, cases[i].kind, cases[i].name), cases[i].offsets);
    for (uint32_t i = 0; i < 5; i++) {
        struct varve_event event;
        uint32_t size;
        const uint8_t *record = tail_layer_record(layer, i, &size);
        assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
        assert_int_equal(event.data.data[0], 'a' + (int)i);
        assert_int_equal(event.position, FIRST + i);
    }
    layer_destroy(layer);
    layer_destroy(NULL);
}

static void unkept_indexes_have_no_keys(void **ignored)
{
    static const struct { unsigned indexes; bool category, type, correlation; } cases[] = {
        { 0, false, false, false },
        { VARVE_INDEX_CATEGORY, true, false, false },
        { VARVE_INDEX_TYPE, false, true, false },
        { VARVE_INDEX_CORRELATION, false, false, true },
        { VARVE_INDEX_ALL, true, true, true },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tail_layer *layer = make(cases[i].indexes);
        struct varve_uuid seven = test_uuid(7);
        assert_int_equal(add(layer, "order-1", "placed", 7, "a"), VARVE_OK);
        assert_string_equal(offsets_of(layer, TAIL_STREAM, varve_view_str("order-1")), "0");
        assert_string_equal(offsets_of(layer, TAIL_CATEGORY, varve_view_str("order")),
                            cases[i].category ? "0" : "none");
        assert_string_equal(offsets_of(layer, TAIL_TYPE, varve_view_str("placed")), cases[i].type ? "0" : "none");
        assert_string_equal(offsets_of(layer, TAIL_CORRELATION, varve_view_of((const char *)seven.bytes, 16)),
                            cases[i].correlation ? "0" : "none");
        layer_destroy(layer);
    }
}

static void states_are_published_together(void **ignored)
{
    struct tail_layer *layer = make(VARVE_INDEX_ALL);
    struct tail_key key;

    assert_int_equal(add(layer, "s", "t", 0, "a"), VARVE_OK);
    assert_true(tail_layer_find(layer, TAIL_STREAM, varve_view_str("s"), &key));
    assert_int_equal(key.state.version, 0);
    assert_int_equal(key.published.version, -1);
    assert_int_equal(key.first_version, 0);
    assert_int_equal(add(layer, "s", "t", 0, "b"), VARVE_OK);
    assert_int_equal(add(layer, "u", "t", 0, "c"), VARVE_OK);
    layer_publish(layer, NULL);
    assert_int_equal(add(layer, "s", "t", 0, "d"), VARVE_OK);
    assert_true(tail_layer_find(layer, TAIL_STREAM, varve_view_str("s"), &key));
    assert_int_equal(key.state.version, 2);
    assert_int_equal(key.published.version, 1);
    assert_int_equal(key.published.last_position, FIRST + 1);
    assert_true(tail_layer_find(layer, TAIL_STREAM, varve_view_str("u"), &key));
    assert_int_equal(key.published.version, 0);
    layer_destroy(layer);
}

static void a_stream_goes_on_from_where_it_was(void **ignored)
{
    struct tail_layer *layer = make(VARVE_INDEX_ALL);
    struct stream_state before = { .id = 9, .version = 41, .last_position = 77, .created_at_us = 3, .max_count = 6 };
    struct test_record described = { .stream = "s", .type = "t", .position = FIRST, .version = 42,
                                     .recorded_at_us = 5000 };
    struct tail_event event = { .before = &before };
    uint8_t *record = test_record_make(&described, &event.size);
    struct tail_key key;

    event.record = record;
    assert_int_equal(layer_add(layer, &event), VARVE_OK);
    free(record);
    assert_true(tail_layer_find(layer, TAIL_STREAM, varve_view_str("s"), &key));
    assert_int_equal(key.first_version, 42);
    assert_int_equal(key.state.version, 42);
    assert_int_equal(key.state.id, 9);
    assert_int_equal(key.state.max_count, 6);
    assert_int_equal(key.state.created_at_us, 3);
    assert_int_equal(key.published.version, 41);
    layer_destroy(layer);
}

static void metadata_changes_its_target(void **ignored)
{
    struct tail_layer *layer = make(VARVE_INDEX_ALL);
    struct tail_key key;

    assert_int_equal(add(layer, "s", "t", 0, "a"), VARVE_OK);
    assert_int_equal(add(layer, "s", "t", 0, "b"), VARVE_OK);
    layer_publish(layer, NULL);
    assert_int_equal(add(layer, "$$s", "$metadata", 0, "{\"truncate_before\":1}"), VARVE_OK);
    assert_true(tail_layer_find(layer, TAIL_STREAM, varve_view_str("s"), &key));
    assert_int_equal(key.state.truncate_before, 1);
    assert_int_equal(key.published.truncate_before, 0);
    assert_int_equal(key.count, 2);
    assert_int_equal(add(layer, "$$s", "$metadata", 0, "no object"), VARVE_CORRUPT);
    assert_int_equal(tail_layer_count(layer), 3); /* Damage adds nothing. */
    layer_publish(layer, NULL);
    assert_true(tail_layer_find(layer, TAIL_STREAM, varve_view_str("s"), &key));
    assert_int_equal(key.published.truncate_before, 1);
    layer_destroy(layer);
}

static void keys_are_listed_in_order_of_appearance(void **ignored)
{
    struct tail_layer *layer = make(VARVE_INDEX_ALL);
    static const char *const streams[] = { "c", "a", "c", "b", "a" }, *const order[] = { "c", "a", "b" };
    struct tail_key key;
    uint32_t cursor = 0;

    for (size_t i = 0; i < COUNT_OF(streams); i++)
        assert_int_equal(add(layer, streams[i], "t", 0, "x"), VARVE_OK);
    for (size_t i = 0; i < COUNT_OF(order); i++) {
        assert_true(tail_layer_next_key(layer, TAIL_STREAM, &cursor, &key));
        assert_true(varve_view_equal(key.name, varve_view_str(order[i])));
    }
    assert_false(tail_layer_next_key(layer, TAIL_STREAM, &cursor, &key));
    layer_destroy(layer);
}

/* So many that every table grows several times; then all over again in the same memory. */
static void many_keys_and_large_records(void **ignored)
{
    enum { STREAMS = 6000, ROUNDS = 3, LARGE = 3 << 20 };
    struct tail_layer *layer = make(VARVE_INDEX_ALL);
    char *large = calloc(1, LARGE);
    uint64_t held = 0;

    assert_non_null(large);
    memset(large, 'x', LARGE - 1);
    for (int again = 0; again < 2; again++) {
        for (int round = 0; round < ROUNDS; round++)
            for (unsigned i = 0; i < STREAMS; i++) {
                char stream[32];
                snprintf(stream, sizeof(stream), "c%u-%u", i % 50, i);
                assert_int_equal(add(layer, stream, "t", i + 1, "data"), VARVE_OK);
            }
        assert_int_equal(add(layer, "large", "t", 0, large), VARVE_OK);
        assert_string_equal(offsets_of(layer, TAIL_STREAM, varve_view_str("c17-17")), "17 6017 12017");
        struct layer_key *category = layer_find(layer, TAIL_CATEGORY, varve_view_str("c17"));
        assert_int_equal(category->count, ROUNDS * STREAMS / 50);
        assert_int_equal(layer_key_below(category, 6017), STREAMS / 50);
        assert_int_equal(layer_key_below(category, 6018), STREAMS / 50 + 1);
        assert_int_equal(layer_key_below(category, UINT32_MAX), category->count);
        assert_int_equal(tail_layer_count(layer), ROUNDS * STREAMS + 1);
        assert_in_range(layer_record_bytes(layer), LARGE, LARGE + 200 * ROUNDS * STREAMS);
        if (again == 0)
            held = layer_memory_bytes(layer);
        else
            assert_int_equal(layer_memory_bytes(layer), held);
        layer_reset(layer, FIRST);
        assert_int_equal(tail_layer_count(layer), 0);
        assert_int_equal(layer_record_bytes(layer), 0);
        assert_in_range(layer_memory_bytes(layer), 1, held - LARGE); /* What is larger than a block is given back. */
        assert_string_equal(offsets_of(layer, TAIL_STREAM, varve_view_str("c17-17")), "none");
    }
    free(large);
    layer_destroy(layer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_leads_to_its_events),
        cmocka_unit_test(unkept_indexes_have_no_keys),
        cmocka_unit_test(states_are_published_together),
        cmocka_unit_test(a_stream_goes_on_from_where_it_was),
        cmocka_unit_test(metadata_changes_its_target),
        cmocka_unit_test(keys_are_listed_in_order_of_appearance),
        cmocka_unit_test(many_keys_and_large_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
