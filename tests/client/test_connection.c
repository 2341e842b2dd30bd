/* test_connection.c - the greeting, frames in and out, and what ends a connection. */
#include "support/check.h"
#include "fake_server.h"

#include "clients/c/connection.h"

struct peer {
    struct fake_server *server;
    struct url url;
    struct connection connection;
};

static void meet(struct peer *peer, void (*script)(struct fake_server *), void *user,
                 const struct varve_hello_ok *hello)
{
    struct varve_client_options options;
    struct varve_hello_ok usual;

    fake_hello_ok_init(&usual);
    varve_client_options_init(&options);
    peer->server = fake_server_start_with(script, user, hello != NULL ? hello : &usual);
    assert_int_equal(url_parse(peer->server->url, &peer->url, &options, NULL), VARVE_OK);
    assert_int_equal(connection_init(&peer->connection, &peer->url, NULL), VARVE_OK);
}

static void part(struct peer *peer)
{
    connection_free(&peer->connection);
    fake_server_stop(peer->server);
}

static enum varve_status greet(struct peer *peer, uint32_t timeout_ms, struct varve_error *error)
{
    return connection_open(&peer->connection, "tester", deadline_after(timeout_ms), error);
}

/* ---- the greeting ------------------------------------------------------------------------------------------------ */

static void script_hello(struct fake_server *server)
{
    struct varve_hello hello;

    fake_accept(server);
    uint32_t id = fake_take(server, VARVE_OP_HELLO);
    fake_expect(server, varve_decode_hello(server->body, &hello, NULL) == VARVE_OK, "HELLO cannot be read");
    fake_expect(server, varve_view_equal(hello.client_name, varve_view_str("tester")), "another name");
    fake_expect(server, hello.min_version == 1 && hello.max_version == 1, "other versions");
    varve_encode_hello_ok(&server->out, id, &server->hello);
    fake_send_some(server, server->out.size, 1);
    fake_gone(server);
}

static void test_hello_tells_the_limits(void **state)
{
    struct varve_hello_ok hello;
    struct peer peer;

    fake_hello_ok_init(&hello);
    hello.max_append_bytes = 4711;
    hello.capability_count = 1;
    hello.capabilities[0] = varve_view_str("read");
    meet(&peer, script_hello, NULL, &hello);
    assert_int_equal(greet(&peer, 60000, NULL), VARVE_OK);
    assert_int_equal(peer.connection.state, CONNECTION_READY);
    assert_true(peer.connection.met);
    assert_int_equal(peer.connection.server.max_append_bytes, 4711);
    assert_true(varve_view_equal(peer.connection.server.server_version, varve_view_str("fake")));
    assert_true(varve_view_equal(peer.connection.server.capabilities[0], varve_view_str("read")));
    connection_drop(&peer.connection);
    assert_int_equal(peer.connection.state, CONNECTION_DISCONNECTED);
    part(&peer);
}

