/* progress.h - how far a long command is, as one line on a terminal that is written over; nothing anywhere else. */
#ifndef TOOLS_PROGRESS_H
#define TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#define PROGRESS_LINE 256 /* bytes, with the NUL */

struct progress {
    const char *unit;       /* what is counted: "events" */
    uint64_t total;         /* in steps (bytes, records); 0: not known */
    bool shown;             /* standard error is a terminal */
    bool drawn;             /* there is a line to be wiped */
    uint64_t started_us, drawn_us;
};

void progress_begin(struct progress *progress, const char *unit, uint64_t total);
/* `count` of the unit are done, which is `done` of `total`. Draws at most some times a second. */
void progress_show(struct progress *progress, uint64_t count, uint64_t done);
void progress_end(struct progress *progress); /* wipes the line */

/* The line itself: "  42% [========            ]  1,234 events  56,789/s  ETA 12 s". */
void progress_format(const struct progress *progress, uint64_t count, uint64_t done, uint64_t elapsed_us,
                     char ret_line[PROGRESS_LINE]);

#endif
