/* grid.h - a screen as cells: written to, compared, and told to a terminal as what has changed.
 *
 * Knows no terminal. What is written outside is cut; what could steer a terminal becomes a question mark. */
#ifndef TOOLS_GRID_H
#define TOOLS_GRID_H

#include "text.h"

enum { GRID_MAX_WIDTH = 1000, GRID_MAX_HEIGHT = 500, GRID_CELL_BYTES = 6 };

enum grid_style { GRID_PLAIN, GRID_BOLD, GRID_DIM, GRID_GOOD, GRID_WARN, GRID_BAD, GRID_STYLES };

struct grid_cell {
    char bytes[GRID_CELL_BYTES]; /* of one character */
    uint8_t size;                /* of it; 0: the right half of the wide character before */
    uint8_t style;
};
struct grid {
    unsigned width, height;
    struct grid_cell *cells;     /* row by row */
};

/* Blank, and of this size or the nearest that is allowed. */
void grid_reset(struct grid *grid, unsigned width, unsigned height);
void grid_free(struct grid *grid);

/* Write at most `room` columns; returns how many were taken. A text that is longer ends in an ellipsis. */
unsigned grid_put(struct grid *grid, unsigned row, unsigned column, unsigned room, enum grid_style style,
                  struct varve_view text);
unsigned grid_printf(struct grid *grid, unsigned row, unsigned column, unsigned room, enum grid_style style,
                     const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The same, ending at the right edge of its room. */
void grid_put_right(struct grid *grid, unsigned row, unsigned column, unsigned room, enum grid_style style,
                    struct varve_view text);

/* As lines, without blanks at their ends and without styles. */
void grid_to_text(const struct grid *grid, struct text *out);
/* What makes a terminal that shows `before` (NULL: nothing) show `grid`: whole rows, those that differ. */
void grid_to_terminal(const struct grid *grid, const struct grid *before, bool colour, struct text *out);

#endif
