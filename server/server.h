/* server.h - what every part of the server shares: the loop, the store, the limits, the memory, the counts.
 *
 * One of it per process; everything in it belongs to the loop thread unless it says otherwise. */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <uv.h>

#include "varve/store.h"
#include "varve/wire.h"

#include "budget.h"
#include "completions.h"
#include "config.h"
#include "figures.h"
#include "log.h"
#include "output.h"
#include "workers.h"

struct groups;
struct http;
struct metrics;
struct push;
struct outbox_order;
struct outboxes;
struct saga_claims;
struct saga_deadlines;
struct session;
struct snapshot_writer;
struct varve_snapshots;
struct follow;
struct subscription;
struct verification;

enum {
    SERVER_RECEIVE_BYTES = 64 * 1024,          /* read from a socket at a time */
    SERVER_INPUT_FLOOR_BYTES = 128 * 1024,     /* of input every connection may hold outside the budget */
    SERVER_BATCH_BYTES = 256 * 1024,           /* of a read whose client leaves it to us */
    SERVER_MAX_BATCH_BYTES = 1024 * 1024,
    SERVER_MAX_CREDIT_BYTES = 64 * 1024 * 1024,
    SERVER_MAX_READS = 16,                     /* under way on one connection */
    SERVER_MAX_SUBSCRIPTIONS = 1000,           /* likewise, memberships of groups included */
    SERVER_RETRY_AFTER_MS = 50,                /* what OVERLOADED advises */
    SERVER_WORK_QUEUE = 16384,                 /* lookups and new reads waiting for a reader thread */
    SERVER_SPARE_CONNECTIONS = 32,             /* over the limit: only to be told so */
};

struct server {
    uv_loop_t loop;
    const struct config *config;
    struct log log;               /* any thread */
    struct log_repeats log_repeats; /* the log's */
    _Atomic(struct varve_store *) store; /* any thread; NULL: it is being opened */
    _Atomic(const char *) doing;  /* before there is one: "the store is being opened"; any thread */
    bool begun;                   /* server_begin() is done */
    struct varve_options limits;  /* the store's; constant */
    struct varve_uuid database_id;
    uint32_t max_frame_bytes;     /* body of a frame; constant */
    uint64_t started_us;          /* uv_hrtime() / 1000; constant */

    struct completions completions; /* push: any thread */
    struct workers workers;
    struct budget budget;
    struct output_pool pool;
    struct figures figures;       /* reading: any thread */
    struct varve_wire_arena *arena;
    struct groups *groups;        /* groups.h */
    struct http *http;            /* http/http.h; NULL: not listening */
    struct push *push;            /* http/push.h */
    struct metrics *metrics;      /* metrics.h; counting: any thread */
    struct saga_claims *saga_claims;       /* saga_claims.h */
    struct saga_deadlines *saga_deadlines; /* saga_deadlines.h */
    _Atomic(struct outboxes *) outboxes;   /* outboxes.h; any thread */
    struct varve_snapshots *snapshots; /* any thread; NULL: there is no cache */
    struct snapshot_writer *snapshot_writer; /* likewise */

    /* A whole frame has come; `body` lives during the call. Set once at the start, so that sessions need not know who
     * handles what. */
    void (*on_frame)(struct session *session, const struct varve_frame *frame, struct varve_view body);

    uint64_t clock_us;                  /* server_now_us(); 0: nobody has asked since */
    struct {
        uint8_t opcode;           /* of the frame that its handler has in hands; 0: none */
        bool begun;               /* it has become a request under way */
        enum varve_status status; /* of the ERROR that answered it */
        uint64_t started_us;
    } handling;

    struct verification *verifications; /* of outboxes, under way; outbox_verify_request.c */
    struct outbox_order *outbox_orders; /* likewise; outbox_order_request.c */
    uint32_t outbox_order_count;

    struct follow *follow;              /* who reads the log on and on */
    struct subscription *subscriptions; /* all */
    struct session *sessions;      /* all, newest first */
    struct session *touched, *touched_last; /* those to be looked at before the loop sleeps, in order */
    uint32_t session_count;        /* of all, those over the limit and those that are closing included */
    uint64_t session_ids;
    uint64_t refused_logged;       /* of figures.connections_refused, how many the log has told */
    bool rooms_wanted;             /* a read waits for room in the budget */
    bool appends_queued;           /* in this turn; not yet given to the committer */
    uint64_t queued_bytes;         /* of theirs, those of the server itself left out */
    _Atomic bool stopping;         /* new requests get NOT_READY; reading: any thread */
    bool fault_suspected;          /* an outcome spoke of a fault: ask the store */
    uint8_t receive[SERVER_RECEIVE_BYTES];
};

/* uv_hrtime() / 1000, read once for all that happens together: the bytes that a poll found, the outcomes of a group.
 * Loop thread. */
static inline uint64_t server_now_us(struct server *server)
{
    if (server->clock_us == 0)
        server->clock_us = uv_hrtime() / 1000;
    return server->clock_us;
}
/* Time has passed: something was waited for, or is about to be. */
static inline void server_forget_time(struct server *server)
{
    server->clock_us = 0;
}

/* Everything that needs no store, but for the loop's own handles. */
enum varve_status server_init(struct server *server, const struct config *config, const struct log *log,
                              struct varve_error *error);
/* The store is open, which is the caller's and outlives the server: what must be read before it is served is read,
 * which may take seconds. Any thread: the loop may turn, and looks at nothing of the store and of what this fills in
 * (limits, database_id, snapshots, groups, outboxes) before server_begin(). NOT_READY: the server is stopping. On
 * failure nothing may begin; server_end() ends what was read. */
enum varve_status server_load(struct server *server, struct varve_store *store, struct varve_error *error);
/* Everything that works on the store, and was loaded, begins. Loop; quick. On failure nothing may be served;
 * server_end() ends what has begun. */
enum varve_status server_begin(struct server *server, struct varve_store *store, struct varve_error *error);
/* Nobody has anything under way. */
bool server_is_idle(const struct server *server);
/* No session, no request and no thread of the store is left. */
void server_end(struct server *server);

/* The most memory that store and server may use, by the formula of docs/operations.md; the parts are for the log. */
struct server_memory {
    uint64_t engine_bytes, connection_bytes, budget_bytes, decoder_bytes, readers_bytes, sagas_bytes, snapshot_bytes,
        outboxes_bytes, metrics_bytes, http_bytes, total_bytes;
};
void server_memory_bound(const struct server *server, struct server_memory *ret);

#endif
