/* flow.c - see flow.h. */
#include "flow.h"

static void on_done(void *user, const struct varve_append_outcome *outcome)
{
    struct flow_ticket *ticket = user;
    struct flow *flow = ticket->flow;
    unsigned i = flow->count++;

    assert_true(i < FLOW_MAX);
    flow->numbers[i] = ticket->number;
    flow->statuses[i] = outcome->status;
    flow->versions[i] = outcome->status == VARVE_OK ? outcome->results[0].first_version : -1;
    assert_int_equal(outcome->error.status, outcome->status);
    flow->inside = varve_client_poll(flow->client, 0, NULL);
    assert_int_equal(varve_client_ping(flow->client, NULL, NULL, NULL), VARVE_INVALID_ARGUMENT);
    if (flow->submit_more > 0) {
        flow->submit_more--;
        assert_int_equal(flow_submit(flow, true, NULL), VARVE_OK);
    }
}

enum varve_status flow_submit(struct flow *flow, bool with_id, struct varve_error *error)
{
    unsigned number = flow->submitted;
    struct varve_append_stream stream = { varve_view_str("order-1"), VARVE_EXPECTED_ANY };
    struct varve_event event = peer_event(number, 0);

    assert_true(number < FLOW_MAX);
    event.schema_version = number;
    if (!with_id)
        memset(&event.id, 0, sizeof(event.id));
    flow->tickets[number] = (struct flow_ticket){ flow, number };
    enum varve_status status = varve_client_submit(flow->client,
                                                   &(struct varve_append_request){ &stream, 1, &event, NULL, 1 },
                                                   on_done, &flow->tickets[number], error);
    flow->submitted += status == VARVE_OK;
    return status;
}

void flow_submit_some(struct flow *flow, unsigned count, bool with_id)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(flow_submit(flow, with_id, NULL), VARVE_OK);
}

void flow_begin(struct flow *flow, struct fake_server *server, const char *query)
{
    memset(flow, 0, sizeof(*flow));
    flow->client = peer_client(server, query);
}

void flow_assert_ended(const struct flow *flow, unsigned first, unsigned last, enum varve_status status)
{
    assert_int_equal(flow->count, flow->submitted);
    for (unsigned i = 0; i < flow->count; i++)
        assert_int_equal(flow->numbers[i], i);
    for (unsigned i = first; i <= last; i++)
        assert_int_equal(flow->statuses[i], status);
}

uint32_t flow_take_any(struct fake_server *server, unsigned *ret_number)
{
    struct varve_append_request request;
    uint32_t id = fake_take(server, VARVE_OP_APPEND);

    fake_expect(server, varve_decode_append(server->body, server->arena, &request, NULL) == VARVE_OK, "not readable");
    *ret_number = request.events[0].schema_version;
    return id;
}

uint32_t flow_take(struct fake_server *server, unsigned expected)
{
    unsigned number;
    uint32_t id = flow_take_any(server, &number);

    fake_expect(server, number == expected, "not the append that was due");
    return id;
}

void flow_serve(struct fake_server *server, unsigned first, unsigned last)
{
    for (unsigned i = first; i <= last; i++)
        peer_append_ok(server, flow_take(server, i), i, i + 1);
}
