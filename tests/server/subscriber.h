/* subscriber.h - a subscription as its client sees it, held to what the protocol promises: every position once, in
 * order, nothing skipped that the filter wants. */
#ifndef TESTS_SERVER_SUBSCRIBER_H
#define TESTS_SERVER_SUBSCRIBER_H

#include "fixture.h"

struct subscriber {
    struct client *client;
    uint32_t id;
    uint64_t position;          /* the last one told */
    uint64_t last_event;        /* position of */
    uint64_t events;
    int64_t credit;
    unsigned caught_up, fell_behind, checkpoints, batches;
};

/* Ask, and take SUBSCRIBED. `filter` NULL: everything. */
void subscribe(struct subscriber *subscriber, struct client *client, uint32_t id, const struct varve_filter *filter,
               uint64_t after, uint32_t credit_bytes);
void subscriber_encode(struct client *client, uint32_t id, const struct varve_filter *filter, uint64_t after,
                       uint32_t credit_bytes, uint32_t batch_bytes);
void subscriber_credit(struct subscriber *subscriber, uint32_t bytes);
/* Take the next frame, which must be of this subscription, check it, count it. Its opcode. */
uint8_t subscriber_take(struct subscriber *subscriber);
/* Take frames until so many events have come; until the position is told; until CAUGHT_UP was said so often. */
void subscriber_take_events(struct subscriber *subscriber, uint64_t events);
void subscriber_take_until(struct subscriber *subscriber, uint64_t position);
void subscriber_take_caught_up(struct subscriber *subscriber, unsigned times);
/* Check one frame that the client has received. */
void subscriber_check(struct subscriber *subscriber, const struct varve_frame *frame);

#endif
