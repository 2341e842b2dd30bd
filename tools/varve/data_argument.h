/* data_argument.h - bytes given on a command line: themselves, "-" for standard input, or "@FILE". */
#ifndef TOOLS_DATA_ARGUMENT_H
#define TOOLS_DATA_ARGUMENT_H

#include "text.h"

/* Adds them to `into`. IO, EVENT_TOO_LARGE; the field is "data". */
enum varve_status data_argument_read(const char *word, struct text *into, struct varve_error *error);

#endif
