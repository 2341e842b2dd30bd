/* fail_alloc.h - memory that cannot be had: the n-th allocation of this thread fails. Programs that use it get an
 * allocator that counts, for the libraries they load as well; not under a sanitizer, which has its own. */
#ifndef TESTS_FAIL_ALLOC_H
#define TESTS_FAIL_ALLOC_H

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define FAIL_ALLOC_WORKS 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAIL_ALLOC_WORKS 0
#endif
#endif
#ifndef FAIL_ALLOC_WORKS
#define FAIL_ALLOC_WORKS 1
#endif

/* The n-th from now fails, once; 0 disarms. */
void fail_alloc_arm(unsigned nth);
/* Disarm. Did one fail? */
bool fail_alloc_disarm(void);

#endif
