/* output.h - what a command prints on standard output: a table for people, JSON for programs.
 *
 * Rows and objects are printed as they come, whatever their number. Colours and cutting to a width are for terminals
 * (COLUMNS sets a width where there is none). Nothing that could steer a terminal passes through a table. */
#ifndef TOOLS_OUTPUT_H
#define TOOLS_OUTPUT_H

#include <stdio.h>

#include "text.h"

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_NDJSON };

struct output {
    FILE *file;
    enum output_format format;
    bool colour;
    unsigned width;    /* columns of the terminal; 0: do not cut */
    uint64_t printed;  /* objects of the list so far */
};

/* On standard output; looks at the terminal, NO_COLOR and COLUMNS. */
void output_init(struct output *output, enum output_format format);
bool output_format_parse(struct varve_view text, enum output_format *ret);
/* May printing go on? false once a write failed, such as when the reader at the other end has gone. */
bool output_works(const struct output *output);

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

/* A list is an array with -o json and a line per object with -o ndjson. */
void output_list_begin(struct output *output);
void output_list_object(struct output *output, const struct text *object);
void output_list_end(struct output *output);
/* One object as the whole output. */
void output_object(struct output *output, const struct text *object);

/* ---- tables ------------------------------------------------------------------------------------------------------ */

struct table_column {
    const char *title;
    bool right;    /* numbers */
    unsigned give; /* who is cut when the terminal is too narrow: 1 first, then 2; 0 never */
};
struct table;
/* `columns` must outlive the table. Titles are left out when all are NULL. */
struct table *table_begin(struct output *output, const struct table_column *columns, size_t count);
void table_cell(struct table *table, struct varve_view value);
void table_cellf(struct table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void table_row_end(struct table *table); /* after one cell per column */
void table_flush(struct table *table);   /* prints the rows so far; later ones may be wider */
void table_end(struct table *table);     /* prints what is left and frees it */

/* The bytes of the character at `at`, and its columns. What cannot be printed counts as one byte and -1 column. */
size_t display_character(struct varve_view text, size_t at, int *ret_width);
/* Columns a text takes on a terminal. */
size_t display_width(struct varve_view text);

/* "262,200", "1.3 MiB": for people. */
const char *format_count(uint64_t number, char ret_text[32]);
const char *format_bytes(uint64_t bytes, char ret_text[32]);

#endif
