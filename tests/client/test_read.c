/* test_read.c - streamed reads: order, credit, and answers that are not believed. */
#include "reads.h"

#include "varve/record.h"

static void script_three_batches(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    fake_expect(server, request.read.kind == VARVE_READ_STREAM && request.read.from == VARVE_FROM_EDGE, "another read");
    fake_expect(server, request.credit_bytes == 4u << 20 && request.batch_bytes == 512u << 10, "other credit");
    peer_batch(server, id, 0, 4, 5);
    varve_encode_read_batch(&server->out, id, &(struct varve_batch){ .next = 7 }); /* All of it hidden. */
    fake_send(server);
    peer_batch(server, id, 7, 7, 8);
    peer_read_end(server, id);
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_a_read_from_its_open_to_its_close(void **state)
{
    const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_three_batches, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;
    struct varve_error error;

    assert_int_equal(varve_client_read_next(client, &event, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(varve_client_read_open(client, &read, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_ping(client, NULL, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_submit(client, NULL, NULL, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_poll(client, 0, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_drain(client, &error), VARVE_INVALID_ARGUMENT);
    assert_non_null(strstr(error.message, "read is open"));
    for (uint64_t version = 0; version < 8; version += version == 4 ? 3 : 1) {
        assert_int_equal(varve_client_read_next(client, &event, NULL), VARVE_OK);
        assert_int_equal(event->version, version);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(varve_client_read_next(client, &event, NULL), VARVE_OK);
        assert_null(event);
    }
    varve_client_read_close(client);
    varve_client_read_close(client);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_no_such_stream(struct fake_server *server)
{
    fake_begin(server);
    peer_error(server, fake_take(server, VARVE_OP_READ), VARVE_STREAM_NOT_FOUND, "no such stream");
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_open_says_what_the_server_thinks(void **state)
{
    const struct varve_read read = read_of_stream(false, 0, 0);
    struct varve_read long_name = read;
    char name[600] = { 0 };
    struct fake_server *server = fake_server_start(script_no_such_stream, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_error error;

    long_name.name = varve_view_of(name, sizeof(name));
    assert_int_equal(varve_client_read_open(client, &long_name, &error), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_client_read_open(client, &read, &error), VARVE_STREAM_NOT_FOUND);
    assert_string_equal(error.message, "no such stream");
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK); /* No read is open now. */
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_closed_early(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 9, 10);
    peer_batch(server, id, 10, 19, 20);
    fake_expect(server, fake_take(server, VARVE_OP_CANCEL) == id, "another read was cancelled");
    uint32_t ping = fake_take(server, VARVE_OP_PING);
    peer_batch(server, id, 20, 29, 30);
    peer_error(server, id, VARVE_CANCELLED, "cancelled");
    peer_pong(server, ping);
    fake_gone(server);
}

static void test_closing_early_keeps_the_connection(void **state)
{
    const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_closed_early, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(varve_client_read_next(client, &event, NULL), VARVE_OK);
    varve_client_read_close(client);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- credit ------------------------------------------------------------------------------------------------------ */

/* Keeps the books: never sends without credit, and wants every byte back but for less than half of the window. */
static void script_accountant(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id, given;
    int64_t credit, used = 0, returned = 0;

    fake_begin(server);
    read_take(server, &id, &request);
    credit = request.credit_bytes;
    fake_expect(server, credit == 4096 && request.batch_bytes == 4096, "another window");
    for (uint64_t version = 0; version < 400; version += 4) {
        while (credit <= 0) {
            fake_expect(server, fake_take(server, VARVE_OP_CREDIT) == id, "credit for another read");
            fake_expect(server, varve_decode_credit(server->body, &given, NULL) == VARVE_OK, "CREDIT cannot be read");
            fake_expect(server, given >= request.credit_bytes / 2, "credit in crumbs");
            credit += given;
            returned += given;
            fake_expect(server, returned <= used, "more credit than was used");
        }
        uint32_t size = peer_batch(server, id, version, version + 3, version + 4);
        credit -= size;
        used += size;
    }
    peer_read_end(server, id);
    fake_expect(server, used > 8 * 4096 && used - returned < 2 * 4096, "too little was sent to show anything");
    fake_listen_until_gone(server); /* Closing over credit unread would take the last batches with it. */
}

static void test_credit_is_given_back_as_events_are_handed_over(void **state)
{
    const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_accountant, NULL);
    struct varve_client *client = peer_client(server, "&read_credit_bytes=4096");

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(read_expect_versions(client, 0, 399, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_small_window(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    fake_expect(server, request.credit_bytes == 10000, "more credit than the server allows");
    peer_read_end(server, id);
}

static void test_the_window_is_the_servers_at_most(void **state)
{
    const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, 0);
    const struct varve_event *event;
    struct varve_hello_ok hello;

    fake_hello_ok_init(&hello);
    hello.max_credit_bytes = 10000;
    struct fake_server *server = fake_server_start_with(script_small_window, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(varve_client_read_next(client, &event, NULL), VARVE_OK);
    assert_null(event);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- what is not believed ---------------------------------------------------------------------------------------- */

static void script_flipped(struct fake_server *server)
{
    struct varve_read_request request;
    uint8_t bytes[512];
    struct varve_event event = peer_event(0, 5);
    const uint8_t *const records[] = { bytes };
    uint32_t id, size = (uint32_t)varve_record_encode(&event, bytes);

    bytes[60] ^= 4;
    fake_begin(server);
    read_take(server, &id, &request);
    varve_encode_read_batch(&server->out, id, &(struct varve_batch){ records, &size, 1, false, 1 });
    fake_send(server);
    fake_expect(server, fake_take(server, VARVE_OP_CANCEL) == id, "not cancelled");
    fake_gone(server);
}
static void script_twice(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 3, 4);
    peer_batch(server, id, 3, 5, 6);
    fake_gone(server);
}
static void script_more_than_asked(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 5, 6);
    fake_gone(server);
}
static void script_wrong_answer(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 1, 2);
    peer_pong(server, id);
    fake_gone(server);
}
static void script_nonsense_batch(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 1, 2);
    size_t frame = varve_wire_begin(&server->out, VARVE_OP_READ_BATCH, id);
    varve_wire_end(&server->out, frame);
    fake_send(server);
    fake_gone(server);
}

static void test_what_is_not_believed_stays_a_fault(void **state)
{
    static const struct {
        const char *label;
        void (*script)(struct fake_server *server);
        uint64_t limit;
        unsigned good;
        enum varve_status status;
    } cases[] = {
        { "a flipped bit", script_flipped, 0, 0, VARVE_CORRUPT },
        { "an event twice", script_twice, 0, 4, VARVE_PROTOCOL },
        { "more than the limit", script_more_than_asked, 4, 4, VARVE_PROTOCOL },
        { "a frame of another kind", script_wrong_answer, 0, 2, VARVE_PROTOCOL },
        { "a batch that is none", script_nonsense_batch, 0, 2, VARVE_PROTOCOL },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, cases[i].limit);
        struct fake_server *server = fake_server_start(cases[i].script, NULL);
        struct varve_client *client = peer_client(server, "");
        const struct varve_event *event = NULL;
        struct varve_error error;
        unsigned good = 0;
        enum varve_status status;

        CHECK_CASE(varve_client_read_open(client, &read, NULL) == VARVE_OK, cases[i].label);
        while ((status = varve_client_read_next(client, &event, &error)) == VARVE_OK && event != NULL)
            good++;
        CHECK_CASE(status == cases[i].status && error.status == status, cases[i].label);
        CHECK_CASE(good == cases[i].good, cases[i].label);
        CHECK_CASE(varve_client_read_next(client, &event, NULL) == cases[i].status, cases[i].label);
        varve_client_read_close(client);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_read_from_its_open_to_its_close),
        cmocka_unit_test(test_open_says_what_the_server_thinks),
        cmocka_unit_test(test_closing_early_keeps_the_connection),
        cmocka_unit_test(test_credit_is_given_back_as_events_are_handed_over),
        cmocka_unit_test(test_the_window_is_the_servers_at_most),
        cmocka_unit_test(test_what_is_not_believed_stays_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
