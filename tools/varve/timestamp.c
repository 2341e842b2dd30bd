/* timestamp.c - see timestamp.h. Days are counted by the rules of the Gregorian calendar, without the C library's time
 * zone, so that the same text means the same everywhere. */
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
    bool failed;
};

/* Days from 1970-01-01 to a day; March is the year's first month here, so that February's end is the year's. */
static int64_t days_from_date(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void date_from_days(int64_t days, int64_t *ret_year, int *ret_month, int *ret_day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = (int)(day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100));
    int month_from_march = (5 * day_of_year + 2) / 153;

    *ret_day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    *ret_month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    *ret_year = year_of_era + era * 400 + (*ret_month <= 2);
}

static int days_of_month(int64_t year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool is_digit(const struct scan *scan)
{
    return scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9';
}

/* Exactly `digits` digits, a number between min and max. */
static int number(struct scan *scan, int digits, int min, int max)
{
    int value = 0;

    for (int i = 0; i < digits; i++) {
        if (!is_digit(scan)) {
            scan->failed = true;
            return min;
        }
        value = value * 10 + (*scan->at++ - '0');
    }
    if (value < min || value > max) {
        scan->failed = true;
        return min;
    }
    return value;
}

static char one_of(struct scan *scan, const char *allowed)
{
    if (scan->at < scan->end && *scan->at != '\0' && strchr(allowed, *scan->at) != NULL)
        return *scan->at++;
    scan->failed = true;
    return '\0';
}

static int64_t scan_date(struct scan *scan)
{
    int year = number(scan, 4, 0, 9999);
    one_of(scan, "-");
    int month = number(scan, 2, 1, 12);
    one_of(scan, "-");
    int day = number(scan, 2, 1, 31);

    if (!scan->failed && day > days_of_month(year, month))
        scan->failed = true;
    return days_from_date(year, month, day) * DAY;
}

static int64_t scan_fraction(struct scan *scan)
{
    int64_t fraction = 0, unit = SECOND / 10;

    if (scan->at == scan->end || *scan->at != '.')
        return 0;
    scan->at++;
    if (!is_digit(scan))
        scan->failed = true;
    for (; is_digit(scan); scan->at++, unit /= 10)
        fraction += (*scan->at - '0') * unit;
    return fraction;
}

static int64_t scan_time(struct scan *scan)
{
    int hour = number(scan, 2, 0, 23);
    one_of(scan, ":");
    int minute = number(scan, 2, 0, 59);
    one_of(scan, ":");
    int second = number(scan, 2, 0, 60); /* 60 is a leap second: the first moment of the next minute */

    return hour * HOUR + minute * MINUTE + second * SECOND + scan_fraction(scan);
}

/* How far local time is ahead of UTC. */
static int64_t scan_offset(struct scan *scan)
{
    char sign = one_of(scan, "Zz+-");

    if (sign == 'Z' || sign == 'z' || sign == '\0')
        return 0;
    int hour = number(scan, 2, 0, 23);
    one_of(scan, ":");
    int minute = number(scan, 2, 0, 59);
    int64_t offset = hour * HOUR + minute * MINUTE;
    return sign == '-' ? -offset : offset;
}

bool timestamp_parse(struct varve_view text, int64_t *ret_us)
{
    struct scan scan = { text.data, text.data + text.size, false };

    int64_t date = scan_date(&scan);
    one_of(&scan, "Tt ");
    int64_t time = scan_time(&scan);
    int64_t offset = scan_offset(&scan);

    if (scan.failed || scan.at != scan.end)
        return false;
    *ret_us = date + time - offset;
    return true;
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
    struct scan scan = { text.data, text.data + text.size, false };
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

static bool parse_date(struct varve_view text, int64_t *ret_us)
{
    struct scan scan = { text.data, text.data + text.size, false };
    int64_t date = scan_date(&scan);

    if (scan.failed || scan.at != scan.end)
        return false;
    *ret_us = date;
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
    if (timestamp_parse(text, ret_us) || parse_date(text, ret_us))
        return true;
    if (text.size > ago_size && memcmp(text.data + text.size - ago_size, ago, ago_size) == 0)
        text.size -= ago_size;
    return duration_parse(text, &duration) && !__builtin_sub_overflow(now_us, duration, ret_us);
}

void timestamp_format(int64_t time_us, char ret_text[TIMESTAMP_TEXT])
{
    int64_t days = time_us / DAY, within = time_us % DAY, year;
    int month, day;

    if (within < 0) {
        within += DAY;
        days--;
    }
    date_from_days(days, &year, &month, &day);
    snprintf(ret_text, TIMESTAMP_TEXT, "%04" PRId64 "-%02d-%02dT%02d:%02d:%02d.%06dZ", year, month, day,
             (int)(within / HOUR), (int)(within / MINUTE % 60), (int)(within / SECOND % 60), (int)(within % SECOND));
}

void timestamp_format_short(int64_t time_us, char ret_text[TIMESTAMP_TEXT])
{
    timestamp_format(time_us, ret_text);
    char *end = strchr(ret_text, 'Z'); /* behind six digits */
    memcpy(end - 3, "Z", 2);
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
