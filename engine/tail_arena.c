/* tail_arena.c - see tail_arena.h. */
#include "tail_arena.h"

#include <stdlib.h>

enum {
    KEPT_BLOCKS = 256, /* of TAIL_ARENA_BLOCK_BYTES, for the next layer */
    FIRST_PAGES = 16,
};

struct tail_block *tail_arena_next_block(struct tail_arena *arena, size_t size)
{
    struct tail_block *block = arena->spare;

    if (size <= TAIL_ARENA_BLOCK_BYTES && block != NULL) {
        arena->spare = block->next;
        arena->spare_count--;
    } else {
        size_t room = size > TAIL_ARENA_BLOCK_BYTES ? size : TAIL_ARENA_BLOCK_BYTES;
        block = malloc(sizeof(*block) + room);
        if (block == NULL)
            return NULL;
        block->size = room;
        arena->bytes += room;
    }
    block->used = 0;
    block->next = arena->blocks;
    arena->blocks = block;
    return block;
}

void tail_arena_reset(struct tail_arena *arena)
{
    while (arena->blocks != NULL) {
        struct tail_block *block = arena->blocks;
        arena->blocks = block->next;
        if (block->size == TAIL_ARENA_BLOCK_BYTES && arena->spare_count < KEPT_BLOCKS) {
            block->next = arena->spare;
            arena->spare = block;
            arena->spare_count++;
        } else {
            arena->bytes -= block->size;
            free(block);
        }
    }
}

static void free_blocks(struct tail_block *block)
{
    while (block != NULL) {
        struct tail_block *next = block->next;
        free(block);
        block = next;
    }
}

void tail_arena_free(struct tail_arena *arena)
{
    free_blocks(arena->blocks);
    free_blocks(arena->spare);
}

bool tail_pages_add(struct tail_pages *pages, size_t page_bytes)
{
    if (pages->count == pages->capacity) {
        uint32_t capacity = pages->capacity == 0 ? FIRST_PAGES : pages->capacity * 2;
        void **page = realloc(pages->page, capacity * sizeof(*page));
        if (page == NULL)
            return false;
        pages->page = page;
        pages->capacity = capacity;
    }
    pages->page[pages->count] = malloc(page_bytes);
    if (pages->page[pages->count] == NULL)
        return false;
    pages->count++;
    return true;
}

void tail_pages_free(struct tail_pages *pages)
{
    while (pages->count > 0)
        free(pages->page[--pages->count]);
    free(pages->page);
}
