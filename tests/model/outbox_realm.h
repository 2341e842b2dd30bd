/* outbox_realm.h - outboxes and a Kafka, as small as they can be and still go wrong in all the ways that real ones do.
 *
 * The machine under test is the real one; the hands are played, one call to Kafka or to the log at a time, so that a
 * crash, another process or a late request can come between any two. Kafka knows one transactional id, epochs, one open
 * transaction, the checkpoint, and what read_committed consumers see. Times pass at once. */
#ifndef TESTS_OUTBOX_REALM_H
#define TESTS_OUTBOX_REALM_H

#include "server/outbox/outbox_state.h"

enum { REALM_EVENTS = 60, REALM_PROCESSES = 2, REALM_SEEN = 3 * REALM_EVENTS };

/* Rules that can be broken on purpose, to see that the checks notice. */
enum broken_rule {
    RULES_KEPT,
    NO_REFRESH,                 /* nobody says that an instance is suspect */
    NO_CLAIM,                   /* claims are not written */
    ANY_FOREIGN_CLAIM_COUNTS,   /* also one that was seen before this process claimed */
    LOOK_BEFORE_THE_FIRST,      /* with what the log remembers of generations */
    CHECKPOINT_APART,           /* in a transaction of its own, behind the events' */
    CHECKPOINT_FIRST,           /* likewise, before them */
    UNKNOWN_IS_DONE,
    UNKNOWN_IS_TRIED_AGAIN,     /* with the same instance, without looking */
    MEMORY_IS_TRUSTED,          /* the position after a rebuild is that of this process */
    FENCED_IS_SUPERSEDED,
    FENCED_IS_IGNORED,          /* no look: whoever is fenced fences back */
    ENVIRONMENT_IS_POISON,
    DEAD_LETTERS_IN_MEMORY_ONLY,
    WAITING_IN_MEMORY_ONLY,
    STREAMS_GO_ON,              /* behind an event that was set aside */
    POISON_IS_DROPPED,
    BROKEN_RULES
};
extern enum broken_rule broken_rule;

struct realm_setup {
    const char *label;
    uint8_t events, head;               /* there are in the end, and at first */
    uint8_t streams[REALM_EVENTS + 2];  /* of each position; 0: nothing is to be sent for it */
    bool poison[REALM_EVENTS + 2];
    uint32_t max_events, poison_attempts;
    bool at_once;                       /* the log remembers a claim at once; else never */
    /* How often in the life of a realm: */
    uint8_t crashes, failures, lost, ghosts, timeouts, pauses, seconds;
};

struct realm_checkpoint {
    uint8_t position, generation, owner;   /* owner 0: there is none */
};

struct realm_kafka {
    uint8_t epoch;
    bool open;                             /* as the coordinator sees it */
    uint8_t pending[REALM_SEEN], pending_count;
    bool has_pending_checkpoint;
    struct realm_checkpoint pending_checkpoint;
    struct realm_checkpoint checkpoint;    /* what read_committed sees, */
    uint8_t visible[REALM_SEEN], visible_count;
    uint8_t ghost_epoch;                   /* of an EndTxn that is still on its way; 0: none */
};

struct realm_process {
    bool alive;
    uint8_t owner, epoch;                  /* epoch of its instance; 0: none */
    struct outbox_state state;
    uint64_t dead;                         /* bits of positions, as it knows */
    /* The step under way: */
    bool busy;
    struct outbox_todo todo;
    uint8_t call;                          /* the next one */
    uint8_t batch[REALM_EVENTS], batch_count, batch_position;
};

struct realm {
    const struct realm_setup *setup;
    uint8_t head, owners;
    uint64_t dead_durable, waiting_durable;
    uint8_t hint_generation;
    struct realm_kafka kafka;
    struct realm_process processes[REALM_PROCESSES];
    uint8_t crashes, failures, lost, ghosts, timeouts, pauses, seconds; /* left */
};

enum realm_outcome {
    GOES_WELL,
    FAILS,          /* the call had no effect, and says so or times out */
    ANSWER_LOST,    /* it had, and nobody knows */
    HAS_A_GHOST,    /* went well after all, but a copy of the request is still on its way */
    IS_LATE,        /* the caller gives up while the request is on its way */
    REALM_OUTCOMES
};

void realm_open(struct realm *realm, const struct realm_setup *setup);
void realm_start_process(struct realm *realm, int which);
bool realm_is_idle(const struct realm *realm, int which); /* waits for events or orders, and none are there */

bool realm_can_go(const struct realm *realm, int which, enum realm_outcome outcome);
void realm_go(struct realm *realm, int which, enum realm_outcome outcome); /* one call of the process */
bool realm_can_crash(const struct realm *realm, int which);
void realm_crash_process(struct realm *realm, int which);
void realm_pause_or_resume(struct realm *realm, int which);
bool realm_ghost_comes(struct realm *realm);    /* false: there is none */
bool realm_times_out(struct realm *realm);      /* the transaction; false: none is open */
bool realm_grows(struct realm *realm);

/* What must hold always. Says what does not, and aborts. */
void realm_judge(const struct realm *realm);
/* No more faults: everything is published, and exactly one process goes on. Spoils the realm. */
void realm_settle(struct realm *realm);

#endif
