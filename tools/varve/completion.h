/* completion.h - what could come next on a command line of varve, for the shells that ask.
 *
 * The shells' scripts are small: they hand over the words and show what comes back, so that there is one grammar, the
 * tables of commands and options, and a script need not be made anew with each version. */
#ifndef TOOLS_COMPLETION_H
#define TOOLS_COMPLETION_H

#include "cli.h"

/* `words`: those behind "varve"; the last of them is being written, and may be "". Prints what it could become, a line
 * each, as WORD, a tab and what it means; and ":files" or ":folders" when it may also be a path. */
void completion_print(FILE *file, int count, char *const *words);

/* The script of "bash", "zsh" or "fish". NULL: there is none for this shell. */
const char *completion_script(const char *shell);

#endif
