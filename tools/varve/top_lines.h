/* top_lines.h - the lines that the screen of `varve top` is made of. */
#ifndef TOOLS_TOP_LINES_H
#define TOOLS_TOP_LINES_H

#include "top_screen.h"

enum { TOP_WIDE = 76 /* columns, from which on there is a second column of figures */ };

enum top_line_kind {
    TOP_LINE_BLANK, TOP_LINE_HEAD, TOP_LINE_STATE, TOP_LINE_METER, TOP_LINE_FACTS, TOP_LINE_LATENCY, TOP_LINE_DISK,
    TOP_LINE_MEMORY, TOP_LINE_OUTBOX_TITLE, TOP_LINE_OUTBOX, TOP_LINE_GROUP_TITLE, TOP_LINE_GROUP,
};
struct top_line {
    enum top_line_kind kind;
    size_t index;    /* of the rate, outbox or group */
    unsigned weight; /* top_screen.c's */
};
struct top_drawing {
    const struct top_screen *screen;
    struct grid *grid;
    size_t outboxes_shown, groups_shown;
    size_t facts_drawn;
};
void top_line_draw(struct top_drawing *drawing, unsigned row, const struct top_line *line);

#endif
