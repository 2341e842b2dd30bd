/* config_environment.h - VARVED_SECTION__KEY=VALUE. */
#ifndef SERVER_CONFIG_ENVIRONMENT_H
#define SERVER_CONFIG_ENVIRONMENT_H

#include "config_settings.h"

/* VARVED_CONFIG, which names the file; NULL: there is none. */
const char *config_environment_file(char **environment);
/* Every variable VARVED_... is a setting. A name without "__" is nobody's, as other programs make such names (a cluster
 * that tells of its services, say), unless it is a key's but for that. */
void config_environment_read(struct config_settings *settings, char **environment);

/* "VARVED_HTTP__MAX_BODY" for "http.max_body". */
enum { CONFIG_VARIABLE_BYTES = 128 };
void config_environment_name(const char *key, char room[CONFIG_VARIABLE_BYTES]);

#endif
