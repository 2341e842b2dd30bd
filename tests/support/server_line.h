/* server_line.h - the configuration of a server under test from one line, as on varved's command line. */
#ifndef TESTS_SUPPORT_SERVER_LINE_H
#define TESTS_SUPPORT_SERVER_LINE_H

#include "server/config.h"

/* The options of `usual`, then those of `line`, parted by spaces; the store is in `directory`, which the configuration
 * points to. Fails the test for what varved would refuse. Holds until the next call. */
void server_line_parse(struct config *config, const char *directory, const char *usual, const char *line);

#endif
