/* config_reload.h - the configuration read again, while the server runs. */
#ifndef SERVER_CONFIG_RELOAD_H
#define SERVER_CONFIG_RELOAD_H

#include "config.h"

/* A key that has another value than before. NULL: it was not there, or is not any more. */
struct config_change {
    const struct config_value *before, *after;
    bool taken;      /* it holds from now on; false: only a new start takes it over */
};
typedef void (*config_told)(void *user, const struct config_change *change);

/* Read file and environment again, and the command line, which still hides both. What may change in *config is changed
 * when `told` is called. False: *complaints says what is wrong, and nothing was changed. */
bool config_reload(struct config *config, struct config_complaints *complaints, config_told told, void *user);

#endif
