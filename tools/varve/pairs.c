/* pairs.c - see pairs.h. */
#include "pairs.h"

#include <stdarg.h>

#include "timestamp.h"

struct table *pairs_begin(struct output *output)
{
    static const struct table_column columns[] = { { NULL, false, 0 }, { NULL, false, 0 } };

    return table_begin(output, columns, sizeof(columns) / sizeof(columns[0]));
}

void pairs_text(struct table *table, const char *name, struct varve_view value)
{
    table_cell(table, varve_view_str(name));
    table_cell(table, value);
    table_row_end(table);
}

void pairs_printf(struct table *table, const char *name, const char *format, ...)
{
    char text[128];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    pairs_text(table, name, varve_view_str(text));
}

void pairs_time(struct table *table, const char *name, int64_t time_us)
{
    char text[TIMESTAMP_TEXT];

    varve_time_format(time_us, text);
    pairs_text(table, name, varve_view_str(text));
}
