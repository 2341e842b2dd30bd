/* common.h - ends of the road for the crash tests' programs, and how the pieces agree on randomness. */
#ifndef TESTS_CRASH_COMMON_H
#define TESTS_CRASH_COMMON_H

#include <stddef.h>
#include <stdint.h>

/* The test itself cannot go on (not: a violation was found). Says so and exits with 2. */
void die(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

void *must_alloc(size_t size); /* zeroed */
void *must_grow(void *memory, size_t size);

/* Room for one more: grows `memory` when `count` has reached *room. */
void *grown(void *memory, size_t count, size_t *room, size_t item_bytes);

#endif
