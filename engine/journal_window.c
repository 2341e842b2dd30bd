/* journal_window.c - reading a file front to back in big pieces, with a bounded buffer. */
#include "journal_window.h"

#include <errno.h>
#include <stdlib.h>

static int make_room(struct window *window, size_t size)
{
    size_t wanted = size > window->piece ? size : window->piece;

    if (window->room >= wanted)
        return 0;
    uint8_t *bytes = malloc(wanted);
    if (bytes == NULL)
        return -ENOMEM;
    free(window->bytes);
    window->bytes = bytes;
    window->room = wanted;
    window->length = 0;
    return 0;
}

int window_read(struct window *window, uint64_t offset, size_t size, const uint8_t **ret_bytes)
{
    bool inside = offset >= window->start && offset - window->start <= window->length &&
                  size <= window->length - (offset - window->start);

    if (!inside) {
        int result = make_room(window, size);
        if (result < 0)
            return result;
        window->length = 0;
        ssize_t got = window->os->pread(window->os->self, window->fd, window->bytes, window->room, offset);
        if (got < 0)
            return (int)got;
        window->start = offset;
        window->length = (size_t)got;
        if (window->length < size)
            return 0;
    }
    *ret_bytes = window->bytes + (offset - window->start);
    return 1;
}

void window_reset(struct window *window, int fd)
{
    window->fd = fd;
    window->start = 0;
    window->length = 0;
}

void window_free(struct window *window)
{
    free(window->bytes);
    window->bytes = NULL;
    window->room = window->length = 0;
}
