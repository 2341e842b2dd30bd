/* test_read.c - reads: what their kind does not use is not sent, and the largest numbers survive. */
#include "frame_body.h"

static struct varve_read_request round_trip(const struct varve_read_request *request)
{
    struct varve_wire_buffer buffer = { 0 };
    static struct varve_read_request decoded;
    static char names[256];

    varve_encode_read(&buffer, 9, request);
    assert_int_equal(varve_decode_read(frame_body(&buffer, VARVE_OP_READ), &decoded, NULL), VARVE_OK);
    if (decoded.read.name.data != NULL) { /* It points into the buffer, which ends here. */
        memcpy(names, decoded.read.name.data, decoded.read.name.size);
        decoded.read.name.data = names;
    }
    varve_wire_buffer_free(&buffer);
    return decoded;
}

static void only_what_the_kind_uses_is_sent(void **state)
{
    for (int kind = VARVE_READ_ALL; kind <= VARVE_READ_CORRELATION; kind++) {
        struct varve_read_request request = { .credit_bytes = 1 };

        request.read = (struct varve_read){ .kind = (enum varve_read_kind)kind, .name = varve_view_str("n"),
                                            .correlation_id = { { 1 } }, .from = VARVE_FROM_EDGE,
                                            .since_us = VARVE_TIME_NONE, .until_us = VARVE_TIME_NONE };

        struct varve_read_request decoded = round_trip(&request);
        bool by_name = kind != VARVE_READ_ALL && kind != VARVE_READ_CORRELATION;

        assert_int_equal(decoded.read.kind, kind);
        assert_int_equal(decoded.read.name.data != NULL, by_name);
        assert_int_equal(decoded.read.correlation_id.bytes[0], kind == VARVE_READ_CORRELATION);
        assert_true(decoded.read.from == VARVE_FROM_EDGE);
        assert_true(decoded.read.since_us == VARVE_TIME_NONE && decoded.read.until_us == VARVE_TIME_NONE);
    }
}

static void the_largest_numbers(void **state)
{
    const struct varve_read_request request = {
        .read = { .backwards = true, .include_system = true, .from = VARVE_FROM_EDGE - 1, .limit = UINT64_MAX,
                  .since_us = VARVE_TIME_NONE + 1, .until_us = INT64_MAX },
        .credit_bytes = UINT32_MAX,
        .batch_bytes = UINT32_MAX,
    };
    struct varve_read_request decoded = round_trip(&request);

    assert_true(decoded.read.from == VARVE_FROM_EDGE - 1 && decoded.read.limit == UINT64_MAX);
    assert_true(decoded.read.since_us == VARVE_TIME_NONE + 1 && decoded.read.until_us == INT64_MAX);
    assert_true(decoded.credit_bytes == UINT32_MAX && decoded.batch_bytes == UINT32_MAX);
    assert_true(decoded.read.backwards && decoded.read.include_system);
}

static void a_batch_of_many_records(void **state)
{
    enum { RECORDS = 5000 };
    static const uint8_t *records[RECORDS];
    static uint32_t sizes[RECORDS];
    const struct varve_batch batch = { records, sizes, RECORDS, false, UINT64_MAX - 1 };
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_view *views;
    uint32_t count;
    uint64_t next;

    for (uint32_t i = 0; i < RECORDS; i++) {
        records[i] = (const uint8_t *)"a record of a few bytes";
        sizes[i] = i % 24;
    }
    varve_encode_read_batch(&buffer, 9, &batch);
    assert_int_equal(varve_decode_read_batch(frame_body(&buffer, VARVE_OP_READ_BATCH), arena, &views, &count, &next,
                                             NULL), VARVE_OK);
    assert_int_equal(count, RECORDS);
    assert_true(next == UINT64_MAX - 1);
    for (uint32_t i = 0; i < RECORDS; i++) {
        assert_int_equal(views[i].size, i % 24);
        assert_memory_equal(views[i].data, records[i], views[i].size);
    }
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_the_kind_uses_is_sent),
        cmocka_unit_test(the_largest_numbers),
        cmocka_unit_test(a_batch_of_many_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
