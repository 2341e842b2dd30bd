/* feed.h - a request that the server goes on answering, on a connection of its own: kept alive, asked again on a new
 * connection after a loss, stopped from any thread.
 *
 *   RESTING --feed_start(): asked, and answered as is due--> RUNNING
 *   RUNNING --loss, ERROR to the request, feed_end()--> RESTING      (request_id is 0)
 *
 * A peer that says nothing is asked whether it lives, with a PING; when nothing comes for the request timeout after
 * that, it counts as lost. A request timeout of 0 waits for ever, as with any call. */
#ifndef CLIENT_FEED_H
#define CLIENT_FEED_H

#include "exchange.h"

#include <stdatomic.h>

struct feed {
    struct varve_client *client;      /* its connection serves this feed only */
    void (*ask)(struct feed *feed, struct varve_wire_buffer *out); /* write the request: request_id, credit are set */
    uint8_t due;                      /* the opcode of its first answer */

    uint32_t request_id;              /* on the present connection; 0: none */
    struct credit credit;
    struct patience patience;         /* renewed by every frame behind the first answer */
    uint32_t idle_ms;                 /* a peer that has said nothing for so long is asked whether it lives */
    uint32_t ping_id;                 /* 0: none is out */
    uint64_t pinged_us;

    bool started;                     /* once at least: then */
    struct varve_uuid database_id;    /* is whose log it follows */

    int stop_fd;                      /* an eventfd */
    atomic_bool stopped;
    enum varve_status fault;          /* why it cannot go on: given to every further call, */
    struct varve_error why;           /* with this */
};

/* Of a feed that is all zeros but for `ask` and `due`. Statuses of varve_client_create(); IO when the system has no
 * descriptor left. Whatever it returns, feed_free() ends it. */
enum varve_status feed_init(struct feed *feed, const char *url, const struct varve_client_options *options,
                            struct varve_error *error);
void feed_free(struct feed *feed);

/* From any thread and from signal handlers: what waits, now or later, returns CANCELLED. */
void feed_stop(struct feed *feed);
/* For what must not be interrupted by it. */
void feed_heed_stop(struct feed *feed, bool heed);

/* VARVE_OK; CANCELLED when stopped; the fault that stays. */
enum varve_status feed_check(const struct feed *feed, struct varve_error *error);
/* A call ends with `status`: one that may pass does not stay, and the next call has all attempts again. Returns it. */
enum varve_status feed_fail(struct feed *feed, enum varve_status status, const struct varve_error *error);

/* From RESTING to RUNNING, with as many attempts as the patience has left. *ret_body is that of the first answer. What
 * the server says instead; statuses of client_reach(); CORRUPT: it has another database than before. Faults of this
 * call stay but for CORRUPT and INVALID_ARGUMENT: a later connection may find the right server again. */
enum varve_status feed_start(struct feed *feed, struct varve_view *ret_body, struct varve_error *error);

/* The next frame, ERRORs to the request excepted: those end it, and are returned. TIMEOUT: the deadline
 * passed, nothing is lost. After anything else that is not VARVE_OK, feed_recover() says whether to go on. */
enum varve_status feed_receive(struct feed *feed, uint64_t deadline_us, struct varve_frame *ret_frame,
                               struct varve_view *ret_body, struct varve_error *error);

/* It ended with `status`: shall feed_start() be tried now? Pauses before it says so. */
bool feed_recover(struct feed *feed, enum varve_status status);

/* RUNNING, on a connection that stands? */
bool feed_is_running(struct feed *feed);

/* The request is over; the connection may be in use for others. */
void feed_end(struct feed *feed);

#endif
