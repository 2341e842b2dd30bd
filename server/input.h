/* input.h - the beginning of a frame whose rest has not come yet.
 *
 * Small ones lie in memory that every connection may have; beyond that floor the budget is asked, and only for bytes
 * that have really come: a header that promises 30 MiB takes nothing. */
#ifndef SERVER_INPUT_H
#define SERVER_INPUT_H

#include <stddef.h>

#include "budget.h"

struct input {
    uint8_t *bytes;
    size_t size, capacity;
    size_t floor_bytes;     /* of capacity, not charged */
    uint64_t charged_bytes;
    struct budget *budget;
};
void input_init(struct input *input, size_t floor_bytes, struct budget *budget);
bool input_append(struct input *input, const uint8_t *bytes, size_t size); /* false: no room; nothing changed */
void input_drop(struct input *input, size_t size);                         /* from the front */
void input_clear(struct input *input);                                     /* gives the memory back */

#endif
