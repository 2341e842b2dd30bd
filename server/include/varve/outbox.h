/* outbox.h - the words of outboxes: states, reasons, orders, dead letters. Used by server, wire, clients and tools.
 *
 * An outbox follows the log and publishes its events to Kafka. A server has any number of them, each with a name, a
 * checkpoint (the position up to which every event's fate is decided and durable) and dead letters of its own. */
#ifndef VARVE_OUTBOX_H
#define VARVE_OUTBOX_H

#include "varve/event.h"

#define VARVE_MAX_OUTBOX_NAME 64u       /* bytes: letters, digits, '.', '_' and '-' */
#define VARVE_MAX_OUTBOXES 16u          /* of one server */
#define VARVE_MAX_OUTBOX_REASON 400u    /* bytes, of texts about what went wrong */

enum varve_outbox_mode { VARVE_OUTBOX_EXACTLY_ONCE = 0, VARVE_OUTBOX_AT_LEAST_ONCE = 1 };

/* docs/outbox.md has the diagram and the table. */
enum varve_outbox_phase {
    VARVE_OUTBOX_STOPPED = 0, /* not running */
    VARVE_OUTBOX_INIT = 1,    /* new producer, topics, transactional id taken over */
    VARVE_OUTBOX_RECOVER = 2, /* reads the checkpoint, claims it */
    VARVE_OUTBOX_RUN = 3,
    VARVE_OUTBOX_REFRESH = 4, /* all went well, but over a connection that is not trusted any more: a new producer */
    VARVE_OUTBOX_ISOLATE = 5, /* looks for the event that Kafka refuses, in ever smaller transactions */
    VARVE_OUTBOX_BACKOFF = 6, /* Kafka cannot be reached or does not do it: waits, then tries again */
    VARVE_OUTBOX_PROBE = 7,   /* tries again, with little */
    VARVE_OUTBOX_PAUSED = 8,  /* by order, also over restarts */
    VARVE_OUTBOX_HALTED = 9,  /* cannot go on without an operator: see the reason */
};
#define VARVE_OUTBOX_PHASES 10u

enum varve_outbox_breaker { VARVE_BREAKER_CLOSED = 0, VARVE_BREAKER_OPEN = 1, VARVE_BREAKER_HALF_OPEN = 2 };

enum varve_outbox_halt {
    VARVE_HALT_NONE = 0,
    VARVE_HALT_SUPERSEDED = 1,           /* another process has claimed the checkpoint since */
    VARVE_HALT_DIVERGED = 2,             /* the checkpoint speaks of an event that this log does not have */
    VARVE_HALT_CHECKPOINT_MISSING = 3,   /* there was one, and Kafka has it no more */
    VARVE_HALT_CHECKPOINT_REGRESSED = 4, /* Kafka's is older than one that was seen */
    VARVE_HALT_LOG_CORRUPT = 5,          /* an event cannot be read */
    VARVE_HALT_PARK_LIMIT = 6,           /* more dead letters than allowed */
    VARVE_HALT_POISON = 7,               /* an event that Kafka refuses, and the policy is `halt` */
    VARVE_HALT_PARTITIONS_CHANGED = 8,   /* a topic got more partitions, and the policy is `halt` */
    VARVE_HALT_CONFIG = 9,               /* what Kafka refuses whatever is tried: rights, settings, versions */
};
#define VARVE_HALTS 10u

/* What an operator can order. */
enum varve_outbox_action {
    VARVE_OUTBOX_PAUSE = 0,
    VARVE_OUTBOX_RESUME = 1,  /* also out of HALTED, to look again */
    VARVE_OUTBOX_RESET = 2,   /* the checkpoint is now at `position` (or where `reset_to` says), whatever was before */
    VARVE_OUTBOX_RETRY = 3,   /* dead letters: of `stream`, or all when it is absent */
    VARVE_OUTBOX_DISCARD = 4, /* the dead event at `position`: never to be published; the ones behind it may go on */
    VARVE_OUTBOX_REPLAY = 5,  /* send `position` to `until` again, marked with a header */
};
#define VARVE_OUTBOX_ACTIONS 6u
enum varve_outbox_reset {
    VARVE_RESET_POSITION = 0,   /* to `position`: what is behind it is published (again) */
    VARVE_RESET_HINT = 1,       /* to the newest checkpoint that this log remembers */
    VARVE_RESET_KAFKA_TAIL = 2, /* to the highest position found in the ends of the topics */
};
struct varve_outbox_order {
    enum varve_outbox_action action;
    enum varve_outbox_reset reset_to;   /* RESET */
    uint64_t position;                  /* RESET to POSITION, DISCARD; REPLAY: the first, inclusive */
    uint64_t until;                     /* REPLAY: the last, inclusive; 0: the end of the log now */
    struct varve_view stream;           /* RETRY, REPLAY: only this one; absent: all */
    struct varve_view type;             /* REPLAY: only this type; absent: all */
    struct varve_view reason;           /* written beside it in the outbox's stream; may be absent */
};

/* What became of one event. */
enum varve_outbox_fate {
    VARVE_FATE_PENDING = 0,   /* not yet looked at */
    VARVE_FATE_PUBLISHED = 1,
    VARVE_FATE_FAILED = 2,    /* a dead letter, or waiting behind one */
    VARVE_FATE_FILTERED = 3,  /* by the routes and filters as they are now */
    VARVE_FATE_DISCARDED = 4,
};
#define VARVE_OUTBOX_FATES 5u

/* A stream with events that were set aside. */
struct varve_dead_letter {
    struct varve_view stream;
    uint64_t position;             /* of the first one that waits: the event that was refused */
    uint64_t version;              /* of that event in its stream */
    uint64_t waiting;              /* events set aside, this one included */
    bool skipped;                  /* policy `skip`: later ones of the stream were published */
    uint32_t retry_count;          /* attempts that Kafka answered with a refusal */
    struct varve_view error_code;  /* "MSG_SIZE_TOO_LARGE", ... */
    struct varve_view last_error;  /* a sentence */
    int64_t first_attempt_us;
    int64_t last_attempt_us;
};

/* 1 to VARVE_MAX_OUTBOX_NAME letters, digits, '.', '_' and '-'. INVALID_ARGUMENT. */
enum varve_status varve_check_outbox_name(struct varve_view name, const char *field, struct varve_error *error);

const char *varve_outbox_phase_name(enum varve_outbox_phase phase);       /* "RUN"; NULL: unknown */
const char *varve_outbox_breaker_name(enum varve_outbox_breaker breaker); /* "CLOSED" */
const char *varve_outbox_halt_name(enum varve_outbox_halt halt);          /* "SUPERSEDED"; "NONE" */
const char *varve_outbox_mode_name(enum varve_outbox_mode mode);          /* "exactly_once" */
const char *varve_outbox_fate_name(enum varve_outbox_fate fate);          /* "published" */
const char *varve_outbox_action_name(enum varve_outbox_action action);    /* "pause" */

/* "is_mock", "agrees": 0 or 1 on the wire, where figures are numbers or texts; false or true in JSON. */
bool varve_outbox_figure_is_bool(struct varve_view name);

#endif
