/* event_printer.h - events printed one by one, in the form asked for: rows of a table, or JSON. */
#ifndef TOOLS_EVENT_PRINTER_H
#define TOOLS_EVENT_PRINTER_H

#include "output.h"

struct event_printer {
    struct output *output;
    struct table *table; /* NULL unless the form is a table */
    struct text text;
};

void event_printer_begin(struct event_printer *printer, struct output *output);
void event_printer_event(struct event_printer *printer, const struct varve_event *event);
/* What was printed is to be seen now. */
void event_printer_flush(struct event_printer *printer);
void event_printer_end(struct event_printer *printer);

#endif
