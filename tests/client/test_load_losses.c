/* test_load_losses.c - loads whose connection is lost, and answers to a load that are none. */
#include "loads.h"

/* ---- losses ------------------------------------------------------------------------------------------------------ */

static void script_lost_between(struct fake_server *server)
{
    struct varve_load_request request;

    fake_begin(server);
    uint32_t id = load_take(server, 3, &request);
    load_send(server, id, 0, 1, 0);
    peer_batch(server, id, 0, 1, 2);
    fake_cut(server);
    fake_begin(server);
    id = load_take(server, 2, &request);
    fake_expect(server, varve_view_equal(request.streams[0], gone), "it began elsewhere");
    peer_error(server, id, VARVE_NOT_READY, "stopping");
    fake_gone(server);
    fake_begin(server);
    id = load_take(server, 2, &request);
    load_send_gone(server, id, 0);
    load_send(server, id, 1, 2, 0);
    peer_batch(server, id, 0, 2, 3);
    fake_cut(server); /* Before READ_END, which nobody needs. */
}

static void test_a_loss_between_two_streams(void **state)
{
    const struct varve_view streams[] = { order, gone, order };
    struct fake_server *server = fake_server_start(script_lost_between, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_loaded loaded;

    assert_int_equal(varve_client_load_open(client, streams, 3, NULL, NULL), VARVE_OK);
    load_expect_stream(client, 0, 1, 0);
    load_expect_events(client, 0, 1);
    assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_OK);
    assert_int_equal(loaded.index, 1);
    load_expect_stream(client, 2, 2, 0);
    load_expect_events(client, 0, 2);
    load_expect_end(client);
    varve_client_load_close(client);
    varve_client_free(client);
    fake_server_stop(server);
}

/* Lost behind LOADING; then it has grown by three. */
static void script_lost_before_its_events(struct fake_server *server)
{
    struct varve_load_request request;

    fake_begin(server);
    uint32_t id = load_take(server, 2, &request);
    load_send(server, id, 0, 5, 3);
    fake_cut(server);
    fake_begin(server);
    id = load_take(server, 2, &request);
    load_send(server, id, 0, 8, 3);
    peer_batch(server, id, 3, 8, 9);
    load_send(server, id, 1, 0, 0);
    peer_batch(server, id, 0, 0, 1);
    peer_read_end(server, id);
    fake_gone(server);
}

