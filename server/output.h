/* output.h - what waits to be sent on one connection: a queue of blocks of whole frames.
 *
 * Small replies are encoded one behind the other into the last block; a large one, encoded elsewhere, becomes a block
 * of its own without being copied. A frame that many connections get is encoded once: each has a block with the frame's
 * header, which tells its request, and a reference of the body. Blocks handed to a write are sealed: nothing is added
 * to them until it has ended. */
#ifndef SERVER_OUTPUT_H
#define SERVER_OUTPUT_H

#include <uv.h>

#include "varve/wire.h"

#include "budget.h"
#include "shared_bytes.h"

struct output_block {
    struct output_block *next;
    struct varve_wire_buffer buffer;
    size_t counted_bytes; /* of buffer.size, in output.bytes */
    size_t charged_bytes; /* of buffer.capacity, in the budget */
    bool sealed;
    uint8_t header[VARVE_WIRE_HEADER]; /* of the frame in `shared`, in place of its own */
    struct shared_bytes *shared;       /* NULL: the block is its buffer */
};

/* Blocks of usual size, kept for the next reply of whichever connection. */
struct output_pool {
    struct output_block *spare;
    unsigned count;
};
void output_pool_free(struct output_pool *pool);

struct output {
    struct output_block *first, *last;
    size_t sent_of_first; /* bytes of the first block that are gone already */
    size_t bytes;         /* waiting, all blocks */
    struct budget *budget;
    struct output_pool *pool;
    struct varve_wire_buffer broken; /* stands in when there is no memory: encoders do nothing to it */
};
void output_init(struct output *output, struct budget *budget, struct output_pool *pool);
void output_free(struct output *output);

/* Where to encode the next small frame; then call output_commit(), which returns false when memory ran out: the
 * connection's replies are then no longer whole and it must end. */
struct varve_wire_buffer *output_writer(struct output *output);
bool output_commit(struct output *output);

/* Take over a buffer of whole frames; *buffer is empty afterwards. False: no memory, *buffer is as it was. */
bool output_adopt(struct output *output, struct varve_wire_buffer *buffer);

/* Add a whole frame that others send, too, as a reply to this request. False: no memory, nothing was added. */
bool output_share(struct output *output, struct shared_bytes *frame, uint32_t request_id);

/* Up to `room` pieces from the front, and their sum. */
unsigned output_peek(const struct output *output, uv_buf_t *bufs, unsigned room, size_t *ret_bytes);
void output_seal(struct output *output);             /* all that is there */
void output_drop(struct output *output, size_t bytes); /* these were sent */

#endif
