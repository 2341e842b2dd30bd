/* visited.c - see visited.h. */
#include "visited.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FIRST_CAPACITY = 1 << 16 };

static void *need(void *memory)
{
    if (memory == NULL)
        abort();
    return memory;
}

void visited_begin(struct visited *visited)
{
    *visited = (struct visited){ .capacity = FIRST_CAPACITY, .mask = 2 * FIRST_CAPACITY - 1 };
    visited->states = need(malloc(visited->capacity * sizeof(*visited->states)));
    visited->slots = need(calloc((size_t)visited->mask + 1, sizeof(*visited->slots)));
}

void visited_end(struct visited *visited)
{
    free(visited->states);
    free(visited->slots);
}

/* Its slot, or the empty one where it belongs. */
static uint32_t *slot_of(struct visited *visited, const struct packed *packed)
{
    uint32_t at = (uint32_t)XXH3_64bits(packed, sizeof(*packed)) & visited->mask;

    while (visited->slots[at] != 0 &&
           memcmp(&visited->states[visited->slots[at] - 1].packed, packed, sizeof(*packed)) != 0)
        at = (at + 1) & visited->mask;
    return &visited->slots[at];
}

static void grow(struct visited *visited)
{
    visited->capacity *= 2;
    visited->mask = visited->mask * 2 + 1;
    visited->states = need(realloc(visited->states, visited->capacity * sizeof(*visited->states)));
    free(visited->slots);
    visited->slots = need(calloc((size_t)visited->mask + 1, sizeof(*visited->slots)));
    for (uint32_t i = 0; i < visited->count; i++)
        *slot_of(visited, &visited->states[i].packed) = i + 1;
}

bool visited_add(struct visited *visited, const struct visited_state *state)
{
    if (visited->count == visited->capacity)
        grow(visited);
    uint32_t *slot = slot_of(visited, &state->packed);
    if (*slot != 0)
        return false;
    visited->states[visited->count++] = *state;
    *slot = visited->count;
    return true;
}
