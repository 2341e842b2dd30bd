/* manual.h - varve(1), made from the table of commands. */
#ifndef TOOLS_MANUAL_H
#define TOOLS_MANUAL_H

#include "cli.h"

void manual_print(FILE *file);

#endif
