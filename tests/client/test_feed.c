/* test_feed.c - a feed kept alive, ended, and begun again on another connection. */
#include "peer.h"

#include "clients/c/feed.h"

#include <stdlib.h>

/* A feed of STATS_OK, again and again. */
static void ask(struct feed *feed, struct varve_wire_buffer *out)
{
    varve_encode_stats(out, feed->request_id);
}

static struct feed *make_feed(const struct fake_server *server, const char *query)
{
    struct feed *feed = calloc(1, sizeof(*feed));
    char url[256];

    assert_non_null(feed);
    snprintf(url, sizeof(url), "%s?reconnect_delay_ms=1&connect_timeout_ms=60000&request_timeout_ms=60000%s",
             server->url, query);
    feed->ask = ask;
    feed->due = VARVE_OP_STATS_OK;
    assert_int_equal(feed_init(feed, url, NULL, NULL), VARVE_OK);
    return feed;
}

static void free_feed(struct feed *feed)
{
    feed_free(feed);
    free(feed);
}

static void start(struct feed *feed)
{
    struct varve_view body;
    struct varve_error error;

    if (feed_start(feed, &body, &error) != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error.status), error.message);
    assert_int_not_equal(feed->request_id, 0);
}

static enum varve_status receive(struct feed *feed, uint32_t timeout_ms, struct varve_error *error)
{
    struct varve_frame frame;
    struct varve_view body;

    return feed_receive(feed, deadline_after(timeout_ms), &frame, &body, error);
}

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

static void send_stats(struct fake_server *server, uint32_t id)
{
    varve_encode_stats_ok(&server->out, id, NULL, 0);
    fake_send(server);
}

static uint32_t serve_begin(struct fake_server *server)
{
    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_STATS);
    send_stats(server, id);
    return id;
}

/* ---- keeping alive ----------------------------------------------------------------------------------------------- */

static void script_answers_pings(struct fake_server *server)
{
    uint32_t id = serve_begin(server);

    for (int i = 0; i < 3; i++)
        peer_pong(server, fake_take(server, VARVE_OP_PING));
    send_stats(server, id);
    fake_listen_until_gone(server);
}

static void test_a_silent_peer_that_answers_pings_lives(void **state)
{
    struct fake_server *server = fake_server_start(script_answers_pings, NULL);
    struct feed *feed = make_feed(server, "");

    start(feed);
    feed->idle_ms = 1;
    assert_int_equal(receive(feed, 0, NULL), VARVE_OK);
    free_feed(feed);
    fake_server_stop(server);
}

static void script_falls_silent(struct fake_server *server)
{
    serve_begin(server);
    fake_take(server, VARVE_OP_PING);
    fake_gone(server);
    serve_begin(server);
    fake_listen_until_gone(server);
}

static void test_a_peer_that_answers_no_ping_is_lost(void **state)
{
    struct fake_server *server = fake_server_start(script_falls_silent, NULL);
    struct feed *feed = make_feed(server, "");
    struct varve_error error;

    start(feed);
    feed->idle_ms = 1;
    feed->client->options.request_timeout_ms = 50;
    assert_int_equal(receive(feed, 0, &error), VARVE_DISCONNECTED);
    assert_non_null(strstr(error.message, "PONG"));
    assert_int_equal(feed->request_id, 0);
    feed->client->options.request_timeout_ms = 60000;
    feed->idle_ms = 2500;
    assert_true(feed_recover(feed, VARVE_DISCONNECTED));
    start(feed);
    free_feed(feed);
    fake_server_stop(server);
}

static void script_talks_before_its_pong(struct fake_server *server)
{
    uint32_t id = serve_begin(server), ping = fake_take(server, VARVE_OP_PING);

    send_stats(server, id);
    peer_pong(server, ping);
    send_stats(server, id);
    varve_encode_position(&server->out, fake_take(server, VARVE_OP_PING), VARVE_OP_CHECKPOINT, 3);
    fake_send(server);
    fake_gone(server);
}

