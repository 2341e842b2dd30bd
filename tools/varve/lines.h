/* lines.h - the lines of a file or pipe, one after the other, in bounded memory. */
#ifndef TOOLS_LINES_H
#define TOOLS_LINES_H

#include "varve/event.h"

#define LINE_MAX_BYTES (64u << 20) /* an event of 16 MiB in base64, and much room */

struct lines {
    int fd;
    char *buffer;
    size_t capacity, start, end; /* unread bytes are buffer[start..end) */
    bool file_over;
    uint64_t number;             /* of the line handed out last; the first is 1 */
    uint64_t bytes;              /* of all lines handed out */
};

void lines_begin(struct lines *lines, int fd);
/* The next line without its line feed (and carriage return); ret_line->data is NULL at the end. It lives until the next
 * call. IO; INVALID_ARGUMENT for a line longer than LINE_MAX_BYTES. */
enum varve_status lines_next(struct lines *lines, struct varve_view *ret_line, struct varve_error *error);
void lines_end(struct lines *lines); /* does not close fd */

#endif
