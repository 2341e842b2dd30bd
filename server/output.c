/* output.c - the queue of what waits to be sent on one connection. */
#include "output.h"

#include <stdlib.h>
#include <string.h>

enum {
    BLOCK_BYTES = 64 * 1024, /* small frames begin a new block when the last one is so large */
    POOL_BLOCKS = 64,
    COPIED_BYTES = 1024,     /* a shared frame so small is copied: a block and a piece of a write cost more */
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

static void block_free(struct output_block *block)
{
    varve_wire_buffer_free(&block->buffer);
    shared_bytes_drop(block->shared);
    free(block);
}

static void block_put(struct output_pool *pool, struct output_block *block)
{
    if (pool->count == POOL_BLOCKS || block->buffer.capacity > 2 * BLOCK_BYTES || block->shared != NULL) {
        block_free(block);
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
        block_free(block);
    }
    pool->count = 0;
}

void output_init(struct output *output, struct budget *budget, struct output_pool *pool)
{
    *output = (struct output){ .budget = budget, .pool = pool };
}

static size_t block_size(const struct output_block *block)
{
    return block->shared != NULL ? block->shared->size : block->buffer.size;
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
    if (output->last == NULL || output->last->sealed || output->last->shared != NULL ||
        output->last->buffer.size >= BLOCK_BYTES) {
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

/* The frame as it was encoded, with another request's id. */
static void make_header(const struct shared_bytes *shared, uint32_t request_id, uint8_t header[VARVE_WIRE_HEADER])
{
    struct varve_frame frame;
    enum varve_status status = varve_frame_decode(shared->bytes, UINT32_MAX, &frame, NULL);

    assert(status == VARVE_OK && frame.length + VARVE_WIRE_HEADER == shared->size);
    frame.request_id = request_id;
    varve_frame_encode(&frame, header);
}

/* A doubling of its memory, as the encoders do it, keeps what is added later cheap. */
static bool make_space(struct varve_wire_buffer *buffer, size_t more)
{
    size_t capacity = buffer->capacity < COPIED_BYTES ? COPIED_BYTES : buffer->capacity;

    while (capacity - buffer->size < more)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return true;
    uint8_t *bytes = realloc(buffer->bytes, capacity);
    if (bytes == NULL)
        return false;
    buffer->bytes = bytes;
    buffer->capacity = capacity;
    return true;
}

static bool copy_frame(struct output *output, const struct shared_bytes *shared, uint32_t request_id)
{
    struct varve_wire_buffer *buffer = output_writer(output);

    if (buffer->failed || !make_space(buffer, shared->size))
        return false;
    uint8_t *at = buffer->bytes + buffer->size;
    make_header(shared, request_id, at);
    memcpy(at + VARVE_WIRE_HEADER, shared->bytes + VARVE_WIRE_HEADER, shared->size - VARVE_WIRE_HEADER);
    buffer->size += shared->size;
    return output_commit(output);
}

bool output_share(struct output *output, struct shared_bytes *shared, uint32_t request_id)
{
    if (shared->size <= COPIED_BYTES)
        return copy_frame(output, shared, request_id);
    struct output_block *block = calloc(1, sizeof(*block));
    if (block == NULL)
        return false;
    block->shared = shared_bytes_hold(shared);
    make_header(shared, request_id, block->header);
    block->charged_bytes = sizeof(*block);
    budget_force(output->budget, block->charged_bytes);
    output->bytes += shared->size;
    append_block(output, block);
    return true;
}

/* One or two pieces, without the first `skip` bytes. */
static unsigned list_pieces(const struct output_block *block, size_t skip, uv_buf_t ret[2])
{
    unsigned count = 0;

    if (block->shared == NULL) {
        ret[count++] = uv_buf_init((char *)block->buffer.bytes + skip, (unsigned)(block->buffer.size - skip));
        return count;
    }
    if (skip < VARVE_WIRE_HEADER) {
        ret[count++] = uv_buf_init((char *)block->header + skip, (unsigned)(VARVE_WIRE_HEADER - skip));
        skip = VARVE_WIRE_HEADER;
    }
    if (skip < block->shared->size)
        ret[count++] = uv_buf_init((char *)block->shared->bytes + skip, (unsigned)(block->shared->size - skip));
    return count;
}

unsigned output_peek(const struct output *output, uv_buf_t *bufs, unsigned room, size_t *ret_bytes)
{
    size_t skip = output->sent_of_first, bytes = 0;
    unsigned count = 0;

    for (const struct output_block *block = output->first; block != NULL && count < room; block = block->next) {
        uv_buf_t pieces[2];
        unsigned found = list_pieces(block, skip, pieces);

        for (unsigned i = 0; i < found && count < room; i++) {
            bufs[count++] = pieces[i];
            bytes += pieces[i].len;
        }
        skip = 0;
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
        size_t left = block_size(output->first) - output->sent_of_first;

        if (bytes < left) {
            output->sent_of_first += bytes;
            return;
        }
        bytes -= left;
        remove_first(output);
    }
}
