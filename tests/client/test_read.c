/* test_read.c - streamed reads: order, credit, and going on after a loss. */
#include "peer.h"

#include "varve/record.h"

static void take_read(struct fake_server *server, uint32_t *ret_id, struct varve_read_request *ret_request)
{
    *ret_id = fake_take(server, VARVE_OP_READ);
    fake_expect(server, varve_decode_read(server->body, ret_request, NULL) == VARVE_OK, "READ cannot be read");
}

static struct varve_read stream_read(bool backwards, uint64_t from, uint64_t limit)
{
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str("order-1");
    read.backwards = backwards;
    read.from = from;
    read.limit = limit;
    return read;
}

/* Reads to the end; the versions must run from `first` to `last`. Returns how the read ended. */
static enum varve_status read_versions(struct varve_client *client, uint64_t first, uint64_t last,
                                       struct varve_error *error)
{
    const struct varve_event *event = NULL;
    uint64_t expected = first;
    bool more = true;
    enum varve_status status;

    while ((status = varve_client_read_next(client, &event, error)) == VARVE_OK && event != NULL) {
        assert_true(more);
        assert_int_equal(event->version, expected);
        assert_int_equal(event->position, 10 * expected + 5);
        assert_true(varve_view_equal(event->stream, varve_view_str("order-1")));
        more = expected != last;
        expected += last < first ? UINT64_MAX : 1;
    }
    assert_false(more);
    return status;
}

/* ---- without losses ---------------------------------------------------------------------------------------------- */

