/* request.h - a request under way: with the committer, with a reader thread, or waiting for its client. */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "varve/status.h"

#include "log.h"

enum { REQUEST_MAX_FIELDS = 3 };

struct session;
struct request;

struct request_kind {
    /* End it now, answering `why`. NULL as `why`: the peer sends no more and nobody waits for an answer, unless the
     * request can still be finished without the peer. Called only while it is not away. NULL: it is always away. */
    void (*stop)(struct request *request, const struct varve_error *why);
    /* There is room again for what it wanted to send. NULL: it never waits for that. */
    void (*room)(struct request *request);
    /* Its client lets it send so many bytes more; also while it is away. NULL: it needs no leave. */
    void (*credit)(struct request *request, uint32_t bytes);
    /* End it, answering `why`, now or, when it is away, once it is back. NULL: CANCEL does not speak about it. */
    void (*cancel)(struct request *request, const struct varve_error *why);
    /* Fields for the log: what it is about, REQUEST_MAX_FIELDS at most; returns how many. NULL: nothing. */
    size_t (*describe)(const struct request *request, struct log_field *ret_fields);
    const char *noun;       /* what CANCEL ends: "read". NULL likewise */
    bool is_subscription;   /* counted in request_list.subscription_count */
};

struct request {
    const struct request_kind *kind;
    struct session *session;
    struct request *next, *previous;
    uint32_t id;
    bool away;              /* in the hands of another thread, which will give it back */
    bool waits_for_peer;    /* only the client can bring it on; see session_wait_for_peer() */
    uint64_t charged_bytes; /* in the budget */

    uint8_t opcode;         /* 0: no client's, or a further part of one */
    enum varve_status status; /* of the ERROR that was its answer, else VARVE_OK */
    uint64_t started_us;
    uint64_t waited_us;     /* for the client, of the time since then; */
    uint64_t waits_since_us; /* since when it does so now; 0: it does not */
};

struct request_list {
    struct request *first, *last; /* in the order they came */
    uint32_t count;
    uint32_t subscription_count;  /* of them: what stays until its client ends it */
};
void request_list_add(struct request_list *list, struct request *request);
void request_list_remove(struct request_list *list, struct request *request);
/* The one with this id that CREDIT and CANCEL can speak about; NULL when there is none. */
struct request *request_list_find(const struct request_list *list, uint32_t id);
/* An ERROR goes out under this id. */
void request_list_note(struct request_list *list, uint32_t id, enum varve_status status);
void request_list_stop(struct request_list *list, const struct varve_error *why);
void request_list_give_room(struct request_list *list);

#endif
