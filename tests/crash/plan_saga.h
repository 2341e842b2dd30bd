/* plan_saga.h - the sagas and checkpoints of the plan: what a transition says, and what its event must look like, told
 * without the engine's own code for it. */
#ifndef TESTS_CRASH_PLAN_SAGA_H
#define TESTS_CRASH_PLAN_SAGA_H

#include "tests/crash/plan.h"
#include "varve/transact.h"

/* Beside enum varve_saga_status: never begun, and gone. */
enum { PLAN_NOT_BEGUN = VARVE_SAGA_STATUSES, PLAN_ARCHIVED };

#define PLAN_MAX_STATE 4096u

/* Three types; ids "4.17": the 17th (from 0) that has place 4. */
struct plan_saga_name {
    char type[8], id[24], stream[48];
};
void plan_saga_name(uint32_t saga, uint32_t generation, struct plan_saga_name *ret_name);
bool plan_parse_saga(struct varve_view stream, uint32_t *ret_saga, uint32_t *ret_generation);

/* What it leads to; -1: it does not fit. */
int plan_next_status(int status, enum varve_saga_action action);
enum varve_saga_action plan_choose_action(int status, bool has_deadline, uint64_t *random);
const char *plan_saga_event_type(enum varve_saga_action action);
bool plan_parse_action(struct varve_view event_type, enum varve_saga_action *ret_action);

/* A transition of this append; `change` points into the rest. */
struct plan_change {
    struct varve_saga_change change;
    struct plan_saga_name name;
    char step[16], error[32];
    char metadata[256]; /* of its event */
    uint8_t state[PLAN_MAX_STATE];
};
void plan_change(uint64_t seed, uint32_t number, uint32_t event_index, uint32_t saga, uint32_t generation,
                 enum varve_saga_action action, int64_t version, struct plan_change *ret_change);

/* The state that an append's transition brings with it, if it has one. */
struct varve_view plan_state(uint64_t seed, uint32_t number, uint8_t state[PLAN_MAX_STATE]);

/* "$checkpoint-0", and the data of its event. */
void plan_checkpoint(uint32_t checkpoint, uint32_t number, char ret_stream[32], char ret_data[32]);
#define PLAN_CHECKPOINT_TYPE "$checkpoint.moved"

#endif
