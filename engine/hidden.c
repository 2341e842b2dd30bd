/* hidden.c - see hidden.h. */
#include "hidden.h"

#include <stdlib.h>

#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

enum { BITS = 1 << 23, WORDS = BITS / 64 }; /* 1 MiB, touched only where bits are set */

struct hidden {
    uint64_t seed;
    uint64_t any; /* atomic: a bit was set */
    uint64_t *words;
};

enum varve_status hidden_create(uint64_t seed, struct hidden **ret_hidden)
{
    struct hidden *hidden = calloc(1, sizeof(*hidden));

    if (hidden == NULL)
        return VARVE_NO_MEMORY;
    hidden->seed = seed;
    hidden->words = calloc(WORDS, sizeof(*hidden->words));
    if (hidden->words == NULL) {
        free(hidden);
        return VARVE_NO_MEMORY;
    }
    *ret_hidden = hidden;
    return VARVE_OK;
}

void hidden_destroy(struct hidden *hidden)
{
    if (hidden == NULL)
        return;
    free(hidden->words);
    free(hidden);
}

static uint32_t bit_of(const struct hidden *hidden, struct varve_view stream)
{
    return (uint32_t)XXH3_64bits_withSeed(stream.data, stream.size, hidden->seed) % BITS;
}

void hidden_add(struct hidden *hidden, struct varve_view stream)
{
    uint32_t bit = bit_of(hidden, stream);

    __atomic_fetch_or(&hidden->words[bit / 64], 1ull << (bit % 64), __ATOMIC_RELAXED);
    __atomic_store_n(&hidden->any, 1, __ATOMIC_RELEASE);
}

bool hidden_maybe(const struct hidden *hidden, struct varve_view stream)
{
    if (__atomic_load_n(&hidden->any, __ATOMIC_ACQUIRE) == 0)
        return false;
    uint32_t bit = bit_of(hidden, stream);
    return (__atomic_load_n(&hidden->words[bit / 64], __ATOMIC_RELAXED) & (1ull << (bit % 64))) != 0;
}
