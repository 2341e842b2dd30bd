/* timestamp.c - see timestamp.h. */
#include "timestamp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

struct scan {
    const char *at, *end;
};

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

static bool scan_unit(struct scan *scan, int64_t *ret_unit_us)
{
    static const struct { const char *name; int64_t us; } units[] = {
        { "ms", 1000 }, { "w", 7 * DAY }, { "d", DAY }, { "h", HOUR }, { "m", MINUTE }, { "s", SECOND },
    };

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        size_t size = strlen(units[i].name);

        if ((size_t)(scan->end - scan->at) >= size && memcmp(scan->at, units[i].name, size) == 0) {
            scan->at += size;
            *ret_unit_us = units[i].us;
            return true;
        }
    }
    return false;
}

bool duration_parse(struct varve_view text, int64_t *ret_us)
{
    struct scan scan = { text.data, text.data + text.size };
    int64_t sum = 0;

    if (text.size == 0)
        return false;
    while (scan.at < scan.end) {
        int64_t count = 0, unit, part;

        if (!is_digit(&scan))
            return false;
        for (; is_digit(&scan); scan.at++) {
            if (__builtin_mul_overflow(count, 10, &count) || __builtin_add_overflow(count, *scan.at - '0', &count))
                return false;
        }
        if (!scan_unit(&scan, &unit) || __builtin_mul_overflow(count, unit, &part) ||
            __builtin_add_overflow(sum, part, &sum))
            return false;
    }
    *ret_us = sum;
    return true;
}

bool timestamp_parse_moment(struct varve_view text, int64_t now_us, int64_t *ret_us)
{
    static const char ago[] = " ago";
    size_t ago_size = sizeof(ago) - 1;
    int64_t duration;

    if (varve_view_equal(text, varve_view_str("now"))) {
        *ret_us = now_us;
        return true;
    }
    if (varve_time_parse(text, ret_us) || varve_date_parse(text, ret_us))
        return true;
    if (text.size > ago_size && memcmp(text.data + text.size - ago_size, ago, ago_size) == 0)
        text.size -= ago_size;
    return duration_parse(text, &duration) && !__builtin_sub_overflow(now_us, duration, ret_us);
}

void timestamp_format_short(int64_t time_us, char ret_text[TIMESTAMP_TEXT])
{
    size_t size = varve_time_format(time_us, ret_text);

    memcpy(ret_text + size - 4, "Z", 2);
}

void duration_format(int64_t duration_us, char ret_text[TIMESTAMP_TEXT])
{
    long long us = duration_us;

    if (us < 1000)
        snprintf(ret_text, TIMESTAMP_TEXT, "%lld us", us);
    else if (us < SECOND)
        snprintf(ret_text, TIMESTAMP_TEXT, "%.2f ms", (double)us / 1000);
    else if (us < MINUTE)
        snprintf(ret_text, TIMESTAMP_TEXT, "%.2f s", (double)us / SECOND);
    else if (us < HOUR)
        snprintf(ret_text, TIMESTAMP_TEXT, "%lldm %llds", us / MINUTE, us / SECOND % 60);
    else if (us < DAY)
        snprintf(ret_text, TIMESTAMP_TEXT, "%lldh %lldm", us / HOUR, us / MINUTE % 60);
    else
        snprintf(ret_text, TIMESTAMP_TEXT, "%lldd %lldh", us / DAY, us / HOUR % 24);
}
