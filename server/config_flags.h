/* config_flags.h - the command line of varved. */
#ifndef SERVER_CONFIG_FLAGS_H
#define SERVER_CONFIG_FLAGS_H

#include "config_settings.h"

struct config_flags {
    enum config_action action;   /* CONFIG_SERVE, or the first that asks for something else */
    const char *file;            /* of --config; NULL: none */
    bool kafka_mock;
};
/* --section.key VALUE, --section.key=VALUE, the short names of keys, --outbox.NAME.key VALUE, and DIR. */
void config_flags_read(struct config_settings *settings, int argc, char **argv, struct config_flags *ret);

#endif
