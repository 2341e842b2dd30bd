/* effort.h - how much a test of random operations does: less where every step costs many times as much, and from which
 * seed: VARVE_TEST_SEED repeats a run. */
#ifndef TESTS_EFFORT_H
#define TESTS_EFFORT_H

#include <stdint.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TESTS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TESTS_SANITIZED 1
#endif
#endif
#ifndef TESTS_SANITIZED
#define TESTS_SANITIZED 0
#endif

/* `full` of them, or a few when sanitizers are at work. */
#define TEST_EFFORT(full) (TESTS_SANITIZED ? ((full) + 7) / 8 : (full))

/* From VARVE_TEST_SEED, or `usual`; said aloud either way. */
uint64_t test_seed(uint64_t usual);

#endif
