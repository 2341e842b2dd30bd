/* outbox_arena.c - a chain of blocks, filled from the front; what is kept of it is filled again. */
#include "outbox_arena.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 256 * 1024, ALIGNMENT = 8 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGNMENT) char bytes[];
};
struct outbox_arena {
    struct block *first;
    struct block *current; /* those before it are full, those behind it empty; NULL: there is none */
    size_t keep_bytes;
};

struct outbox_arena *outbox_arena_create(size_t keep_bytes)
{
    struct outbox_arena *arena = calloc(1, sizeof(*arena));

    if (arena != NULL)
        arena->keep_bytes = keep_bytes;
    return arena;
}

static void free_blocks(struct block *block)
{
    while (block != NULL) {
        struct block *next = block->next;

        free(block);
        block = next;
    }
}

void outbox_arena_free(struct outbox_arena *arena)
{
    if (arena == NULL)
        return;
    free_blocks(arena->first);
    free(arena);
}

/* One batch of huge events must not hold its memory for ever. */
void outbox_arena_clear(struct outbox_arena *arena)
{
    struct block **link = &arena->first;
    size_t kept = 0;

    while (*link != NULL && (*link)->size <= arena->keep_bytes - kept) {
        kept += (*link)->size;
        (*link)->used = 0;
        link = &(*link)->next;
    }
    free_blocks(*link);
    *link = NULL;
    arena->current = arena->first;
}

static struct block *add_block(struct outbox_arena *arena, size_t size)
{
    size_t room = size > BLOCK_BYTES ? size : BLOCK_BYTES;
    struct block *block = malloc(sizeof(*block) + room);

    if (block == NULL)
        return NULL;
    struct block **link = arena->current == NULL ? &arena->first : &arena->current->next;
    *block = (struct block){ .next = *link, .size = room };
    *link = block;
    arena->current = block;
    return block;
}

/* A block with `size` bytes left: this one, the next that was kept, or a new one. */
static struct block *block_with_room(struct outbox_arena *arena, size_t size)
{
    struct block *block = arena->current;

    if (block != NULL && size <= block->size - block->used)
        return block;
    if (block == NULL || block->next == NULL || size > block->next->size)
        return add_block(arena, size);
    return arena->current = block->next;
}

void *outbox_arena_take(struct outbox_arena *arena, size_t size)
{
    if (size > SIZE_MAX / 2)
        return NULL;
    size_t whole = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    struct block *block = block_with_room(arena, whole);
    if (block == NULL)
        return NULL;
    void *taken = block->bytes + block->used;
    block->used += whole;
    return taken;
}

struct varve_view outbox_arena_copy(struct outbox_arena *arena, struct varve_view text)
{
    char *copy = text.size < SIZE_MAX / 2 ? outbox_arena_take(arena, text.size + 1) : NULL;

    if (copy == NULL)
        return (struct varve_view){ NULL, 0 };
    if (text.size > 0)
        memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    return varve_view_of(copy, text.size);
}
