/* shared_bytes.c - counting who still needs some bytes. */
#include "shared_bytes.h"

#include <stdlib.h>
#include <string.h>

struct shared_bytes *shared_bytes_create(struct varve_wire_buffer *buffer)
{
    struct shared_bytes *shared = malloc(sizeof(*shared));

    if (shared == NULL)
        return NULL;
    *shared = (struct shared_bytes){ .bytes = buffer->bytes, .size = buffer->size, .references = 1,
                                     .charged_bytes = sizeof(*shared) + buffer->capacity };
    memset(buffer, 0, sizeof(*buffer));
    return shared;
}

void shared_bytes_charge(struct shared_bytes *shared, struct budget *budget)
{
    assert(shared->budget == NULL);
    shared->budget = budget;
    budget_force(budget, shared->charged_bytes);
}

struct shared_bytes *shared_bytes_hold(struct shared_bytes *shared)
{
    shared->references++;
    return shared;
}

void shared_bytes_drop(struct shared_bytes *shared)
{
    if (shared == NULL || --shared->references > 0)
        return;
    if (shared->budget != NULL)
        budget_give(shared->budget, shared->charged_bytes);
    free(shared->bytes);
    free(shared);
}
