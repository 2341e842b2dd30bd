/* group_world.h - a group machine and the naive model of it, side by side, with what is around them: a log, what of it
 * is durable, a clock. Each thing that can happen is one call: it is done to both, and they must agree. */
#ifndef TESTS_GROUP_WORLD_H
#define TESTS_GROUP_WORLD_H

#include "support/group_model.h"

struct group_world {
    struct group_model model;
    struct group_state *state;
    uint64_t now_ms, last_epoch;
    bool adds_parked_again, adds_stored_again; /* owners who do not keep to their part */
};

void world_begin(struct group_world *world, const struct group_state_limits *limits, const uint64_t *keys,
                 uint32_t count);
void world_end(struct group_world *world);

void world_feed(struct group_world *world); /* the next of the log; it is not at its end */
bool world_is_fed(const struct group_world *world);
void world_replay(struct group_world *world, uint64_t position);
uint64_t world_join(struct group_world *world); /* its epoch; not ready */
void world_leave(struct group_world *world, uint64_t epoch, bool politely);
void world_set_ready(struct group_world *world, uint64_t epoch, bool ready);
/* Of whoever says so, rightly or not. */
void world_ack(struct group_world *world, uint64_t epoch, uint64_t position);
void world_nack(struct group_world *world, uint64_t epoch, uint64_t position, enum varve_nack action,
                uint32_t wait_ms);
void world_extend(struct group_world *world, uint64_t epoch, uint64_t position, uint32_t by_ms);
/* A transaction acks it (may it?); the log has it; what came of it is heard. */
void world_hold(struct group_world *world, uint64_t epoch, uint64_t position);
void world_stored(struct group_world *world, uint64_t position);
void world_settle(struct group_world *world, uint64_t position);
/* Somebody says that a transaction of this member came to an end: only when there is one that is right. */
void world_settle_wrongly(struct group_world *world, uint64_t epoch, uint64_t position, bool stored);
void world_durable(struct group_world *world, uint64_t position);
void world_confirm(struct group_world *world, uint64_t position);
void world_write_checkpoint(struct group_world *world);
void world_crash(struct group_world *world, bool stopped); /* and the next server, from what is durable */
void world_resume(struct group_world *world);

enum group_action_kind world_step(struct group_world *world); /* one next action */
void world_drain(struct group_world *world);                  /* until there is nothing to do */
void world_check(struct group_world *world);
/* From here on everything goes well: does all of the log get finished? */
void world_finish(struct group_world *world);

#endif
