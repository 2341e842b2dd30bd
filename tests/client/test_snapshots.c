/* test_snapshots.c - snapshots put, also pipelined, looked at, deleted; losses, and answers that are none. */
#include "calls.h"

static const struct varve_view order = { "order-1", 7 }, account = { "account", 7 };

static struct varve_snapshot sample(void)
{
    return (struct varve_snapshot){ .stream = order, .version = 41, .type = account, .schema_version = 2,
                                    .created_at_us = 5000, .size = 7, .data = { "{\"a\":1}", 7 } };
}

static struct varve_snapshot_query sample_query(void)
{
    return (struct varve_snapshot_query){ .stream = order, .at_or_below = 50, .type = account, .schema_version = 2 };
}

static struct varve_snapshot_list_request sample_list(void)
{
    return (struct varve_snapshot_list_request){ .prefix = varve_view_str("order-"), .after_version = -1, .limit = 2 };
}

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

static void answer_put(struct fake_server *server, uint32_t id)
{
    varve_encode_snapshot_put_ok(&server->out, id, 7000, 3);
    fake_send(server);
}

static void answer_get(struct fake_server *server, uint32_t id)
{
    struct varve_snapshot snapshot = sample();

    varve_encode_snapshot_get_ok(&server->out, id, &snapshot);
    fake_send(server);
}

static void send_list(struct fake_server *server, uint32_t id, size_t count)
{
    struct varve_snapshot list[] = { sample(), sample(), sample() };

    for (size_t i = 0; i < COUNT_OF(list); i++)
        list[i].data = (struct varve_view){ NULL, 0 };
    varve_encode_snapshot_list_ok(&server->out, id, list, count, false);
    fake_send(server);
}

static void answer_list(struct fake_server *server, uint32_t id)
{
    send_list(server, id, 2);
}

static void answer_delete(struct fake_server *server, uint32_t id)
{
    varve_encode_snapshot_delete_ok(&server->out, id, 12);
    fake_send(server);
}

/* ---- asked and answered ------------------------------------------------------------------------------------------ */

static void script_all(struct fake_server *server)
{
    struct varve_snapshot_list_request list;
    struct varve_snapshot_query query;
    struct varve_snapshot snapshot;
    struct varve_view stream;
    int64_t from, until;
    uint32_t keep;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_SNAPSHOT_PUT);
    fake_expect(server, varve_decode_snapshot_put(server->body, &snapshot, &keep, NULL) == VARVE_OK, "not readable");
    fake_expect(server, keep == 5 && snapshot.version == 41 && varve_view_equal(snapshot.stream, order), "otherwise");
    answer_put(server, id);
    id = fake_take(server, VARVE_OP_SNAPSHOT_GET);
    fake_expect(server, varve_decode_snapshot_get(server->body, &query, NULL) == VARVE_OK, "not readable");
    fake_expect(server, query.at_or_below == 50 && query.schema_version == 2, "another query");
    answer_get(server, id);
    id = fake_take(server, VARVE_OP_SNAPSHOT_LIST);
    fake_expect(server, varve_decode_snapshot_list(server->body, &list, NULL) == VARVE_OK, "not readable");
    fake_expect(server, list.after_version == -1 && list.limit == 2, "another list");
    answer_list(server, id);
    answer_list(server, fake_take(server, VARVE_OP_SNAPSHOT_LIST));
    id = fake_take(server, VARVE_OP_SNAPSHOT_DELETE);
    fake_expect(server, varve_decode_snapshot_delete(server->body, &stream, &from, &until, NULL) == VARVE_OK &&
                from == 3 && until == 40, "deleted otherwise");
    answer_delete(server, id);
    peer_error(server, fake_take(server, VARVE_OP_SNAPSHOT_PUT), VARVE_SNAPSHOT_AHEAD, "the stream is at 40");
    peer_error(server, fake_take(server, VARVE_OP_SNAPSHOT_GET), VARVE_SNAPSHOT_NOT_FOUND, "none");
    fake_gone(server);
}

