/* consumer.h - what a member of a consumer group consists of. */
#ifndef CLIENT_CONSUMER_H
#define CLIENT_CONSUMER_H

#include "deliveries.h"
#include "feed.h"

struct varve_consumer {
    struct feed feed;                    /* first: its ask() finds the rest by it. RUNNING: it is a member */
    char group[VARVE_MAX_GROUP_NAME + 1];
    char name[VARVE_MAX_CONSUMER_NAME + 1];
    uint32_t max_in_flight;
    bool takeover;
    uint64_t epoch;                      /* of the membership, or of the last one */
    struct deliveries deliveries;

    uint64_t *asked;                     /* positions of the ack under way, */
    struct varve_refused_ack *refused;   /* and those refused of the last one */
    size_t room;                         /* of both */
};

/* A frame to the membership, which can only be events of it: they wait then. PROTOCOL, NO_MEMORY: dropped. */
enum varve_status consumer_take(struct varve_consumer *consumer, const struct varve_frame *frame,
                                struct varve_view body, struct varve_error *error);

#endif
