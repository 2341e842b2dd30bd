/* saga_text.h - sagas as JSON and as rows, and their history as people read it. */
#ifndef TOOLS_SAGA_TEXT_H
#define TOOLS_SAGA_TEXT_H

#include "options.h"
#include "output.h"
#include "varve/saga.h"

/* One object over what `out` held. The state stands there as it is when it is JSON, else in base64. */
void saga_format(struct text *out, const struct varve_saga *saga);
/* Name and value, one pair a row. */
void saga_print(struct output *output, const struct varve_saga *saga);

/* Rows, or objects, one saga after the other. */
struct saga_printer {
    struct output *output;
    struct table *table; /* NULL unless the form is a table */
    struct text text;
    int64_t now_us;
};
void saga_printer_begin(struct saga_printer *printer, struct output *output);
void saga_printer_saga(struct saga_printer *printer, const struct varve_saga *saga);
void saga_printer_end(struct saga_printer *printer);

/* What an event of a saga's stream did, from its metadata. Views into the event; the error with its JSON escapes. */
struct saga_event {
    struct varve_view action;   /* "started", "stepped", ... */
    struct varve_view step, error;
    int64_t deadline_us;        /* VARVE_TIME_NONE: none */
    bool new_state;
};
void saga_event_read(const struct varve_event *event, struct saga_event *ret);

/* --status: "running,timed_out", and as often as it is given; adds their bits. */
enum varve_status saga_statuses_parse(const struct arguments *arguments, unsigned *ret_statuses,
                                      struct varve_error *error);
/* A moment to come: RFC 3339, or so long from now, such as "30s", "1d12h". */
enum varve_status saga_deadline_parse(const char *text, int64_t *ret_us, struct varve_error *error);

#endif
