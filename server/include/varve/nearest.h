/* nearest.h - the known name that somebody may have meant by an unknown one: offer candidates one by one, then ask. */
#ifndef VARVE_NEAREST_H
#define VARVE_NEAREST_H

#include "varve/event.h"

#define VARVE_NEAREST_HINT 128

struct varve_nearest {
    const char *wanted;  /* as it was written */
    const char *best;    /* NULL: nothing is near enough to be meant */
    size_t distance;     /* letters to put in, leave out or change */
};
static inline struct varve_nearest varve_nearest_to(const char *wanted)
{
    return (struct varve_nearest){ .wanted = wanted };
}
/* Of several as near, the first stays. One that begins as it was written, from three letters on, is nearly right. */
void varve_nearest_offer(struct varve_nearest *nearest, const char *candidate);
/* `; did you mean --limit?` with `prefix` in front of the name, or "". */
const char *varve_nearest_hint(const struct varve_nearest *nearest, const char *prefix,
                               char ret_hint[VARVE_NEAREST_HINT]);

#endif
