/* sender.c - writes a connection's output. */
#include "sender.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

enum { PIECES = 64 }; /* blocks in one write */

void sender_init(struct sender *sender, uv_stream_t *stream, struct budget *budget, struct output_pool *pool,
                 sender_written written, void *user, uint64_t now_ms)
{
    *sender = (struct sender){ .stream = stream, .written = written, .user = user, .taken_ms = now_ms };
    sender->write.data = sender;
    output_init(&sender->output, budget, pool);
}

static void on_written(uv_write_t *write, int status)
{
    struct sender *sender = write->data;

    sender->writing = false;
    if (status == 0)
        output_drop(&sender->output, sender->writing_bytes);
    sender->written(sender, status);
}

/* What the socket would not take at once, libuv sends when it will. */
static int write_later(struct sender *sender)
{
    uv_buf_t bufs[PIECES];
    unsigned count = output_peek(&sender->output, bufs, PIECES, &sender->writing_bytes);
    int fault = uv_write(&sender->write, sender->stream, bufs, count, on_written);

    if (fault != 0)
        return fault;
    output_seal(&sender->output);
    sender->writing = true;
    sender->handed_bytes += sender->writing_bytes;
    return 0;
}

int sender_flush(struct sender *sender)
{
    while (sender->output.bytes > 0 && !sender->writing) {
        uv_buf_t bufs[PIECES];
        size_t bytes;
        unsigned count = output_peek(&sender->output, bufs, PIECES, &bytes);
        int written = uv_try_write(sender->stream, bufs, count);

        if (written < 0 && written != UV_EAGAIN)
            return written;
        if (written > 0) {
            output_drop(&sender->output, (size_t)written);
            sender->handed_bytes += (size_t)written;
        }
        if (written < 0 || (size_t)written < bytes)
            return write_later(sender);
    }
    return 0;
}

bool sender_is_idle(const struct sender *sender)
{
    return sender->output.bytes == 0 && !sender->writing;
}

/* Bytes that the system has taken from us and the peer not yet from the system: those may be megabytes, and only when
 * many of them are gone would the socket be writable again. */
static uint64_t waiting_in_system(const struct sender *sender)
{
    uv_os_fd_t fd;
    int waiting = 0;

    if (uv_fileno((const uv_handle_t *)sender->stream, &fd) != 0 || ioctl(fd, SIOCOUTQ, &waiting) != 0 || waiting < 0)
        return 0;
    return (uint64_t)waiting;
}

bool sender_is_stuck(struct sender *sender, uint64_t now_ms, uint64_t timeout_ms)
{
    uint64_t taken = 0;

    if (sender->output.bytes > 0)
        taken = sender->handed_bytes - uv_stream_get_write_queue_size(sender->stream) - waiting_in_system(sender);
    if (taken != sender->taken_bytes || sender->output.bytes == 0) {
        sender->taken_bytes = taken;
        sender->taken_ms = now_ms;
    }
    return now_ms - sender->taken_ms >= timeout_ms;
}
