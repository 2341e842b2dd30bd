/* walk.h - through a trace, from one point worth exploring to the next.
 *
 * Worth exploring is the moment before something is made to last: the states there include those of all moments since
 * the last time anything was, and by then the most has been acknowledged. */
#ifndef TESTS_CRASH_WALK_H
#define TESTS_CRASH_WALK_H

#include "tests/crash/image.h"
#include "tests/crash/plan.h"

struct walk {
    const struct trace *trace;
    struct image image;
    struct plan_mark *marks; /* what was acknowledged so far */
    size_t mark_count, mark_room;
    size_t at;               /* operations taken in */
    bool fresh;              /* something that makes new states or new demands came since the last point */
    bool finished;
};

void walk_init(struct walk *walk, const struct trace *trace);
bool walk_next(struct walk *walk); /* false: the trace has ended, and its end was a point */
void walk_free(struct walk *walk);

#endif
