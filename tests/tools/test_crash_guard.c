/* test_crash_guard.c - children that end by themselves, that are killed, and that crash in no stream. The crashes in
 * streams are those of tests/blackbox/cli_snapshot_build.py. */
#include "support/check.h"
#include "tools/varve/crash_guard.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static int end_with(void *user)
{
    return *(int *)user;
}

static int die_by(void *user)
{
    signal(*(int *)user, SIG_DFL);
    raise(*(int *)user);
    return 0;
}

static int exit_with(void *user)
{
    exit(*(int *)user);
}

static int leave_with(void *user)
{
    _exit(*(int *)user);
}

static void the_exit_code_is_that_of_the_child(void **state)
{
    struct crash_guard *guard = crash_guard_make();

    for (int code = 0; code < 7; code++)
        assert_int_equal(crash_guard_run(guard, end_with, &code), code);
    crash_guard_free(guard);
    crash_guard_free(NULL);
}

static void a_death_outside_of_streams_is_not_tried_again(void **state)
{
    static int signals[] = { SIGKILL, SIGTERM, SIGSEGV };
    struct crash_guard *guard = crash_guard_make();

    for (size_t i = 0; i < COUNT_OF(signals); i++)
        assert_int_equal(crash_guard_run(guard, die_by, &signals[i]), 1);
    assert_false(crash_guard_knows(guard, varve_view_str("")));
    assert_false(crash_guard_knows(guard, varve_view_str("account-1")));
    assert_false(crash_guard_knows(NULL, varve_view_str("account-1")));
    crash_guard_free(guard);
}

static void who_does_not_return_has_failed(void **state)
{
    static int codes[] = { 0, 1, 6 };
    struct crash_guard *guard = crash_guard_make();
    int code = 0;

    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        assert_int_equal(crash_guard_run(guard, exit_with, &codes[i]), 1);
        assert_int_equal(crash_guard_run(guard, leave_with, &codes[i]), 1);
    }
    assert_int_equal(crash_guard_run(guard, end_with, &code), 0);
    crash_guard_free(guard);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_exit_code_is_that_of_the_child),
        cmocka_unit_test(a_death_outside_of_streams_is_not_tried_again),
        cmocka_unit_test(who_does_not_return_has_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
