/* config_lines.h - for tests of the configuration: command lines and environments in one line of text. */
#ifndef TESTS_SERVER_CONFIG_LINES_H
#define TESTS_SERVER_CONFIG_LINES_H

#include "server/config_settings.h"

/* The words of `line` as varved's arguments; `environment`, words NAME=VALUE, is all of its environment. */
enum config_action config_line(const char *line, const char *environment, struct config *ret,
                               struct config_complaints *complaints);
/* It must be good. End it with config_end(). */
void config_line_good(const char *line, const char *environment, struct config *ret);
/* One of the complaints is exactly this. */
void config_line_bad(const char *line, const char *environment, const char *complaint);

const struct config_value *config_line_value(const struct config *config, const char *key);

#endif
