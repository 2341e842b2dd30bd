/* test_pipeline.c - appends in flight: order, windows, memory. */
#include "flow.h"

/* ---- order ------------------------------------------------------------------------------------------------------- */

static void script_backwards(struct fake_server *server)
{
    uint32_t ids[8];

    fake_begin(server);
    for (unsigned i = 0; i < 8; i++)
        ids[i] = flow_take(server, i);
    for (unsigned i = 8; i-- > 0;)
        peer_append_ok(server, ids[i], i, i + 1);
    flow_serve(server, 8, 9);
    fake_gone(server);
}

static void test_outcomes_come_in_the_order_of_submission(void **state)
{
    struct fake_server *server = fake_server_start(script_backwards, NULL);
    struct flow flow;

    flow_begin(&flow, server, "");
    flow_submit_some(&flow, 8, true);
    assert_int_equal(varve_client_in_flight(flow.client), 8);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    flow_submit_some(&flow, 2, true);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    assert_int_equal(varve_client_in_flight(flow.client), 0);
    assert_int_equal(flow.submitted, 10);
    flow_assert_ended(&flow, 0, 9, VARVE_OK);
    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(flow.versions[i], i);
    assert_int_equal(flow.inside, VARVE_INVALID_ARGUMENT);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* Holds back until the window is full, then answers in odd orders. */
static void script_window(struct fake_server *server)
{
    uint32_t ids[16];

    fake_begin(server);
    for (unsigned round = 0; round < FLOW_MAX / 16; round++) {
        for (unsigned i = 0; i < 16; i++)
            ids[i] = flow_take(server, round * 16 + i);
        for (unsigned i = 0; i < 16; i++) {
            unsigned j = i * 7 % 16;
            peer_append_ok(server, ids[j], round * 16 + j, round * 16 + j + 1);
        }
    }
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_a_full_window_waits_for_outcomes(void **state)
{
    struct varve_hello_ok hello;
    struct flow flow;

    fake_hello_ok_init(&hello);
    for (int own = 0; own <= 1; own++) {
        hello.max_requests = own ? 1024 : 16;
        struct fake_server *server = fake_server_start_with(script_window, NULL, &hello);
        flow_begin(&flow, server, own ? "&max_in_flight=16" : "");
        for (unsigned i = 0; i < FLOW_MAX / 16 * 16; i++) {
            flow_submit_some(&flow, 1, true);
            assert_true(varve_client_in_flight(flow.client) <= 16);
        }
        assert_int_equal(varve_client_ping(flow.client, NULL, NULL, NULL), VARVE_OK); /* Drains. */
        flow_assert_ended(&flow, 0, flow.submitted - 1, VARVE_OK);
        varve_client_free(flow.client);
        fake_server_stop(server);
    }
}

static void script_serves_100(struct fake_server *server)
{
    fake_begin(server);
    flow_serve(server, 0, 99);
    fake_gone(server);
}

static void test_done_may_submit_the_next(void **state)
{
    struct fake_server *server = fake_server_start(script_serves_100, NULL);
    struct flow flow;

    flow_begin(&flow, server, "&max_in_flight=4");
    flow.submit_more = 96;
    flow_submit_some(&flow, 4, true);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    assert_int_equal(flow.submitted, 100);
    flow_assert_ended(&flow, 0, 99, VARVE_OK);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

static void script_polled(struct fake_server *server)
{
    fake_begin(server);
    uint32_t first = flow_take(server, 0), second = flow_take(server, 1);
    fake_wait_for_sign(server);
    fake_sleep_ms(50); /* So that it mostly waits by then. */
    peer_append_ok(server, first, 0, 1);
    fake_wait_for_sign(server);
    fake_sleep_ms(50);
    peer_append_ok(server, second, 1, 2);
    fake_gone(server);
}

static void test_poll_waits_for_one_outcome_or_its_time(void **state)
{
    struct fake_server *server = fake_server_start(script_polled, NULL);
    struct flow flow;

    flow_begin(&flow, server, "");
    assert_int_equal(varve_client_poll(flow.client, 10, NULL), VARVE_OK); /* Nothing is in flight. */
    flow_submit_some(&flow, 2, true);
    assert_int_equal(varve_client_poll(flow.client, 0, NULL), VARVE_OK);
    assert_int_equal(flow.count, 0);
    fake_sign(server);
    assert_int_equal(varve_client_poll(flow.client, 60000, NULL), VARVE_OK);
    assert_int_equal(flow.count, 1);
    fake_sign(server);
    assert_int_equal(varve_client_poll(flow.client, 60000, NULL), VARVE_OK);
    assert_int_equal(flow.count, 2);
    flow_assert_ended(&flow, 0, 1, VARVE_OK);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

static void script_refuses_one(struct fake_server *server)
{
    const struct varve_conflict conflict = { 0, 0, VARVE_WRONG_EXPECTED_VERSION, 3, 5 };
    struct varve_wire_error said = {
        .error = { .status = VARVE_WRONG_EXPECTED_VERSION, .message = "no" },
        .conflicts = &conflict,
        .conflict_count = 1,
    };

    fake_begin(server);
    flow_serve(server, 0, 0);
    varve_encode_error(&server->out, flow_take(server, 1), &said);
    fake_send(server);
    flow_serve(server, 2, 2);
    fake_gone(server);
}

static void test_a_refused_append_disturbs_no_other(void **state)
{
    struct fake_server *server = fake_server_start(script_refuses_one, NULL);
    struct flow flow;

    flow_begin(&flow, server, "");
    flow_submit_some(&flow, 3, true);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    flow_assert_ended(&flow, 0, 0, VARVE_OK);
    flow_assert_ended(&flow, 1, 1, VARVE_WRONG_EXPECTED_VERSION);
    flow_assert_ended(&flow, 2, 2, VARVE_OK);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void script_serves_large(struct fake_server *server)
{
    fake_begin(server);
    for (unsigned i = 0; i < 200; i++)
        peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), i, i + 1);
    fake_gone(server);
}

static void count_done(void *user, const struct varve_append_outcome *outcome)
{
    assert_int_equal(outcome->status, VARVE_OK);
    ++*(unsigned *)user;
}

static void test_bytes_in_flight_are_bounded(void **state)
{
    static char data[1u << 20];
    struct varve_append_stream stream = { varve_view_str("s"), VARVE_EXPECTED_ANY };
    struct varve_event event = peer_event(0, 0);
    struct fake_server *server = fake_server_start(script_serves_large, NULL);
    struct varve_client *client = peer_client(server, "");
    unsigned count = 0;

    event.content_type = VARVE_CONTENT_OCTET_STREAM;
    event.data = varve_view_of(data, sizeof(data));
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(varve_client_submit(client, &(struct varve_append_request){ &stream, 1, &event, NULL, 1 },
                                             count_done, &count, NULL), VARVE_OK);
        assert_true(client->connection.out.size < (66u << 20));
    }
    assert_int_equal(varve_client_drain(client, NULL), VARVE_OK);
    assert_int_equal(count, 200);
    assert_int_equal(client->connection.out.size, 0);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_hears_and_waits(struct fake_server *server)
{
    fake_begin(server);
    flow_take(server, 0);
    fake_gone(server);
}

static void test_a_client_freed_with_appends_in_flight_tells_nobody(void **state)
{
    struct fake_server *server = fake_server_start(script_hears_and_waits, NULL);
    struct flow flow;

    flow_begin(&flow, server, "");
    flow_submit_some(&flow, 1, true);
    varve_client_free(flow.client);
    assert_int_equal(flow.count, 0);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outcomes_come_in_the_order_of_submission),
        cmocka_unit_test(test_a_full_window_waits_for_outcomes),
        cmocka_unit_test(test_done_may_submit_the_next),
        cmocka_unit_test(test_poll_waits_for_one_outcome_or_its_time),
        cmocka_unit_test(test_a_refused_append_disturbs_no_other),
        cmocka_unit_test(test_bytes_in_flight_are_bounded),
        cmocka_unit_test(test_a_client_freed_with_appends_in_flight_tells_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
