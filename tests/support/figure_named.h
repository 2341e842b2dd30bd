/* figure_named.h - a figure of the server by its name, as people read it in STATS. */
#ifndef TESTS_SUPPORT_FIGURE_NAMED_H
#define TESTS_SUPPORT_FIGURE_NAMED_H

#include <stdint.h>

#include "server/figures.h"

/* Fails the test when there is none of this name. */
uint64_t figure_named(const struct figures *figures, const char *name);

#endif
