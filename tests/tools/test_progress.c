/* test_progress.c - the line that tells how far a command is. */
#include "support/check.h"
#include "tools/varve/progress.h"

static void the_line_tells_part_rate_and_time_left(void **state)
{
    static const struct { uint64_t total, count, done, elapsed_us; const char *line; } cases[] = {
        { 0, 1500, 0, 1000000, "1,500 events  1,500/s" },
        { 1000, 0, 0, 0, "  0% [                        ]  0 events  0/s  ETA 0 s" },
        { 1000, 10000, 250, 10000000, " 25% [======                  ]  10,000 events  1,000/s  ETA 30 s" },
        { 1000, 10, 1, 1000000, "  0% [                        ]  10 events  10/s  ETA 16m 39s" },
        { 1000, 10, 1000, 2000000, "100% [========================]  10 events  5/s  ETA 0 s" },
        { 1000, 10, 2000, 2000000, "100% [========================]  10 events  5/s  ETA 0 s" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct progress progress = { .unit = "events", .total = cases[i].total };
        char line[PROGRESS_LINE];
        progress_format(&progress, cases[i].count, cases[i].done, cases[i].elapsed_us, line);
        assert_string_equal(line, cases[i].line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(the_line_tells_part_rate_and_time_left) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
