/* config_help.h - the table of keys for people. */
#ifndef SERVER_CONFIG_HELP_H
#define SERVER_CONFIG_HELP_H

#include <stdio.h>

void config_print_help(FILE *out);      /* --help: the command line */
void config_print_keys(FILE *out);      /* --help-config: file and environment */

#endif
