/* progress.c - see progress.h. */
#include "progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "output.h"
#include "timestamp.h"
#include "varve/os.h"

#define BAR_WIDTH 24
#define DRAW_INTERVAL_US 100000

static uint64_t now_us(void)
{
    const struct varve_os *os = varve_os_default();

    return os->monotonic_us(os->self);
}

void progress_begin(struct progress *progress, const char *unit, uint64_t total)
{
    *progress = (struct progress){ .unit = unit, .total = total, .started_us = now_us() };
    progress->shown = isatty(STDERR_FILENO) == 1;
}

void progress_format(const struct progress *progress, uint64_t count, uint64_t done, uint64_t elapsed_us,
                     char ret_line[PROGRESS_LINE])
{
    double seconds = (double)elapsed_us / 1e6;
    char count_text[32], rate_text[32], left_text[TIMESTAMP_TEXT], bar[BAR_WIDTH + 1];

    format_count(count, count_text);
    format_count(seconds > 0 ? (uint64_t)((double)count / seconds) : 0, rate_text);
    if (progress->total == 0) {
        snprintf(ret_line, PROGRESS_LINE, "%s %s  %s/s", count_text, progress->unit, rate_text);
        return;
    }
    double part = done < progress->total ? (double)done / (double)progress->total : 1;
    int64_t left_us = part > 0 ? (int64_t)((double)elapsed_us * (1 - part) / part) : 0;
    size_t filled = (size_t)(part * BAR_WIDTH);

    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '=', filled);
    bar[BAR_WIDTH] = '\0';
    if (left_us < 60000000)
        snprintf(left_text, sizeof(left_text), "%d s", (int)(left_us / 1000000));
    else
        duration_format(left_us, left_text);
    snprintf(ret_line, PROGRESS_LINE, "%3d%% [%s]  %s %s  %s/s  ETA %s", (int)(part * 100), bar, count_text,
             progress->unit, rate_text, left_text);
}

void progress_show(struct progress *progress, uint64_t count, uint64_t done)
{
    char line[PROGRESS_LINE];

    if (!progress->shown)
        return;
    uint64_t now = now_us();
    if (progress->drawn && now - progress->drawn_us < DRAW_INTERVAL_US)
        return;
    progress_format(progress, count, done, now - progress->started_us, line);
    fprintf(stderr, "\r%s\033[K", line);
    fflush(stderr);
    progress->drawn = true;
    progress->drawn_us = now;
}

void progress_end(struct progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}
