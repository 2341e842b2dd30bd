/* output.c - the queue of what waits to be sent on one connection. */
#include "output.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 64 * 1024, /* small frames begin a new block when the last one is so large */
    POOL_BLOCKS = 64,
};

static struct output_block *block_get(struct output_pool *pool)
{
    struct output_block *block = pool->spare;

    if (block == NULL)
        return calloc(1, sizeof(*block));
    pool->spare = block->next;
    pool->count--;
    block->next = NULL;
    return block;
}

static void block_put(struct output_pool *pool, struct output_block *block)
{
    if (pool->count == POOL_BLOCKS || block->buffer.capacity > 2 * BLOCK_BYTES) {
        varve_wire_buffer_free(&block->buffer);
        free(block);
        return;
    }
    block->buffer.size = 0;
    block->counted_bytes = 0;
    block->charged_bytes = 0;
    block->sealed = false;
    block->next = pool->spare;
    pool->spare = block;
    pool->count++;
}

void output_pool_free(struct output_pool *pool)
{
    while (pool->spare != NULL) {
        struct output_block *block = pool->spare;

        pool->spare = block->next;
        varve_wire_buffer_free(&block->buffer);
        free(block);
    }
    pool->count = 0;
}

void output_init(struct output *output, struct budget *budget, struct output_pool *pool)
{
    *output = (struct output){ .budget = budget, .pool = pool };
}

static void append_block(struct output *output, struct output_block *block)
{
    if (output->last != NULL)
        output->last->next = block;
    else
        output->first = block;
    output->last = block;
}

static void remove_first(struct output *output)
{
    struct output_block *block = output->first;

    output->first = block->next;
    if (output->first == NULL)
        output->last = NULL;
    output->sent_of_first = 0;
    budget_give(output->budget, block->charged_bytes);
    block_put(output->pool, block);
}

void output_free(struct output *output)
{
    while (output->first != NULL)
        remove_first(output);
    output->bytes = 0;
}

struct varve_wire_buffer *output_writer(struct output *output)
{
    if (output->last == NULL || output->last->sealed || output->last->buffer.size >= BLOCK_BYTES) {
        struct output_block *block = block_get(output->pool);

        if (block == NULL) {
            output->broken.failed = true;
            return &output->broken;
        }
        append_block(output, block);
    }
    return &output->last->buffer;
}

bool output_commit(struct output *output)
{
    struct output_block *block = output->last;

    if (output->broken.failed || block->buffer.failed)
        return false;
    output->bytes += block->buffer.size - block->counted_bytes;
    block->counted_bytes = block->buffer.size;
    budget_force(output->budget, block->buffer.capacity - block->charged_bytes);
    block->charged_bytes = block->buffer.capacity;
    return true;
}

bool output_adopt(struct output *output, struct varve_wire_buffer *buffer)
{
    struct output_block *block = calloc(1, sizeof(*block));

    if (block == NULL)
        return false;
    block->buffer = *buffer;
    memset(buffer, 0, sizeof(*buffer));
    append_block(output, block);
    return output_commit(output);
}

unsigned output_peek(const struct output *output, uv_buf_t *bufs, unsigned room, size_t *ret_bytes)
{
    size_t skip = output->sent_of_first, bytes = 0;
    unsigned count = 0;

    for (const struct output_block *block = output->first; block != NULL && count < room; block = block->next) {
        bufs[count] = uv_buf_init((char *)block->buffer.bytes + skip, (unsigned)(block->buffer.size - skip));
        bytes += bufs[count].len;
        skip = 0;
        count++;
    }
    *ret_bytes = bytes;
    return count;
}

void output_seal(struct output *output)
{
    for (struct output_block *block = output->first; block != NULL; block = block->next)
        block->sealed = true;
}

void output_drop(struct output *output, size_t bytes)
{
    assert(bytes <= output->bytes);
    output->bytes -= bytes;
    while (bytes > 0) {
        size_t left = output->first->buffer.size - output->sent_of_first;

        if (bytes < left) {
            output->sent_of_first += bytes;
            return;
        }
        bytes -= left;
        remove_first(output);
    }
}
