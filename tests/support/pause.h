/* pause.h - a rest between two looks at what a test waits for; never what it waits with. */
#ifndef TESTS_PAUSE_H
#define TESTS_PAUSE_H

#include <time.h>

static inline void pause_ms(long ms) /* below a second */
{
    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL);
}

#endif
