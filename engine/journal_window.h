/* journal_window.h - reading a file front to back in big pieces, with a bounded buffer. */
#ifndef ENGINE_JOURNAL_WINDOW_H
#define ENGINE_JOURNAL_WINDOW_H

#include "varve/os.h"

struct window {
    const struct varve_os *os;
    int fd;
    size_t piece;   /* how much to read at once, when no more is asked for */
    uint8_t *bytes;
    size_t room;
    uint64_t start; /* of `bytes` in the file */
    size_t length;  /* valid bytes */
};

/* `size` bytes at `offset`: 1 and *ret_bytes, valid until the next call; 0 when the file ends before; or a negative
 * errno. */
int window_read(struct window *window, uint64_t offset, size_t size, const uint8_t **ret_bytes);
/* Go on with another file. */
void window_reset(struct window *window, int fd);
void window_free(struct window *window);

#endif
