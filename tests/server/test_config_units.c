/* test_config_units.c - what is a size and a time, and what is not. */
#include "support/check.h"

#include "server/config_units.h"

static void sizes(void **state)
{
    static const struct { const char *text; bool good; uint64_t bytes; } cases[] = {
        { "0", true, 0 }, { "4096", true, 4096 }, { "1B", true, 1 }, { "64KiB", true, 65536 }, { "64K", true, 65536 },
        { "64MiB", true, 64ull << 20 }, { "2G", true, 2ull << 30 }, { "1TiB", true, 1ull << 40 },
        { "9223372036854775807", true, INT64_MAX }, { "9223372036854775808", false, 0 },
        { "8388608TiB", false, 0 }, { "8388607TiB", true, 8388607ull << 40 },
        { "", false, 0 }, { "-1", false, 0 }, { "+1", false, 0 }, { " 1", false, 0 }, { "1 MiB", false, 0 },
        { "1mib", false, 0 }, { "1MB", false, 0 }, { "MiB", false, 0 }, { "0x10", false, 0 }, { "1.5GiB", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t bytes = 0;

        CHECK_CASE(config_parse_size(cases[i].text, &bytes) == cases[i].good, cases[i].text);
        CHECK_CASE(bytes == cases[i].bytes, cases[i].text);
    }
}

static void durations(void **state)
{
    static const struct { const char *text; bool good; uint64_t ms; } cases[] = {
        { "30", true, 30000 }, { "30s", true, 30000 }, { "250ms", true, 250 }, { "5m", true, 300000 },
        { "2h", true, 7200000 }, { "0", true, 0 }, { "", false, 0 }, { "s", false, 0 }, { "1d", false, 0 },
        { "-5s", false, 0 }, { "9223372036854775807h", false, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t ms = 0;

        CHECK_CASE(config_parse_duration(cases[i].text, &ms) == cases[i].good, cases[i].text);
        CHECK_CASE(ms == cases[i].ms, cases[i].text);
    }
}

static void numbers(void **state)
{
    static const struct { const char *text; bool good; uint64_t number; const char *rest; } cases[] = {
        { "0", true, 0, "" }, { "12x", true, 12, "x" }, { "9223372036854775807", true, INT64_MAX, "" },
        { "9223372036854775808", false, 0, NULL }, { "99999999999999999999", false, 0, NULL }, { "", false, 0, NULL },
        { " 1", false, 0, NULL }, { "-1", false, 0, NULL }, { "x", false, 0, NULL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint64_t number = 0;
        const char *rest = NULL;

        CHECK_CASE(config_parse_number(cases[i].text, &number, &rest) == cases[i].good, cases[i].text);
        if (cases[i].good)
            CHECK_CASE(number == cases[i].number && strcmp(rest, cases[i].rest) == 0, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes), cmocka_unit_test(durations), cmocka_unit_test(numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
