/* hash_set.h - how many different names have been seen? Keeps 64 bits of hash per name, not the name: among 10 million
 * names the chance that two count as one is below 1 in 300,000. For figures shown to people, never for identity. */
#ifndef TOOLS_HASH_SET_H
#define TOOLS_HASH_SET_H

#include "varve/event.h"

struct hash_set {
    uint64_t *slots; /* 0: free */
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

void hash_set_add(struct hash_set *set, struct varve_view name);
void hash_set_free(struct hash_set *set);

#endif
