/* fail_alloc.c - see fail_alloc.h. */
#include "fail_alloc.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

static _Thread_local unsigned left; /* until one fails; 0: never */
static _Thread_local bool fired;

void fail_alloc_arm(unsigned nth)
{
    fired = false;
    left = nth;
}

bool fail_alloc_disarm(void)
{
    left = 0;
    return fired;
}

#if FAIL_ALLOC_WORKS

/* glibc's own, under the names by which it offers them to those who put theirs in front. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool is_to_fail(void)
{
    if (left == 0 || --left > 0)
        return false;
    fired = true;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return is_to_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return is_to_fail() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return is_to_fail() ? NULL : __libc_realloc(old, size);
}

#endif
