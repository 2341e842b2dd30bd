/* config_outboxes.h - from settings to outboxes. */
#ifndef SERVER_CONFIG_OUTBOXES_H
#define SERVER_CONFIG_OUTBOXES_H

#include "config_settings.h"

/* config->outboxes, and what holds for them in config->values. Every mistake is a complaint. */
void config_outboxes_apply(struct config *config, struct config_settings *settings);

#endif
