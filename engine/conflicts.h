/* conflicts.h - what stands in an append's way: each of its streams and sagas held against what it was expected to be,
 * and the sentence for people. */
#ifndef ENGINE_CONFLICTS_H
#define ENGINE_CONFLICTS_H

#include "append.h"

/* Does a stream in this state fulfil `expected`? One row of the table in design and docs/guarantees.md. */
bool expectation_holds(int64_t expected, const struct stream_state *state);

/* Note every stream and saga that is in the way in append->conflicts; their states have been looked up. */
void conflicts_collect(struct varve_append *append);
/* One more. WRONG_EXPECTED_VERSION becomes SAGA_CONFLICT where it is about a saga. */
void conflicts_add(struct varve_append *append, uint32_t stream, enum varve_status status);
/* The outcome is that of the first conflict noted. */
void conflicts_conclude(struct varve_append *append);

#endif
