/* visited.h - the set of states seen so far, numbered as they came: a table of hashes, and the bytes in full. */
#ifndef TESTS_VISITED_H
#define TESTS_VISITED_H

#include "packed.h"

struct visited_state {
    struct packed packed;
    uint32_t from;     /* the state it was first reached from */
    uint32_t how;      /* by which move */
};
struct visited {
    struct visited_state *states;
    uint32_t *slots;   /* number + 1; 0: empty */
    uint32_t count, capacity, mask;
};

void visited_begin(struct visited *visited);
void visited_end(struct visited *visited);
/* True: it is new. */
bool visited_add(struct visited *visited, const struct visited_state *state);

#endif
