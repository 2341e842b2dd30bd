/* memory.h - memory for a command that ends at once when there is none left.
 *
 * A command line tool has nobody to hand NO_MEMORY to: it says so and exits with 1. What it was doing is as safe as
 * with any other interruption. Sizes that come from input are bounded by the callers. */
#ifndef TOOLS_MEMORY_H
#define TOOLS_MEMORY_H

#include <stddef.h>

_Noreturn void memory_exhausted(void);
void *memory_take(size_t size);              /* zeroed; free() it */
void *memory_resize(void *at, size_t size);  /* as realloc() */

/* Many small things with one end: bytes taken in a row, given back all at once. */
struct scratch {
    struct scratch_block *blocks;
};
void *scratch_take(struct scratch *scratch, size_t size); /* not zeroed, aligned for anything */
void scratch_reset(struct scratch *scratch);              /* keeps one block for reuse */
void scratch_free(struct scratch *scratch);

#endif
