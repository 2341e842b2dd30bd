/* test_saga_row.c - what is said of a saga: every field, and what a saga cannot be. */
#include "frame_body.h"
#include "server/wire/arena.h"
#include "server/wire/saga_row.h"

static const struct varve_saga sample = {
    .type = { "order", 5 }, .id = { "o-1", 3 }, .step = { "pay", 3 }, .status = VARVE_SAGA_FAILED, .version = 4,
    .position = 77, .started_at_us = 1, .updated_at_us = 2, .completed_at_us = VARVE_TIME_NONE, .failed_at_us = 3,
    .deadline_us = 5, .error = { "no money", 8 }, .correlation_id = { { 9 } }, .has_state = true, .state = { "{}", 2 },
    .content_type = VARVE_CONTENT_MSGPACK,
};

/* In a reply of one saga. */
static enum varve_status round_trip(const struct varve_saga *saga, struct varve_wire_buffer *buffer,
                                    struct varve_saga *ret, struct varve_error *error)
{
    buffer->size = 0;
    varve_encode_saga_get_ok(buffer, 1, saga);
    return varve_decode_saga_get_ok(frame_body(buffer, VARVE_OP_SAGA_GET_OK), ret, error);
}

static void every_field_comes_through(void **state)
{
    struct varve_wire_buffer buffer = { 0 };
    struct varve_saga saga;

    assert_int_equal(round_trip(&sample, &buffer, &saga, NULL), VARVE_OK);
    assert_true(varve_view_equal(saga.type, sample.type) && varve_view_equal(saga.id, sample.id));
    assert_true(varve_view_equal(saga.step, sample.step) && varve_view_equal(saga.error, sample.error));
    assert_int_equal(saga.status, VARVE_SAGA_FAILED);
    assert_int_equal(saga.version, 4);
    assert_int_equal(saga.position, 77);
    assert_int_equal(saga.started_at_us, 1);
    assert_int_equal(saga.updated_at_us, 2);
    assert_int_equal(saga.completed_at_us, VARVE_TIME_NONE);
    assert_int_equal(saga.failed_at_us, 3);
    assert_int_equal(saga.deadline_us, 5);
    assert_memory_equal(&saga.correlation_id, &sample.correlation_id, sizeof(saga.correlation_id));
    assert_true(saga.has_state && varve_view_equal(saga.state, sample.state));
    assert_int_equal(saga.content_type, VARVE_CONTENT_MSGPACK);
    varve_wire_buffer_free(&buffer);
}

static void no_state_is_not_an_empty_one(void **state)
{
    struct varve_wire_buffer buffer = { 0 };
    struct varve_saga none = sample, empty = sample, saga;

    none.has_state = false;
    assert_int_equal(round_trip(&none, &buffer, &saga, NULL), VARVE_OK);
    assert_false(saga.has_state);
    empty.state = (struct varve_view){ 0 };
    assert_int_equal(round_trip(&empty, &buffer, &saga, NULL), VARVE_OK);
    assert_true(saga.has_state);
    assert_int_equal(saga.state.size, 0);
    varve_wire_buffer_free(&buffer);
}

static void fields_out_of_range_are_named(void **state)
{
    struct varve_wire_buffer buffer = { 0 };
    struct varve_saga status = sample, version = sample, position = sample, content = sample, decoded;
    const struct {
        const char *field;
        const struct varve_saga *saga;
    } cases[] = { { "status", &status }, { "version", &version }, { "position", &position },
                  { "content_type", &content } };

    status.status = VARVE_SAGA_STATUSES;
    version.version = -1;
    position.position = 0;
    content.content_type = (enum varve_content_type)3;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_error error = { 0 };

        assert_int_equal(round_trip(cases[i].saga, &buffer, &decoded, &error), VARVE_INVALID_ARGUMENT);
        assert_string_equal(error.field, cases[i].field);
    }
    varve_wire_buffer_free(&buffer);
}

/* The smallest that a saga can be in bytes still takes no more of the arena than is promised. */
static void many_small_ones(void **state)
{
    enum { MANY = 1000 };
    static struct varve_saga sagas[MANY];
    struct varve_wire_arena *arena = varve_wire_arena_create();
    struct varve_wire_buffer buffer = { 0 };
    const struct varve_saga *decoded;
    size_t count;

    for (size_t i = 0; i < MANY; i++)
        sagas[i] = (struct varve_saga){ .position = i + 1, .completed_at_us = VARVE_TIME_NONE,
                                        .failed_at_us = VARVE_TIME_NONE, .deadline_us = VARVE_TIME_NONE };
    varve_encode_saga_claim_ok(&buffer, 1, sagas, MANY);
    assert_int_equal(varve_decode_saga_claim_ok(frame_body(&buffer, VARVE_OP_SAGA_CLAIM_OK), arena, &decoded, &count,
                                                NULL), VARVE_OK);
    assert_int_equal(count, MANY);
    assert_int_equal(decoded[MANY - 1].position, MANY);
    assert_true(arena_taken(arena) <= 16 * buffer.size);
    varve_wire_buffer_free(&buffer);
    varve_wire_arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_comes_through),
        cmocka_unit_test(no_state_is_not_an_empty_one),
        cmocka_unit_test(fields_out_of_range_are_named),
        cmocka_unit_test(many_small_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
