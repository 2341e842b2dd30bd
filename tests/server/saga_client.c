/* saga_client.c - see saga_client.h. */
#include "saga_client.h"

#include <stdlib.h>

enum { PORTION = 1000, REQUEST = 77 };

struct varve_saga_change saga_change(enum varve_saga_action action, const char *type, const char *id,
                                     int64_t expected)
{
    struct varve_saga_change change = { .action = action, .type = varve_view_str(type), .id = varve_view_str(id),
                                        .expected = expected, .deadline_us = VARVE_TIME_NONE };

    if (action <= VARVE_SAGA_COMPENSATE)
        change.step = varve_view_str("first");
    return change;
}

void saga_send(struct client *c, uint32_t request_id, const struct varve_saga_change *changes, size_t count)
{
    varve_encode_transact(&c->out, request_id,
                          &(struct varve_transact_request){ .sagas = changes, .saga_count = count });
    client_send(c);
}

void saga_do(struct client *c, const struct varve_saga_change *change)
{
    saga_send(c, REQUEST, change, 1);
    client_expect(c, VARVE_OP_TRANSACT_OK, REQUEST);
}

void saga_begin(struct client *c, const char *type, const char *id)
{
    struct varve_saga_change change = saga_change(VARVE_SAGA_BEGIN, type, id, 0);

    change.has_state = true;
    change.state = varve_view_str("{\"n\":1}");
    saga_do(c, &change);
}

void saga_begin_due(struct client *c, const char *type, const char *id, int64_t in_us)
{
    const struct varve_os *os = c->fixture->server.limits.os;
    struct varve_saga_change change = saga_change(VARVE_SAGA_BEGIN, type, id, 0);

    change.deadline_us = os->now_us(os->self) + in_us;
    saga_do(c, &change);
}

void saga_begin_many(struct client *c, const char *type, const char *prefix, unsigned count, int64_t deadline_us)
{
    struct varve_saga_change *changes = calloc(PORTION, sizeof(*changes));
    char(*ids)[32] = calloc(PORTION, sizeof(*ids));

    for (unsigned done = 0, portion; done < count; done += portion) {
        portion = count - done < PORTION ? count - done : PORTION;
        for (unsigned i = 0; i < portion; i++) {
            snprintf(ids[i], sizeof(ids[i]), "%s%u", prefix, done + i);
            changes[i] = saga_change(VARVE_SAGA_BEGIN, type, ids[i], 0);
            changes[i].deadline_us = deadline_us;
        }
        saga_send(c, REQUEST, changes, portion);
        client_expect(c, VARVE_OP_TRANSACT_OK, REQUEST);
    }
    free(changes);
    free(ids);
}

void saga_send_claim(struct client *c, uint32_t request_id, const char *type, uint32_t limit, uint32_t lease_ms,
                     uint32_t wait_ms)
{
    varve_encode_saga_claim(&c->out, request_id,
                            &(struct varve_saga_claim){ .type = varve_view_str(type),
                                                        .step = varve_view_of("", 0),
                                                        .worker = varve_view_str("tester"), .lease_ms = lease_ms,
                                                        .limit = limit, .wait_ms = wait_ms });
    client_send(c);
}

size_t saga_receive_claim(struct client *c, uint32_t request_id, const struct varve_saga **ret_sagas)
{
    size_t count;

    client_expect(c, VARVE_OP_SAGA_CLAIM_OK, request_id);
    assert_int_equal(varve_decode_saga_claim_ok(c->body, c->arena, ret_sagas, &count, NULL), VARVE_OK);
    return count;
}

size_t saga_claim(struct client *c, const char *type, uint32_t limit, uint32_t lease_ms,
                  const struct varve_saga **ret_sagas)
{
    saga_send_claim(c, REQUEST, type, limit, lease_ms, 0);
    return saga_receive_claim(c, REQUEST, ret_sagas);
}

struct varve_saga saga_get(struct client *c, const char *type, const char *id)
{
    struct varve_saga saga;

    varve_encode_saga_get(&c->out, REQUEST, varve_view_str(type), varve_view_str(id));
    client_send(c);
    client_expect(c, VARVE_OP_SAGA_GET_OK, REQUEST);
    assert_int_equal(varve_decode_saga_get_ok(c->body, &saga, NULL), VARVE_OK);
    return saga;
}

uint64_t saga_count(struct client *c, const char *type, enum varve_saga_status status)
{
    struct varve_saga_counts counts;

    varve_encode_saga_counts(&c->out, REQUEST);
    client_send(c);
    client_expect(c, VARVE_OP_SAGA_COUNTS_OK, REQUEST);
    assert_int_equal(varve_decode_saga_counts_ok(c->body, c->arena, &counts, NULL), VARVE_OK);
    for (size_t i = 0; i < counts.count; i++) {
        if (varve_view_equal(counts.types[i].type, varve_view_str(type)))
            return counts.types[i].by_status[status];
    }
    return 0;
}