static void test_a_pong_may_come_late_and_nothing_else_in_its_place(void **state)
{
    struct fake_server *server = fake_server_start(script_talks_before_its_pong, NULL);
    struct feed *feed = make_feed(server, "");

    start(feed);
    feed->idle_ms = 1;
    assert_int_equal(receive(feed, 0, NULL), VARVE_OK);
    assert_int_equal(receive(feed, 0, NULL), VARVE_OK);
    assert_int_equal(receive(feed, 0, NULL), VARVE_PROTOCOL);
    free_feed(feed);
    fake_server_stop(server);
}

static void script_silent(struct fake_server *server)
{
    serve_begin(server);
    fake_listen_until_gone(server);
}

static void test_a_deadline_loses_nothing(void **state)
{
    struct fake_server *server = fake_server_start(script_silent, NULL);
    struct feed *feed = make_feed(server, "");
    struct varve_error error;
    uint32_t id;

    start(feed);
    id = feed->request_id;
    assert_int_equal(receive(feed, 1, &error), VARVE_TIMEOUT);
    assert_int_equal(error.status, VARVE_TIMEOUT);
    assert_int_equal(receive(feed, 1, NULL), VARVE_TIMEOUT);
    assert_int_equal(feed->request_id, id);
    assert_int_equal(feed->client->connection.state, CONNECTION_READY);
    free_feed(feed);
    fake_server_stop(server);
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static void script_no_answer(struct fake_server *server)
{
    fake_begin(server);
    fake_take(server, VARVE_OP_STATS);
    fake_listen_until_gone(server);
}
static void script_other_answer(struct fake_server *server)
{
    fake_begin(server);
    peer_pong(server, fake_take(server, VARVE_OP_STATS));
    fake_gone(server);
}
static void script_unsupported(struct fake_server *server)
{
    fake_begin(server);
    peer_error(server, fake_take(server, VARVE_OP_STATS), VARVE_UNSUPPORTED, "what is that?");
    fake_gone(server);
}
static void script_overloaded(struct fake_server *server)
{
    fake_begin(server);
    peer_error(server, fake_take(server, VARVE_OP_STATS), VARVE_OVERLOADED, "not now");
    fake_gone(server);
}
static void script_cuts(struct fake_server *server)
{
    fake_begin(server);
    fake_take(server, VARVE_OP_STATS);
    fake_cut(server);
}

static void test_beginnings_that_fail(void **state)
{
    static const struct {
        const char *label;
        void (*script)(struct fake_server *server);
        enum varve_status status, after;
        const char *query;
    } cases[] = {
        { "no answer", script_no_answer, VARVE_TIMEOUT, VARVE_OK, "&request_timeout_ms=100" },
        { "another answer", script_other_answer, VARVE_PROTOCOL, VARVE_PROTOCOL, "" },
        { "an answer that stays", script_unsupported, VARVE_UNSUPPORTED, VARVE_UNSUPPORTED, "" },
        { "an answer that may pass", script_overloaded, VARVE_OVERLOADED, VARVE_OK, "" },
        { "a loss: a server never met is tried once", script_cuts, VARVE_DISCONNECTED, VARVE_OK, "" },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(cases[i].script, NULL);
        struct feed *feed = make_feed(server, cases[i].query);
        struct varve_view body;
        struct varve_error error;

        CHECK_CASE(feed_start(feed, &body, &error) == cases[i].status, cases[i].label);
        CHECK_CASE(error.status == cases[i].status && feed->request_id == 0, cases[i].label);
        CHECK_CASE(feed_check(feed, NULL) == cases[i].after, cases[i].label);
        free_feed(feed);
        fake_server_stop(server);
    }
}

static void script_cuts_again_and_again(struct fake_server *server)
{
    serve_begin(server);
    fake_cut(server);
    for (int i = 0; i < 7; i++) {
        serve_begin(server);
        fake_cut(server);
    }
}

static void test_being_begun_is_no_progress(void **state)
{
    struct fake_server *server = fake_server_start(script_cuts_again_and_again, NULL);
    struct feed *feed = make_feed(server, "&reconnect_attempts=3");
    struct varve_error error;

    start(feed);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3; i++) {
            assert_int_equal(receive(feed, 0, &error), VARVE_DISCONNECTED);
            assert_true(feed_recover(feed, VARVE_DISCONNECTED));
            start(feed);
        }
        assert_int_equal(receive(feed, 0, &error), VARVE_DISCONNECTED);
        assert_false(feed_recover(feed, VARVE_DISCONNECTED));
        assert_int_equal(feed_fail(feed, VARVE_DISCONNECTED, &error), VARVE_DISCONNECTED);
        assert_int_equal(feed_check(feed, NULL), VARVE_OK);
        if (round == 0)
            start(feed); /* The next call has all attempts again. */
    }
    free_feed(feed);
    fake_server_stop(server);
}

