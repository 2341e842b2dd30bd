/* group_client.h - what tests of consumer groups say and hear: a consumer over a client of the fixture.
 *
 * Events may come between a question and its answer; they are kept until they are taken. */
#ifndef TESTS_SERVER_GROUP_CLIENT_H
#define TESTS_SERVER_GROUP_CLIENT_H

#include "fixture.h"

struct delivered {
    uint64_t position;
    uint32_t attempt;
    char stream[64];
};
struct worker {
    struct client *client;
    char group[64];
    uint32_t join_id;
    uint64_t epoch, checkpoint;
    struct delivered *events; /* delivered and not yet taken */
    size_t count;
    uint32_t unanswered;      /* acks of worker_send_ack() */
    bool ended;               /* an ERROR for the membership came: */
    struct varve_error why;
};

/* The defaults, but waiting is short. */
struct varve_group_settings group_test_settings(void);
/* GROUP_CREATE, _UPDATE, ...: the status of the answer. *ret (NULL allowed) lives until the next frame. */
enum varve_status group_ask(struct client *c, uint8_t opcode, const struct varve_group_request *request,
                            struct varve_group_info *ret);
void group_make(struct client *c, const char *group, const struct varve_group_settings *settings); /* after 0 */
struct varve_group_info group_look(struct client *c, const char *group);
enum varve_status group_simple(struct client *c, uint8_t opcode, const char *group); /* only the name is said */

/* A connection of its own, and a membership; VARVE_OK or the reason in worker->why. */
struct worker *worker_try(struct fixture *f, const char *group, const char *name, uint32_t max_in_flight,
                          uint32_t credit_bytes, bool takeover);
struct worker *worker_join(struct fixture *f, const char *group, const char *name, uint32_t max_in_flight);
void worker_free(struct worker *w); /* cuts the connection */
/* The next event; waits for it. */
struct delivered worker_take(struct worker *w);
bool worker_gets_nothing(struct worker *w);
void worker_wait_end(struct worker *w, enum varve_status status);
/* The status of an ack, a nack, an extension of one position. */
enum varve_status worker_ack(struct worker *w, uint64_t position);
enum varve_status worker_nack(struct worker *w, uint64_t position, enum varve_nack action, uint32_t wait_ms,
                              const char *reason);
enum varve_status worker_extend(struct worker *w, uint64_t position, uint32_t by_ms);
/* An ack whose answer is not waited for: it comes when the ack is durable. worker_wait_acks() waits for all of them. */
void worker_send_ack(struct worker *w, uint64_t position);
void worker_wait_acks(struct worker *w);
void worker_credit(struct worker *w, uint32_t bytes);
void worker_cancel(struct worker *w);

/* PARKED_REPLAY or _DISCARD: the count; fails the test when it is refused. */
uint32_t parked_ask(struct client *c, uint8_t opcode, const char *group, uint64_t position, uint32_t limit);
enum varve_status parked_refused(struct client *c, uint8_t opcode, const char *group, uint64_t position);
/* The list lives until the next frame. */
size_t parked_look(struct client *c, const char *group, uint64_t after, uint32_t limit,
                   const struct varve_parked_event **ret, bool *ret_end);

/* How many events of this type a stream has. */
size_t count_events(struct fixture *f, const char *stream, const char *type);
/* Wait until it has so many. */
void wait_for_events(struct fixture *f, const char *stream, const char *type, size_t count);
/* Wait until GROUP_INFO's checkpoint, or the durable one, is at least so high. */
void wait_for_checkpoint(struct fixture *f, const char *group, uint64_t checkpoint);
uint64_t durable_checkpoint(struct fixture *f, const char *group);

#endif
