/* test_descriptors.c - both ports together never want more descriptors than there are. */
#include "support/check.h"

#include <sys/resource.h>
#include <unistd.h>

#include "server/descriptors.h"

static void they_are_shared(void **state)
{
    static const struct {
        const char *label;
        bool http;
        uint32_t possible, wanted, http_wanted, got, http_got;
    } cases[] = {
        { "enough for both", true, 10000, 1024, 4096, 1024, 4096 },
        { "to the last one", true, 5120, 1024, 4096, 1024, 4096 },
        { "HTTP has the rest", true, 3000, 1024, 4096, 1024, 1976 },
        { "none is left", true, 1024, 1024, 4096, 1024, 1 },
        { "not even for one", true, 500, 1024, 4096, 500, 1 },
        { "no HTTP", false, 2000, 1024, 4096, 1024, 4096 },
        { "no limit", true, UINT32_MAX, 100000, 100000, 100000, 100000 },
    };
    const struct log log = { .fd = -1 };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = { .max_connections = cases[i].wanted, .connections_possible = cases[i].possible,
                                 .http = { .max_connections = cases[i].http_wanted,
                                           .listen_count = cases[i].http ? 1 : 0 } };

        descriptors_share(&config, &log);
        CHECK_CASE(config.max_connections == cases[i].got, cases[i].label);
        CHECK_CASE(config.http.max_connections == cases[i].http_got, cases[i].label);
    }
}

static void all_that_the_system_grants_are_asked_for(void **state)
{
    struct rlimit limit, before;
    struct config config = { .connections_possible = UINT32_MAX };

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = (struct rlimit){ .rlim_cur = 100, .rlim_max = before.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    descriptors_ask(&config);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_true(limit.rlim_cur == before.rlim_max);
    assert_true(config.connections_possible >= 1 && config.connections_possible <= before.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_shared), cmocka_unit_test(all_that_the_system_grants_are_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
