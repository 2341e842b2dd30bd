/* parked_table.c - a sorted array. New entries mostly belong at its end, and what is removed only leaves when there is
 * much of it, so that neither moves the rest each time. */
#include "parked_table.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 16 };

void parked_table_free(struct parked_table *table)
{
    free(table->entries);
    *table = (struct parked_table){ .entries = NULL };
}

/* The slot of the first entry at or above this position, GONE or not. */
static size_t find_slot(const struct parked_table *table, uint64_t position)
{
    size_t low = 0, high = table->slots;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (table->entries[middle].position < position)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct parked_entry *parked_table_find(const struct parked_table *table, uint64_t position)
{
    size_t slot = find_slot(table, position);

    if (slot == table->slots || table->entries[slot].position != position ||
        table->entries[slot].state == PARKED_GONE)
        return NULL;
    return &table->entries[slot];
}

struct parked_entry *parked_table_next(const struct parked_table *table, uint64_t position)
{
    if (position == UINT64_MAX)
        return NULL;
    for (size_t slot = find_slot(table, position + 1); slot < table->slots; slot++) {
        if (table->entries[slot].state != PARKED_GONE)
            return &table->entries[slot];
    }
    return NULL;
}

static bool make_space(struct parked_table *table)
{
    size_t capacity = table->capacity == 0 ? FIRST_CAPACITY : 2 * table->capacity;

    if (table->slots < table->capacity)
        return true;
    struct parked_entry *entries = realloc(table->entries, capacity * sizeof(*entries));
    if (entries == NULL)
        return false;
    table->entries = entries;
    table->capacity = capacity;
    return true;
}

bool parked_table_put(struct parked_table *table, const struct parked_entry *entry)
{
    size_t slot = find_slot(table, entry->position);

    if (slot < table->slots && table->entries[slot].position == entry->position) {
        table->count += table->entries[slot].state == PARKED_GONE;
        table->entries[slot] = *entry;
        return true;
    }
    if (!make_space(table))
        return false;
    memmove(table->entries + slot + 1, table->entries + slot, (table->slots - slot) * sizeof(*entry));
    table->entries[slot] = *entry;
    table->slots++;
    table->count++;
    return true;
}

static void drop_gone(struct parked_table *table)
{
    size_t kept = 0;

    for (size_t slot = 0; slot < table->slots; slot++) {
        if (table->entries[slot].state != PARKED_GONE)
            table->entries[kept++] = table->entries[slot];
    }
    table->slots = kept;
}

void parked_table_remove(struct parked_table *table, uint64_t position)
{
    struct parked_entry *entry = parked_table_find(table, position);

    if (entry == NULL)
        return;
    entry->state = PARKED_GONE;
    table->count--;
    if (table->slots > FIRST_CAPACITY && table->count < table->slots / 2)
        drop_gone(table);
}
