/* config_apply.h - from settings to what holds. */
#ifndef SERVER_CONFIG_APPLY_H
#define SERVER_CONFIG_APPLY_H

#include "config_settings.h"

/* All fields of *config, which was empty, and its values with their origins. Every mistake is a complaint; end it with
 * config_end() all the same. */
void config_apply(struct config *config, struct config_settings *settings);

#endif
