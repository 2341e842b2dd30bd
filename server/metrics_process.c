/* metrics_process.c - what every program tells of itself, by the names that are used everywhere. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "metrics_telling.h"

enum { SECOND_US = 1000000 };

static void add(struct varve_stat *ret, size_t *count, const char *name, uint64_t number)
{
    ret[(*count)++] = (struct varve_stat){ .name = varve_view_str(name), .number = number };
}

static size_t count_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;

    if (folder == NULL)
        return 0;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(folder);
    return count - 1; /* But for the one that looks. */
}

/* The 22nd and 23rd field of /proc/self/stat: ticks since the machine started, and bytes. The second, a name, may hold
 * blanks and brackets, but ends with the last bracket. */
static bool read_stat(uint64_t *ret_start_ticks, uint64_t *ret_virtual_bytes)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

    if (file != NULL)
        fclose(file);
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    for (unsigned field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at != NULL && sscanf(at, " %" SCNu64 " %" SCNu64, ret_start_ticks, ret_virtual_bytes) == 2;
}

static uint64_t read_resident_bytes(void)
{
    uint64_t all, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return 0;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &all, &resident) != 2)
        resident = 0;
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * SECOND_US + (uint64_t)now.tv_nsec / 1000;
}

/* To the second: the two clocks are not read at the same time, and a start does not move. */
static uint64_t start_us(uint64_t start_ticks)
{
    uint64_t booted_us = clock_us(CLOCK_REALTIME) - clock_us(CLOCK_BOOTTIME);
    uint64_t start = booted_us + start_ticks * SECOND_US / (uint64_t)sysconf(_SC_CLK_TCK);

    return (start + SECOND_US / 2) / SECOND_US * SECOND_US;
}

size_t metrics_process_look(struct varve_stat ret[PROCESS_FIGURES])
{
    uint64_t start_ticks, virtual_bytes;
    struct rusage usage;
    struct rlimit limit;
    size_t count = 0;

    add(ret, &count, "process_resident_memory_bytes", read_resident_bytes());
    add(ret, &count, "process_open_fds", count_descriptors());
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        add(ret, &count, "process_cpu_seconds_total",
            (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * SECOND_US +
                (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        add(ret, &count, "process_max_fds", limit.rlim_cur);
    if (read_stat(&start_ticks, &virtual_bytes)) {
        add(ret, &count, "process_virtual_memory_bytes", virtual_bytes);
        add(ret, &count, "process_start_time_seconds", start_us(start_ticks));
    }
    return count;
}
