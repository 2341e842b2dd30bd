/* saga_client.h - what clients say about sagas, in one line each. */
#ifndef TESTS_SERVER_SAGA_CLIENT_H
#define TESTS_SERVER_SAGA_CLIENT_H

#include "fixture.h"

#include "varve/wire_saga.h"

struct varve_saga_change saga_change(enum varve_saga_action action, const char *type, const char *id,
                                     int64_t expected);
/* A transaction of these alone, sent; and answered with TRANSACT_OK. */
void saga_send(struct client *c, uint32_t request_id, const struct varve_saga_change *changes, size_t count);
void saga_do(struct client *c, const struct varve_saga_change *change);
/* At step "first", without a deadline, with the state {"n":1}. */
void saga_begin(struct client *c, const char *type, const char *id);
/* The same with a deadline: so long from now. */
void saga_begin_due(struct client *c, const char *type, const char *id, int64_t in_us);
/* "<prefix>0", ...; in transactions of up to 1,000. */
void saga_begin_many(struct client *c, const char *type, const char *prefix, unsigned count, int64_t deadline_us);

/* Sent, not waited for. */
void saga_send_claim(struct client *c, uint32_t request_id, const char *type, uint32_t limit, uint32_t lease_ms,
                     uint32_t wait_ms);
/* The answer that must come next. */
size_t saga_receive_claim(struct client *c, uint32_t request_id, const struct varve_saga **ret_sagas);
/* Both, without waiting for sagas; how many there were. */
size_t saga_claim(struct client *c, const char *type, uint32_t limit, uint32_t lease_ms,
                  const struct varve_saga **ret_sagas);

/* Of a saga that is there; lives until the next frame. */
struct varve_saga saga_get(struct client *c, const char *type, const char *id);
uint64_t saga_count(struct client *c, const char *type, enum varve_saga_status status);

#endif
