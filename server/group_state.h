/* group_state.h - a consumer group as a state machine without I/O: events, acks and the clock in, actions out.
 *
 * Knows nothing of sockets, stores or threads; never asks what time it is. Its owner (group.c) carries out what
 * group_state_next_action() says and tells what came of it. The rules it keeps, whatever happens in whatever order, are
 * those of group_state_check(), tried in every order by tests/model:
 *   - events of one key are with at most one consumer, one at a time, in the order of the log
 *   - the checkpoint is below the lowest unfinished event and never goes back (but by a reset)
 *   - an event is finished by an ack of the member it is with, by a skip, by a transaction of that member that was
 *     stored, or when its parking is durable: by nothing else
 *   - what a transaction holds is given to nobody until its outcome is known, whatever becomes of its member
 *   - nothing is with a member who is gone; a member never has more in flight than it may, nor has the group
 *   - an event is parked at most once; a replay of a parked event never moves the checkpoint
 *
 *   one event:  WAITING --deliver--> IN_FLIGHT --ack, skip--> DONE --told--> gone
 *                  ^ ^                   |--nack{retry}, timeout--> RETRYING --due--> WAITING
 *                  | '--member gone,-----|--attempts used up, nack{park}--> PARKING --durable--> DONE
 *                  |    nack{stop}       |--ack or skip of a replay-------> PARKING
 *                  |                     '--hold--> HELD
 *                  '-- only the first unfinished event of its key can be delivered, and what waits for something to be
 *                      durable, or for a transaction, still counts as unfinished
 *   held:       HELD --stored--> DONE;  HELD --not stored--> IN_FLIGHT;  HELD --member gone--> ORPHANED
 *               ORPHANED --stored--> DONE;  ORPHANED --not stored--> WAITING, or PARKING: attempts used up
 *   the group:  RUNNING --nack{stop}--> STOPPED --resume, reset--> RUNNING */
#ifndef SERVER_GROUP_STATE_H
#define SERVER_GROUP_STATE_H

#include "varve/group.h"

struct group_state;

enum {
    GROUP_STATE_MAX_EVENTS = 65536, /* of the log that it holds: delivered, waiting behind their key, retrying, ... */
    GROUP_STATE_MAX_REPLAYS = 1024, /* of parked events, besides */
};

struct group_state_limits {           /* what of the settings concerns the machine */
    uint32_t max_in_flight, consumer_max_in_flight, ack_timeout_ms, max_attempts, backoff_count;
    uint32_t backoff_ms[VARVE_MAX_BACKOFFS];
};

/* Times are milliseconds of any clock that never goes back. `checkpoint`: everything up to there is finished. A reset
 * of the group is a new machine. NULL: no memory. */
struct group_state *group_state_create(const struct group_state_limits *limits, uint64_t checkpoint);
void group_state_free(struct group_state *state); /* releases no events: the owner knows those it gave */
/* Holds from the next delivery on; what is under way keeps its deadline. */
void group_state_set_limits(struct group_state *state, const struct group_state_limits *limits);

/* ---- events from the log ---- */

/* How many more it takes now; 0: ask again after acks. */
uint32_t group_state_room(const struct group_state *state);
/* The next event of the filter, positions ascending. `key` is a hash with which equal keys are equal (unequal ones that
 * collide merely wait for each other); `event` is the owner's and comes back with GROUP_RELEASE. What was ever parked
 * durably, whatever became of it since, is not added again (after a restart from an older checkpoint). False: no
 * memory. */
bool group_state_add(struct group_state *state, uint64_t position, uint64_t key, void *event);
/* Everything up to here was looked at (what matched was added before). */
void group_state_looked_at(struct group_state *state, uint64_t position);
/* A parked event goes to the consumers once more: as the last of its key, attempts counted anew. Never touches the
 * checkpoint. False: no memory, it is held already, or as many replay as may. */
bool group_state_replay(struct group_state *state, uint64_t position, uint64_t key, void *event);

/* ---- members ---- */

/* `epoch` is greater than every one before. max_in_flight 0: as the group is set. */
bool group_state_join(struct group_state *state, uint64_t epoch, uint32_t max_in_flight);
/* What it had goes to others, without waiting; what is held, when it is settled. Its deliveries count as attempts,
 * unless it left politely: then it was well, and only had not come to them. False: no such member. */
bool group_state_leave(struct group_state *state, uint64_t epoch, bool politely);
/* May events be delivered to it now? (It has credit and room.) Members begin unready. Among those that are ready the
 * one with the fewest in flight gets the next event, among equals the one that waited longest. */
void group_state_set_ready(struct group_state *state, uint64_t epoch, bool ready);

/* VARVE_OK; FENCED: not a member, or the event is not with it any more, or it is held; NOT_DELIVERED: never was (as far
 * as is known: what lies between two positions it got, and left the machine, is FENCED). An ack that comes after its
 * deadline, but before group_state_next_action() noticed, counts. */
