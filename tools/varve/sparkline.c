/* sparkline.c - see sparkline.h. */
#include "sparkline.h"

#include <math.h>

enum { LEVELS = 8 };

static double highest_of(const double *values, size_t count)
{
    double highest = 0;

    for (size_t i = 0; i < count; i++) {
        if (values[i] > highest)
            highest = values[i];
    }
    return highest;
}

void sparkline(struct text *out, const double *values, size_t count)
{
    static const char *const bars[LEVELS] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
    double highest = highest_of(values, count);

    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            text_add_str(out, " ");
        else if (values[i] <= 0)
            text_add_str(out, bars[0]);
        else /* Whatever is more than nothing is seen as that. */
            text_add_str(out, bars[1 + (int)(values[i] / highest * (LEVELS - 2))]);
    }
}

void share_bar(struct text *out, double share, unsigned width)
{
    double within = share < 0 || isnan(share) ? 0 : share > 1 ? 1 : share;
    unsigned full = (unsigned)(within * width + 0.5);

    for (unsigned i = 0; i < width; i++)
        text_add_str(out, i < full ? "█" : "░");
}
