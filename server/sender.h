/* sender.h - gets a connection's output into its socket, and knows whether the peer takes it. */
#ifndef SERVER_SENDER_H
#define SERVER_SENDER_H

#include "output.h"

struct sender;
/* A write that had to wait has ended: status 0, or a negative libuv error. */
typedef void (*sender_written)(struct sender *sender, int status);

struct sender {
    struct output output;
    uv_stream_t *stream;
    sender_written written;
    void *user;
    bool writing;            /* libuv has a write under way */
    size_t writing_bytes;
    uint64_t handed_bytes;   /* to libuv or the system, ever */
    uint64_t taken_bytes;    /* by the system, as of */
    uint64_t taken_ms;       /* this time */
    uv_write_t write;
};
void sender_init(struct sender *sender, uv_stream_t *stream, struct budget *budget, struct output_pool *pool,
                 sender_written written, void *user, uint64_t now_ms);

/* Write what can be written. 0, or the negative libuv error that ends the connection. */
int sender_flush(struct sender *sender);
/* Nothing waits and nothing is being written. */
bool sender_is_idle(const struct sender *sender);
/* Call now and then: has the peer taken nothing for so long, although something waits for it? */
bool sender_is_stuck(struct sender *sender, uint64_t now_ms, uint64_t timeout_ms);

#endif
