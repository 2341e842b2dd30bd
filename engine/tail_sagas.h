/* tail_sagas.h - the sagas of one layer of the tail: their rows, newest and published, and a skip list of what they are
 * listed by (saga_keys.h). For tail.c and tail_layer.c, and for saga_query.c, which reads it under the tail's lock.
 *
 * All memory is of the layer's arena. It is taken when an event is added, and used over and over: however often a saga
 * changes, it has two nodes for each order, the one that is linked and the one that will be. Publishing only links, and
 * cannot fail. */
#ifndef ENGINE_TAIL_SAGAS_H
#define ENGINE_TAIL_SAGAS_H

#include "saga_counts.h"
#include "saga_keys.h"
#include "skip_list.h"
#include "tail_arena.h"

enum { SAGA_ORDERS = 2 };

struct layer_saga {
    struct varve_view type, id;               /* in the name of its stream */
    struct saga_row newest, published;        /* their texts live as long as the layer */
    struct skip_node *linked[SAGA_ORDERS];    /* by enum varve_saga_order; NULL: it is not listed there */
    struct skip_node *spare[SAGA_ORDERS];     /* the first of those that are not linked, chained by next[0] */
};
enum { LAYER_SAGA_BYTES = sizeof(struct layer_saga) + 2 * SAGA_ORDERS * 96 }; /* with its nodes, about */

/* Make *saga of what was before the layer (NULL: it never was), copying its texts. False: no memory. */
bool layer_saga_init(struct layer_saga *saga, struct tail_arena *arena, struct varve_view type, struct varve_view id,
                     const struct saga_row *before);
/* Take the memory that publishing this row will need. False: no memory. */
bool layer_saga_reserve(struct layer_saga *saga, struct tail_arena *arena, struct skip_list *list,
                        const struct saga_row *row);
/* The newest row is the published one from now on, listed and counted. */
void layer_saga_publish(struct layer_saga *saga, struct skip_list *list, struct saga_counts *counts);

#endif
