/* terminal.h - the terminal of a command that fills the screen: taken over, written to, given back as it was.
 *
 * One at a time. Ctrl-C, SIGTERM and a hang-up are told by terminal_wait(), so that the terminal is given back; Ctrl-Z
 * gives it back until the command is continued. */
#ifndef TOOLS_TERMINAL_H
#define TOOLS_TERMINAL_H

#include "grid.h"

/* Are standard input and output one that can be steered? */
bool terminal_is_there(void);
/* Only that: whoever ends by a signal is told so by terminal_wait(). For output that needs no terminal. */
void terminal_catch_signals(void);

void terminal_begin(void);
void terminal_end(void);
void terminal_size(unsigned *ret_width, unsigned *ret_height);
/* Shows it, writing what has changed since the last one. */
void terminal_show(const struct grid *grid, bool colour);

enum terminal_news { TERMINAL_TIMEOUT, TERMINAL_KEY, TERMINAL_RESIZED, TERMINAL_ENDS };
/* Until something comes, or so long. */
enum terminal_news terminal_wait(int64_t timeout_us, char *ret_key);

#endif
