/* config_values.h - what holds, and who said so: the list that `varve config show` prints and a reload compares. */
#ifndef SERVER_CONFIG_VALUES_H
#define SERVER_CONFIG_VALUES_H

#include "config.h"

/* One more at the end; its texts are copied. NULL: no memory. */
struct config_value *config_values_add(struct config *config, const struct config_value *value);
/* Its text, unless that is a secret. */
const char *config_value_shown(const struct config_value *value);
/* NULL: there is none. */
struct config_value *config_values_find(const struct config *config, const char *key);
void config_values_end(struct config *config);

#endif
