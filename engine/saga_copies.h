/* saga_copies.h - sagas copied out of the store, while it goes on changing, into one piece of memory for the caller. */
#ifndef ENGINE_SAGA_COPIES_H
#define ENGINE_SAGA_COPIES_H

#include "saga.h"
#include "view.h"

struct saga_copy;
struct saga_copies {
    struct saga_copy *items;
    size_t count, room;
    uint8_t *bytes;       /* texts and states */
    size_t size, bytes_room;
};

void saga_copies_free(struct saga_copies *copies);
/* Its row without the state; views may point anywhere. False: no memory. */
bool saga_copies_add(struct saga_copies *copies, struct varve_view type, struct varve_view id,
                     const struct saga_row *row);
/* The state of the i-th, if it has one. */
enum varve_status saga_copies_add_state(struct saga_copies *copies, size_t i, struct view *view,
                                        struct varve_error *error);
const struct saga_row *saga_copies_row(const struct saga_copies *copies, size_t i); /* without texts */
/* The first `count` as they are handed out: sagas, and what they point to, behind `head` bytes of the caller's own.
 * NULL: no memory. */
void *saga_copies_pack(const struct saga_copies *copies, size_t count, size_t head);

#endif
