/* time_text.c - see time_text.h. Days are counted by the rules of the Gregorian calendar, without the C library's time
 * zone, so that the same text means the same everywhere. */
#include "varve/time_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

/* ---- text -> time ------------------------------------------------------------------------------------------------ */

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

bool varve_time_parse(struct varve_view text, int64_t *ret_us)
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

bool varve_date_parse(struct varve_view text, int64_t *ret_us)
{
    struct scan scan = { text.data, text.data + text.size, false };
    int64_t date = scan_date(&scan);

    if (scan.failed || scan.at != scan.end)
        return false;
    *ret_us = date;
    return true;
}

/* ---- time -> text ------------------------------------------------------------------------------------------------ */

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

static char *put(char *at, int width, int64_t value, char behind)
{
    for (int i = width; i-- > 0; value /= 10)
        at[i] = (char)('0' + value % 10);
    at[width] = behind;
    return at + width + 1;
}

/* Digit by digit: readers of the log want a million of them a second. */
size_t varve_time_format(int64_t time_us, char ret_text[VARVE_TIME_TEXT])
{
    int64_t days = time_us / DAY, within = time_us % DAY, year;
    char *at = ret_text;
    int month, day;

    if (within < 0) {
        within += DAY;
        days--;
    }
    date_from_days(days, &year, &month, &day);
    if (year >= 0 && year <= 9999)
        at = put(at, 4, year, '-');
    else
        at += snprintf(at, VARVE_TIME_TEXT, "%04" PRId64 "-", year);
    at = put(at, 2, month, '-');
    at = put(at, 2, day, 'T');
    at = put(at, 2, within / HOUR, ':');
    at = put(at, 2, within / MINUTE % 60, ':');
    at = put(at, 2, within / SECOND % 60, '.');
    at = put(at, 6, within % SECOND, 'Z');
    *at = '\0';
    return (size_t)(at - ret_text);
}
