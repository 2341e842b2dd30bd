/* test_append.c - what is refused before it is sent, and what outcomes look like. */
#include "peer.h"

#include "clients/c/append.h"
#include "varve/record.h"

#include <unistd.h>

static const struct varve_append_stream one_stream = { { "order-1", 7 }, VARVE_EXPECTED_ANY };

/* ---- refused here ------------------------------------------------------------------------------------------------ */

static void script_greets_only(struct fake_server *server)
{
    fake_begin(server);
    fake_gone(server);
}

static void test_limits_are_kept_before_anything_is_sent(void **state)
{
    static char data[200];
    const struct varve_event small = peer_event(0, 0);
    struct varve_event large = small;
    struct varve_hello_ok hello;

    large.data = varve_view_of(data, 101 - small.metadata.size);
    fake_hello_ok_init(&hello);
    hello.max_event_bytes = 100;
    hello.max_append_events = 3;
    hello.max_append_bytes = (uint32_t)(2 * varve_record_size(&small));

    const struct varve_event events[] = { small, small, small, small }, larges[] = { small, large };
    const uint32_t astray[] = { 0, 1 };
    const struct {
        const char *label;
        struct varve_append_request request;
        enum varve_status status;
        uint64_t limit;
        const char *field;
    } cases[] = {
        { "too many events", { &one_stream, 1, events, NULL, 4 }, VARVE_APPEND_TOO_LARGE, 3, "" },
        { "too many bytes", { &one_stream, 1, events, NULL, 3 }, VARVE_APPEND_TOO_LARGE, hello.max_append_bytes, "" },
        { "one too large", { &one_stream, 1, larges, NULL, 2 }, VARVE_EVENT_TOO_LARGE, 100, "" },
        { "to a stream it lacks", { &one_stream, 1, events, astray, 2 }, VARVE_INVALID_ARGUMENT, 0, "stream_of" },
        { "to which stream?", { &one_stream, 0, events, NULL, 1 }, VARVE_INVALID_ARGUMENT, 0, "stream_of" },
        { "streams missing", { NULL, 1, events, NULL, 1 }, VARVE_INVALID_ARGUMENT, 0, "streams" },
        { "events missing", { &one_stream, 1, NULL, NULL, 1 }, VARVE_INVALID_ARGUMENT, 0, "events" },
    };

    struct fake_server *server = fake_server_start_with(script_greets_only, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_append_outcome outcome;
        struct varve_error error;

        enum varve_status status = varve_client_append(client, &cases[i].request, &outcome, &error);
        CHECK_CASE(status == cases[i].status, cases[i].label);
        CHECK_CASE(outcome.status == status && error.status == status, cases[i].label);
        CHECK_CASE(error.limit == cases[i].limit, cases[i].label);
        CHECK_CASE(strcmp(error.field, cases[i].field) == 0, cases[i].label);
        CHECK_CASE(varve_client_submit(client, &cases[i].request, NULL, NULL, &error) == status, cases[i].label);
    }
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_takes_exact(struct fake_server *server)
{
    fake_begin(server);
    peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), 1, 2);
    fake_gone(server);
}

