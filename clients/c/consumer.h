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

#endif
