/* test_shared_bytes.c - counted, charged once, freed with the last reference. */
#include "support/check.h"

#include <stdlib.h>

#include "server/shared_bytes.h"

static struct shared_bytes *make(struct varve_wire_buffer *buffer, size_t size)
{
    *buffer = (struct varve_wire_buffer){ .bytes = calloc(1, size), .size = size, .capacity = size };
    return shared_bytes_create(buffer);
}

static void the_buffer_is_taken_over(void **state)
{
    struct varve_wire_buffer buffer;
    struct shared_bytes *shared = make(&buffer, 100);

    assert_null(buffer.bytes);
    assert_int_equal(buffer.size + buffer.capacity, 0);
    assert_int_equal(shared->size, 100);
    shared_bytes_drop(shared);
    shared_bytes_drop(NULL);
}

static void many_references_are_charged_once(void **state)
{
    struct budget budget = { .limit_bytes = 1 << 20 };
    struct varve_wire_buffer buffer;
    struct shared_bytes *shared = make(&buffer, 256 * 1024);

    shared_bytes_charge(shared, &budget);
    uint64_t once = budget.used_bytes;
    assert_in_range(once, 256 * 1024, 257 * 1024);
    for (int i = 0; i < 1000; i++)
        assert_ptr_equal(shared_bytes_hold(shared), shared);
    assert_int_equal(budget.used_bytes, once);
    for (int i = 0; i < 1000; i++)
        shared_bytes_drop(shared);
    assert_int_equal(budget.used_bytes, once);
    shared_bytes_drop(shared);
    assert_int_equal(budget.used_bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_buffer_is_taken_over), cmocka_unit_test(many_references_are_charged_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
