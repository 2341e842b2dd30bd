/* crash_guard.h - folding with a shared object in a child process, and once more when it has crashed.
 *
 *   parent --fork--> child: folds --crash in a stream--> noted in memory that both see
 *      '--fork--> child: folds, but for that stream --> ...
 *
 * What was stored stays, so the next child has only the rest to do. */
#ifndef TOOLS_CRASH_GUARD_H
#define TOOLS_CRASH_GUARD_H

#include "varve/event.h"

#define CRASHES_MAX 20 /* then it is given up; one that ends the process counts likewise */

struct crash_guard;
/* Ends the program when there is no memory. */
struct crash_guard *crash_guard_make(void);
void crash_guard_free(struct crash_guard *guard); /* NULL allowed */
/* Calls `run` in a child until one returns from it; returns its exit code. A child that ended by something else than
 * the reducer's crash or exit() in a stream, be it with exit code 0: 1. Only before there are threads. */
int crash_guard_run(struct crash_guard *guard, int (*run)(void *user), void *user);
/* Has a child crashed in this stream? false for a guard that is NULL. */
bool crash_guard_knows(const struct crash_guard *guard, struct varve_view stream);

#endif
