/* saga_counts.c - see saga_counts.h. */
#include "saga_counts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void saga_counts_free(struct saga_counts *counts)
{
    for (uint32_t i = 0; i < counts->count; i++)
        free(counts->types[i]);
    free(counts->types);
    *counts = (struct saga_counts){ 0 };
}

static int compare(const struct saga_type *type, struct varve_view name)
{
    size_t common = type->name_size < name.size ? type->name_size : name.size;
    int order = memcmp(type->name, name.data, common);

    return order != 0 ? order : (type->name_size > name.size) - (type->name_size < name.size);
}

/* Where the type stands, or would. */
static uint32_t find(const struct saga_counts *counts, struct varve_view name)
{
    uint32_t low = 0, high = counts->count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare(counts->types[middle], name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct saga_type *get(const struct saga_counts *counts, struct varve_view name)
{
    uint32_t at = find(counts, name);

    return at < counts->count && compare(counts->types[at], name) == 0 ? counts->types[at] : NULL;
}

bool saga_counts_knows(const struct saga_counts *counts, struct varve_view type)
{
    return get(counts, type) != NULL;
}

static bool grow(struct saga_counts *counts)
{
    if (counts->count < counts->capacity)
        return true;
    uint32_t capacity = counts->capacity == 0 ? 16 : counts->capacity * 2;
    struct saga_type **types = realloc(counts->types, capacity * sizeof(*types));
    if (types == NULL)
        return false;
    counts->types = types;
    counts->capacity = capacity;
    return true;
}

bool saga_counts_reserve(struct saga_counts *counts, struct varve_view type)
{
    uint32_t at = find(counts, type);

    assert(type.size <= VARVE_SAGA_MAX_TYPE);
    if (at < counts->count && compare(counts->types[at], type) == 0)
        return true;
    struct saga_type *made = calloc(1, sizeof(*made));
    if (made == NULL || !grow(counts)) {
        free(made);
        return false;
    }
    made->name_size = (uint8_t)type.size;
    memcpy(made->name, type.data, type.size);
    memmove(counts->types + at + 1, counts->types + at, (counts->count - at) * sizeof(*counts->types));
    counts->types[at] = made;
    counts->count++;
    return true;
}

void saga_counts_move(struct saga_counts *counts, struct varve_view type, unsigned from, unsigned to)
{
    struct saga_type *counted = get(counts, type);

    assert(counted != NULL);
    counted->counted = true;
    if (from < VARVE_SAGA_STATUSES) {
        assert(counted->by_status[from] > 0);
        counted->by_status[from]--;
    }
    if (to < VARVE_SAGA_STATUSES)
        counted->by_status[to]++;
}

bool saga_counts_load(struct saga_counts *counts, struct varve_view type,
                      const uint64_t by_status[VARVE_SAGA_STATUSES])
{
    if (!saga_counts_reserve(counts, type))
        return false;
    struct saga_type *counted = get(counts, type);
    counted->counted = true;
    memcpy(counted->by_status, by_status, sizeof(counted->by_status));
    return true;
}
