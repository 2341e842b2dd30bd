/* raw_link.h - a connection without a client library's help: frames out, frames in, cut off at any byte. For threads:
 * nothing here fails a test by itself. */
#ifndef TESTS_INTEGRATION_RAW_LINK_H
#define TESTS_INTEGRATION_RAW_LINK_H

#include <stdbool.h>

#include "varve/wire.h"

struct raw_link {
    int fd;
    struct varve_wire_buffer out;
    struct varve_wire_arena *arena;
    uint8_t *bytes;             /* received and not yet taken */
    size_t size, capacity, used;
    struct varve_frame frame;   /* the last one taken, */
    struct varve_view body;     /* which lives until the next call */
};
/* Connect to a unix socket and say HELLO; its answer is taken. False: the server cannot be reached. */
bool raw_link_open(struct raw_link *link, const char *path);
/* However much is under way. The struct can be opened again. */
void raw_link_close(struct raw_link *link);
void raw_link_free(struct raw_link *link);

bool raw_link_send(struct raw_link *link); /* what is in link->out */

enum raw_result { RAW_FRAME, RAW_NOTHING, RAW_ENDED };
/* The next frame, waiting at most so long; takes at most `bite` bytes from the socket at a time. */
enum raw_result raw_link_take(struct raw_link *link, int wait_ms, size_t bite);

#endif