static void test_exactly_the_limit_is_sent(void **state)
{
    const struct varve_event events[] = { peer_event(0, 0), peer_event(1, 0) };
    struct varve_hello_ok hello;

    fake_hello_ok_init(&hello);
    hello.max_append_events = 2;
    hello.max_append_bytes = (uint32_t)(2 * varve_record_size(&events[0]));
    struct fake_server *server = fake_server_start_with(script_takes_exact, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    assert_int_equal(varve_client_append(client, &(struct varve_append_request){ &one_stream, 1, events, NULL, 2 },
                                         NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void test_a_frame_above_the_servers_is_not_sent(void **state)
{
    const struct varve_event event = peer_event(0, 0);
    struct varve_hello_ok hello;
    struct varve_error error;

    fake_hello_ok_init(&hello);
    hello.max_frame_bytes = 40;
    struct fake_server *server = fake_server_start_with(script_greets_only, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    assert_int_equal(varve_client_append(client, &(struct varve_append_request){ &one_stream, 1, &event, NULL, 1 },
                                         NULL, &error), VARVE_APPEND_TOO_LARGE);
    assert_int_equal(error.limit, 40);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- repeatable -------------------------------------------------------------------------------------------------- */

static void test_repeatable_is_when_every_event_has_an_id(void **state)
{
    struct varve_event events[] = { peer_event(0, 0), peer_event(1, 0) };
    struct varve_append_request request = { &one_stream, 1, events, NULL, 2 };

    assert_true(append_is_repeatable(&request));
    memset(&events[1].id, 0, sizeof(events[1].id));
    assert_false(append_is_repeatable(&request));
    request.event_count = 1;
    assert_true(append_is_repeatable(&request));
    request.event_count = 0; /* Checks alone change nothing. */
    assert_true(append_is_repeatable(&request));
}

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

static void script_two_streams(struct fake_server *server)
{
    const struct varve_append_result results[] = { { 4, 5, 90, 92 }, { -1, 17, 0, 0 } };
    struct varve_append_request request;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_APPEND);
    fake_expect(server, varve_decode_append(server->body, server->arena, &request, NULL) == VARVE_OK, "not readable");
    fake_expect(server, request.stream_count == 2 && request.event_count == 2, "other counts");
    fake_expect(server, request.streams[1].expected == 17, "another expectation");
    varve_encode_append_ok(&server->out, id, VARVE_OP_APPEND_OK,
                           &(struct varve_append_outcome){ .replayed = true, .results = results, .stream_count = 2 });
    fake_send(server);
    fake_gone(server);
}

static void test_an_outcome_has_every_stream(void **state)
{
    const struct varve_append_stream streams[] = { { { "a", 1 }, 3 }, { { "b", 1 }, 17 } };
    const struct varve_event events[] = { peer_event(0, 0), peer_event(1, 0) };
    const uint32_t stream_of[] = { 0, 0 };
    struct varve_append_outcome outcome;
    struct fake_server *server = fake_server_start(script_two_streams, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(varve_client_append(client, &(struct varve_append_request){ streams, 2, events, stream_of, 2 },
                                         &outcome, NULL), VARVE_OK);
    assert_int_equal(outcome.status, VARVE_OK);
    assert_true(outcome.replayed);
    assert_int_equal(outcome.stream_count, 2);
    assert_int_equal(outcome.results[0].first_version, 4);
    assert_int_equal(outcome.results[0].last_position, 92);
    assert_int_equal(outcome.results[1].first_version, -1);
    assert_int_equal(outcome.results[1].last_version, 17);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_conflict(struct fake_server *server)
{
    const struct varve_conflict conflicts[] = {
        { 0, 0, VARVE_WRONG_EXPECTED_VERSION, 3, 5 },
        { 0, *(uint32_t *)server->user, VARVE_STREAM_TOMBSTONED, -2, 9 },
    };
    struct varve_wire_error said = {
        .error = { .status = VARVE_WRONG_EXPECTED_VERSION, .message = "stream \"a\": expected 3, actual 5" },
        .conflicts = conflicts,
        .conflict_count = 2,
    };

    fake_begin(server);
    varve_encode_error(&server->out, fake_take(server, VARVE_OP_APPEND), &said);
    fake_send(server);
    fake_gone(server);
}

static enum varve_status conflicting(uint32_t index_of_second, struct varve_append_outcome *ret_outcome,
                                     struct varve_client **ret_client)
{
    const struct varve_append_stream streams[] = { { { "a", 1 }, 3 }, { { "b", 1 }, -2 } };
    struct fake_server *server = fake_server_start(script_conflict, &index_of_second);
    struct varve_client *client = peer_client(server, "");
    struct varve_error error;

    enum varve_status status = varve_client_append(client, &(struct varve_append_request){ .streams = streams,
                                                                                          .stream_count = 2 },
                                                   ret_outcome, &error);
    assert_int_equal(error.status, status);
    assert_int_equal(ret_outcome->error.status, status);
    connection_drop(&client->connection);
    fake_server_stop(server);
    *ret_client = client;
    return status;
}

static void test_conflicts_name_every_stream(void **state)
{
    struct varve_append_outcome outcome;
    struct varve_client *client;

    assert_int_equal(conflicting(1, &outcome, &client), VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(outcome.status, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(outcome.conflict_count, 2);
    assert_int_equal(outcome.conflicts[0].expected, 3);
    assert_int_equal(outcome.conflicts[0].actual, 5);
    assert_int_equal(outcome.conflicts[1].stream_index, 1);
    assert_int_equal(outcome.conflicts[1].status, VARVE_STREAM_TOMBSTONED);
    assert_string_equal(outcome.error.message, "stream \"a\": expected 3, actual 5");
    varve_client_free(client);
}

static void test_a_conflict_of_a_stream_we_lack_is_no_answer(void **state)
{
    struct varve_append_outcome outcome;
    struct varve_client *client;

    assert_int_equal(conflicting(2, &outcome, &client), VARVE_PROTOCOL);
    assert_int_equal(outcome.conflict_count, 0);
    varve_client_free(client);
}

static void test_an_answer_for_other_streams_is_no_answer(void **state)
{
    const struct varve_append_stream streams[] = { { { "a", 1 }, 3 }, { { "b", 1 }, 17 } };
    struct fake_server *server = fake_server_start(script_takes_exact, NULL); /* Speaks of one. */
    struct varve_client *client = peer_client(server, "");
    struct varve_append_outcome outcome;

    assert_int_equal(varve_client_append(client, &(struct varve_append_request){ .streams = streams,
                                                                                .stream_count = 2 },
                                         &outcome, NULL), VARVE_PROTOCOL);
    assert_int_equal(client->connection.state, CONNECTION_DISCONNECTED);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- changes of streams ------------------------------------------------------------------------------------------ */

static void script_changes(struct fake_server *server)
{
    struct varve_append_result result = { 0, 0, 12, 12 };
    struct varve_stream_change change;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_STREAM_CHANGE);
    fake_expect(server, varve_decode_stream_change(server->body, &change, NULL) == VARVE_OK, "not readable");
    fake_expect(server, change.kind == VARVE_STREAM_TRUNCATE && change.truncate_before == 6, "another change");
    varve_encode_append_ok(&server->out, id, VARVE_OP_STREAM_CHANGE_OK,
                           &(struct varve_append_outcome){ .results = &result, .stream_count = 1 });
    fake_send(server);
    fake_take(server, VARVE_OP_STREAM_CHANGE);
    fake_cut(server);
    fake_accept(server); /* Not again: its outcome is unknown. */
    fake_gone(server);
}

static void test_stream_changes_are_not_repeated(void **state)
{
    const struct varve_stream_change change = {
        .kind = VARVE_STREAM_TRUNCATE,
        .stream = varve_view_str("order-1"),
        .expected = VARVE_EXPECTED_ANY,
        .truncate_before = 6,
    };
    struct fake_server *server = fake_server_start(script_changes, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_append_outcome outcome;

    assert_int_equal(varve_client_stream_change(client, &change, &outcome, NULL), VARVE_OK);
    assert_int_equal(outcome.results[0].last_position, 12);
    assert_int_equal(varve_client_stream_change(client, &change, &outcome, NULL), VARVE_DISCONNECTED);
    assert_int_equal(outcome.status, VARVE_DISCONNECTED);
    int fd;
    assert_int_equal(socket_connect(&client->url, -1, deadline_after(60000), &fd, NULL), VARVE_OK);
    close(fd);
    varve_client_free(client);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_are_kept_before_anything_is_sent),
        cmocka_unit_test(test_exactly_the_limit_is_sent),
        cmocka_unit_test(test_a_frame_above_the_servers_is_not_sent),
        cmocka_unit_test(test_repeatable_is_when_every_event_has_an_id),
        cmocka_unit_test(test_an_outcome_has_every_stream),
        cmocka_unit_test(test_conflicts_name_every_stream),
        cmocka_unit_test(test_a_conflict_of_a_stream_we_lack_is_no_answer),
        cmocka_unit_test(test_an_answer_for_other_streams_is_no_answer),
        cmocka_unit_test(test_stream_changes_are_not_repeated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
