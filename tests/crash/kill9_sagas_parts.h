/* kill9_sagas_parts.h - what the worker and who verifies its work agree on. */
#ifndef TESTS_CRASH_KILL9_SAGAS_PARTS_H
#define TESTS_CRASH_KILL9_SAGAS_PARTS_H

#include "tests/crash/kill9_sagas.h"

#define SAGAS_EFFECTS "effects-1"
#define SAGAS_TIMER_TYPE "timer"
#define SAGAS_CHECKPOINT_STREAM "$checkpoint-kill9"

/* The parts of a transaction, in the order in which they are stored. */
enum { SAGAS_EFFECT, SAGAS_TRANSITION, SAGAS_TIMER, SAGAS_CHECKPOINT };

struct saga_step {
    uint64_t n;
    uint32_t saga, generation;
    enum varve_saga_action action;
    int64_t version; /* before it */
    int status;      /* after it */
    bool has_state, has_timer;
};
void sagas_lives_begin(struct saga_lives *lives);
struct saga_step sagas_next(struct saga_lives *lives);
struct varve_uuid sagas_id(uint64_t n, uint8_t part);

#endif
