/* config_outboxes.h - from settings to outboxes. */
#ifndef SERVER_CONFIG_OUTBOXES_H
#define SERVER_CONFIG_OUTBOXES_H

#include "config_settings.h"

/* config->outboxes, and what holds for them in config->values. Every mistake is a complaint. */
void config_outboxes_apply(struct config *config, struct config_settings *settings);

/* One more, named kafka, to the mock of a cluster that listens at `brokers`; CONFIG_BY_MOCK says so. */
#define CONFIG_BY_MOCK "--kafka-mock"
enum varve_status config_outboxes_add_mock(struct config *config, const char *brokers, struct varve_error *error);

#endif
