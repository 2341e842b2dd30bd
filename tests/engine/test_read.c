/* test_read.c - a read that nothing was said about asks for everything, forwards. */
#include "support/check.h"
#include "varve/store.h"

static void a_fresh_read_asks_for_everything(void **state)
{
    struct varve_read read;

    memset(&read, 0xff, sizeof(read));
    varve_read_init(&read);
    assert_int_equal(read.kind, VARVE_READ_ALL);
    assert_int_equal(read.name.size, 0);
    assert_false(read.backwards);
    assert_false(read.include_system);
    assert_int_equal(read.limit, 0);
    assert_true(read.from == VARVE_FROM_EDGE);
    assert_true(read.since_us == VARVE_TIME_NONE && read.until_us == VARVE_TIME_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(a_fresh_read_asks_for_everything) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
