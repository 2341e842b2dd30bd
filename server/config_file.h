/* config_file.h - the file: [section] and KEY = VALUE, lines that begin with # or ; are comments. */
#ifndef SERVER_CONFIG_FILE_H
#define SERVER_CONFIG_FILE_H

#include "config_settings.h"

enum { CONFIG_MAX_LINE = 16384, CONFIG_MAX_FILE = 1 << 20 }; /* bytes */

/* Each line of the file is a setting, or a complaint. */
void config_file_read(struct config_settings *settings, const char *path);
/* The same of a text; `path` is only for messages. */
void config_file_parse(struct config_settings *settings, const char *path, struct varve_view text,
                       bool others_may_read);

#endif