static void test_a_loss_before_the_first_event_of_a_stream(void **state)
{
    const struct varve_view streams[] = { order, order };
    struct fake_server *server = fake_server_start(script_lost_before_its_events, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(varve_client_load_open(client, streams, 2, NULL, NULL), VARVE_OK);
    load_expect_stream(client, 0, 5, 3);
    load_expect_events(client, 3, 5); /* As it was told: what came since belongs to another view. */
    load_expect_stream(client, 1, 0, 0);
    load_expect_events(client, 0, 0);
    load_expect_end(client);
    varve_client_load_close(client);
    varve_client_free(client);
    fake_server_stop(server);
}

/* What LOADING says the second time. */
struct second_time {
    const char *label;
    int64_t version;
    uint64_t first_version;
    bool gone;
};

static void script_lost_and_changed(struct fake_server *server)
{
    const struct second_time *now = server->user;
    struct varve_load_request request;

    fake_begin(server);
    load_send(server, load_take(server, 1, &request), 0, 5, 3);
    fake_cut(server);
    fake_begin(server);
    uint32_t id = load_take(server, 1, &request);
    if (now->gone)
        load_send_gone(server, id, 0);
    else
        load_send(server, id, 0, now->version, now->first_version);
    fake_gone(server);
}

static void test_a_stream_that_looks_different_after_a_loss(void **state)
{
    static const struct second_time cases[] = {
        { "another snapshot", 6, 5, false },
        { "no snapshot", 6, 0, false },
        { "it is shorter", 4, 3, false },
        { "it is gone", -1, 0, true },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(script_lost_and_changed, (void *)&cases[i]);
        struct varve_client *client = peer_client(server, "");
        const struct varve_event *event;
        struct varve_loaded loaded;

        assert_int_equal(varve_client_load_open(client, &order, 1, NULL, NULL), VARVE_OK);
        load_expect_stream(client, 0, 5, 3);
        CHECK_CASE(varve_client_load_event(client, &event, NULL) == VARVE_DISCONNECTED, cases[i].label);
        CHECK_CASE(varve_client_load_event(client, &event, NULL) == VARVE_DISCONNECTED, cases[i].label);
        CHECK_CASE(varve_client_load_stream(client, &loaded, NULL) == VARVE_DISCONNECTED, cases[i].label);
        varve_client_load_close(client);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

static void script_lost_within(struct fake_server *server)
{
    struct varve_load_request request;

    fake_begin(server);
    uint32_t id = load_take(server, 2, &request);
    load_send(server, id, 0, 5, 0);
    peer_batch(server, id, 0, 2, 3);
    fake_cut(server);
    fake_begin(server);
    if (server->user != NULL) {
        id = load_take(server, 1, &request);
        load_send(server, id, 0, 5, 0);
        peer_batch(server, id, 0, 5, 6);
        peer_read_end(server, id);
    } else {
        peer_pong(server, fake_take(server, VARVE_OP_PING));
    }
    fake_gone(server);
}

static void test_a_loss_within_a_stream(void **state)
{
    const struct varve_view streams[] = { order, order };
    struct fake_server *server = fake_server_start(script_lost_within, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;
    struct varve_loaded loaded;
    struct varve_error error;

    assert_int_equal(varve_client_load_open(client, streams, 2, NULL, NULL), VARVE_OK);
    load_expect_stream(client, 0, 5, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK);
    assert_int_equal(varve_client_load_event(client, &event, &error), VARVE_DISCONNECTED);
    assert_int_equal(varve_client_load_event(client, &event, &error), VARVE_DISCONNECTED);
    assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_DISCONNECTED);
    varve_client_load_close(client);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void test_a_loss_within_what_is_passed_over(void **state)
{
    const struct varve_view streams[] = { order, order };
    struct fake_server *server = fake_server_start(script_lost_within, (void *)"");
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;

    assert_int_equal(varve_client_load_open(client, streams, 2, NULL, NULL), VARVE_OK);
    load_expect_stream(client, 0, 5, 0);
    assert_int_equal(varve_client_load_event(client, &event, NULL), VARVE_OK);
    load_expect_stream(client, 1, 5, 0);
    load_expect_events(client, 0, 5);
    load_expect_end(client);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_overloaded(struct fake_server *server)
{
    struct varve_load_request request;

    fake_begin(server);
    peer_error(server, load_take(server, 1, &request), VARVE_OVERLOADED, "too many reads");
    uint32_t id = load_take(server, 1, &request);
    load_send(server, id, 0, 1, 0);
    peer_error(server, id, VARVE_CORRUPT, "position 5");
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_errors_that_may_pass_and_those_that_stay(void **state)
{
    struct fake_server *server = fake_server_start(script_overloaded, NULL);
    struct varve_client *client = peer_client(server, "");
    const struct varve_event *event;
    struct varve_loaded loaded;
    struct varve_error error;

    assert_int_equal(varve_client_load_open(client, &order, 1, NULL, NULL), VARVE_OK);
    assert_int_equal(varve_client_load_stream(client, &loaded, NULL), VARVE_OVERLOADED);
    load_expect_stream(client, 0, 1, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(varve_client_load_event(client, &event, &error), VARVE_CORRUPT);
        assert_string_equal(error.message, "position 5");
    }
    varve_client_load_close(client);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- answers that are none --------------------------------------------------------------------------------------- */

static void send_other_loading(struct fake_server *server, uint32_t id, const struct varve_snapshot *snapshot,
                               int64_t version, uint64_t first_version)
{
    varve_encode_loading(&server->out, id, &(struct varve_loading){ .version = version, .first_version = first_version,
                                                                    .has_snapshot = true, .snapshot = *snapshot });
    fake_send(server);
}

static void say(struct fake_server *server, uint32_t id, const char *what)
{
    struct varve_snapshot snapshot = { .stream = order, .version = 2, .type = account, .schema_version = 2,
                                       .size = 1, .data = { "1", 1 } };

    snapshot.type = strcmp(what, "type") == 0 ? order : account;
    snapshot.schema_version = strcmp(what, "schema") == 0 ? 3 : 2;
    snapshot.stream = strcmp(what, "stream") == 0 ? gone : order;
    snapshot.version = strcmp(what, "ahead") == 0 ? 6 : 2;
    if (strcmp(what, "index") == 0)
        load_send(server, id, 1, 5, 0);
    else if (strcmp(what, "first_version") == 0)
        load_send(server, id, 0, 5, 7);
    else if (strcmp(what, "version") == 0)
        load_send(server, id, 0, -1, 0);
    else if (strcmp(what, "batch first") == 0)
        peer_batch(server, id, 0, 5, 6);
    else if (strcmp(what, "end first") == 0)
        peer_read_end(server, id);
    else if (strcmp(what, "pong") == 0)
        peer_pong(server, id);
    else
        send_other_loading(server, id, &snapshot, 5, strcmp(what, "gap") == 0 ? 4 : (uint64_t)snapshot.version + 1);
}

static void script_says(struct fake_server *server)
{
    struct varve_load_request request;

    fake_begin(server);
    say(server, load_take(server, 1, &request), server->user);
    fake_listen_until_gone(server);
}

static void test_streams_that_are_not_due(void **state)
{
    static const char *const cases[] = { "index", "first_version", "version", "gap", "batch first", "end first", "pong",
                                         "type", "schema", "stream", "ahead" };
    const struct varve_load_wanted wanted = load_wanted_accounts();

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(script_says, (void *)cases[i]);
        struct varve_client *client = peer_client(server, "");
        struct varve_loaded loaded;

        assert_int_equal(varve_client_load_open(client, &order, 1, &wanted, NULL), VARVE_OK);
        CHECK_CASE(varve_client_load_stream(client, &loaded, NULL) == VARVE_PROTOCOL, cases[i]);
        CHECK_CASE(varve_client_load_stream(client, &loaded, NULL) == VARVE_PROTOCOL, cases[i]);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

/* A first batch that is well, from 0 to 2 of 0 to 5; then: */
static void script_continues(struct fake_server *server)
{
    const char *what = server->user;
    struct varve_load_request request;

    fake_begin(server);
    uint32_t id = load_take(server, 2, &request);
    load_send(server, id, 0, 5, 0);
    peer_batch(server, id, 0, 2, 3);
    if (strcmp(what, "twice") == 0)
        peer_batch(server, id, 2, 5, 6);
    else if (strcmp(what, "a gap") == 0)
        peer_batch(server, id, 4, 5, 6);
    else if (strcmp(what, "another stream") == 0)
        load_send(server, id, 1, 5, 0);
    else if (strcmp(what, "the end") == 0)
        peer_read_end(server, id);
    else
        peer_batch(server, id, 3, 6, 7); /* One that it does not have. */
    fake_listen_until_gone(server);
}

static void test_versions_that_do_not_continue(void **state)
{
    static const char *const cases[] = { "twice", "a gap", "another stream", "the end", "too many" };
    const struct varve_view streams[] = { order, order };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(script_continues, (void *)cases[i]);
        struct varve_client *client = peer_client(server, "");
        unsigned events = strcmp(cases[i], "too many") == 0 ? 6 : 3;
        const struct varve_event *event;
        struct varve_loaded loaded;

        assert_int_equal(varve_client_load_open(client, streams, 2, NULL, NULL), VARVE_OK);
        load_expect_stream(client, 0, 5, 0);
        for (unsigned n = 0; n < events; n++)
            CHECK_CASE(varve_client_load_event(client, &event, NULL) == VARVE_OK && event->version == n, cases[i]);
        enum varve_status status = events == 3 ? varve_client_load_event(client, &event, NULL) : VARVE_PROTOCOL;
        CHECK_CASE(status == VARVE_PROTOCOL, cases[i]);
        if (events == 3)
            CHECK_CASE(varve_client_load_stream(client, &loaded, NULL) == VARVE_PROTOCOL, cases[i]);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_loss_between_two_streams),
        cmocka_unit_test(test_a_loss_before_the_first_event_of_a_stream),
        cmocka_unit_test(test_a_stream_that_looks_different_after_a_loss),
        cmocka_unit_test(test_a_loss_within_a_stream),
        cmocka_unit_test(test_a_loss_within_what_is_passed_over),
        cmocka_unit_test(test_errors_that_may_pass_and_those_that_stay),
        cmocka_unit_test(test_streams_that_are_not_due),
        cmocka_unit_test(test_versions_that_do_not_continue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
