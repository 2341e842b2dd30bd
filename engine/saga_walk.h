/* saga_walk.h - sagas in the order of a query, from where they are settled and from both layers of the tail.
 *
 *   store.mdb ---batch, read without a lock---+
 *   frozen layer ---skip list---+             +--> the least key --> is it what its saga is listed by today? --> take
 *   active layer ---skip list---+-------------+
 *
 * Each entry of an older source may have been overtaken by a newer one; the saga's published row tells: an entry whose
 * position is not that of the row is stale. A walk goes in bites, so that commits get through in between. */
#ifndef ENGINE_SAGA_WALK_H
#define ENGINE_SAGA_WALK_H

#include "saga_keys.h"
#include "view.h"

enum { SAGA_WALK_BATCH = 128, SAGA_WALK_BITE = 256, SAGA_WALK_MOST = 10000 };

/* What stands in store.mdb, in the map. */
struct saga_settled {
    uint8_t key[SAGA_KEY_MAX];
    uint8_t key_size;
    struct varve_view type, id;
    struct saga_row row;
};

/* False: that was the last one to take, or there is no memory. */
typedef bool (*saga_walk_take)(void *user, struct varve_view type, struct varve_view id, const struct saga_row *row);

struct saga_walk {
    struct view *view;
    const struct varve_saga_query *query;
    saga_walk_take take;
    void *user;

    uint8_t at[SAGA_KEY_MAX];      /* nothing up to here is left */
    size_t at_size;
    uint32_t looked;               /* how many entries were looked at */
    uint32_t batch_limit;
    uint32_t batch_looks;          /* at how many entries one batch may look: few when store.mdb is quicker */
    uint32_t batch_looked;         /* for a batch that is not yet known to be of use */
    bool stopped;                  /* `take` said so */
    bool end;                      /* nothing is left at all */

    uint64_t batch_settled;        /* which state of store.mdb the batch is of; UINT64_MAX: there is none */
    uint32_t batch_next, batch_count;
    uint8_t covered[SAGA_KEY_MAX]; /* how far store.mdb was looked through for the batch */
    size_t covered_size;
    bool exhausted;                /* to its end */
    struct saga_settled batch[SAGA_WALK_BATCH];
};

/* From the beginning of the query, or behind its `after`, which was checked. */
void saga_walk_begin(struct saga_walk *walk, struct view *view, const struct varve_saga_query *query,
                     saga_walk_take take, void *user);
/* Until `take` stops it, or SAGA_WALK_MOST entries were looked at, or nothing is left. */
enum varve_status saga_walk_run(struct saga_walk *walk, struct varve_error *error);

#endif
