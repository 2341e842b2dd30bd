/* outbox_state.h - what an outbox does next: a state machine without I/O, clock, memory or threads.
 *
 * The hands (outbox.c) ask outbox_state_next() for a step, do it, and report how it went. Diagram and table:
 * docs/outbox.md; the rules that must hold always: outbox_state_check(), called after every move. */
#ifndef SERVER_OUTBOX_STATE_H
#define SERVER_OUTBOX_STATE_H

#include "outbox_kafka.h"

enum outbox_step {
    OUTBOX_STEP_WAIT,       /* until todo.until_us, an order, or (when todo.for_events) the log has grown */
    OUTBOX_STEP_LOOK,       /* read the checkpoint without fencing anybody: did somebody else claim it? */
    OUTBOX_STEP_INIT,       /* new producer (the old one destroyed), take the transactional id over */
    OUTBOX_STEP_RECOVER,    /* read the checkpoint and judge it */
    OUTBOX_STEP_CLAIM,      /* a transaction with only the checkpoint: ours, generation + 1 */
    OUTBOX_STEP_PUBLISH,    /* at most todo.max_events behind `position`, and the checkpoint */
    OUTBOX_STEP_SET_ASIDE,  /* the one event at position + 1, which Kafka refused todo.attempts times */
    OUTBOX_STEP_JOB,        /* one portion of what was ordered: retry, discard, replay */
    OUTBOX_STEP_RELEASE,    /* destroy the producer; nothing of it is needed now */
};
struct outbox_todo {
    enum outbox_step step;
    int64_t until_us;       /* WAIT; INT64_MAX: for ever */
    bool for_events;
    uint32_t max_events;    /* PUBLISH */
    uint32_t attempts;      /* SET_ASIDE */
};

struct outbox_report {
    enum outbox_step step;
    enum outbox_result result;
    struct outbox_fault fault;      /* result not DONE */
    enum varve_outbox_halt halt;    /* the hands found what only an operator can mend (log, limit, ...) */
    uint64_t position;              /* RECOVER, PUBLISH, SET_ASIDE: decided up to here now */
    uint64_t generation;            /* LOOK, RECOVER: of the checkpoint found; CLAIM: the one written */
    bool is_foreign;                /* LOOK, RECOVER: its owner is not this process */
    uint32_t events;                /* PUBLISH: sent to Kafka */
    bool committed;                 /* PUBLISH: a transaction was made; false: there was nothing to say */
    bool is_suspect;                /* the instance is not trusted any more */
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
    enum varve_outbox_halt halt;
    char reason[VARVE_MAX_OUTBOX_REASON]; /* of the last failure, or of the halt */
    uint64_t position;              /* decided up to here, as far as this process knows */
    uint64_t generation, seen_generation;
    uint64_t random;                /* for jitter */
    uint32_t failures;              /* in a row; 0: breaker CLOSED */
    int64_t until_us;               /* BACKOFF, REFRESH: not before */
    int64_t last_commit_us;
    int64_t gap_us;                 /* now */
    uint32_t clean;                 /* transactions in a row without the coordinator's backoff */
    uint64_t isolate_until;         /* ISOLATE: last position of the range that failed */
    uint32_t isolate_events;        /* and how many at once */
    uint32_t attempts;              /* of the one event at position + 1, refused with the same code */
    char attempt_code[64];
    bool rebuild;                   /* there was an instance before: look before fencing */
    bool suspect;
    bool jobs;                      /* there is something in the order book */
    bool job_turn;                  /* jobs and batches take turns */
    bool paused, stopping;          /* as ordered */
    /* The author may add what it needs. */
};

void outbox_state_init(struct outbox_state *state, const struct outbox_settings *settings, uint64_t seed);
/* `hint_generation` and `paused` as remembered in the log. */
void outbox_state_start(struct outbox_state *state, uint64_t hint_generation, bool paused);
struct outbox_todo outbox_state_next(const struct outbox_state *state, int64_t now_us, uint64_t head);
void outbox_state_report(struct outbox_state *state, int64_t now_us, uint64_t head, const struct outbox_report *report);

/* Orders; each is taken at once and shows in what next() says. */
void outbox_state_pause(struct outbox_state *state);
void outbox_state_resume(struct outbox_state *state);  /* also from HALTED: begins again with INIT */
void outbox_state_reset(struct outbox_state *state);   /* the hands reset the checkpoint: begin again with INIT */
void outbox_state_stop(struct outbox_state *state);
void outbox_state_set_jobs(struct outbox_state *state, bool jobs);

enum varve_outbox_breaker outbox_state_breaker(const struct outbox_state *state);
void outbox_state_check(const struct outbox_state *state); /* asserts its invariants */

#endif
