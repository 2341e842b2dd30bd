/* group_model.h - what a consumer group promises, told so simply that it is obviously right: one small array of events,
 * searched from end to end for every question. It judges a group machine; it does not predict it: where the promise
 * leaves a choice (which key, which member), it says whether the choice was allowed.
 *
 * A broken promise is printed and aborts: whoever wants to go on does this in a child process.
 *
 *   ABSENT --add, replay--> WAITING --deliver--> OUT --nack, timeout--> RETRYING --due--> WAITING
 *                             ^                   |--member gone, stop--> WAITING
 *                             |                   |--park, replay done--> SETTLING --told, durable, confirmed--> ABSENT
 *                             '-- ack, skip: ABSENT '--hold--> HELD --member gone--> ORPHANED
 *   HELD, ORPHANED --settled, stored--> ABSENT;  HELD --settled--> OUT;  ORPHANED --settled--> WAITING, SETTLING */
#ifndef TESTS_GROUP_MODEL_H
#define TESTS_GROUP_MODEL_H

#include "server/group_state.h"

enum { MODEL_EVENTS = 48, MODEL_MEMBERS = 8 };

enum model_state {
    MODEL_ABSENT, MODEL_WAITING, MODEL_OUT, MODEL_RETRYING, MODEL_SETTLING, MODEL_HELD, MODEL_ORPHANED
};
enum model_parked { MODEL_NOT_PARKED, MODEL_PARKED, MODEL_RESOLVED }; /* what the log says of it */

struct model_event {            /* of position index + 1 */
    uint64_t key;               /* 0: the group's filter does not want it */
    enum model_state state;
    enum group_action_kind settling;
    bool replay, told, durable; /* SETTLING: its owner was asked; the log has it */
    uint32_t attempt;
    uint64_t holder;            /* epoch of the member it is with, or was when it became an orphan */
    uint64_t due_ms;            /* OUT, RETRYING */
    uint64_t order;             /* when it was added: less comes first within its key */
    uint32_t unreleased;        /* how often it was finished and not given back yet */
    uint64_t delivered_to;      /* a bit per member slot that had it in this life of the server */
    /* What outlives the server: */
    bool finished;              /* acked, skipped or durably parked, at least once */
    bool stored;                /* a transaction that acked it; of a replay only while it is held */
    enum model_parked parked;
};
struct model_member {
    uint64_t epoch;             /* 0: nobody */
    bool ready;
};
struct group_model {
    struct group_state_limits limits;
    struct model_event events[MODEL_EVENTS];
    uint32_t event_count;       /* of the whole log */
    struct model_member members[MODEL_MEMBERS];
    uint64_t fed, orders;       /* looked at up to there */
    uint64_t durable_checkpoint;
    bool stopped, stop_untold;
};

/* `keys` of the log's events. */
void model_begin(struct group_model *model, const struct group_state_limits *limits, const uint64_t *keys,
                 uint32_t count);
struct model_event *model_event(struct group_model *model, uint64_t position);
struct model_member *model_member(struct group_model *model, uint64_t epoch); /* NULL: none */
uint64_t model_checkpoint(const struct group_model *model);
uint32_t model_in_flight(const struct group_model *model, uint64_t epoch); /* of all members: epoch 0 */
uint64_t model_next_due(const struct group_model *model);

/* What goes in. */
void model_add(struct group_model *model, uint64_t position, bool replay);
void model_join(struct group_model *model, uint64_t epoch);
void model_leave(struct group_model *model, uint64_t epoch, bool politely);
enum varve_status model_hold(struct group_model *model, uint64_t epoch, uint64_t position);
void model_ack(struct group_model *model, uint64_t position);
void model_nack(struct group_model *model, uint64_t position, enum varve_nack action, uint32_t wait_ms,
                uint64_t now_ms);
/* A transaction acks it; the log has the transaction; the machine is told what came of it. */
void model_hold_begin(struct group_model *model, uint64_t position);
void model_stored(struct group_model *model, uint64_t position);
void model_hold_end(struct group_model *model, uint64_t position, uint64_t now_ms);
bool model_is_held(const struct model_event *event); /* by a transaction */
void model_time(struct group_model *model, uint64_t now_ms);
void model_durable(struct group_model *model, uint64_t position);   /* the log has what was asked for */
void model_confirm(struct group_model *model, uint64_t position);   /* and the machine was told */
void model_write_checkpoint(struct group_model *model);
void model_crash(struct group_model *model, bool stopped);          /* what is not durable is gone */

/* What comes out. */
void model_judge(struct group_model *model, const struct group_action *action, uint64_t now_ms);
/* Is the machine in the state it must be in, event by event? */
void model_compare(struct group_model *model, const struct group_state *state);

void model_fail(const char *promise, uint64_t position) __attribute__((noreturn));

#endif
