/* outbox_config_keys.h - every key of an [outbox NAME] section, in one table. Its rows are what the parser takes, what
 * `varved --help-config` prints, and the table in docs/outbox-routes.md. */
#ifndef SERVER_OUTBOX_CONFIG_KEYS_H
#define SERVER_OUTBOX_CONFIG_KEYS_H

#include <stdio.h>

#include "outbox_config_parts.h"

/* All defaults. False: no memory. */
bool outbox_keys_set_defaults(struct outbox_draft *draft, const struct outbox_place *place);
/* place->key = text. */
bool outbox_keys_set(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
/* What only all keys together can tell: brokers are there, timeouts fit each other. place->line: the section's. */
bool outbox_keys_check(const struct outbox_draft *draft, const struct outbox_place *place);

void outbox_keys_print_help(FILE *out);
void outbox_keys_print_table(FILE *out); /* as Markdown */

#endif
