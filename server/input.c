/* input.c - keeps what has come of a frame. */
#include "input.h"

#include <stdlib.h>
#include <string.h>

enum { LEAST_BYTES = 1024 };

void input_init(struct input *input, size_t floor_bytes, struct budget *budget)
{
    *input = (struct input){ .floor_bytes = floor_bytes, .budget = budget };
}

static bool grow(struct input *input, size_t needed)
{
    size_t capacity = input->capacity < LEAST_BYTES ? LEAST_BYTES : input->capacity;

    while (capacity < needed)
        capacity *= 2;
    uint64_t charge = capacity > input->floor_bytes ? capacity : 0;
    if (!budget_take(input->budget, charge - input->charged_bytes))
        return false;
    uint8_t *bytes = realloc(input->bytes, capacity);
    if (bytes == NULL) {
        budget_give(input->budget, charge - input->charged_bytes);
        return false;
    }
    input->bytes = bytes;
    input->capacity = capacity;
    input->charged_bytes = charge;
    return true;
}

bool input_append(struct input *input, const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return true;
    if (size > input->capacity - input->size && !grow(input, input->size + size))
        return false;
    memcpy(input->bytes + input->size, bytes, size);
    input->size += size;
    return true;
}

void input_drop(struct input *input, size_t size)
{
    assert(size <= input->size);
    input->size -= size;
    if (input->size == 0)
        input_clear(input);
    else if (size > 0)
        memmove(input->bytes, input->bytes + size, input->size);
}

void input_clear(struct input *input)
{
    budget_give(input->budget, input->charged_bytes);
    free(input->bytes);
    input->bytes = NULL;
    input->size = 0;
    input->capacity = 0;
    input->charged_bytes = 0;
}
