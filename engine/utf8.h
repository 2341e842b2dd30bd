/* utf8.h - is this text UTF-8, and is it free of control characters? */
#ifndef ENGINE_UTF8_H
#define ENGINE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many bytes the well-formed character beyond ASCII at `at` has (2-4); 0 when it is none: overlong forms,
 * surrogates, numbers above U+10FFFF and cut characters. `at` must be before `end`. */
unsigned utf8_sequence(const uint8_t *at, const uint8_t *end);

enum utf8_verdict { UTF8_PLAIN, UTF8_CONTROL, UTF8_BROKEN };

/* UTF8_PLAIN: well-formed and without C0, DEL and C1. Else what is wrong first, and *ret_offset where. */
enum utf8_verdict utf8_check_plain(const char *text, size_t size, size_t *ret_offset);

#endif
