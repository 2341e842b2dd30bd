/* lines.c - see lines.h. */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"

#define FIRST_CAPACITY (256u << 10)

void lines_begin(struct lines *lines, int fd)
{
    *lines = (struct lines){ .fd = fd, .buffer = memory_take(FIRST_CAPACITY), .capacity = FIRST_CAPACITY };
}

void lines_end(struct lines *lines)
{
    free(lines->buffer);
    lines->buffer = NULL;
}

/* Make room behind the unread bytes: move them to the front, or grow. */
static void make_room(struct lines *lines)
{
    if (lines->start > 0) {
        memmove(lines->buffer, lines->buffer + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->start = 0;
    }
    if (lines->end == lines->capacity) {
        lines->capacity *= 2;
        lines->buffer = memory_resize(lines->buffer, lines->capacity);
    }
}

static enum varve_status read_more(struct lines *lines, struct varve_error *error)
{
    ssize_t got;

    make_room(lines);
    do
        got = read(lines->fd, lines->buffer + lines->end, lines->capacity - lines->end);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return varve_fail(error, VARVE_IO, NULL, "reading: %s", strerror(errno));
    lines->end += (size_t)got;
    lines->file_over = got == 0;
    return VARVE_OK;
}

static struct varve_view take_line(struct lines *lines, size_t size, size_t with_end)
{
    struct varve_view line = { lines->buffer + lines->start, size };

    lines->start += with_end;
    lines->bytes += with_end;
    if (line.size > 0 && line.data[line.size - 1] == '\r')
        line.size--;
    return line;
}

enum varve_status lines_next(struct lines *lines, struct varve_view *ret_line, struct varve_error *error)
{
    size_t searched = 0;

    *ret_line = (struct varve_view){ 0 };
    lines->number++;
    for (;;) {
        size_t size = lines->end - lines->start;
        const char *from = lines->buffer + lines->start;
        const char *feed = size > searched ? memchr(from + searched, '\n', size - searched) : NULL;

        if (feed != NULL) {
            *ret_line = take_line(lines, (size_t)(feed - from), (size_t)(feed - from) + 1);
            return VARVE_OK;
        }
        if (lines->file_over) {
            if (size > 0)
                *ret_line = take_line(lines, size, size);
            return VARVE_OK;
        }
        if (size > LINE_MAX_BYTES)
            return varve_fail(error, VARVE_INVALID_ARGUMENT, "line", "longer than %u bytes", LINE_MAX_BYTES);
        searched = size;
        enum varve_status status = read_more(lines, error);
        if (status != VARVE_OK)
            return status;
    }
}
