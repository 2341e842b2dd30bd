/* memory.c - see memory.h. */
#include "memory.h"

#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#define BLOCK_SIZE ((size_t)1 << 20)

struct scratch_block {
    struct scratch_block *next;
    size_t used, capacity;
    alignas(max_align_t) char bytes[];
};

void memory_exhausted(void)
{
    fputs("error: NO_MEMORY: memory could not be had\n", stderr);
    exit(1);
}

static void *or_end(void *at)
{
    if (at == NULL)
        memory_exhausted();
    return at;
}

void *memory_take(size_t size)
{
    return or_end(calloc(1, size > 0 ? size : 1));
}

void *memory_resize(void *at, size_t size)
{
    return or_end(realloc(at, size > 0 ? size : 1));
}

void *scratch_take(struct scratch *scratch, size_t size)
{
    struct scratch_block *block = scratch->blocks;
    size_t rounded = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);

    if (block == NULL || block->capacity - block->used < rounded) {
        size_t capacity = rounded > BLOCK_SIZE ? rounded : BLOCK_SIZE;

        block = memory_resize(NULL, sizeof(*block) + capacity);
        block->next = scratch->blocks;
        block->used = 0;
        block->capacity = capacity;
        scratch->blocks = block;
    }
    block->used += rounded;
    return block->bytes + block->used - rounded;
}

void scratch_reset(struct scratch *scratch)
{
    struct scratch_block *kept = NULL;

    while (scratch->blocks != NULL) {
        struct scratch_block *block = scratch->blocks;

        scratch->blocks = block->next;
        if (kept == NULL && block->capacity == BLOCK_SIZE) {
            kept = block;
            kept->used = 0;
            kept->next = NULL;
        } else {
            free(block);
        }
    }
    scratch->blocks = kept;
}

void scratch_free(struct scratch *scratch)
{
    scratch_reset(scratch);
    free(scratch->blocks);
    scratch->blocks = NULL;
}
