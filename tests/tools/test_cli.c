/* test_cli.c - the exit codes that scripts rely on. */
#include "support/check.h"
#include "tools/varve/cli.h"

static void statuses_have_their_exit_codes(void **state)
{
    static const struct { enum varve_status status; int code; } cases[] = {
        { VARVE_OK, 0 }, { VARVE_IO, 1 }, { VARVE_OVERLOADED, 1 }, { VARVE_LOCKED, 1 }, { VARVE_NOT_A_STORE, 1 },
        { VARVE_DISK_FULL, 1 }, { VARVE_INVALID_ARGUMENT, 2 }, { VARVE_WRONG_EXPECTED_VERSION, 3 },
        { VARVE_ID_REUSED, 3 }, { VARVE_STREAM_NOT_FOUND, 4 }, { VARVE_STREAM_TOMBSTONED, 4 },
        { VARVE_EVENT_NOT_FOUND, 4 }, { VARVE_UNREACHABLE, 5 }, { VARVE_TIMEOUT, 5 }, { VARVE_DISCONNECTED, 5 },
        { VARVE_CORRUPT, 6 }, { VARVE_GROUP_NOT_FOUND, 4 }, { VARVE_GROUP_EXISTS, 3 }, { VARVE_GROUP_STOPPED, 3 },
        { VARVE_CONSUMER_EXISTS, 3 }, { VARVE_FENCED, 3 }, { VARVE_NOT_DELIVERED, 3 }, { VARVE_UNSUPPORTED, 1 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(cli_exit_code(cases[i].status), cases[i].code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_have_their_exit_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
