/* test_exchange.c - deadlines, reconnecting, and which requests are sent a second time. */
#include "peer.h"

#include <poll.h>

static void pong(struct fake_server *server, uint32_t id, uint64_t last_position)
{
    varve_encode_pong(&server->out, id, 1, last_position);
    fake_send(server);
}

/* One append of one event to one stream, with or without an id. */
static enum varve_status append_one(struct varve_client *client, bool with_id, struct varve_error *error)
{
    struct varve_append_stream stream = { varve_view_str("order-1"), VARVE_EXPECTED_ANY };
    struct varve_event event = { .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE };

    if (with_id)
        event.id.bytes[0] = 1;
    return varve_client_append(client, &(struct varve_append_request){ &stream, 1, &event, NULL, 1 }, NULL, error);
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

/* Takes `*user` requests and closes without an answer, each on its own connection; answers the next. */
static void script_cuts_first(struct fake_server *server)
{
    unsigned cuts = *(unsigned *)server->user;
    uint32_t id = 0;

    for (unsigned i = 0; i <= cuts; i++) {
        fake_begin(server);
        uint32_t again = fake_take(server, VARVE_OP_PING);
        fake_expect(server, id == 0 || id == again, "the request came again as another");
        id = again;
        if (i < cuts)
            fake_cut(server);
    }
    pong(server, id, 7);
    fake_gone(server);
}

static void test_reading_calls_are_repeated(void **state)
{
    unsigned cuts = 4;
    struct fake_server *server = fake_server_start(script_cuts_first, &cuts);
    struct varve_client *client = peer_client(server, "");
    uint64_t last_position = 0;

    assert_int_equal(varve_client_ping(client, NULL, &last_position, NULL), VARVE_OK);
    assert_int_equal(last_position, 7);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_always_cuts(struct fake_server *server)
{
    for (unsigned i = 0; i < 3; i++) {
        fake_begin(server);
        fake_take(server, VARVE_OP_PING);
        fake_cut(server);
    }
    fake_nobody(server);
}

static void test_attempts_are_counted(void **state)
{
    struct fake_server *server = fake_server_start(script_always_cuts, NULL);
    struct varve_client *client = peer_client(server, "&reconnect_attempts=2");
    struct varve_error error;

    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    assert_int_equal(varve_client_ping(client, NULL, NULL, &error), VARVE_DISCONNECTED);
    assert_int_equal(error.status, VARVE_DISCONNECTED);
    fake_server_stop(server);
    assert_int_equal(varve_client_ping(client, NULL, NULL, &error), VARVE_UNREACHABLE);
    varve_client_free(client);
}

static void script_once_then_nobody(struct fake_server *server)
{
    fake_begin(server);
    fake_nobody(server);
    fake_take(server, VARVE_OP_APPEND);
    fake_cut(server);
}

static void test_a_lost_append_is_unknown_not_unreachable(void **state)
{
    for (int with_id = 0; with_id <= 1; with_id++) {
        struct fake_server *server = fake_server_start(script_once_then_nobody, NULL);
        struct varve_client *client = peer_client(server, "&reconnect_attempts=1");
        struct varve_error error;

        assert_int_equal(append_one(client, with_id, &error), VARVE_DISCONNECTED);
        assert_int_equal(varve_client_ping(client, NULL, NULL, &error), VARVE_UNREACHABLE);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

static void script_append_cut_append(struct fake_server *server)
{
    fake_begin(server);
    fake_take(server, VARVE_OP_APPEND);
    fake_cut(server);
    fake_begin(server);
    peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), 0, 1);
    fake_gone(server);
}

static void test_appends_with_ids_are_repeated(void **state)
{
    struct fake_server *server = fake_server_start(script_append_cut_append, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(append_one(client, true, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void test_appends_without_ids_are_not(void **state)
{
    struct fake_server *server = fake_server_start(script_append_cut_append, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(append_one(client, false, NULL), VARVE_DISCONNECTED);
    assert_int_equal(append_one(client, false, NULL), VARVE_OK); /* The next call finds its own way. */
    varve_client_free(client);
    fake_server_stop(server);
}

/* A server that stops says so, and has done nothing: even an append without ids may go to the next. */
static void script_stops(struct fake_server *server)
{
    fake_begin(server);
    peer_error(server, fake_take(server, VARVE_OP_APPEND), VARVE_NOT_READY, "stopping");
    fake_gone(server);
    fake_begin(server);
    peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), 0, 1);
    fake_begin(server);
    fake_take(server, VARVE_OP_APPEND);
    fake_cut(server);
}

static void test_not_ready_is_a_loss_without_doubt(void **state)
{
    struct fake_server *server = fake_server_start(script_stops, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(append_one(client, false, NULL), VARVE_OK);
    connection_drop(&client->connection);
    assert_int_equal(append_one(client, false, NULL), VARVE_DISCONNECTED);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_never_ready(struct fake_server *server)
{
    for (unsigned i = 0; i < 3; i++) {
        fake_begin(server);
        peer_error(server, fake_take(server, VARVE_OP_PING), VARVE_NOT_READY, "stopping");
        fake_gone(server);
    }
}

static void test_a_server_never_ready_is_given_up(void **state)
{
    struct fake_server *server = fake_server_start(script_never_ready, NULL);
    struct varve_client *client = peer_client(server, "&reconnect_attempts=2");

    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_NOT_READY);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_idle_cut_then_append(struct fake_server *server)
{
    fake_begin(server);
    fake_cut(server);
    fake_begin(server);
    peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), 0, 1);
    fake_gone(server);
}

/* A server that restarted while we were idle has not heard the request, so even one without ids goes through. */
static void test_an_idle_loss_costs_nothing(void **state)
{
    struct fake_server *server = fake_server_start(script_idle_cut_then_append, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    while (socket_wait(client->connection.fd, POLLIN, -1, deadline_after(60000)) == 0)
        continue;
    assert_int_equal(append_one(client, false, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void test_a_server_never_met_is_tried_once(void **state)
{
    struct fake_server *server = fake_server_start(fake_nobody, NULL);
    struct varve_client *client = peer_client(server, "&reconnect_delay_ms=60000");
    struct varve_error error;

    fake_server_stop(server); /* From here on nobody is there. */
    assert_int_equal(varve_client_connect(client, &error), VARVE_UNREACHABLE);
    assert_null(varve_client_server(client));
    varve_client_free(client);
}

/* ---- deadlines --------------------------------------------------------------------------------------------------- */

/* Answers the first request only when the client has given it up, then serves the second on a new connection. */
static void script_answers_late(struct fake_server *server)
{
    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_PING);
    fake_wait_for_sign(server);
    pong(server, id, 111);
    fake_begin(server);
    pong(server, fake_take(server, VARVE_OP_PING), 222);
    fake_gone(server);
}

static void test_a_late_answer_is_never_taken_for_another(void **state)
{
    struct fake_server *server = fake_server_start(script_answers_late, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_error error;
    uint64_t last_position = 0;

    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK); /* However long that takes. */
    client->options.request_timeout_ms = 100;
    assert_int_equal(varve_client_ping(client, NULL, &last_position, &error), VARVE_TIMEOUT);
    assert_int_equal(error.status, VARVE_TIMEOUT);
    assert_int_equal(client->connection.state, CONNECTION_DISCONNECTED);
    fake_sign(server);
    client->options.request_timeout_ms = 60000;
    assert_int_equal(varve_client_ping(client, NULL, &last_position, NULL), VARVE_OK);
    assert_int_equal(last_position, 222);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- answers that do not fit ------------------------------------------------------------------------------------- */

static void script_wrong_id(struct fake_server *server)
{
    fake_begin(server);
    pong(server, fake_take(server, VARVE_OP_PING) + 1, 1);
    fake_gone(server);
}
static void script_wrong_opcode(struct fake_server *server)
{
    fake_begin(server);
    varve_encode_read_end(&server->out, fake_take(server, VARVE_OP_PING), 1);
    fake_send(server);
    fake_gone(server);
}
static void script_empty_body(struct fake_server *server)
{
    fake_begin(server);
    size_t frame = varve_wire_begin(&server->out, VARVE_OP_PONG, fake_take(server, VARVE_OP_PING));
    varve_wire_end(&server->out, frame);
    fake_send(server);
    fake_gone(server);
}
static void script_error_that_is_none(struct fake_server *server)
{
    fake_begin(server);
    size_t frame = varve_wire_begin(&server->out, VARVE_OP_ERROR, fake_take(server, VARVE_OP_PING));
    varve_wire_end(&server->out, frame);
    fake_send(server);
    fake_gone(server);
}

static void test_answers_that_do_not_fit_end_the_connection(void **state)
{
    static const struct {
        const char *label;
        void (*script)(struct fake_server *server);
    } cases[] = {
        { "wrong id", script_wrong_id },
        { "wrong opcode", script_wrong_opcode },
        { "empty body", script_empty_body },
        { "an ERROR that cannot be read", script_error_that_is_none },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(cases[i].script, NULL);
        struct varve_client *client = peer_client(server, "");
        struct varve_error error;

        CHECK_CASE(varve_client_ping(client, NULL, NULL, &error) == VARVE_PROTOCOL, cases[i].label);
        CHECK_CASE(client->connection.state == CONNECTION_DISCONNECTED, cases[i].label);
        CHECK_CASE(error.status == VARVE_PROTOCOL && error.message[0] != '\0', cases[i].label);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

static void script_overloaded(struct fake_server *server)
{
    struct varve_wire_error said = {
        .error = { .status = VARVE_OVERLOADED, .message = "full", .retry_after_ms = 55 },
    };

    fake_begin(server);
    varve_encode_error(&server->out, fake_take(server, VARVE_OP_PING), &said);
    fake_send(server);
    pong(server, fake_take(server, VARVE_OP_PING), 1);
    fake_gone(server);
}

static void test_errors_come_back_typed_and_keep_the_connection(void **state)
{
    struct fake_server *server = fake_server_start(script_overloaded, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_error error;

    assert_int_equal(varve_client_ping(client, NULL, NULL, &error), VARVE_OVERLOADED);
    assert_int_equal(error.retry_after_ms, 55);
    assert_string_equal(error.message, "full");
    assert_int_equal(varve_client_ping(client, NULL, NULL, &error), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

/* Refuses a large request by its header, before it has read the rest. */
static void script_refuses_early(struct fake_server *server)
{
    struct varve_wire_error said = { .error = { .status = VARVE_ACCESS_DENIED, .message = "no" } };

    fake_begin(server);
    varve_encode_error(&server->out, 2, &said);
    fake_send(server);
    fake_wait_for_sign(server); /* What is not read stays so until the client has heard. */
    fake_begin(server);
    pong(server, fake_take(server, VARVE_OP_PING), 1);
    fake_gone(server);
}

static void test_the_rest_of_a_refused_request_does_not_follow(void **state)
{
    static char data[7u << 20];
    struct varve_hello_ok hello;
    struct varve_append_stream stream = { varve_view_str("s"), VARVE_EXPECTED_ANY };
    struct varve_event event = {
        .type = varve_view_str("t"),
        .time_us = VARVE_TIME_NONE,
        .content_type = VARVE_CONTENT_OCTET_STREAM,
        .data = { data, sizeof(data) },
    };

    fake_hello_ok_init(&hello);
    hello.max_event_bytes = sizeof(data);
    struct fake_server *server = fake_server_start_with(script_refuses_early, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    assert_int_equal(varve_client_append(client, &(struct varve_append_request){ &stream, 1, &event, NULL, 1 }, NULL,
                                         NULL), VARVE_ACCESS_DENIED);
    fake_sign(server);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading_calls_are_repeated),
        cmocka_unit_test(test_attempts_are_counted),
        cmocka_unit_test(test_a_lost_append_is_unknown_not_unreachable),
        cmocka_unit_test(test_appends_with_ids_are_repeated),
        cmocka_unit_test(test_appends_without_ids_are_not),
        cmocka_unit_test(test_not_ready_is_a_loss_without_doubt),
        cmocka_unit_test(test_a_server_never_ready_is_given_up),
        cmocka_unit_test(test_an_idle_loss_costs_nothing),
        cmocka_unit_test(test_a_server_never_met_is_tried_once),
        cmocka_unit_test(test_a_late_answer_is_never_taken_for_another),
        cmocka_unit_test(test_answers_that_do_not_fit_end_the_connection),
        cmocka_unit_test(test_errors_come_back_typed_and_keep_the_connection),
        cmocka_unit_test(test_the_rest_of_a_refused_request_does_not_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
