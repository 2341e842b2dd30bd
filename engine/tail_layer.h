/* tail_layer.h - one layer of the tail: its records, and a hash table from keys to their events. Private to tail.c and
 * tail_layer.c; tail.h says what others may do with a layer. */
#ifndef ENGINE_TAIL_LAYER_H
#define ENGINE_TAIL_LAYER_H

#include "tail.h"
#include "tail_sagas.h"

/* A key's events: one is held in place, more in a vector that doubles inside the arena. */
struct layer_key {
    uint64_t hash;
    const char *name;
    uint32_t name_size;
    uint32_t count, capacity;
    union {
        uint32_t one;
        uint32_t *many; /* when capacity > 1 */
    } offsets;
    uint8_t kind;
    bool touched;                 /* changed since the last publish */
    bool is_saga;                 /* TAIL_STREAM: a struct layer_saga lies behind the states */
    int64_t first_version;
    struct stream_state *states;  /* TAIL_STREAM: [0] newest, [1] published */
};

static inline struct layer_saga *layer_key_saga(const struct layer_key *key)
{
    return key->is_saga ? (struct layer_saga *)(key->states + 2) : NULL;
}

/* `indexes`: VARVE_INDEX_*; keys of other kinds are not kept. */
enum varve_status layer_create(uint64_t seed, unsigned indexes, uint64_t first_position, struct tail_layer **ret_layer);
void layer_destroy(struct tail_layer *layer); /* NULL allowed */
/* Empty it for reuse, keeping some of its memory, so that pages need not be faulted in again. */
void layer_reset(struct tail_layer *layer, uint64_t first_position);
uint64_t layer_record_bytes(const struct tail_layer *layer); /* of the records, and of what is kept per saga */
uint64_t layer_memory_bytes(const struct tail_layer *layer); /* all it holds */

/* Copy the record in, and enter it under its keys. NO_MEMORY: nothing was added. */
enum varve_status layer_add(struct tail_layer *layer, const struct tail_event *event);
/* Counts what became of sagas, whose types are reserved. */
void layer_publish(struct tail_layer *layer, struct saga_counts *counts);
struct layer_key *layer_find(const struct tail_layer *layer, enum tail_kind kind, struct varve_view name);

static inline uint32_t layer_key_offset(const struct layer_key *key, uint32_t i)
{
    return key->capacity > 1 ? key->offsets.many[i] : key->offsets.one;
}
/* How many of the key's offsets are below `offset`. */
uint32_t layer_key_below(const struct layer_key *key, uint32_t offset);

#endif