static void script_other_database(struct fake_server *server)
{
    serve_begin(server);
    fake_cut(server);
    server->hello.database_id.bytes[3] ^= 1;
    fake_begin(server);
    fake_gone(server);
    server->hello.database_id.bytes[3] ^= 1;
    serve_begin(server);
    fake_gone(server);
}

static void test_another_database_is_told_and_may_pass(void **state)
{
    struct fake_server *server = fake_server_start(script_other_database, NULL);
    struct feed *feed = make_feed(server, "");
    struct varve_view body;
    struct varve_error error;

    start(feed);
    assert_int_equal(receive(feed, 0, NULL), VARVE_DISCONNECTED);
    assert_int_equal(feed_start(feed, &body, &error), VARVE_CORRUPT);
    assert_non_null(strstr(error.message, "another database"));
    assert_non_null(strstr(error.message, "01020304-0506-0708-090a-0b0c0d0e0f10"));
    assert_int_equal(feed_check(feed, NULL), VARVE_OK);
    start(feed);
    free_feed(feed);
    fake_server_stop(server);
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

static void script_ends(struct fake_server *server)
{
    peer_error(server, serve_begin(server), VARVE_FENCED, "somebody took it over");
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_an_error_ends_it_and_keeps_the_connection(void **state)
{
    struct fake_server *server = fake_server_start(script_ends, NULL);
    struct feed *feed = make_feed(server, "");
    struct varve_error error;

    start(feed);
    assert_int_equal(receive(feed, 0, &error), VARVE_FENCED);
    assert_int_equal(feed->request_id, 0);
    assert_false(feed_recover(feed, VARVE_FENCED));
    feed_fail(feed, VARVE_FENCED, &error);
    memset(&error, 0, sizeof(error));
    assert_int_equal(feed_check(feed, &error), VARVE_FENCED);
    assert_string_equal(error.message, "somebody took it over");
    assert_int_equal(varve_client_ping(feed->client, NULL, NULL, NULL), VARVE_OK);
    free_feed(feed);
    fake_server_stop(server);
}

static void test_stopping_is_heeded_when_it_shall_be(void **state)
{
    struct fake_server *server = fake_server_start(script_silent, NULL);
    struct feed *feed = make_feed(server, "");

    start(feed);
    feed_heed_stop(feed, false);
    feed_stop(feed);
    assert_int_equal(feed_check(feed, NULL), VARVE_OK);
    assert_int_equal(receive(feed, 1, NULL), VARVE_TIMEOUT);
    feed_heed_stop(feed, true);
    assert_int_equal(feed_check(feed, NULL), VARVE_CANCELLED);
    assert_int_equal(receive(feed, 0, NULL), VARVE_CANCELLED);
    assert_int_equal(feed->client->connection.state, CONNECTION_READY);
    free_feed(feed);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_silent_peer_that_answers_pings_lives),
        cmocka_unit_test(test_a_peer_that_answers_no_ping_is_lost),
        cmocka_unit_test(test_a_pong_may_come_late_and_nothing_else_in_its_place),
        cmocka_unit_test(test_a_deadline_loses_nothing),
        cmocka_unit_test(test_beginnings_that_fail),
        cmocka_unit_test(test_being_begun_is_no_progress),
        cmocka_unit_test(test_another_database_is_told_and_may_pass),
        cmocka_unit_test(test_an_error_ends_it_and_keeps_the_connection),
        cmocka_unit_test(test_stopping_is_heeded_when_it_shall_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
