/* random.h - a small, fast source of random numbers for load generators: xorshift64 (Marsaglia 2003). Its state is one
 * number, never 0. */
#ifndef BENCH_RANDOM_H
#define BENCH_RANDOM_H

#include "bench.h"

/* One that differs from run to run, and among the generators of a run, which count from 0. */
static inline uint64_t random_seed(uint32_t generator)
{
    return now_ns() * 2654435761u + generator * 40503u + 1;
}

/* The lower bits are the worse ones. */
static inline uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
