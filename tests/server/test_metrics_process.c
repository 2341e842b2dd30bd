/* test_metrics_process.c - what the process tells of itself, against what the test knows of it. */
#include "support/check.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "server/metrics_telling.h"

enum { MIB = 1 << 20, OPENED = 7 };

static uint64_t figure(const char *name)
{
    struct varve_stat figures[PROCESS_FIGURES];
    size_t count = metrics_process_look(figures);

    for (size_t i = 0; i < count; i++)
        if (varve_view_equal(figures[i].name, varve_view_str(name)))
            return figures[i].number;
    fail_msg("%s is not told", name);
    return 0;
}

static void all_of_them_are_there(void **state)
{
    struct varve_stat figures[PROCESS_FIGURES];

    assert_int_equal(metrics_process_look(figures), PROCESS_FIGURES);
}

static void descriptors_are_counted(void **state)
{
    uint64_t before = figure("process_open_fds");
    struct rlimit limit;
    int fds[OPENED];

    for (int i = 0; i < OPENED; i++)
        fds[i] = open("/dev/null", O_RDONLY);
    assert_int_equal(figure("process_open_fds"), before + OPENED);
    for (int i = 0; i < OPENED; i++)
        close(fds[i]);
    assert_int_equal(figure("process_open_fds"), before);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(figure("process_max_fds"), limit.rlim_cur);
}

static void memory_that_is_touched_is_resident(void **state)
{
    uint64_t before = figure("process_resident_memory_bytes");
    volatile char *memory = malloc(64 * MIB);

    assert_non_null(memory);
    for (size_t i = 0; i < 64 * MIB; i += 1024)
        memory[i] = 1;
    uint64_t after = figure("process_resident_memory_bytes");
    assert_true(after > before + 48 * MIB);
    assert_true(figure("process_virtual_memory_bytes") >= after);
    free((void *)memory);
}

static void time_goes_on_and_the_start_does_not(void **state)
{
    uint64_t before = figure("process_cpu_seconds_total"), start = figure("process_start_time_seconds");
    uint64_t now_us = (uint64_t)time(NULL) * 1000000;

    while (figure("process_cpu_seconds_total") <= before + 10000)
        continue;
    assert_int_equal(figure("process_start_time_seconds"), start);
    assert_true(start < now_us + 5000000 && start + UINT64_C(86400000000) > now_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_them_are_there),
        cmocka_unit_test(descriptors_are_counted),
        cmocka_unit_test(memory_that_is_touched_is_resident),
        cmocka_unit_test(time_goes_on_and_the_start_does_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
