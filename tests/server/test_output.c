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
        cmocka_unit_test(lost_memory_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
