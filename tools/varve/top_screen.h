/* top_screen.h - how `varve top` looks: samples and rates laid out in a grid of any size. Pure. */
#ifndef TOOLS_TOP_SCREEN_H
#define TOOLS_TOP_SCREEN_H

#include "grid.h"
#include "top_rates.h"

struct top_screen {
    const char *url;
    const struct top_sample *sample;   /* the latest; NULL: there was none yet */
    const struct top_rates *rates;     /* of it */
    const struct top_history *history; /* NULL: no sparklines */
    const char *away;                  /* why nobody answers; NULL: somebody does */
    uint64_t away_us;                  /* for how long */
    bool paused;
    bool keys;                         /* say which keys there are */
};
/* Into a grid that was reset to its size; what matters least is left out first. */
void top_screen_draw(const struct top_screen *screen, struct grid *grid);
/* How many rows all of it takes. */
unsigned top_screen_rows(const struct top_screen *screen, unsigned width);

#endif
