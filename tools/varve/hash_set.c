/* hash_set.c - see hash_set.h. */
#include "hash_set.h"

#include <stdlib.h>
#include <xxhash.h>

#include "memory.h"

#define FIRST_CAPACITY 1024

static bool put(uint64_t *slots, size_t capacity, uint64_t hash)
{
    size_t at = hash & (capacity - 1);

    while (slots[at] != 0 && slots[at] != hash)
        at = (at + 1) & (capacity - 1);
    if (slots[at] == hash)
        return false;
    slots[at] = hash;
    return true;
}

static void grow(struct hash_set *set)
{
    size_t capacity = set->capacity > 0 ? set->capacity * 2 : FIRST_CAPACITY;
    uint64_t *slots = memory_take(capacity * sizeof(*slots));

    for (size_t i = 0; i < set->capacity; i++) {
        if (set->slots[i] != 0)
            put(slots, capacity, set->slots[i]);
    }
    free(set->slots);
    set->slots = slots;
    set->capacity = capacity;
}

void hash_set_add(struct hash_set *set, struct varve_view name)
{
    uint64_t hash = XXH3_64bits(name.data, name.size);

    if ((set->count + 1) * 4 > set->capacity * 3)
        grow(set);
    if (put(set->slots, set->capacity, hash != 0 ? hash : 1))
        set->count++;
}

void hash_set_free(struct hash_set *set)
{
    free(set->slots);
    *set = (struct hash_set){ 0 };
}
