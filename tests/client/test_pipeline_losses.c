/* test_pipeline_losses.c - appends in flight when connections, deadlines or answers go wrong. */
#include "flow.h"

/* ---- losses ------------------------------------------------------------------------------------------------------ */

/* Answers 0, 1 and 3 of six, hears the rest, and is gone. */
static void script_cut_midway(struct fake_server *server)
{
    uint32_t ids[6];

    fake_begin(server);
    for (unsigned i = 0; i < 6; i++)
        ids[i] = flow_take(server, i);
    peer_append_ok(server, ids[0], 0, 1);
    peer_append_ok(server, ids[1], 1, 2);
    peer_append_ok(server, ids[3], 3, 4);
    fake_cut(server);
    fake_begin(server);
    if (*(bool *)server->user) {
        fake_expect(server, flow_take(server, 2) == ids[2], "another request id");
        flow_take(server, 4);
        fake_cut(server);
        fake_begin(server);
        peer_append_ok(server, flow_take(server, 2), 2, 3);
        flow_serve(server, 4, 5);
    }
    flow_serve(server, 6, 6);
    fake_gone(server);
}

static void test_appends_with_ids_are_sent_again_in_order(void **state)
{
    bool with_id = true;
    struct fake_server *server = fake_server_start(script_cut_midway, &with_id);
    struct flow flow;

    flow_begin(&flow, server, "");
    flow_submit_some(&flow, 6, with_id);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    flow_submit_some(&flow, 1, with_id);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    flow_assert_ended(&flow, 0, 6, VARVE_OK);
    for (unsigned i = 0; i <= 6; i++)
        assert_int_equal(flow.versions[i], i);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

static void test_appends_without_ids_end_unknown(void **state)
{
    bool with_id = false;
    struct fake_server *server = fake_server_start(script_cut_midway, &with_id);
    struct varve_error error;
    struct flow flow;

    flow_begin(&flow, server, "");
    flow_submit_some(&flow, 6, with_id);
    assert_int_equal(varve_client_drain(flow.client, &error), VARVE_DISCONNECTED);
    assert_int_equal(error.status, VARVE_DISCONNECTED);
    flow_submit_some(&flow, 1, with_id);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    flow_assert_ended(&flow, 0, 1, VARVE_OK);
    flow_assert_ended(&flow, 2, 2, VARVE_DISCONNECTED);
    flow_assert_ended(&flow, 3, 3, VARVE_OK); /* Its answer had come. */
    flow_assert_ended(&flow, 4, 5, VARVE_DISCONNECTED);
    flow_assert_ended(&flow, 6, 6, VARVE_OK);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* Hears the even ones of a mixed pipeline a second time, not the odd ones, which have no ids. */
static void script_mixed(struct fake_server *server)
{
    fake_begin(server);
    for (unsigned i = 0; i < 6; i++)
        flow_take(server, i);
    fake_cut(server);
    fake_begin(server);
    for (unsigned i = 0; i < 6; i += 2)
        peer_append_ok(server, flow_take(server, i), i, i + 1);
    fake_gone(server);
}

static void test_each_append_has_its_own_fate(void **state)
{
    struct fake_server *server = fake_server_start(script_mixed, NULL);
    struct flow flow;

    flow_begin(&flow, server, "");
    for (unsigned i = 0; i < 6; i++)
        flow_submit_some(&flow, 1, i % 2 == 0);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_DISCONNECTED);
    for (unsigned i = 0; i < 6; i++)
        flow_assert_ended(&flow, i, i, i % 2 == 0 ? VARVE_OK : VARVE_DISCONNECTED);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* Stops gracefully: what is done is told, the rest refused, in odd order, and the connection closed. */
static void script_stops(struct fake_server *server)
{
    uint32_t ids[6];

    fake_begin(server);
    for (unsigned i = 0; i < 6; i++)
        ids[i] = flow_take(server, i);
    peer_error(server, ids[2], VARVE_NOT_READY, "stopping");
    peer_append_ok(server, ids[1], 1, 2);
    peer_error(server, ids[4], VARVE_NOT_READY, "stopping");
    peer_append_ok(server, ids[0], 0, 1);
    peer_append_ok(server, ids[3], 3, 4);
    if (*(bool *)server->user) {
        peer_error(server, ids[5], VARVE_NOT_READY, "stopping"); /* None is left: the client need not wait. */
        fake_gone(server);
    } else {
        fake_cut(server);
    }
    fake_begin(server);
    peer_append_ok(server, flow_take(server, 2), 2, 3);
    peer_append_ok(server, flow_take(server, 4), 4, 5);
    if (*(bool *)server->user)
        peer_append_ok(server, flow_take(server, 5), 5, 6);
    fake_gone(server);
}

static void test_a_server_that_stops_leaves_the_rest_to_the_next(void **state)
{
    for (int all_told = 0; all_told <= 1; all_told++) {
        bool told = all_told;
        struct fake_server *server = fake_server_start(script_stops, &told);
        struct flow flow;

        flow_begin(&flow, server, "");
        flow_submit_some(&flow, 6, false); /* Without ids: what was refused was surely not done. */
        assert_int_equal(varve_client_drain(flow.client, NULL), told ? VARVE_OK : VARVE_DISCONNECTED);
        flow_assert_ended(&flow, 0, 4, VARVE_OK);
        flow_assert_ended(&flow, 5, 5, told ? VARVE_OK : VARVE_DISCONNECTED);
        varve_client_free(flow.client);
        fake_server_stop(server);
    }
}

static void script_never_ready(struct fake_server *server)
{
    for (unsigned i = 0; i < 3; i++) {
        fake_begin(server);
        peer_error(server, flow_take(server, 0), VARVE_NOT_READY, "stopping");
        fake_gone(server);
    }
}

static void test_a_server_never_ready_is_given_up(void **state)
{
    struct fake_server *server = fake_server_start(script_never_ready, NULL);
    struct flow flow;

    flow_begin(&flow, server, "&reconnect_attempts=2");
    flow_submit_some(&flow, 1, false);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_NOT_READY);
    flow_assert_ended(&flow, 0, 0, VARVE_NOT_READY);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

static void script_cut_then_nobody(struct fake_server *server)
{
    fake_begin(server);
    fake_nobody(server);
    for (unsigned i = 0; i < 4; i++)
        flow_take(server, i);
    fake_cut(server);
}

static void test_a_server_that_stays_away_ends_them_all(void **state)
{
    struct fake_server *server = fake_server_start(script_cut_then_nobody, NULL);
    struct varve_error error;
    struct flow flow;

    flow_begin(&flow, server, "&reconnect_attempts=2");
    flow_submit_some(&flow, 4, true);
    assert_int_equal(varve_client_drain(flow.client, &error), VARVE_DISCONNECTED);
    flow_assert_ended(&flow, 0, 3, VARVE_DISCONNECTED);
    assert_int_equal(flow_submit(&flow, true, &error), VARVE_UNREACHABLE);
    assert_int_equal(varve_client_in_flight(flow.client), 0);
    assert_int_equal(flow.count, 4);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* A request that kills its server does not do so for ever. */
static void script_always_dies(struct fake_server *server)
{
    for (unsigned i = 0; i < 4; i++) {
        fake_begin(server);
        flow_take(server, 0);
        fake_cut(server);
    }
    fake_begin(server);
    flow_serve(server, 1, 1);
    fake_gone(server);
}

static void test_resending_comes_to_an_end(void **state)
{
    struct fake_server *server = fake_server_start(script_always_dies, NULL);
    struct flow flow;

    flow_begin(&flow, server, "&reconnect_attempts=3");
    flow_submit_some(&flow, 1, true);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_DISCONNECTED);
    flow_submit_some(&flow, 1, true);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    flow_assert_ended(&flow, 0, 0, VARVE_DISCONNECTED);
    flow_assert_ended(&flow, 1, 1, VARVE_OK);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* Cut with requests unread, so that answers get lost on their way too: those appends come again. */
static void script_restarts_often(struct fake_server *server)
{
    unsigned served = 0, number = 0;

    while (served < 500) {
        fake_begin(server);
        for (unsigned i = 0; i < 37 && served < 500; i++) {
            uint32_t id = flow_take_any(server, &number);
            fake_expect(server, number <= served, "an append was left out");
            peer_append_ok(server, id, number, number + 1);
            served = number == served ? served + 1 : served;
        }
        if (served < 500)
            fake_cut(server);
    }
    fake_gone(server);
}

static void test_many_losses_lose_nothing(void **state)
{
    struct fake_server *server = fake_server_start(script_restarts_often, NULL);
    struct flow flow;

    flow_begin(&flow, server, "&reconnect_attempts=100");
    flow_submit_some(&flow, 500, true);
    assert_int_equal(varve_client_drain(flow.client, NULL), VARVE_OK);
    flow_assert_ended(&flow, 0, 499, VARVE_OK);
    for (unsigned i = 0; i < 500; i++)
        assert_int_equal(flow.versions[i], i);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* ---- deadlines --------------------------------------------------------------------------------------------------- */

static void script_never_answers_the_first(struct fake_server *server)
{
    fake_begin(server);
    flow_take(server, 0);
    flow_take(server, 1);
    fake_gone(server);
    fake_begin(server);
    peer_append_ok(server, flow_take(server, 1), 1, 2);
    fake_gone(server);
}

static void test_an_append_whose_time_is_up_ends_alone(void **state)
{
    struct fake_server *server = fake_server_start(script_never_answers_the_first, NULL);
    struct varve_error error;
    struct flow flow;

    flow_begin(&flow, server, "");
    assert_int_equal(varve_client_connect(flow.client, NULL), VARVE_OK); /* Which must not be cut short, too. */
    flow.client->options.request_timeout_ms = 150;
    flow_submit_some(&flow, 1, true);
    flow.client->options.request_timeout_ms = 60000;
    flow_submit_some(&flow, 1, true);
    assert_int_equal(varve_client_drain(flow.client, &error), VARVE_TIMEOUT);
    flow_assert_ended(&flow, 0, 0, VARVE_TIMEOUT);
    flow_assert_ended(&flow, 1, 1, VARVE_OK);
    varve_client_free(flow.client);
    fake_server_stop(server);
}

/* ---- what is not believed ---------------------------------------------------------------------------------------- */

static void script_wrong_id(struct fake_server *server)
{
    fake_begin(server);
    peer_append_ok(server, flow_take(server, 0) + 5, 0, 1);
    fake_listen_until_gone(server);
}
static void script_same_answer_twice(struct fake_server *server)
{
    fake_begin(server);
    flow_take(server, 0);
    uint32_t id = flow_take(server, 1);
    peer_append_ok(server, id, 1, 2);
    peer_append_ok(server, id, 1, 2);
    fake_listen_until_gone(server);
}
static void script_wrong_kind(struct fake_server *server)
{
    fake_begin(server);
    peer_pong(server, flow_take(server, 0));
    fake_listen_until_gone(server);
}
static void script_unreadable(struct fake_server *server)
{
    fake_begin(server);
    size_t frame = varve_wire_begin(&server->out, VARVE_OP_APPEND_OK, flow_take(server, 0));
    varve_wire_end(&server->out, frame);
    fake_send(server);
    fake_listen_until_gone(server);
}
static void script_unreadable_held(struct fake_server *server)
{
    fake_begin(server);
    uint32_t first = flow_take(server, 0);
    size_t frame = varve_wire_begin(&server->out, VARVE_OP_APPEND_OK, flow_take(server, 1));
    varve_wire_end(&server->out, frame);
    fake_send(server);
    peer_append_ok(server, first, 0, 1);
    fake_listen_until_gone(server);
}

static void test_nonsense_ends_all_that_is_in_flight(void **state)
{
    static const struct {
        const char *label;
        void (*script)(struct fake_server *server);
        enum varve_status ends[3];
    } cases[] = {
        { "wrong id", script_wrong_id, { VARVE_PROTOCOL, VARVE_PROTOCOL, VARVE_PROTOCOL } },
        { "the same twice", script_same_answer_twice, { VARVE_PROTOCOL, VARVE_OK, VARVE_PROTOCOL } },
        { "wrong kind", script_wrong_kind, { VARVE_PROTOCOL, VARVE_PROTOCOL, VARVE_PROTOCOL } },
        { "unreadable", script_unreadable, { VARVE_PROTOCOL, VARVE_PROTOCOL, VARVE_PROTOCOL } },
        { "unreadable and early", script_unreadable_held, { VARVE_OK, VARVE_PROTOCOL, VARVE_PROTOCOL } },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(cases[i].script, NULL);
        struct varve_error error = { .message = "" };
        struct flow flow;

        flow_begin(&flow, server, "");
        flow_submit_some(&flow, 3, true);
        CHECK_CASE(varve_client_drain(flow.client, &error) == VARVE_PROTOCOL, cases[i].label);
        CHECK_CASE(error.message[0] != '\0', cases[i].label);
        CHECK_CASE(flow.count == 3, cases[i].label);
        for (unsigned n = 0; n < 3; n++)
            CHECK_CASE(flow.statuses[n] == cases[i].ends[n], cases[i].label);
        varve_client_free(flow.client);
        fake_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_appends_with_ids_are_sent_again_in_order),
        cmocka_unit_test(test_appends_without_ids_end_unknown),
        cmocka_unit_test(test_each_append_has_its_own_fate),
        cmocka_unit_test(test_a_server_that_stops_leaves_the_rest_to_the_next),
        cmocka_unit_test(test_a_server_never_ready_is_given_up),
        cmocka_unit_test(test_a_server_that_stays_away_ends_them_all),
        cmocka_unit_test(test_resending_comes_to_an_end),
        cmocka_unit_test(test_many_losses_lose_nothing),
        cmocka_unit_test(test_an_append_whose_time_is_up_ends_alone),
        cmocka_unit_test(test_nonsense_ends_all_that_is_in_flight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
