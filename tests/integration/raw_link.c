/* raw_link.c - see raw_link.h. */
#include "raw_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, ROOM = 64 * 1024 };

bool raw_link_open(struct raw_link *link, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    if (link->arena == NULL)
        link->arena = varve_wire_arena_create();
    link->size = link->used = link->out.size = 0;
    link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (link->arena == NULL || link->fd < 0 || connect(link->fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        return false;
    varve_encode_hello(&link->out, 1, &(struct varve_hello){ 1, 1, varve_view_str("raw") });
    return raw_link_send(link) && raw_link_take(link, PATIENCE_MS, ROOM) == RAW_FRAME &&
           link->frame.opcode == VARVE_OP_HELLO_OK;
}

void raw_link_close(struct raw_link *link)
{
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

void raw_link_free(struct raw_link *link)
{
    raw_link_close(link);
    varve_wire_buffer_free(&link->out);
    varve_wire_arena_free(link->arena);
    free(link->bytes);
}

bool raw_link_send(struct raw_link *link)
{
    size_t sent = 0;

    while (sent < link->out.size) {
        ssize_t size = send(link->fd, link->out.bytes + sent, link->out.size - sent, MSG_NOSIGNAL);

        if (size < 0)
            return false;
        sent += (size_t)size;
    }
    link->out.size = 0;
    return true;
}

/* Is there a whole frame among the bytes? */
static bool find_frame(struct raw_link *link)
{
    if (link->size < VARVE_WIRE_HEADER ||
        varve_frame_decode(link->bytes, VARVE_WIRE_MAX_FRAME, &link->frame, NULL) != VARVE_OK ||
        link->size - VARVE_WIRE_HEADER < link->frame.length)
        return false;
    link->body = varve_view_of((char *)link->bytes + VARVE_WIRE_HEADER, link->frame.length);
    link->used = VARVE_WIRE_HEADER + link->frame.length;
    return true;
}

static void drop_used(struct raw_link *link)
{
    memmove(link->bytes, link->bytes + link->used, link->size - link->used);
    link->size -= link->used;
    link->used = 0;
}

static ssize_t receive(struct raw_link *link, size_t bite)
{
    if (link->capacity < link->size + bite) {
        link->capacity = 2 * (link->size + bite);
        link->bytes = realloc(link->bytes, link->capacity);
        if (link->bytes == NULL)
            abort();
    }
    return recv(link->fd, link->bytes + link->size, bite, 0);
}

enum raw_result raw_link_take(struct raw_link *link, int wait_ms, size_t bite)
{
    if (link->used > 0)
        drop_used(link);
    while (!find_frame(link)) {
        struct pollfd ready = { .fd = link->fd, .events = POLLIN };

        if (poll(&ready, 1, wait_ms) == 0)
            return RAW_NOTHING;
        ssize_t size = receive(link, bite);
        if (size <= 0)
            return RAW_ENDED;
        link->size += (size_t)size;
    }
    return RAW_FRAME;
}
