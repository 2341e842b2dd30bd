/* consumer.h - what a member of a consumer group consists of. */
#ifndef CLIENT_CONSUMER_H
#define CLIENT_CONSUMER_H

#include "deliveries.h"
#include "feed.h"
#include "ledger.h"

struct varve_consumer {
    struct feed feed;                    /* first: its ask() finds the rest by it. RUNNING: it is a member */
    char group[VARVE_MAX_GROUP_NAME + 1];
    char name[VARVE_MAX_CONSUMER_NAME + 1];
    uint32_t max_in_flight;
    bool takeover;
    uint64_t epoch;                      /* of the membership, or of the last one */
    struct deliveries deliveries;

    struct ledger ledger;                /* of what was acked */
    struct varve_conflict *conflicts;    /* acks of a transaction that were refused here; room for so many: */
    size_t conflict_capacity;
};

/* ---- consumer.c ---- */

/* A frame that came while the consumer waited: events of the membership, which are kept, or the answer to an ack.
 * PROTOCOL, NO_MEMORY: dropped. */
enum varve_status consumer_take(struct varve_consumer *consumer, const struct varve_frame *frame,
                                struct varve_view body, struct varve_error *error);

/* ---- acks.c ---- */

/* The answer to an ack that was sent. PROTOCOL, NO_MEMORY: dropped. */
enum varve_status acks_take_answer(struct varve_consumer *consumer, struct ledger_request *request,
                                   const struct varve_frame *frame, struct varve_view body,
                                   struct varve_error *error);

/* May something be said of this work? VARVE_OK, FENCED, NOT_DELIVERED. */
enum varve_status acks_look(struct varve_consumer *consumer, uint64_t position);
enum varve_status acks_say_refused(uint64_t position, enum varve_status status, struct varve_error *error);
/* Waits until one more request of so many positions may be sent; the membership may end meanwhile. TIMEOUT and others:
 * as of varve_consumer_ack(). */
enum varve_status acks_make_way(struct varve_consumer *consumer, size_t count, struct varve_error *error);
/* The answer to request `id`, which was sent. Events and other answers that come before it are taken in. TIMEOUT,
 * DISCONNECTED and others: it will not come, and the membership is lost. */
enum varve_status acks_await(struct varve_consumer *consumer, uint32_t id, struct varve_frame *ret_frame,
                             struct varve_view *ret_body, struct varve_error *error);
/* The connection was dropped for `status`: nobody knows whether answers were on their way. What the call returns. */
enum varve_status acks_say_lost(struct varve_consumer *consumer, enum varve_status status, struct varve_error *error);

#endif
