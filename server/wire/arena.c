/* arena.c - memory for the arrays of one decoded message, taken in blocks and kept from message to message.
 *
 * What a message takes is bounded by its decoder, which holds every count against the bytes that are left. What is kept
 * between messages is one block of at most KEEP_BYTES, sized by what the messages before needed. */
#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>

#define FIRST_BLOCK_BYTES ((size_t)16 << 10)
#define KEEP_BYTES ((size_t)1 << 20)
#define MOST_BYTES ((size_t)16 * VARVE_WIRE_MAX_FRAME) /* what the largest of bodies may come to */

struct block {
    struct block *next;
    size_t capacity;
    alignas(max_align_t) uint8_t bytes[];
};

struct varve_wire_arena {
    struct block *blocks; /* the one taken from comes first */
    size_t used;          /* of the first block */
    size_t taken;         /* of all blocks since the last reset */
};

struct varve_wire_arena *varve_wire_arena_create(void)
{
    return calloc(1, sizeof(struct varve_wire_arena));
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;

        free(block);
        block = next;
    }
}

void varve_wire_arena_free(struct varve_wire_arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->blocks);
    free(arena);
}

static struct block *block_create(size_t capacity)
{
    struct block *block = malloc(sizeof(*block) + capacity);

    if (block != NULL) {
        block->next = NULL;
        block->capacity = capacity;
    }
    return block;
}

/* A message that needed several blocks is likely to have a successor like it: let that one find a single block. */
void varve_wire_arena_reset(struct varve_wire_arena *arena)
{
    struct block *first = arena->blocks;
    bool one_will_do = first != NULL && first->next == NULL && first->capacity <= KEEP_BYTES;

    if (first != NULL && !one_will_do) {
        free_blocks(first);
        arena->blocks = block_create(arena->taken < KEEP_BYTES ? arena->taken : KEEP_BYTES);
    }
    arena->used = 0;
    arena->taken = 0;
}

static bool add_block(struct varve_wire_arena *arena, size_t need)
{
    size_t usual = arena->blocks == NULL ? FIRST_BLOCK_BYTES : 0;
    struct block *block = block_create(need > usual ? need : usual);

    if (block == NULL)
        return false;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->used = 0;
    return true;
}

void *arena_take(struct varve_wire_arena *arena, size_t count, size_t size)
{
    const size_t grain = alignof(max_align_t);
    size_t need;

    if (__builtin_mul_overflow(count, size, &need) || need > MOST_BYTES)
        return NULL;
    need = need == 0 ? grain : (need + grain - 1) / grain * grain;
    if (arena->blocks == NULL || arena->blocks->capacity - arena->used < need) {
        if (!add_block(arena, need))
            return NULL;
    }

    void *room = arena->blocks->bytes + arena->used;

    arena->used += need;
    arena->taken += need;
    return room;
}

size_t arena_taken(const struct varve_wire_arena *arena)
{
    return arena->taken;
}
