/* outbox_config_keys.h - every key of an [outbox NAME] section, in one table. Its rows are what the parser takes, what
 * `varved --help-config` prints, and the table in docs/outbox-routes.md. */
#ifndef SERVER_OUTBOX_CONFIG_KEYS_H
#define SERVER_OUTBOX_CONFIG_KEYS_H

#include "outbox_config_parts.h"

/* All defaults. False: no memory. */
bool outbox_keys_set_defaults(struct outbox_draft *draft, const struct outbox_place *place);
/* place->key = text. */
bool outbox_keys_set(struct outbox_draft *draft, const struct outbox_place *place, const char *text);
/* What only all keys together can tell: brokers are there, timeouts fit each other. */
bool outbox_keys_check(const struct outbox_draft *draft, const struct outbox_place *place);

/* The i-th row; false: there are no more. */
struct outbox_key_row {
    const char *name, *values, *help;
    const char *otherwise;       /* the default; NULL: none */
    bool repeats;                /* may be there any number of times */
};
bool outbox_keys_row(size_t i, struct outbox_key_row *ret);
extern const struct outbox_key_row outbox_keys_property; /* what can be said of those that are not in the table */

#endif