static void script_three_batches(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
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
    const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, 0);
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
    const struct varve_read read = stream_read(false, 0, 0);
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
    take_read(server, &id, &request);
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
    const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, 0);
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
    take_read(server, &id, &request);
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
    const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_accountant, NULL);
    struct varve_client *client = peer_client(server, "&read_credit_bytes=4096");

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(read_versions(client, 0, 399, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_small_window(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
    fake_expect(server, request.credit_bytes == 10000, "more credit than the server allows");
    peer_read_end(server, id);
}

static void test_the_window_is_the_servers_at_most(void **state)
{
    const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, 0);
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

/* ---- losses ------------------------------------------------------------------------------------------------------ */

struct resume {
    const char *label;
    bool backwards;
    uint64_t from, limit;
    uint64_t first, last, next;             /* the batch before the loss */
    uint64_t again_from, again_limit;       /* what must be asked for then; limit UINT64_MAX: nothing */
    uint64_t again_first, again_last;       /* and is answered */
};

static void script_resume(struct fake_server *server)
{
    const struct resume *c = server->user;
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
    fake_expect(server, request.read.from == c->from && request.read.limit == c->limit, "another read");
    peer_batch(server, id, c->first, c->last, c->next);
    fake_cut(server);
    if (c->again_limit == UINT64_MAX)
        return;
    fake_begin(server);
    take_read(server, &id, &request);
    fake_expect(server, request.read.from == c->again_from, "it goes on elsewhere");
    fake_expect(server, request.read.limit == c->again_limit, "it goes on with another limit");
    fake_expect(server, request.read.backwards == c->backwards, "it goes on the other way");
    peer_batch(server, id, c->again_first, c->again_last, VARVE_FROM_EDGE);
    peer_read_end(server, id);
}

static void test_reads_go_on_behind_the_last_event(void **state)
{
    static const struct resume cases[] = {
        { "forwards", false, VARVE_FROM_EDGE, 0, 0, 4, VARVE_FROM_EDGE, 5, 0, 5, 9 },
        { "forwards from a version", false, 3, 0, 3, 4, 5, 5, 0, 5, 9 },
        { "forwards with a limit", false, 0, 8, 0, 4, 5, 5, 3, 5, 7 },
        { "forwards, limit reached", false, 0, 5, 0, 4, 5, 0, UINT64_MAX, 0, 4 },
        { "forwards, server knows better", false, 0, 0, 0, 4, 5, 5, 0, 5, 6 },
        { "backwards", true, VARVE_FROM_EDGE, 0, 9, 5, 4, 4, 0, 4, 0 },
        { "backwards with a limit", true, VARVE_FROM_EDGE, 7, 9, 5, 4, 4, 2, 4, 3 },
        { "backwards to the first", true, 3, 0, 3, 0, VARVE_FROM_EDGE, 0, UINT64_MAX, 3, 0 },
        { "backwards to version 1", true, 3, 0, 3, 1, VARVE_FROM_EDGE, 0, 0, 0, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct varve_read read = stream_read(cases[i].backwards, cases[i].from, cases[i].limit);
        struct fake_server *server = fake_server_start(script_resume, (void *)&cases[i]);
        struct varve_client *client = peer_client(server, "");

        CHECK_CASE(varve_client_read_open(client, &read, NULL) == VARVE_OK, cases[i].label);
        CHECK_CASE(read_versions(client, cases[i].first, cases[i].again_last, NULL) == VARVE_OK, cases[i].label);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

/* A read of everything goes on by position; a hidden stretch that was already looked at is not looked at again. */
static void script_resume_all(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
    peer_batch(server, id, 0, 1, 16);
    varve_encode_read_batch(&server->out, id, &(struct varve_batch){ .next = 1000 });
    fake_send_some(server, server->out.size, 3);
    fake_cut(server);
    fake_begin(server);
    take_read(server, &id, &request);
    fake_expect(server, request.read.from == 1000 && request.read.include_system, "another place");
    peer_batch(server, id, 100, 101, VARVE_FROM_EDGE);
    fake_cut(server);
    fake_begin(server);
    take_read(server, &id, &request);
    fake_expect(server, request.read.from == 1016, "not behind the last event");
    peer_read_end(server, id);
}

static void test_reads_of_everything_go_on_by_position(void **state)
{
    static const uint64_t positions[] = { 5, 15, 1005, 1015 };
    struct fake_server *server = fake_server_start(script_resume_all, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;
    struct varve_read read;

    varve_read_init(&read);
    read.include_system = true;
    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    for (size_t i = 0; i < COUNT_OF(positions); i++) {
        assert_int_equal(varve_client_read_next(client, &event, NULL), VARVE_OK);
        assert_int_equal(event->position, positions[i]);
    }
    assert_int_equal(varve_client_read_next(client, &event, NULL), VARVE_OK);
    assert_null(event);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_cut_within_a_batch(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    for (unsigned i = 0; i < 20; i++) {
        fake_begin(server);
        take_read(server, &id, &request);
        fake_expect(server, request.read.from == (i == 0 ? VARVE_FROM_EDGE : i), "another place");
        peer_batch(server, id, i, i, i + 1);
        struct varve_frame torn = { VARVE_WIRE_VERSION, VARVE_OP_READ_BATCH, 0, 5000, id };
        uint8_t header[VARVE_WIRE_HEADER];
        varve_frame_encode(&torn, header);
        fake_raw(server, header, sizeof(header));
        fake_raw(server, header, sizeof(header));
        fake_cut(server);
    }
    fake_begin(server);
    take_read(server, &id, &request);
    peer_read_end(server, id);
}

static void test_attempts_count_anew_after_progress(void **state)
{
    const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_cut_within_a_batch, NULL);
    struct varve_client *client = peer_client(server, "&reconnect_attempts=2");

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(read_versions(client, 0, 19, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_stops(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
    peer_batch(server, id, 0, 1, 2);
    peer_error(server, id, VARVE_NOT_READY, "stopping");
    fake_gone(server);
    fake_begin(server);
    take_read(server, &id, &request);
    fake_expect(server, request.read.from == 2, "another place");
    peer_batch(server, id, 2, 3, VARVE_FROM_EDGE);
    peer_read_end(server, id);
}

static void test_a_server_that_stops_is_a_loss(void **state)
{
    const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_stops, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(read_versions(client, 0, 3, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_stalls(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
    peer_batch(server, id, 0, 1, 2);
    fake_gone(server);
    fake_begin(server);
    take_read(server, &id, &request);
    fake_expect(server, request.read.from == 2, "another place");
    peer_batch(server, id, 2, 3, VARVE_FROM_EDGE);
    peer_read_end(server, id);
}

static void test_a_timeout_can_be_overcome_by_the_next_call(void **state)
{
    const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_stalls, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_error error;

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    client->options.request_timeout_ms = 1000; /* The first batch must not be late on a busy machine. */
    assert_int_equal(read_versions(client, 0, 1, &error), VARVE_TIMEOUT);
    assert_int_equal(error.status, VARVE_TIMEOUT);
    client->options.request_timeout_ms = 60000;
    assert_int_equal(read_versions(client, 2, 3, &error), VARVE_OK);
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
    take_read(server, &id, &request);
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
    take_read(server, &id, &request);
    peer_batch(server, id, 0, 3, 4);
    peer_batch(server, id, 3, 5, 6);
    fake_gone(server);
}
static void script_more_than_asked(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
    peer_batch(server, id, 0, 5, 6);
    fake_gone(server);
}
static void script_wrong_answer(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
    peer_batch(server, id, 0, 1, 2);
    peer_pong(server, id);
    fake_gone(server);
}
static void script_nonsense_batch(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    take_read(server, &id, &request);
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
        const struct varve_read read = stream_read(false, VARVE_FROM_EDGE, cases[i].limit);
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
        cmocka_unit_test(test_reads_go_on_behind_the_last_event),
        cmocka_unit_test(test_reads_of_everything_go_on_by_position),
        cmocka_unit_test(test_attempts_count_anew_after_progress),
        cmocka_unit_test(test_a_server_that_stops_is_a_loss),
        cmocka_unit_test(test_a_timeout_can_be_overcome_by_the_next_call),
        cmocka_unit_test(test_what_is_not_believed_stays_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
