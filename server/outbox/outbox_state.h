/* outbox_state.h - what an outbox does next: a state machine without I/O, clock, memory or threads.
 *
 * The hands (outbox.c) ask outbox_state_next() for a step, do it, and report how it went: every step, WAIT too, for it
 * is the report that lets the machine see that time has passed. Diagram and table: outbox_state.c; the rules that must
 * hold always: outbox_state_check(), called after every move. */
#ifndef SERVER_OUTBOX_STATE_H
#define SERVER_OUTBOX_STATE_H

#include "outbox_kafka.h"

enum outbox_step {
    OUTBOX_STEP_WAIT,       /* until todo.until_us, an order, or (when todo.for_events) the log has grown. May be over
                             * at once: until_us has passed already */
    OUTBOX_STEP_LOOK,       /* read the checkpoint without fencing anybody: did somebody else claim it? */
    OUTBOX_STEP_INIT,       /* new producer (the old one destroyed), take the transactional id over */
    OUTBOX_STEP_RECOVER,    /* read the checkpoint and judge it */
    OUTBOX_STEP_CLAIM,      /* a transaction with only the checkpoint: ours, generation + 1 */
    OUTBOX_STEP_PUBLISH,    /* send at most todo.max_events behind `position`, and the checkpoint */
    OUTBOX_STEP_SET_ASIDE,  /* the event at todo.position, which Kafka refused todo.attempts times; nothing between
                             * `position` and it is to be sent. With a transaction or without, as the hands like */
    OUTBOX_STEP_JOB,        /* one portion of what was ordered: retry, discard, replay. REFUSED: the hands have seen
                             * to it that the next portion is another one */
    OUTBOX_STEP_RELEASE,    /* destroy the producer; nothing of it is needed now */
};
struct outbox_todo {
    enum outbox_step step;
    int64_t until_us;       /* WAIT; INT64_MAX: for ever */
    bool for_events;
    uint32_t max_events;    /* PUBLISH */
    uint64_t position;      /* SET_ASIDE */
    uint32_t attempts;      /* SET_ASIDE */
};

struct outbox_report {
    enum outbox_step step;
    enum outbox_result result;      /* WAIT, RELEASE: DONE, whatever ended it */
    struct outbox_fault fault;      /* result not DONE */
    enum varve_outbox_halt halt;    /* the hands found what only an operator can mend (log, limit, ...): fault.reason */
    uint64_t position;              /* RECOVER, PUBLISH, SET_ASIDE that are DONE: decided up to here now */
    uint64_t generation;            /* LOOK, RECOVER: of the checkpoint found, 0: none; CLAIM: the one written,
                                     * which is seen_generation + 1 */
    bool is_foreign;                /* LOOK, RECOVER: its owner is not this process */
    uint32_t events;                /* PUBLISH: messages of events in the transaction, whatever came of it, */
    uint64_t last_sent;             /* and the position of the last of them; 0: none */
    bool committed;                 /* PUBLISH, SET_ASIDE, JOB: a transaction was made; false: nothing was to be said */
    bool is_suspect;                /* any step: the instance is not trusted any more */
    int64_t first_ack_us;           /* PUBLISH: 0: none */
};

struct outbox_settings {            /* of the configuration, what the machine needs */
    bool transactional;
    uint32_t max_events, far_max_events, far_behind; /* 10,000; 20,000 when more than 100,000 behind */
    int32_t gap_us;                 /* -1: by itself */
    uint32_t poison_attempts;
    bool poison_halts;
    uint64_t backoff_min_us, backoff_max_us;
    uint32_t probe_events;          /* 100 */
    uint32_t config_attempts;       /* 3: MISCONFIGURED so often in a row halts */
};

struct outbox_state {
    struct outbox_settings settings;
    enum varve_outbox_phase phase;
    enum outbox_step due;           /* INIT: LOOK or INIT; RECOVER: RECOVER or CLAIM */
    enum varve_outbox_halt halt;
    char reason[VARVE_MAX_OUTBOX_REASON]; /* of the last failure, or of the halt; empty once all is well again */
    uint64_t position;              /* decided up to here, as far as this process knows */
    uint64_t generation;            /* of our last claim; 0: none */
    uint64_t seen_generation;       /* the highest that was found or claimed */
    uint64_t random;                /* for jitter */

    bool has_instance;              /* there is a producer object */
    bool ready;                     /* it has the transactional id, and the newest checkpoint is ours */
    bool committed;                 /* and has committed something */
    bool suspect;                   /* and is not trusted any more */
    bool rebuild;                   /* this process has read the checkpoint before: look before fencing */
    bool refreshing;                /* the new instance follows one that did its work: an own claim still stands */

    uint32_t failures;              /* in a row; 0: breaker CLOSED */
    uint32_t misconfigured;         /* of these, MISCONFIGURED at the end */
    int64_t until_us;               /* BACKOFF, REFRESH, and ISOLATE before its new instance: not before */
    int64_t last_commit_us;
    int64_t gap_us;                 /* now */
    int64_t ack_baseline_us;        /* what a first acknowledgement takes when nothing is in its way; 0: not known */
    uint32_t clean;                 /* transactions in a row without the coordinator's backoff */

    uint64_t isolate_until;         /* last position of the range that was refused; 0: none is */
    uint64_t isolate_bad;           /* of its smallest part that was refused, somewhere in which it must be */
    uint32_t isolate_events;        /* how many at once */
    uint64_t attempt_position;      /* of the one event that was refused alone; 0: none */
    uint32_t attempts;              /* so often in a row, with the same code: */
    char attempt_code[64];

    bool jobs;                      /* there is something in the order book */
    bool job_turn;                  /* jobs and batches take turns */
    uint32_t job_failures;          /* in a row, so that a job that cannot be done does not hold up the rest */
    int64_t job_until_us;
    bool paused, stopping;          /* as ordered */
};

void outbox_state_init(struct outbox_state *state, const struct outbox_settings *settings, uint64_t seed);
/* `hint_generation` and `paused` as remembered in the log. */
void outbox_state_start(struct outbox_state *state, uint64_t hint_generation, bool paused);
struct outbox_todo outbox_state_next(const struct outbox_state *state, int64_t now_us, uint64_t head);
void outbox_state_report(struct outbox_state *state, int64_t now_us, uint64_t head, const struct outbox_report *report);

/* Orders; each is taken at once and shows in what next() says. Between steps, or while one is under way. */
void outbox_state_pause(struct outbox_state *state);
/* Also from HALTED: begins again with INIT. From SUPERSEDED: takes over, as a process that is started does. */
void outbox_state_resume(struct outbox_state *state);
void outbox_state_reset(struct outbox_state *state);   /* the hands reset the checkpoint: begin again with INIT */
void outbox_state_stop(struct outbox_state *state);    /* STOPPED after the RELEASE that comes next */
void outbox_state_set_jobs(struct outbox_state *state, bool jobs);

enum varve_outbox_breaker outbox_state_breaker(const struct outbox_state *state);
void outbox_state_check(const struct outbox_state *state); /* asserts its invariants */

#endif
