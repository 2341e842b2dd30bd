/* group_state_heap.c - see group_state_heap.h. */
#include "group_state_heap.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool group_heap_reserve(struct group_heap *heap, uint32_t capacity)
{
    if (capacity <= heap->capacity)
        return true;
    struct group_heap_entry *entries = realloc(heap->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return false;
    heap->entries = entries;
    uint32_t *places = realloc(heap->places, capacity * sizeof(*places));
    if (places == NULL)
        return false;
    memset(places + heap->capacity, 0, (capacity - heap->capacity) * sizeof(*places));
    heap->places = places;
    heap->capacity = capacity;
    return true;
}

void group_heap_free(struct group_heap *heap)
{
    free(heap->entries);
    free(heap->places);
    *heap = (struct group_heap){ 0 };
}

static bool is_less(const struct group_heap_entry *a, const struct group_heap_entry *b)
{
    return a->rank < b->rank || (a->rank == b->rank && a->second < b->second);
}

static void place(struct group_heap *heap, uint32_t at, struct group_heap_entry entry)
{
    heap->entries[at] = entry;
    heap->places[entry.item] = at + 1;
}

static uint32_t sift_up(struct group_heap *heap, uint32_t at, const struct group_heap_entry *entry)
{
    while (at > 0 && is_less(entry, &heap->entries[(at - 1) / 2])) {
        place(heap, at, heap->entries[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return at;
}

static uint32_t sift_down(struct group_heap *heap, uint32_t at, const struct group_heap_entry *entry)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child + 1 < heap->count && is_less(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (child >= heap->count || !is_less(&heap->entries[child], entry))
            return at;
        place(heap, at, heap->entries[child]);
        at = child;
    }
}

/* `entry` belongs somewhere near the hole at `at`. */
static void settle(struct group_heap *heap, uint32_t at, struct group_heap_entry entry)
{
    at = sift_up(heap, at, &entry);
    at = sift_down(heap, at, &entry);
    place(heap, at, entry);
}

void group_heap_set(struct group_heap *heap, uint32_t item, uint64_t rank, uint64_t second)
{
    struct group_heap_entry entry = { .rank = rank, .second = second, .item = item };

    assert(item < heap->capacity);
    settle(heap, group_heap_has(heap, item) ? heap->places[item] - 1 : heap->count++, entry);
}

void group_heap_remove(struct group_heap *heap, uint32_t item)
{
    if (!group_heap_has(heap, item))
        return;
    uint32_t hole = heap->places[item] - 1;
    struct group_heap_entry last = heap->entries[--heap->count];
    heap->places[item] = 0;
    if (last.item != item)
        settle(heap, hole, last);
}
