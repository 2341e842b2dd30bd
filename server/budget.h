/* budget.h - the memory that all connections share: input of large frames, replies not yet taken, reads and requests
 * under way. Used on the loop thread only.
 *
 * Whoever can refuse work asks with budget_take(); what is already owed (the reply of a request that was accepted) is
 * charged with budget_force(), which may pass the limit by what is under way at that moment; nothing new begins until
 * there is room again. */
#ifndef SERVER_BUDGET_H
#define SERVER_BUDGET_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

enum { BUDGET_SMALL_BYTES = 64 * 1024 };

struct budget {
    uint64_t limit_bytes;
    uint64_t used_bytes;
};

/* The last quarter is for what is small, so that many large requests do not keep small ones out. */
static inline bool budget_take(struct budget *budget, uint64_t bytes)
{
    uint64_t reserve = bytes > BUDGET_SMALL_BYTES ? budget->limit_bytes / 4 : 0;
    uint64_t limit = budget->limit_bytes - reserve;

    if (bytes > 0 && (budget->used_bytes > limit || bytes > limit - budget->used_bytes))
        return false;
    budget->used_bytes += bytes;
    return true;
}

static inline void budget_force(struct budget *budget, uint64_t bytes)
{
    budget->used_bytes += bytes;
}

static inline void budget_give(struct budget *budget, uint64_t bytes)
{
    assert(bytes <= budget->used_bytes);
    budget->used_bytes -= bytes;
}

static inline bool budget_has_room(const struct budget *budget)
{
    return budget->used_bytes < budget->limit_bytes;
}

#endif
