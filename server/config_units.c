/* config_units.c - units are a table each; what is not in it is not a unit. */
#include "config_units.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

bool config_parse_number(const char *text, uint64_t *ret, const char **ret_rest)
{
    char *end = NULL;

    if (*text < '0' || *text > '9')
        return false; /* strtoull() would take signs and white space. */
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno != 0 || number > INT64_MAX)
        return false;
    *ret = number;
    *ret_rest = end;
    return true;
}

bool config_parse_size(const char *text, uint64_t *ret_bytes)
{
    static const struct { const char *suffix; unsigned shift; } units[] = {
        { "", 0 }, { "B", 0 }, { "K", 10 }, { "KiB", 10 }, { "M", 20 }, { "MiB", 20 },
        { "G", 30 }, { "GiB", 30 }, { "T", 40 }, { "TiB", 40 },
    };
    uint64_t number;
    const char *rest;

    if (!config_parse_number(text, &number, &rest))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(rest, units[i].suffix) == 0 && number <= (uint64_t)INT64_MAX >> units[i].shift) {
            *ret_bytes = number << units[i].shift;
            return true;
        }
    }
    return false;
}

bool config_parse_duration(const char *text, uint64_t *ret_ms)
{
    static const struct { const char *suffix; uint64_t ms; } units[] = {
        { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
    };
    uint64_t number;
    const char *rest;

    if (!config_parse_number(text, &number, &rest))
        return false;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(rest, units[i].suffix) == 0 && number <= INT64_MAX / units[i].ms) {
            *ret_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}
