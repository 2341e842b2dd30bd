/* config_reference.h - every key, for people: on the terminal, in the manual, as a file to begin with. */
#ifndef SERVER_CONFIG_REFERENCE_H
#define SERVER_CONFIG_REFERENCE_H

#include <stdio.h>

void config_print_keys(FILE *out);         /* --help-config */
void config_print_example(FILE *out);      /* --example-config, tools/systemd/varved.ini */
void config_print_table(FILE *out);        /* docs/configuration.md */
void config_print_outbox_table(FILE *out); /* docs/outbox-routes.md */

#endif
