/* test_output.c - what waits to be sent: order, bounds, accounting. */
#include "support/check.h"

#include <stdlib.h>

#include "server/output.h"

struct fixture {
    struct budget budget;
    struct output_pool pool;
    struct output output;
    uint32_t written, taken; /* running numbers of the bytes put in and got out */
};

static struct fixture *setup(void)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->budget.limit_bytes = 1 << 20;
    output_init(&f->output, &f->budget, &f->pool);
    return f;
}

static void teardown(struct fixture *f)
{
    output_free(&f->output);
    output_pool_free(&f->pool);
    assert_int_equal(f->budget.used_bytes, 0);
    free(f);
}

/* Running bytes instead of a frame, so that they can be followed. */
static void fill(struct fixture *f, struct varve_wire_buffer *buffer, size_t size)
{
    if (buffer->capacity < buffer->size + size) {
        buffer->bytes = realloc(buffer->bytes, buffer->size + size);
        buffer->capacity = buffer->size + size;
    }
    for (size_t i = 0; i < size; i++)
        buffer->bytes[buffer->size++] = (uint8_t)(f->written++ * 7);
}

static void put(struct fixture *f, size_t size)
{
    fill(f, output_writer(&f->output), size);
    assert_true(output_commit(&f->output));
}

static void adopt(struct fixture *f, size_t size)
{
    struct varve_wire_buffer buffer = { .bytes = NULL };

    fill(f, &buffer, size);
    assert_true(output_adopt(&f->output, &buffer));
    assert_null(buffer.bytes);
}

/* Take up to `size` bytes off the front, as a socket would. */
static size_t take(struct fixture *f, size_t size)
{
    uv_buf_t bufs[4];
    size_t offered, left = size;
    unsigned count = output_peek(&f->output, bufs, 4, &offered);

    for (unsigned i = 0; i < count; i++) {
        for (size_t j = 0; j < bufs[i].len && left > 0; j++, left--)
            assert_int_equal((uint8_t)bufs[i].base[j], (uint8_t)(f->taken++ * 7));
    }
    output_drop(&f->output, size - left);
    return size - left;
}

static void bytes_leave_in_the_order_they_came(void **state)
{
    static const struct { size_t size; bool adopted; } pieces[] = {
        { 20, false }, { 300, false }, { 70000, true }, { 5, false }, { 70000, false }, { 1, false }, { 1, true },
        { 40, false },
    };
    static const size_t bites[] = { 1, 19, 7, 100000, 3, 64 };
    struct fixture *f = setup();
    size_t total = 0;

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        if (pieces[i].adopted)
            adopt(f, pieces[i].size);
        else
            put(f, pieces[i].size);
        total += pieces[i].size;
        assert_int_equal(f->output.bytes, total);
    }
    for (size_t i = 0; f->output.bytes > 0; i++)
        total -= take(f, bites[i % COUNT_OF(bites)]);
    assert_int_equal(total, 0);
    assert_int_equal(f->taken, f->written);
    teardown(f);
}

static void small_frames_share_a_block(void **state)
{
    struct fixture *f = setup();

    for (int i = 0; i < 100; i++)
        put(f, 50);
    assert_ptr_equal(f->output.first, f->output.last);
    teardown(f);
}

static void what_is_being_written_is_left_alone(void **state)
{
    struct fixture *f = setup();

    put(f, 50);
    output_seal(&f->output);
    const uint8_t *writing = f->output.first->buffer.bytes;
    put(f, 60);
    assert_ptr_equal(f->output.first->buffer.bytes, writing);
    assert_int_equal(f->output.first->buffer.size, 50);
    assert_ptr_not_equal(f->output.first, f->output.last);
    assert_int_equal(take(f, 1000), 110);
    teardown(f);
}

static void memory_is_charged_while_it_waits(void **state)
{
    struct fixture *f = setup();

    adopt(f, 100000);
    assert_int_equal(f->budget.used_bytes, 100000);
    output_seal(&f->output);
    put(f, 10);
    assert_true(f->budget.used_bytes >= 100010);
    take(f, 99999);
    assert_true(f->budget.used_bytes >= 100010); /* A block is kept until its last byte is gone. */
    take(f, 1);
    assert_true(f->budget.used_bytes < 100000);
    take(f, 10);
    assert_int_equal(f->budget.used_bytes, 0);
    teardown(f);
}

