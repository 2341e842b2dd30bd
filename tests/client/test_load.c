/* test_load.c - loading streams: snapshots, events and versions, in order, in portions, against credit. */
#include "loads.h"



/* ---- without losses ---------------------------------------------------------------------------------------------- */

static void script_four_streams(struct fake_server *server)
{
    struct varve_load_request request;

    fake_begin(server);
    uint32_t id = load_take(server, 4, &request);
    fake_expect(server, varve_view_equal(request.streams[1], gone), "another stream");
    fake_expect(server, varve_view_equal(request.type, account) && request.schema_version == 2, "another type");
    fake_expect(server, !request.no_snapshots, "no snapshots");
    fake_expect(server, request.credit_bytes == 4u << 20 && request.batch_bytes == 512u << 10, "other credit");
    load_send(server, id, 0, 9, 3);
    peer_batch(server, id, 3, 5, 6);
    varve_encode_read_batch(&server->out, id, &(struct varve_batch){ .next = 6 });
    fake_send(server);
    peer_batch(server, id, 6, 9, 10);
    load_send_gone(server, id, 1);
    load_send(server, id, 2, 4, 5);
    load_send(server, id, 3, 1, 0);
    peer_batch(server, id, 0, 1, 2);
    peer_read_end(server, id);
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_a_load_from_its_open_to_its_close(void **state)
{
    const struct varve_view streams[] = { order, gone, order, order };
    const struct varve_load_wanted wanted = load_wanted_accounts();
    struct fake_server *server = fake_server_start(script_four_streams, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;
    struct varve_loaded loaded;
    struct varve_error error;

    assert_int_equal(varve_client_load_stream(client, &loaded, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_load_open(client, streams, 4, &wanted, NULL), VARVE_OK);
    assert_int_equal(varve_client_load_open(client, streams, 4, &wanted, NULL), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_ping(client, NULL, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_submit(client, NULL, NULL, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK); /* Of no stream yet. */
    assert_null(event);
    load_expect_stream(client, 0, 9, 3);
    load_expect_events(client, 3, 9);
    assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_OK);
    assert_true(loaded.more && loaded.index == 1 && loaded.status == VARVE_STREAM_NOT_FOUND);
    assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK);
    assert_null(event);
    load_expect_stream(client, 2, 4, 5); /* All in the snapshot. */
    load_expect_events(client, 1, 0);
    load_expect_stream(client, 3, 1, 0);
    load_expect_events(client, 0, 1);
    load_expect_end(client);
    varve_client_load_close(client);
    varve_client_load_close(client);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void test_what_was_not_taken_is_passed_over(void **state)
{
    const struct varve_view streams[] = { order, gone, order, order };
    const struct varve_load_wanted wanted = load_wanted_accounts();
    struct fake_server *server = fake_server_start(script_four_streams, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;
    struct varve_loaded loaded;

    assert_int_equal(varve_client_load_open(client, streams, 4, &wanted, NULL), VARVE_OK);
    load_expect_stream(client, 0, 9, 3);
    assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK);
    assert_int_equal(event->version, 3);
    assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_OK);
    assert_int_equal(loaded.index, 1);
    load_expect_stream(client, 2, 4, 5);
    load_expect_stream(client, 3, 1, 0);
    load_expect_end(client);
    varve_client_load_close(client);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_portions(struct fake_server *server)
{
    const size_t counts[] = { VARVE_MAX_LOAD_STREAMS, 500 };
    struct varve_load_request request;

    fake_begin(server);
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        uint32_t id = load_take(server, counts[i], &request);

        for (uint32_t index = 0; index < counts[i]; index++) {
            load_send(server, id, index, 0, 0);
            peer_batch(server, id, 0, 0, 1);
        }
        peer_read_end(server, id);
    }
    fake_gone(server);
}

static void test_many_streams_come_in_portions(void **state)
{
    enum { COUNT = VARVE_MAX_LOAD_STREAMS + 500 };
    static struct varve_view streams[COUNT];
    struct fake_server *server = fake_server_start(script_portions, NULL);
    struct varve_client *client = peer_client(server, "");

    for (size_t i = 0; i < COUNT; i++)
        streams[i] = order;
    assert_int_equal(varve_client_load_open(client, streams, COUNT, NULL, NULL), VARVE_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        load_expect_stream(client, i, 0, 0);
        load_expect_events(client, 0, 0);
    }
    load_expect_end(client);
    varve_client_load_close(client);
    varve_client_free(client);
    fake_server_stop(server);
}

/* Of 40 names of 250 bytes so many fit a frame of 4,096, with what else it needs. */
static void script_small_frames(struct fake_server *server)
{
    struct varve_load_request request;
    uint32_t left = 40;

    fake_begin(server);
    while (left > 0) {
        uint32_t id = fake_take(server, VARVE_OP_LOAD);

        fake_expect(server, server->body.size <= 4096, "a frame above the limit");
        fake_expect(server, varve_decode_load(server->body, server->arena, &request, NULL) == VARVE_OK, "unreadable");
        for (uint32_t i = 0; i < request.stream_count; i++)
            load_send_gone(server, id, i);
        peer_read_end(server, id);
        left -= (uint32_t)request.stream_count;
    }
    fake_gone(server);
}

static void test_a_portion_fits_the_servers_frame(void **state)
{
    static char name[250];
    struct varve_view streams[40];
    struct varve_hello_ok hello;
    struct varve_loaded loaded;

    memset(name, 'a', sizeof(name));
    for (size_t i = 0; i < COUNT_OF(streams); i++)
        streams[i] = varve_view_of(name, sizeof(name));
    fake_hello_ok_init(&hello);
    hello.max_frame_bytes = 4096;
    struct fake_server *server = fake_server_start_with(script_small_frames, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    assert_int_equal(varve_client_load_open(client, streams, COUNT_OF(streams), NULL, NULL), VARVE_OK);
    for (uint32_t i = 0; i < COUNT_OF(streams); i++) {
        assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_OK);
        assert_int_equal(loaded.index, i);
    }
    load_expect_end(client);
    varve_client_free(client);
    fake_server_stop(server);
}

static void test_what_is_refused_without_asking(void **state)
{
    static char letters[VARVE_SNAPSHOT_MAX_TYPE + 1];
    const struct varve_load_wanted wanted = { .type = { letters, sizeof(letters) } };
    struct varve_client *client = NULL;
    struct varve_loaded loaded;
    struct varve_error error;

    assert_int_equal(varve_client_create("varve://127.0.0.1:1", NULL, &client, NULL), VARVE_OK);
    assert_int_equal(varve_client_load_open(client, NULL, 1, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "streams");
    assert_int_equal(varve_client_load_open(client, &order, 1, &wanted, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "type");
    assert_int_equal(varve_client_load_open(client, NULL, 0, NULL, &error), VARVE_OK); /* Nothing to load. */
    assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_OK);
    assert_false(loaded.more);
    varve_client_load_close(client);
    assert_int_equal(varve_client_load_open(client, &order, 1, NULL, &error), VARVE_UNREACHABLE);
    assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_INVALID_ARGUMENT); /* None is open. */
    varve_client_free(client);
}

static void script_closed_early(struct fake_server *server)
{
    struct varve_load_request request;

    fake_begin(server);
    uint32_t id = load_take(server, 2, &request);
    load_send(server, id, 0, 9, 0);
    peer_batch(server, id, 0, 4, 5);
    fake_expect(server, fake_take(server, VARVE_OP_CANCEL) == id, "another load was cancelled");
    uint32_t ping = fake_take(server, VARVE_OP_PING);
    peer_batch(server, id, 5, 9, 10);
    load_send(server, id, 1, 0, 0);
    peer_error(server, id, VARVE_CANCELLED, "cancelled");
    peer_pong(server, ping);
    fake_gone(server);
}

static void test_closing_early_keeps_the_connection(void **state)
{
    const struct varve_view streams[] = { order, order };
    struct fake_server *server = fake_server_start(script_closed_early, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;

    assert_int_equal(varve_client_load_open(client, streams, 2, NULL, NULL), VARVE_OK);
    load_expect_stream(client, 0, 9, 0);
    assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK);
    varve_client_load_close(client);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- credit ------------------------------------------------------------------------------------------------------ */

/* Keeps the books over LOADING and READ_BATCH. */
static void script_accountant(struct fake_server *server)
{
    struct varve_load_request request;
    int64_t credit, used = 0, returned = 0;

    fake_begin(server);
    uint32_t id = load_take(server, 100, &request), given;
    credit = request.credit_bytes;
    for (uint32_t index = 0; index < 100; index++) {
        while (credit <= 0) {
            fake_expect(server, fake_take(server, VARVE_OP_CREDIT) == id, "credit for something else");
            fake_expect(server, varve_decode_credit(server->body, &given, NULL) == VARVE_OK, "CREDIT cannot be read");
            credit += given;
            returned += given;
            fake_expect(server, returned <= used, "more credit than was used");
        }
        uint32_t size = load_send(server, id, index, 3, 0) + peer_batch(server, id, 0, 3, 4);
        credit -= size;
        used += size;
    }
    peer_read_end(server, id);
    fake_expect(server, used > 8 * 4096, "too little was sent to show anything");
    fake_listen_until_gone(server);
}

static void test_credit_is_given_back(void **state)
{
    struct varve_view streams[100];

    for (size_t i = 0; i < COUNT_OF(streams); i++)
        streams[i] = order;
    for (int passing_over = 0; passing_over <= 1; passing_over++) {
        struct fake_server *server = fake_server_start(script_accountant, NULL);
        struct varve_client *client = peer_client(server, "&read_credit_bytes=4096");

        assert_int_equal(varve_client_load_open(client, streams, COUNT_OF(streams), NULL, NULL), VARVE_OK);
        for (uint32_t i = 0; i < COUNT_OF(streams); i++) {
            load_expect_stream(client, i, 3, 0);
            if (!passing_over)
                load_expect_events(client, 0, 3);
        }
        load_expect_end(client);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void answer_one(struct fake_server *server)
{
    struct varve_load_request request;
    uint32_t id = load_take(server, 1, &request);

    load_send(server, id, 0, 5, 3);
    peer_batch(server, id, 3, 5, 6);
    peer_read_end(server, id);
}

static void script_for_all(struct fake_server *server)
{
    peer_serve_all(server, answer_one, server->user);
}

static enum varve_status load_one(struct varve_client *client, struct varve_error *error)
{
    const struct varve_event *event = NULL;
    struct varve_loaded loaded = { .more = true };
    enum varve_status status = varve_client_load_open(client, &order, 1, NULL, error);

    if (status == VARVE_OK)
        status = varve_client_load_stream(client, &loaded, error);
    do
        status = status == VARVE_OK ? varve_client_load_event(client, &event, error) : status;
    while (status == VARVE_OK && event != NULL);
    if (status == VARVE_OK)
        status = varve_client_load_stream(client, &loaded, error);
    varve_client_load_close(client);
    return status;
}

static void test_memory_that_cannot_be_had(void **state)
{
    atomic_bool over = false;

    peer_sweep(fake_server_start_local(script_for_all, &over), &over, "load", load_one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_load_from_its_open_to_its_close),
        cmocka_unit_test(test_what_was_not_taken_is_passed_over),
        cmocka_unit_test(test_many_streams_come_in_portions),
        cmocka_unit_test(test_a_portion_fits_the_servers_frame),
        cmocka_unit_test(test_what_is_refused_without_asking),
        cmocka_unit_test(test_closing_early_keeps_the_connection),
        cmocka_unit_test(test_credit_is_given_back),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
