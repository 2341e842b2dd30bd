/* config_units.h - numbers, sizes and times as people write them, on the command line and in files. */
#ifndef SERVER_CONFIG_UNITS_H
#define SERVER_CONFIG_UNITS_H

#include <stdbool.h>
#include <stdint.h>

/* Digits only; *ret_rest is what stands behind them. False: none, or above 2^63 - 1. */
bool config_parse_number(const char *text, uint64_t *ret, const char **ret_rest);
/* "4096", "64KiB", "64MiB", "2GiB", "1TiB" (K, M, G, T mean the same). False: not a size, or above 2^63. */
bool config_parse_size(const char *text, uint64_t *ret_bytes);
/* "250ms", "30s", "5m"; a bare number means seconds. */
bool config_parse_duration(const char *text, uint64_t *ret_ms);

#endif