enum varve_status group_state_ack(struct group_state *state, uint64_t epoch, uint64_t position);
/* What its owner gave with the event at this position; NULL: the machine has none there. */
void *group_state_event(const struct group_state *state, uint64_t position);
/* wait_ms: VARVE_RETRY_BACKOFF or the wish of the consumer. The reason (at most VARVE_MAX_REASON bytes) is kept with
 * the event until it is finished; VARVE_NO_MEMORY: it could not be, and nothing changed. The delivery that a nack{stop}
 * ended does not count as an attempt. */
enum varve_status group_state_nack(struct group_state *state, uint64_t epoch, uint64_t position, enum varve_nack action,
                                   uint32_t wait_ms, struct varve_view reason, uint64_t now_ms);
/* The deadline is `by_ms` from now. */
enum varve_status group_state_extend(struct group_state *state, uint64_t epoch, uint64_t position, uint32_t by_ms,
                                     uint64_t now_ms);

/* A transaction under way is to finish it: until it is settled it stays with its member (and counts as in flight), has
 * no deadline, and nothing else can be said about it. *ret_replay: of a parked event. */
enum varve_status group_state_hold(struct group_state *state, uint64_t epoch, uint64_t position, bool *ret_replay);
/* The outcome. Stored: it is finished; a replay, too: that it is parked no more was stored with it. Not stored: it is
 * with its member again, with a new deadline, or as if its member were lost now. False, and nothing happened: this
 * member's hold of it is not known. (A machine that is put in the place of another does not know what that one held; so
 * a group is not reset meanwhile.) */
bool group_state_settle(struct group_state *state, uint64_t epoch, uint64_t position, bool stored, uint64_t now_ms);

/* ---- what is to be done ---- */

enum group_action_kind {
    GROUP_NOTHING,
    GROUP_DELIVER,   /* `event` to member `epoch`, as attempt `attempt` */
    GROUP_PARK,      /* make durable that `event` is set aside; then group_state_parked(). `reason`, `last_error` */
    GROUP_REPARK,    /* a replay failed as often as it may: it stays parked; then group_state_parked() */
    GROUP_RESOLVE,   /* a replay was acked or skipped: make durable that it is parked no more; then _parked() */
    GROUP_RELEASE,   /* `event` is finished and left the machine: its owner may free it */
    GROUP_STOP,      /* make durable that the group stopped; `last_error` says why. Nothing is delivered from now on */
};
struct group_action {
    enum group_action_kind kind;
    uint64_t position, epoch;
    uint32_t attempt;                /* so far */
    void *event;
    const char *reason;              /* GROUP_PARK, _REPARK: "max_attempts" (the last attempt was nacked), "nack" (as
                                      * the consumer wished), "timeout", "consumer_lost" (both: at the last attempt) */
    struct varve_view last_error;    /* the reason of the last nack; lives until the next call */
    uint64_t first_attempt_ms;
};
/* The next thing to do; call it after every input until it says GROUP_NOTHING. Deadlines and backoffs that have come by
 * `now_ms` count. */
void group_state_next_action(struct group_state *state, uint64_t now_ms, struct group_action *ret);
/* When something falls due by itself: UINT64_MAX for never. */
uint64_t group_state_next_due_ms(const struct group_state *state);
/* The parking, reparking or resolving of this position is durable. False, and nothing happened: nobody asked for it. */
bool group_state_parked(struct group_state *state, uint64_t position);

/* As it was found stopped at start: without a GROUP_STOP. */
void group_state_stop(struct group_state *state);
void group_state_resume(struct group_state *state);
bool group_state_is_stopped(const struct group_state *state);
uint64_t group_state_checkpoint(const struct group_state *state);
uint64_t group_state_position(const struct group_state *state); /* everything up to here was looked at */

struct group_range {
    uint64_t first, last;
};
/* Runs of positions above the checkpoint, ascending, at most `room`: all that is finished lies in them (the first of
 * it, when there are `room`), and nothing that is not. Returns how many. */
size_t group_state_get_finished(const struct group_state *state, struct group_range *ret, size_t room);
/* An event of the log that was not added, because it was finished before this machine began. */
void group_state_note_finished(struct group_state *state, uint64_t position);

struct group_state_figures {
    uint64_t events, in_flight, retrying, replaying, held, acked, redelivered; /* held: orphans included */
    uint64_t reason_bytes; /* of memory for what nacks said, of the events held */
};
void group_state_get_figures(const struct group_state *state, struct group_state_figures *ret);
uint32_t group_state_member_in_flight(const struct group_state *state, uint64_t epoch);

/* Aborts when a rule above does not hold. For tests and the model checker; the server calls it in debug builds. */
void group_state_check(const struct group_state *state);

#endif
