/* sparkline.h - numbers as a line of small bars. */
#ifndef TOOLS_SPARKLINE_H
#define TOOLS_SPARKLINE_H

#include "text.h"

/* A character for each value, the highest of them a full bar, the lowest bar for 0; NAN: a blank. */
void sparkline(struct text *out, const double *values, size_t count);
/* A bar of `width` columns of which a share (0 to 1) is full. */
void share_bar(struct text *out, double share, unsigned width);

#endif