static void test_each_call(void **state)
{
    const struct varve_snapshot_list_request list = sample_list(), all = { .after_version = -1, .limit = 2 };
    const struct varve_snapshot_query query = sample_query();
    struct varve_snapshot snapshot = sample();
    struct fake_server *server = fake_server_start(script_all, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_snapshot *snapshots;
    struct varve_error error;
    int64_t created_at_us;
    uint64_t deleted;
    uint32_t removed;
    size_t count;
    bool end;

    assert_int_equal(varve_client_snapshot_put(client, &snapshot, 5, &created_at_us, &removed, NULL), VARVE_OK);
    assert_int_equal(created_at_us, 7000);
    assert_int_equal(removed, 3);
    memset(&snapshot, 0, sizeof(snapshot));
    assert_int_equal(varve_client_snapshot_get(client, &query, &snapshot, NULL), VARVE_OK);
    assert_int_equal(snapshot.version, 41);
    assert_true(varve_view_equal(snapshot.data, varve_view_str("{\"a\":1}")));
    assert_int_equal(varve_client_snapshot_list(client, &list, &snapshots, &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(snapshots[1].size, 7);
    assert_false(end);
    assert_int_equal(varve_client_snapshot_list(client, &all, &snapshots, &count, &end, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(varve_client_snapshot_delete(client, order, 3, 40, &deleted, NULL), VARVE_OK);
    assert_int_equal(deleted, 12);
    snapshot = sample();
    assert_int_equal(varve_client_snapshot_put(client, &snapshot, 0, NULL, NULL, &error), VARVE_SNAPSHOT_AHEAD);
    assert_string_equal(error.message, "the stream is at 40");
    assert_int_equal(varve_client_snapshot_get(client, &query, &snapshot, &error), VARVE_SNAPSHOT_NOT_FOUND);
    varve_client_free(client);
    fake_server_stop(server);
}

static void never(void *user, enum varve_status status, const struct varve_error *error)
{
    fail_msg("told of something that was not taken");
}

static void script_greets_only(struct fake_server *server)
{
    fake_begin(server);
    fake_gone(server);
}

static void test_what_is_too_large_is_not_sent(void **state)
{
    static char bytes[VARVE_SNAPSHOT_MAX_BYTES + 1];
    const size_t sizes[] = { sizeof(bytes), 1000 };
    const uint64_t limits[] = { VARVE_SNAPSHOT_MAX_BYTES, 1000 };
    struct varve_hello_ok hello;

    fake_hello_ok_init(&hello);
    hello.max_frame_bytes = 1000;
    struct fake_server *server = fake_server_start_with(script_greets_only, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        struct varve_snapshot snapshot = sample();
        struct varve_error error;

        snapshot.data = varve_view_of(bytes, sizes[i]);
        assert_int_equal(varve_client_snapshot_put(client, &snapshot, 0, NULL, NULL, &error), VARVE_EVENT_TOO_LARGE);
        assert_int_equal(error.limit, limits[i]);
        assert_int_equal(varve_client_submit_snapshot(client, &snapshot, 0, never, NULL, &error),
                         VARVE_EVENT_TOO_LARGE);
    }
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- pipelined --------------------------------------------------------------------------------------------------- */

struct told {
    enum varve_status statuses[4];
    size_t count;
};

static void on_put(void *user, enum varve_status status, const struct varve_error *error)
{
    struct told *told = user;

    assert_int_equal(error->status, status);
    told->statuses[told->count++] = status;
}

static void on_append(void *user, const struct varve_append_outcome *outcome)
{
    struct told *told = user;

    told->statuses[told->count++] = outcome->status;
}

static void script_three_and_a_loss(struct fake_server *server)
{
    fake_begin(server);
    answer_put(server, fake_take(server, VARVE_OP_SNAPSHOT_PUT));
    fake_take(server, VARVE_OP_APPEND);
    fake_take(server, VARVE_OP_SNAPSHOT_PUT);
    fake_cut(server);
    fake_begin(server);
    uint32_t append = fake_take(server, VARVE_OP_APPEND);
    peer_error(server, fake_take(server, VARVE_OP_SNAPSHOT_PUT), VARVE_SNAPSHOT_AHEAD, "the stream is at 40");
    peer_append_ok(server, append, 42, 900);
    uint32_t last = fake_take(server, VARVE_OP_SNAPSHOT_PUT);
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_SNAPSHOT_PUT_OK, last));
    fake_send(server);
    fake_gone(server);
}

static void test_puts_among_appends(void **state)
{
    const struct varve_append_stream stream = { order, VARVE_EXPECTED_ANY };
    const struct varve_event event = peer_event(42, 0);
    const struct varve_snapshot snapshot = sample();
    struct fake_server *server = fake_server_start(script_three_and_a_loss, NULL);
    struct varve_client *client = peer_client(server, "");
    struct told told = { .count = 0 };

    assert_int_equal(varve_client_submit_snapshot(client, &snapshot, 0, on_put, &told, NULL), VARVE_OK);
    assert_int_equal(varve_client_submit(client, &(struct varve_append_request){ &stream, 1, &event, NULL, 1 },
                                         on_append, &told, NULL), VARVE_OK);
    assert_int_equal(varve_client_submit_snapshot(client, &snapshot, 0, on_put, &told, NULL), VARVE_OK);
    assert_int_equal(varve_client_drain(client, NULL), VARVE_OK);
    assert_int_equal(told.count, 3);
    assert_int_equal(told.statuses[0], VARVE_OK);
    assert_int_equal(told.statuses[1], VARVE_OK);
    assert_int_equal(told.statuses[2], VARVE_SNAPSHOT_AHEAD);
    assert_int_equal(varve_client_submit_snapshot(client, &snapshot, 0, on_put, &told, NULL), VARVE_OK);
    varve_client_drain(client, NULL);
    assert_int_equal(told.statuses[3], VARVE_PROTOCOL);
    assert_int_equal(client->connection.state, CONNECTION_DISCONNECTED);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_silent(struct fake_server *server)
{
    fake_begin(server);
    fake_take(server, VARVE_OP_SNAPSHOT_PUT);
    fake_listen_until_gone(server);
}

static void test_silence(void **state)
{
    const struct varve_snapshot snapshot = sample();
    struct fake_server *server = fake_server_start(script_silent, NULL);
    struct varve_client *client = peer_client(server, "");
    struct told told = { .count = 0 };

    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    client->options.request_timeout_ms = 20;
    client->options.reconnect_attempts = 0;
    assert_int_equal(varve_client_submit_snapshot(client, &snapshot, 0, on_put, &told, NULL), VARVE_OK);
    assert_int_equal(varve_client_drain(client, NULL), VARVE_TIMEOUT);
    assert_int_equal(told.statuses[0], VARVE_TIMEOUT);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- answers that are none --------------------------------------------------------------------------------------- */

static enum varve_status call_put(struct varve_client *client, struct varve_error *error)
{
    struct varve_snapshot snapshot = sample();

    return varve_client_snapshot_put(client, &snapshot, 0, NULL, NULL, error);
}

static enum varve_status call_get(struct varve_client *client, struct varve_error *error)
{
    struct varve_snapshot_query query = sample_query();
    struct varve_snapshot snapshot;

    return varve_client_snapshot_get(client, &query, &snapshot, error);
}

static enum varve_status call_list(struct varve_client *client, struct varve_error *error)
{
    struct varve_snapshot_list_request list = sample_list();
    const struct varve_snapshot *snapshots;
    size_t count;
    bool end;

    return varve_client_snapshot_list(client, &list, &snapshots, &count, &end, error);
}

static enum varve_status call_delete(struct varve_client *client, struct varve_error *error)
{
    return varve_client_snapshot_delete(client, order, 0, 9, NULL, error);
}

static void answer_above(struct fake_server *server, uint32_t id)
{
    struct varve_snapshot snapshot = sample();

    snapshot.version = 51;
    varve_encode_snapshot_get_ok(&server->out, id, &snapshot);
    fake_send(server);
}

static void answer_of_another_schema(struct fake_server *server, uint32_t id)
{
    struct varve_snapshot snapshot = sample();

    snapshot.schema_version = 3;
    varve_encode_snapshot_get_ok(&server->out, id, &snapshot);
    fake_send(server);
}

static void answer_list_too_long(struct fake_server *server, uint32_t id)
{
    send_list(server, id, 3);
}

static void answer_list_of_others(struct fake_server *server, uint32_t id)
{
    struct varve_snapshot snapshot = sample();

    snapshot.stream = varve_view_str("orders");
    snapshot.data = (struct varve_view){ NULL, 0 };
    varve_encode_snapshot_list_ok(&server->out, id, &snapshot, 1, true);
    fake_send(server);
}

static void test_answers_that_are_none(void **state)
{
    static const struct call cases[] = {
        { "put: nothing", VARVE_OP_SNAPSHOT_PUT, call_put, answer_with_nothing },
        { "get: nothing", VARVE_OP_SNAPSHOT_GET, call_get, answer_with_nothing },
        { "get: above", VARVE_OP_SNAPSHOT_GET, call_get, answer_above },
        { "get: schema", VARVE_OP_SNAPSHOT_GET, call_get, answer_of_another_schema },
        { "list: nothing", VARVE_OP_SNAPSHOT_LIST, call_list, answer_with_nothing },
        { "list: too long", VARVE_OP_SNAPSHOT_LIST, call_list, answer_list_too_long },
        { "list: others", VARVE_OP_SNAPSHOT_LIST, call_list, answer_list_of_others },
        { "delete: nothing", VARVE_OP_SNAPSHOT_DELETE, call_delete, answer_with_nothing },
        { "delete: another", VARVE_OP_SNAPSHOT_DELETE, call_delete, peer_pong },
    };

    calls_refuse(cases, COUNT_OF(cases));
}

/* ---- losses and memory ------------------------------------------------------------------------------------------- */

static const struct call good[] = {
    { "put", VARVE_OP_SNAPSHOT_PUT, call_put, answer_put },
    { "get", VARVE_OP_SNAPSHOT_GET, call_get, answer_get },
    { "list", VARVE_OP_SNAPSHOT_LIST, call_list, answer_list },
    { "delete", VARVE_OP_SNAPSHOT_DELETE, call_delete, answer_delete },
};
#define REPEATED 3u /* the first ones */

static void test_all_but_deleting_is_repeated(void **state)
{
    calls_survive_a_loss(good, COUNT_OF(good), REPEATED);
}

static void test_memory_that_cannot_be_had(void **state)
{
    calls_survive_no_memory(good, COUNT_OF(good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_call),
        cmocka_unit_test(test_what_is_too_large_is_not_sent),
        cmocka_unit_test(test_puts_among_appends),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_all_but_deleting_is_repeated),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
