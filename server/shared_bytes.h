/* shared_bytes.h - bytes that many connections send: made once, counted, freed with the last reference.
 *
 * On the loop thread, but for the making. Charged to the budget once, however many hold it. */
#ifndef SERVER_SHARED_BYTES_H
#define SERVER_SHARED_BYTES_H

#include "budget.h"
#include "varve/wire.h"

struct shared_bytes {
    uint8_t *bytes;
    size_t size;
    unsigned references;
    struct budget *budget;   /* NULL: not charged */
    uint64_t charged_bytes;
};
/* Takes over the bytes of *buffer, which is empty afterwards; one reference, the caller's. NULL: no memory, and the
 * buffer is as it was. */
struct shared_bytes *shared_bytes_create(struct varve_wire_buffer *buffer);
void shared_bytes_charge(struct shared_bytes *shared, struct budget *budget);
struct shared_bytes *shared_bytes_hold(struct shared_bytes *shared);
void shared_bytes_drop(struct shared_bytes *shared); /* NULL allowed */

#endif
