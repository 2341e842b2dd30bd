/* states.h - the crash states of one point: what is under way there, and which of it reached the disk.
 *
 * When there is little under way, every combination; else none, all, each sector missing alone, each present alone,
 * every prefix, every stage of names and sizes, and as many random combinations as asked for. */
#ifndef TESTS_CRASH_STATES_H
#define TESTS_CRASH_STATES_H

#include "tests/crash/image.h"

#define STATES_EXHAUSTIVE_BITS 10u     /* so many sectors at most for every combination, */
#define STATES_EXHAUSTIVE_MOST 2048u   /* and so many combinations with those of names and sizes */

/* One thing with `choices` possible outcomes: 0 = nothing of it on the disk, choices - 1 = all. */
struct state_choice {
    uint32_t object;
    enum { CHOICE_SECTOR, CHOICE_SIZE, CHOICE_NAMES } kind;
    uint32_t write;   /* of a sector: index into the object's writes */
    uint32_t choices; /* 2 for a sector */
};

struct states {
    const struct image *image;
    struct state_choice *choices; /* sectors first, in the order they were written */
    size_t count, sectors;
    uint64_t combinations; /* of all, saturating */
    uint64_t ordered;      /* how many states are made by rule */
    uint64_t random;       /* and how many by chance, after those */
    uint64_t seed;
};

/* Look at what is under way. `random` counts only when not every combination is tried. */
void states_init(struct states *states, const struct image *image, uint64_t random, uint64_t seed);
void states_free(struct states *states);
bool states_exhaustive(const struct states *states);
uint64_t states_total(const struct states *states);

/* The index-th state: an outcome per choice. */
void states_get(const struct states *states, uint64_t index, uint32_t *ret_outcomes);

/* Its hash, over names, sizes and bytes. */
uint64_t states_hash(const struct states *states, const uint32_t *outcomes);
/* Make the directory `path` hold it; what else is there is removed. */
void states_write(const struct states *states, const uint32_t *outcomes, const char *path);
/* For people: what reached the disk and what did not. */
void states_print(const struct states *states, const uint32_t *outcomes);

#endif
