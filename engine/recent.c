/* recent.c - see recent.h. Linear probing with backward-shift deletion (Knuth, TAOCP 3, 6.4, algorithm R), so that the
 * table never fills up with tombstones. The ring's index is derived from the position, so a slot is 4 bytes. */
#include "recent.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sys/mman.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { HUGE_TABLE_BYTES = 8 << 20, PREFETCH_DISTANCE = 4 };

struct recent {
    uint64_t seed;
    uint64_t first;     /* position of the oldest id held */
    uint64_t next;      /* position after the newest; first == next: empty */
    uint32_t capacity;  /* of the ring */
    uint32_t mask;      /* of the table */
    struct varve_uuid *ring; /* position p lies at p % capacity */
    uint32_t *slots;    /* ring index + 1; 0 = empty */
};

/* Every access is to a random place, so huge pages spare a miss in the TLB each. Pages come zeroed, and only when they
 * are touched: a store with few events pays for few. */
static uint32_t *map_slots(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return NULL;
    if (size >= HUGE_TABLE_BYTES)
        madvise(memory, size, MADV_HUGEPAGE); /* A wish: without it all is slower, nothing else. */
    return memory;
}

static size_t slots_size(const struct recent *recent)
{
    return ((size_t)recent->mask + 1) * sizeof(*recent->slots);
}

enum varve_status recent_create(uint32_t capacity, uint64_t seed, struct recent **ret_recent)
{
    struct recent *recent = calloc(1, sizeof(*recent));

    if (recent == NULL)
        return VARVE_NO_MEMORY;
    recent->seed = seed;
    recent->capacity = capacity < 16 ? 16 : capacity;
    recent->mask = 31;
    while ((uint64_t)recent->mask + 1 < 2 * (uint64_t)recent->capacity)
        recent->mask = recent->mask * 2 + 1;
    recent->ring = calloc(recent->capacity, sizeof(*recent->ring));
    recent->slots = map_slots(slots_size(recent));
    if (recent->ring == NULL || recent->slots == NULL) {
        recent_destroy(recent);
        return VARVE_NO_MEMORY;
    }
    *ret_recent = recent;
    return VARVE_OK;
}

void recent_destroy(struct recent *recent)
{
    if (recent == NULL)
        return;
    free(recent->ring);
    if (recent->slots != NULL)
        munmap(recent->slots, slots_size(recent));
    free(recent);
}

static uint32_t home_of(const struct recent *recent, const struct varve_uuid *id)
{
    return (uint32_t)XXH3_64bits_withSeed(id->bytes, sizeof(id->bytes), recent->seed) & recent->mask;
}

static void remove_slot(struct recent *recent, uint32_t hole)
{
    uint32_t at = hole;

    for (;;) {
        at = (at + 1) & recent->mask;
        if (recent->slots[at] == 0)
            break;
        uint32_t home = home_of(recent, &recent->ring[recent->slots[at] - 1]);
        if (((at - home) & recent->mask) >= ((at - hole) & recent->mask)) {
            recent->slots[hole] = recent->slots[at];
            hole = at;
        }
    }
    recent->slots[hole] = 0;
}

static void forget_oldest(struct recent *recent)
{
    uint32_t index = (uint32_t)(recent->first % recent->capacity);
    uint32_t at = home_of(recent, &recent->ring[index]);

    while (recent->slots[at] != index + 1) {
        assert(recent->slots[at] != 0);
        at = (at + 1) & recent->mask;
    }
    remove_slot(recent, at);
    recent->first++;
}

void recent_add(struct recent *recent, const struct varve_uuid *id, uint64_t position)
{
    if (recent->first == recent->next)
        recent->first = recent->next = position;
    assert(position == recent->next);
    if (recent->next - recent->first == recent->capacity)
        forget_oldest(recent);
    uint32_t index = (uint32_t)(position % recent->capacity);
    uint32_t at = home_of(recent, id);
    while (recent->slots[at] != 0)
        at = (at + 1) & recent->mask;
    recent->ring[index] = *id;
    recent->slots[at] = index + 1;
    recent->next++;
}

void recent_prefetch(const struct recent *recent, const struct varve_uuid *id)
{
    __builtin_prefetch(&recent->slots[home_of(recent, id)], 1);
    if (recent->next - recent->first >= recent->capacity - PREFETCH_DISTANCE) {
        uint64_t oldest = recent->first + PREFETCH_DISTANCE;
        __builtin_prefetch(&recent->slots[home_of(recent, &recent->ring[oldest % recent->capacity])], 1);
    }
}

enum varve_status recent_grow(struct recent **recent)
{
    struct recent *old = *recent, *grown = NULL;
    enum varve_status status = recent_create(2 * old->capacity, old->seed, &grown);

    if (status != VARVE_OK)
        return status;
    for (uint64_t position = old->first; position < old->next; position++)
        recent_add(grown, &old->ring[position % old->capacity], position);
    recent_destroy(old);
    *recent = grown;
    return VARVE_OK;
}

uint32_t recent_capacity(const struct recent *recent)
{
    return recent->capacity;
}

uint64_t recent_find(const struct recent *recent, const struct varve_uuid *id)
{
    for (uint32_t at = home_of(recent, id); recent->slots[at] != 0; at = (at + 1) & recent->mask) {
        uint32_t index = recent->slots[at] - 1;
        if (memcmp(&recent->ring[index], id, sizeof(*id)) != 0)
            continue;
        uint32_t oldest = (uint32_t)(recent->first % recent->capacity);
        return recent->first + (index + recent->capacity - oldest) % recent->capacity;
    }
    return 0;
}

uint64_t recent_bytes(const struct recent *recent)
{
    return (uint64_t)recent->capacity * sizeof(*recent->ring) + ((uint64_t)recent->mask + 1) * sizeof(*recent->slots);
}
