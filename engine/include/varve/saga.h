/* saga.h - sagas: long-running processes whose every transition is an event, and whose newest state is a row.
 *
 * A saga's transitions are events of the stream "$saga-<type>-<id>", written only by varve_transact_create(); its row
 * is a fold of them. Its version is that of its stream: a transition names the version it was decided on (compare and
 * set), so that of two workers who act on the same state one is told.
 *
 *                 STEP                STEP (it is running again)
 *                 +--+          +-------------------------------+
 *                 v  |          v                               |
 *   BEGIN ----> RUNNING --------+--deadline passed--> TIMED_OUT-+-- COMPLETE, FAIL --> COMPLETED, FAILED
 *                 |  +-- COMPLETE, FAIL --> COMPLETED, FAILED   |                           | ARCHIVE
 *                 +-- COMPENSATE --> COMPENSATING <--COMPENSATE-+                           v
 *                      STEP, COMPENSATE: stay; FAIL --> FAILED; deadline passed --> TIMED_OUT
 *                                                                          (no row; the history stays in the log)
 *
 *   action \ status   none       RUNNING       COMPENSATING   TIMED_OUT      COMPLETED, FAILED
 *   BEGIN             RUNNING    -             -              -              -
 *   STEP              -          RUNNING       COMPENSATING   RUNNING        -
 *   COMPENSATE        -          COMPENSATING  COMPENSATING   COMPENSATING   -
 *   COMPLETE          -          COMPLETED     -              COMPLETED      -
 *   FAIL              -          FAILED        FAILED         FAILED         -
 *   TIME_OUT          -          TIMED_OUT     TIMED_OUT      -              -        (only with a deadline)
 *   ARCHIVE           -          -             -              -              no row
 *
 * The event's data is the new state, if there is one; its metadata is a JSON object with `step`, `deadline_us`, `error`
 * and `state` ("new" or "kept"). See docs/sagas.md. */
#ifndef VARVE_SAGA_H
#define VARVE_SAGA_H

#include "varve/store.h"

#define VARVE_SAGA_MAX_TYPE 64u       /* bytes: letters, digits, '_' and '.'; it must not hold a '-' */
#define VARVE_SAGA_MAX_ID 256u        /* bytes of UTF-8 without control characters */
#define VARVE_SAGA_MAX_STEP 128u      /* bytes of UTF-8 without control characters, '"' and '\' */
#define VARVE_SAGA_MAX_ERROR 1024u    /* bytes of UTF-8 */
#define VARVE_SAGA_MAX_STATE (1u << 20) /* bytes */
#define VARVE_SAGA_MAX_TYPES 4096u    /* of one store, ever */
#define VARVE_SAGA_MAX_LIST 1000u     /* rows of one answer */
#define VARVE_SAGA_MAX_CURSOR 128u    /* bytes */

enum varve_saga_status {
    VARVE_SAGA_RUNNING = 0, VARVE_SAGA_COMPENSATING = 1, VARVE_SAGA_TIMED_OUT = 2,
    VARVE_SAGA_COMPLETED = 3, VARVE_SAGA_FAILED = 4,
    VARVE_SAGA_STATUSES = 5 /* how many */
};
#define VARVE_SAGA_UNFINISHED 0x7u    /* bits 1 << status of those that are neither completed nor failed */
const char *varve_saga_status_name(enum varve_saga_status status); /* "running", "compensating", "timed_out", ... */
bool varve_saga_status_parse(struct varve_view text, enum varve_saga_status *ret);

enum varve_saga_action {
    VARVE_SAGA_BEGIN = 0, VARVE_SAGA_STEP = 1, VARVE_SAGA_COMPENSATE = 2, VARVE_SAGA_COMPLETE = 3, VARVE_SAGA_FAIL = 4,
    VARVE_SAGA_ARCHIVE = 5,
    VARVE_SAGA_TIME_OUT = 6,          /* the server's own */
    VARVE_SAGA_ACTIONS = 7
};
const char *varve_saga_action_name(enum varve_saga_action action); /* "begin", "step", ... */

/* One transition, a part of a transaction (transact.h). Views are copied. */
struct varve_saga_change {
    enum varve_saga_action action;
    struct varve_view type, id;
    int64_t expected;                 /* the version it was decided on; VARVE_EXPECTED_STREAM_EXISTS: whatever it is;
                                       * BEGIN: not looked at */
    struct varve_view step;           /* BEGIN (may be empty), STEP, COMPENSATE; else empty */
    bool has_state;                   /* false: the state stays. Not for ARCHIVE and TIME_OUT */
    struct varve_view state;
    enum varve_content_type content_type; /* of the state; JSON and msgpack are checked */
    int64_t deadline_us;              /* BEGIN, STEP, COMPENSATE: each sets it anew; VARVE_TIME_NONE: none */
    struct varve_view error;          /* COMPENSATE and FAIL: why; may be empty. Else empty */
    struct varve_uuid event_id;       /* nil: one is made. With one, a repeated transaction is recognised */
    struct varve_uuid correlation_id; /* BEGIN's is the saga's. nil allowed */
    struct varve_uuid causation_id;
};
/* Everything about it that needs no store: INVALID_ARGUMENT names the field, "<field>.step", ...; `field` such as
 * "sagas[3]". A state that is too large: EVENT_TOO_LARGE. */
