/* pairs.h - one thing as a table of names and values, a pair a row. */
#ifndef TOOLS_PAIRS_H
#define TOOLS_PAIRS_H

#include "output.h"

/* End it with table_end(). */
struct table *pairs_begin(struct output *output);
void pairs_text(struct table *table, const char *name, struct varve_view value);
void pairs_printf(struct table *table, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void pairs_time(struct table *table, const char *name, int64_t time_us);

#endif
