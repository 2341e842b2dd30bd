/* kill9_verify.h - holds a served store against the notes of those who wrote to it. */
#ifndef TESTS_CRASH_KILL9_VERIFY_H
#define TESTS_CRASH_KILL9_VERIFY_H

#include "crash/kill9_load.h"
#include "crash/kill9_sagas.h"

/* Read everything and demand: positions dense, versions of each stream dense, every event as it was made, every
 * acknowledged append where its acknowledgement said, and of the sagas' worker what kill9_sagas.h says. With
 * `complete`, nothing besides. Writes the first offence into `fault` and returns false. */
bool verify_served(struct varve_client *client, struct writer writers[LOAD_WRITERS], const struct saga_worker *worker,
                   bool complete, char *fault, size_t room, uint64_t *ret_events);

#endif
