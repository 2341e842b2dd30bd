/* tail_arena.h - the memory of one layer of the tail: blocks, for what has any size, and pages of equal items. Private
 * to tail_layer.c and tail_sagas.c.
 *
 * Nothing is freed one by one: all goes with the layer, and blocks are kept for the next one, because fresh pages cost
 * more than filling them. What was taken never moves. */
#ifndef ENGINE_TAIL_ARENA_H
#define ENGINE_TAIL_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- blocks ---- */

enum { TAIL_ARENA_BLOCK_BYTES = 1 << 20 }; /* What is larger has a block of its own. */

struct tail_block {
    struct tail_block *next;
    size_t used, size;
    uint8_t bytes[];
};
struct tail_arena { /* zeroed: empty */
    struct tail_block *blocks, *spare;
    uint32_t spare_count;
    uint64_t bytes; /* of all blocks */
};
/* Begin another block, with room for `size`; NULL: no memory. */
struct tail_block *tail_arena_next_block(struct tail_arena *arena, size_t size);
void tail_arena_reset(struct tail_arena *arena); /* empty it, keeping some blocks */
void tail_arena_free(struct tail_arena *arena);

/* Aligned as a pointer; NULL: no memory. */
static inline void *tail_arena_take(struct tail_arena *arena, size_t size)
{
    size_t aligned = (size + 7) & ~(size_t)7;
    struct tail_block *block = arena->blocks;

    if (block == NULL || block->size - block->used < aligned)
        block = tail_arena_next_block(arena, aligned);
    if (block == NULL)
        return NULL;
    void *at = block->bytes + block->used;
    block->used += aligned;
    return at;
}

/* ---- pages ---- */

struct tail_pages { /* zeroed: none */
    void **page;
    uint32_t count, capacity; /* of pages */
};
/* One more; false: no memory. */
bool tail_pages_add(struct tail_pages *pages, size_t page_bytes);
void tail_pages_free(struct tail_pages *pages);

/* Make room for one item behind `count` of them; false: no memory. */
static inline bool tail_pages_reserve(struct tail_pages *pages, uint32_t per_page, size_t item_size, uint32_t count)
{
    return count < pages->count * per_page || tail_pages_add(pages, per_page * item_size);
}

#endif
