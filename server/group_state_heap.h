/* group_state_heap.h - a binary heap of table indexes, least first; each is in it at most once and can be moved. */
#ifndef SERVER_GROUP_STATE_HEAP_H
#define SERVER_GROUP_STATE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct group_heap_entry {
    uint64_t rank, second; /* ordered by rank, equal ones by second */
    uint32_t item;
};
struct group_heap {
    struct group_heap_entry *entries; /* entries[0] is the least */
    uint32_t *places;                 /* of an item: its index in entries + 1; 0: not in the heap */
    uint32_t count, capacity;
};

/* Items below `capacity` may be in it. False: no memory, nothing changed. */
bool group_heap_reserve(struct group_heap *heap, uint32_t capacity);
void group_heap_free(struct group_heap *heap);
/* Put it in, or give it another place. */
void group_heap_set(struct group_heap *heap, uint32_t item, uint64_t rank, uint64_t second);
void group_heap_remove(struct group_heap *heap, uint32_t item); /* nothing when it is not in */

static inline bool group_heap_has(const struct group_heap *heap, uint32_t item)
{
    return heap->places[item] != 0;
}

#endif