enum varve_status varve_saga_change_check(const struct varve_saga_change *change, const char *field,
                                          struct varve_error *error);
/* A type alone: INVALID_ARGUMENT. */
enum varve_status varve_check_saga_type(struct varve_view type, const char *field, struct varve_error *error);
enum varve_status varve_check_saga_id(struct varve_view id, const char *field, struct varve_error *error);
/* "$saga-<type>-<id>" into `ret_name` of at least VARVE_SAGA_MAX_NAME bytes; returns the view of it. */
#define VARVE_SAGA_MAX_NAME (7u + VARVE_SAGA_MAX_TYPE + VARVE_SAGA_MAX_ID)
struct varve_view varve_saga_stream(struct varve_view type, struct varve_view id, char *ret_name);

struct varve_saga {
    struct varve_view type, id, step;
    enum varve_saga_status status;
    int64_t version;                  /* of its stream */
    uint64_t position;                /* of its last event */
    int64_t started_at_us, updated_at_us;
    int64_t completed_at_us, failed_at_us; /* VARVE_TIME_NONE: not */
    int64_t deadline_us;              /* VARVE_TIME_NONE: none */
    struct varve_view error;          /* empty: none */
    struct varve_uuid correlation_id;
    bool has_state;                   /* false: it never had one, or the list was asked without */
    struct varve_view state;
    enum varve_content_type content_type;
};

/* One saga with its state, in one piece of memory: free(*ret_saga). SAGA_NOT_FOUND: never begun, or archived. May touch
 * cold disk, as the next two: not for an event loop. */
enum varve_status varve_saga_get(struct varve_store *store, struct varve_view type, struct varve_view id,
                                 struct varve_saga **ret_saga, struct varve_error *error);

enum varve_saga_order {
    VARVE_SAGA_BY_CHANGE = 0,         /* by type, then status, then who was changed longest ago */
    VARVE_SAGA_BY_DEADLINE = 1,       /* those with a deadline, the next first */
};
struct varve_saga_query {
    enum varve_saga_order order;
    struct varve_view type;           /* empty: all */
    unsigned statuses;                /* bits 1 << enum varve_saga_status; 0: all */
    struct varve_view step;           /* empty: all */
    int64_t updated_before_us;        /* VARVE_TIME_NONE: no bound */
    int64_t deadline_before_us;       /* VARVE_TIME_NONE: no bound */
    bool include_state;
    struct varve_view after;          /* empty: from the beginning; else the `next` of a list of the same query */
    uint32_t limit;                   /* 1-1,000 */
};
void varve_saga_query_init(struct varve_saga_query *query); /* all, by change, limit 100, without states */
struct varve_saga_list {
    struct varve_saga *sagas;
    size_t count;                     /* can be below the limit, even 0, without being the end */
    bool end;
    uint8_t next[VARVE_SAGA_MAX_CURSOR]; /* unless `end` */
    uint32_t next_size;
};
/* In one piece of memory: free(*ret_list). Looks at some 10,000 rows and takes 1 MiB of states, and one state more, at
 * most. Pages are not one view: a saga that changes meanwhile may come twice or, by change, later again; none that
 * stays as it is is skipped. INVALID_ARGUMENT. */
enum varve_status varve_saga_list(struct varve_store *store, const struct varve_saga_query *query,
                                  struct varve_saga_list **ret_list, struct varve_error *error);
/* The cursor behind every saga of this type and status whose last event is at or before `position`, for the `after` of
 * a list of that type BY_CHANGE (cursors are the encoded keys of engine/saga_keys.h); its size. For whoever knows that
 * there is nothing for him up to there: server/saga_claims.c. */
uint32_t varve_saga_cursor(struct varve_view type, enum varve_saga_status status, uint64_t position,
                           uint8_t ret_cursor[VARVE_SAGA_MAX_CURSOR]);

struct varve_saga_count {
    struct varve_view type;
    uint64_t by_status[VARVE_SAGA_STATUSES];
};
struct varve_saga_counts {
    struct varve_saga_count *types;   /* sorted by type; those with nothing left but archived ones included, with 0 */
    size_t count;
};
/* Of all types; the figures are kept, not counted. free(*ret_counts). NO_MEMORY. */
enum varve_status varve_saga_counts(struct varve_store *store, struct varve_saga_counts **ret_counts,
                                    struct varve_error *error);
uint32_t varve_saga_type_count(struct varve_store *store); /* how many they are at most */

#endif
