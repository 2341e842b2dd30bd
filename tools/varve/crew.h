/* crew.h - commands that run side by side, each given lines on its standard input until there are no more.
 *
 * What a worker does not take at once waits in a buffer of bounded size; when that is full, so does who gives. Each has
 * a process group of its own; its standard output and error are ours. A worker that ends before its input does, ends
 * otherwise than with 0, or leaves input unread, is a failure of all. */
#ifndef TOOLS_CREW_H
#define TOOLS_CREW_H

#include <sys/types.h>

#include "text.h"

#define CREW_MAX 256

struct crew_mark {         /* a line in the buffer */
    size_t end;            /* where it ends there */
    uint64_t position;
};
struct crew_worker {
    pid_t pid;             /* 0: it has ended */
    int status;            /* then; as of waitpid() */
    int in, unread, end;   /* our end of its standard input, a reading end to look at what is left, its pidfd */
    struct text buffer;
    size_t written;        /* of the buffer: in the pipe */
    struct crew_mark *marks;
    size_t mark_count, mark_capacity;
    uint64_t given;        /* position of the last line that was wholly in the pipe before this buffer; 0: none */
    uint64_t lines;
};
struct crew {
    struct crew_worker *workers;
    unsigned count;
    int stop_fd;           /* an eventfd: crew_stop() was called */
};

/* `count` of them, each with VARVE_WORKER (from 0), VARVE_WORKERS and `variable` ("NAME=VALUE") in its environment. */
enum varve_status crew_begin(struct crew *crew, char *const *command, unsigned count, const char *variable,
                             struct varve_error *error);
/* A line with its line feed, of the event at `position`. IO: a worker failed; the message names it,
 * how it ended and the last position given to it. CANCELLED after crew_stop(). */
enum varve_status crew_give(struct crew *crew, unsigned worker, struct varve_view line, uint64_t position,
                            struct varve_error *error);
/* All is given: each gets the rest and the end of its input, and is waited for. */
enum varve_status crew_finish(struct crew *crew, struct varve_error *error);
/* From a signal handler or another thread: what waits, and what is called later, returns CANCELLED. */
void crew_stop(struct crew *crew);
/* Ends those that still run, SIGTERM first, and frees it all. */
void crew_free(struct crew *crew);

#endif