static void script_not_ready(struct fake_server *server)
{
    struct varve_wire_error said = { .error = { .status = VARVE_NOT_READY, .message = "still opening" } };

    fake_accept(server);
    varve_encode_error(&server->out, fake_take(server, VARVE_OP_HELLO), &said);
    fake_send(server);
    fake_gone(server);
}
static void script_pong(struct fake_server *server)
{
    fake_accept(server);
    varve_encode_pong(&server->out, fake_take(server, VARVE_OP_HELLO), 1, 2);
    fake_send(server);
    fake_gone(server);
}
static void script_garbage(struct fake_server *server)
{
    fake_accept(server);
    fake_take(server, VARVE_OP_HELLO);
    fake_raw(server, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
    fake_gone(server);
}
static void script_silent(struct fake_server *server)
{
    fake_accept(server);
    fake_take(server, VARVE_OP_HELLO);
    fake_gone(server);
}
static void script_slam(struct fake_server *server)
{
    fake_accept(server);
    fake_take(server, VARVE_OP_HELLO);
    fake_cut(server);
}
static void script_torn(struct fake_server *server)
{
    fake_accept(server);
    varve_encode_hello_ok(&server->out, fake_take(server, VARVE_OP_HELLO), &server->hello);
    fake_send_some(server, server->out.size - 1, 7);
    fake_cut(server);
}
static void script_huge(struct fake_server *server)
{
    struct varve_frame frame = { VARVE_WIRE_VERSION, VARVE_OP_HELLO_OK, 0, 1u << 20, 1 };
    uint8_t header[VARVE_WIRE_HEADER];

    fake_accept(server);
    fake_take(server, VARVE_OP_HELLO);
    varve_frame_encode(&frame, header);
    fake_raw(server, header, sizeof(header));
    fake_gone(server);
}
static void script_nonsense(struct fake_server *server)
{
    fake_accept(server);
    size_t frame = varve_wire_begin(&server->out, VARVE_OP_HELLO_OK, fake_take(server, VARVE_OP_HELLO));
    varve_wire_end(&server->out, frame);
    fake_send(server);
    fake_gone(server);
}
static void script_plain_hello(struct fake_server *server)
{
    fake_begin(server);
    fake_gone(server);
}

static void test_greetings_that_fail(void **state)
{
    static const struct {
        const char *label;
        void (*script)(struct fake_server *server);
        uint32_t version, max_requests;
        enum varve_status status;
        const char *says;
    } cases[] = {
        { "not ready", script_not_ready, 1, 1, VARVE_NOT_READY, "still opening" },
        { "another answer", script_pong, 1, 1, VARVE_PROTOCOL, "PONG" },
        { "another protocol", script_garbage, 1, 1, VARVE_PROTOCOL, "" },
        { "no answer", script_silent, 1, 1, VARVE_TIMEOUT, "HELLO" },
        { "cut", script_slam, 1, 1, VARVE_DISCONNECTED, "" },
        { "cut within the answer", script_torn, 1, 1, VARVE_DISCONNECTED, "" },
        { "a length beyond reason", script_huge, 1, 1, VARVE_PROTOCOL, "" },
        { "an empty body", script_nonsense, 1, 1, VARVE_PROTOCOL, "HELLO_OK" },
        { "a later version", script_plain_hello, 2, 1, VARVE_UNSUPPORTED, "version 2" },
        { "a limit of zero", script_plain_hello, 1, 0, VARVE_PROTOCOL, "HELLO_OK" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_hello_ok hello;
        struct varve_error error = { .status = VARVE_OK };
        struct peer peer;

        fake_hello_ok_init(&hello);
        hello.version = cases[i].version;
        hello.max_requests = cases[i].max_requests;
        meet(&peer, cases[i].script, NULL, &hello);
        enum varve_status status = greet(&peer, cases[i].script == script_silent ? 100 : 60000, &error);
        CHECK_CASE(status == cases[i].status, cases[i].label);
        CHECK_CASE(strstr(error.message, cases[i].says) != NULL, cases[i].label);
        CHECK_CASE(peer.connection.state == CONNECTION_DISCONNECTED, cases[i].label);
        CHECK_CASE(!peer.connection.met, cases[i].label);
        part(&peer);
    }
}

/* ---- frames ------------------------------------------------------------------------------------------------------ */

#define BIG (3u << 20)

static void put_frame(struct fake_server *server, uint32_t id, size_t size)
{
    struct varve_frame frame = { VARVE_WIRE_VERSION, VARVE_OP_PONG, 0, (uint32_t)size, id };
    uint8_t header[VARVE_WIRE_HEADER];
    static uint8_t body[BIG];

    memset(body, (int)id, size);
    varve_frame_encode(&frame, header);
    fake_raw(server, header, sizeof(header));
    fake_raw(server, body, size);
}

static const size_t frame_sizes[] = { 0, 1, 100000, 15, BIG, 16, 70000, 1u << 20, 3 };

static void script_frames(struct fake_server *server)
{
    fake_begin(server);
    for (uint32_t i = 0; i < 5 * COUNT_OF(frame_sizes); i++)
        put_frame(server, i + 2, frame_sizes[i % COUNT_OF(frame_sizes)]);
    fake_gone(server);
}

static void test_frames_of_any_size_arrive_whole(void **state)
{
    struct peer peer;

    meet(&peer, script_frames, NULL, NULL);
    assert_int_equal(greet(&peer, 60000, NULL), VARVE_OK);
    for (uint32_t i = 0; i < 5 * COUNT_OF(frame_sizes); i++) {
        struct varve_frame frame;
        struct varve_view body;

        assert_int_equal(connection_receive(&peer.connection, deadline_after(60000), &frame, &body, NULL), VARVE_OK);
        assert_int_equal(frame.request_id, i + 2);
        assert_int_equal(body.size, frame_sizes[i % COUNT_OF(frame_sizes)]);
        for (size_t at = 0; at < body.size; at++)
            if ((uint8_t)body.data[at] != (uint8_t)(i + 2))
                fail_msg("byte %zu of frame %u is another's", at, i);
    }
    assert_true(peer.connection.in_capacity <= BIG + VARVE_WIRE_HEADER);
    part(&peer);
}

static void script_bad_frame(struct fake_server *server)
{
    fake_begin(server);
    fake_raw(server, server->user, VARVE_WIRE_HEADER);
    fake_gone(server);
}

static void test_bad_frames_end_the_connection(void **state)
{
    static const struct {
        const char *label;
        size_t offset;
        uint8_t value;
    } cases[] = {
        { "magic", 0, 'W' }, { "version", 2, 9 }, { "flags", 5, 1 }, { "reserved", 7, 1 }, { "length", 8, 0x80 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_frame frame = { VARVE_WIRE_VERSION, VARVE_OP_PONG, 0, 0, 2 };
        uint8_t header[VARVE_WIRE_HEADER];
        struct varve_view body;
        struct peer peer;

        varve_frame_encode(&frame, header);
        header[cases[i].offset] = cases[i].value;
        meet(&peer, script_bad_frame, header, NULL);
        assert_int_equal(greet(&peer, 60000, NULL), VARVE_OK);
        CHECK_CASE(connection_receive(&peer.connection, deadline_after(60000), &frame, &body, NULL) == VARVE_PROTOCOL,
                   cases[i].label);
        CHECK_CASE(peer.connection.state == CONNECTION_DISCONNECTED, cases[i].label);
        part(&peer);
    }
}

static void script_last_word(struct fake_server *server)
{
    struct varve_wire_error said = { .error = { .message = "good night" } };

    said.error.status = *(enum varve_status *)server->user;
    fake_begin(server);
    varve_encode_error(&server->out, 0, &said);
    fake_send(server);
    fake_cut(server);
}

static void test_the_servers_last_word_is_passed_on(void **state)
{
    static const struct {
        enum varve_status said, status;
    } cases[] = {
        { VARVE_NOT_READY, VARVE_DISCONNECTED },         /* may pass, but what became of requests is not known */
        { VARVE_CONSUMER_TOO_SLOW, VARVE_DISCONNECTED },
        { VARVE_PROTOCOL, VARVE_PROTOCOL },              /* would be the same again */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        enum varve_status said = cases[i].said;
        struct varve_error error;
        struct varve_frame frame;
        struct varve_view body;
        struct peer peer;

        meet(&peer, script_last_word, &said, NULL);
        assert_int_equal(greet(&peer, 60000, NULL), VARVE_OK);
        assert_int_equal(connection_receive(&peer.connection, deadline_after(60000), &frame, &body, &error),
                         cases[i].status);
        assert_non_null(strstr(error.message, "good night"));
        part(&peer);
    }
}

static void script_idle_cut(struct fake_server *server)
{
    fake_begin(server);
    fake_cut(server);
}
static void script_unasked(struct fake_server *server)
{
    fake_begin(server);
    varve_encode_pong(&server->out, 77, 1, 2);
    fake_send(server);
    fake_gone(server);
}

static void test_looking_finds_an_idle_connection_dead(void **state)
{
    void (*const scripts[])(struct fake_server *) = { script_idle_cut, script_unasked };

    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        struct peer peer;

        meet(&peer, scripts[i], NULL, NULL);
        assert_int_equal(greet(&peer, 60000, NULL), VARVE_OK);
        for (int patience = 0; patience < 60000 && peer.connection.state == CONNECTION_READY; patience++) {
            connection_look(&peer.connection);
            fake_sleep_ms(1);
        }
        assert_int_equal(peer.connection.state, CONNECTION_DISCONNECTED);
        part(&peer);
    }
}

static void script_abandoned(struct fake_server *server)
{
    struct varve_wire_error said = { .error = { .status = VARVE_CANCELLED } };

    fake_begin(server);
    uint32_t first = fake_take(server, VARVE_OP_CANCEL);
    uint32_t second = fake_take(server, VARVE_OP_CANCEL);
    varve_encode_read_batch(&server->out, first, &(struct varve_batch){ .count = 0, .next = 9 });
    varve_encode_read_batch(&server->out, second, &(struct varve_batch){ .count = 0, .next = 9 });
    varve_encode_read_end(&server->out, first, 1);
    varve_encode_error(&server->out, second, &said);
    varve_encode_pong(&server->out, 40, 1, 2);
    varve_encode_read_end(&server->out, first, 1); /* Once more: nobody waits for it now. */
    fake_send(server);
    fake_gone(server);
}

static void test_frames_of_abandoned_reads_are_skipped(void **state)
{
    struct varve_frame frame;
    struct varve_view body;
    struct peer peer;

    meet(&peer, script_abandoned, NULL, NULL);
    assert_int_equal(greet(&peer, 60000, NULL), VARVE_OK);
    connection_abandon(&peer.connection, 20);
    connection_abandon(&peer.connection, 21);
    assert_int_equal(connection_receive(&peer.connection, deadline_after(60000), &frame, &body, NULL), VARVE_OK);
    assert_int_equal(frame.request_id, 40);
    assert_int_equal(peer.connection.abandoned_count, 0);
    assert_int_equal(connection_receive(&peer.connection, deadline_after(60000), &frame, &body, NULL), VARVE_OK);
    assert_int_equal(frame.request_id, 20);
    part(&peer);
}

static void test_ids_never_meet_that_of_hello(void **state)
{
    struct connection connection = { .last_id = UINT32_MAX - 1 };

    assert_true(connection_next_id(&connection) == UINT32_MAX);
    assert_int_equal(connection_next_id(&connection), 2);
    assert_int_equal(connection_next_id(&connection), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello_tells_the_limits),
        cmocka_unit_test(test_greetings_that_fail),
        cmocka_unit_test(test_frames_of_any_size_arrive_whole),
        cmocka_unit_test(test_bad_frames_end_the_connection),
        cmocka_unit_test(test_the_servers_last_word_is_passed_on),
        cmocka_unit_test(test_looking_finds_an_idle_connection_dead),
        cmocka_unit_test(test_frames_of_abandoned_reads_are_skipped),
        cmocka_unit_test(test_ids_never_meet_that_of_hello),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
