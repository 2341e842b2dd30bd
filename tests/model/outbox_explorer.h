/* outbox_explorer.h - all that can happen in a small realm of outboxes, and some of what can happen in a large one. */
#ifndef TESTS_OUTBOX_EXPLORER_H
#define TESTS_OUTBOX_EXPLORER_H

#include "outbox_realm.h"

struct explored {
    uint64_t states, moves;
};
/* Every state that moves lead to, each once; in each the rules hold, and without more faults everything is published.
 * Aborts at the first that is not so, after telling by which moves it was reached. */
struct explored outbox_explore(const struct realm_setup *setup);
/* So many moves as chance will have them, then to the end. */
uint64_t outbox_wander(const struct realm_setup *setup, uint64_t seed, unsigned moves);

#endif