/* A whole frame; the bytes of its body do not matter. */
static struct shared_bytes *make_frame(size_t body_size)
{
    struct varve_wire_buffer buffer = { .capacity = VARVE_WIRE_HEADER + body_size };

    buffer.bytes = calloc(1, buffer.capacity);
    size_t offset = varve_wire_begin(&buffer, VARVE_OP_EVENTS, 0);
    for (size_t i = 0; i < body_size; i++)
        buffer.bytes[buffer.size++] = (uint8_t)(i * 3);
    varve_wire_end(&buffer, offset);
    return shared_bytes_create(&buffer);
}

/* Take everything, in bites, into `bytes`. */
static size_t take_all(struct output *output, uint8_t *bytes, size_t bite)
{
    size_t size = 0;

    while (output->bytes > 0) {
        uv_buf_t bufs[3];
        size_t offered, left = bite;
        unsigned count = output_peek(output, bufs, 3, &offered);

        for (unsigned i = 0; i < count && left > 0; i++) {
            size_t piece = bufs[i].len < left ? bufs[i].len : left;

            memcpy(bytes + size, bufs[i].base, piece);
            size += piece;
            left -= piece;
        }
        output_drop(output, bite - left);
    }
    return size;
}

static void a_shared_frame_tells_each_its_own_request(void **state)
{
    static const size_t sizes[] = { 0, 1, 500, 5000, 256 * 1024 }; /* Copied, or by reference. */
    static const size_t bites[] = { 1, 7, 15, 16, 17, 4096, 1 << 20 };
    uint8_t *bytes = malloc(3 << 20);

    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        for (size_t j = 0; j < COUNT_OF(bites); j++) {
            struct fixture *f = setup();
            struct shared_bytes *shared = make_frame(sizes[i]);
            size_t whole = VARVE_WIRE_HEADER + sizes[i];

            for (uint32_t id = 1; id <= 3; id++)
                assert_true(output_share(&f->output, shared, id));
            assert_int_equal(f->output.bytes, 3 * whole);
            assert_int_equal(take_all(&f->output, bytes, bites[j]), 3 * whole);
            for (uint32_t id = 1; id <= 3; id++) {
                const uint8_t *at = bytes + (id - 1) * whole;
                struct varve_frame frame;

                assert_int_equal(varve_frame_decode(at, UINT32_MAX, &frame, NULL), VARVE_OK);
                assert_true(frame.opcode == VARVE_OP_EVENTS && frame.request_id == id && frame.length == sizes[i]);
                assert_memory_equal(at + VARVE_WIRE_HEADER, shared->bytes + VARVE_WIRE_HEADER, sizes[i]);
            }
            assert_int_equal(shared->references, 1);
            shared_bytes_drop(shared);
            teardown(f);
        }
    }
    free(bytes);
}

static void a_shared_frame_costs_its_bytes_once(void **state)
{
    struct fixture *f = setup();
    struct shared_bytes *shared = make_frame(256 * 1024);

    shared_bytes_charge(shared, &f->budget);
    for (uint32_t id = 1; id <= 1000; id++)
        assert_true(output_share(&f->output, shared, id));
    shared_bytes_drop(shared);
    assert_in_range(f->budget.used_bytes, 256 * 1024, 256 * 1024 + 1000 * 256);
    put(f, 10); /* A block of its own: what is shared is not written to. */
    assert_null(f->output.last->shared);
    teardown(f);
}

static void lost_memory_is_told(void **state)
{
    struct fixture *f = setup();

    put(f, 10);
    output_writer(&f->output)->failed = true;
    assert_false(output_commit(&f->output));
    teardown(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_leave_in_the_order_they_came), cmocka_unit_test(small_frames_share_a_block),
        cmocka_unit_test(what_is_being_written_is_left_alone), cmocka_unit_test(memory_is_charged_while_it_waits),
        cmocka_unit_test(lost_memory_is_told), cmocka_unit_test(a_shared_frame_tells_each_its_own_request),
        cmocka_unit_test(a_shared_frame_costs_its_bytes_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
