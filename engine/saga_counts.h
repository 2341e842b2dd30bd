/* saga_counts.h - how many sagas of each type have which status. Kept by the tail: loaded when the store is opened,
 * changed whenever transitions are published.
 *
 * One writer; readers hold the tail's lock. A type is reserved when an event of it is added, which may fail for want of
 * memory, so that counting cannot. */
#ifndef ENGINE_SAGA_COUNTS_H
#define ENGINE_SAGA_COUNTS_H

#include "saga.h"

struct saga_type {
    uint64_t by_status[VARVE_SAGA_STATUSES];
    bool counted;                      /* false: reserved, but no saga of it was published yet */
    uint8_t name_size;
    char name[VARVE_SAGA_MAX_TYPE];
};
struct saga_counts {
    struct saga_type **types;          /* sorted by name */
    uint32_t count, capacity;
};

void saga_counts_free(struct saga_counts *counts);
bool saga_counts_knows(const struct saga_counts *counts, struct varve_view type);
/* False: no memory. */
bool saga_counts_reserve(struct saga_counts *counts, struct varve_view type);
/* A saga of a reserved type goes from one status to another, SAGA_NONE and SAGA_ARCHIVED included. */
void saga_counts_move(struct saga_counts *counts, struct varve_view type, unsigned from, unsigned to);
/* So many sagas of a type, as they were when the store was settled last. False: no memory. */
bool saga_counts_load(struct saga_counts *counts, struct varve_view type,
                      const uint64_t by_status[VARVE_SAGA_STATUSES]);

#endif
