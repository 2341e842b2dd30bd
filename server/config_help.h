/* config_help.h - what --help says. */
#ifndef SERVER_CONFIG_HELP_H
#define SERVER_CONFIG_HELP_H

#include <stdio.h>

void config_print_help(FILE *out);

/* Words up to CONFIG_HELP_WIDTH, the first of them at `column`, those of further lines from `indent` on. */
enum { CONFIG_HELP_WIDTH = 100 };
void config_print_words(FILE *out, size_t column, size_t indent, const char *text);

#endif
