/* test_read_losses.c - reads whose connection is lost: they go on where they were. */
#include "reads.h"

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
    read_take(server, &id, &request);
    fake_expect(server, request.read.from == c->from && request.read.limit == c->limit, "another read");
    peer_batch(server, id, c->first, c->last, c->next);
    fake_cut(server);
    if (c->again_limit == UINT64_MAX)
        return;
    fake_begin(server);
    read_take(server, &id, &request);
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
        const struct varve_read read = read_of_stream(cases[i].backwards, cases[i].from, cases[i].limit);
        struct fake_server *server = fake_server_start(script_resume, (void *)&cases[i]);
        struct varve_client *client = peer_client(server, "");

        CHECK_CASE(varve_client_read_open(client, &read, NULL) == VARVE_OK, cases[i].label);
        CHECK_CASE(read_expect_versions(client, cases[i].first, cases[i].again_last, NULL) == VARVE_OK, cases[i].label);
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
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 1, 16);
    varve_encode_read_batch(&server->out, id, &(struct varve_batch){ .next = 1000 });
    fake_send_some(server, server->out.size, 3);
    fake_cut(server);
    fake_begin(server);
    read_take(server, &id, &request);
    fake_expect(server, request.read.from == 1000 && request.read.include_system, "another place");
    peer_batch(server, id, 100, 101, VARVE_FROM_EDGE);
    fake_cut(server);
    fake_begin(server);
    read_take(server, &id, &request);
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
        read_take(server, &id, &request);
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
    read_take(server, &id, &request);
    peer_read_end(server, id);
}

static void test_attempts_count_anew_after_progress(void **state)
{
    const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_cut_within_a_batch, NULL);
    struct varve_client *client = peer_client(server, "&reconnect_attempts=2");

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(read_expect_versions(client, 0, 19, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_stops(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 1, 2);
    peer_error(server, id, VARVE_NOT_READY, "stopping");
    fake_gone(server);
    fake_begin(server);
    read_take(server, &id, &request);
    fake_expect(server, request.read.from == 2, "another place");
    peer_batch(server, id, 2, 3, VARVE_FROM_EDGE);
    peer_read_end(server, id);
}

static void test_a_server_that_stops_is_a_loss(void **state)
{
    const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_stops, NULL);
    struct varve_client *client = peer_client(server, "");

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    assert_int_equal(read_expect_versions(client, 0, 3, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_stalls(struct fake_server *server)
{
    struct varve_read_request request;
    uint32_t id;

    fake_begin(server);
    read_take(server, &id, &request);
    peer_batch(server, id, 0, 1, 2);
    fake_gone(server);
    fake_begin(server);
    read_take(server, &id, &request);
    fake_expect(server, request.read.from == 2, "another place");
    peer_batch(server, id, 2, 3, VARVE_FROM_EDGE);
    peer_read_end(server, id);
}

static void test_a_timeout_can_be_overcome_by_the_next_call(void **state)
{
    const struct varve_read read = read_of_stream(false, VARVE_FROM_EDGE, 0);
    struct fake_server *server = fake_server_start(script_stalls, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_error error;

    assert_int_equal(varve_client_read_open(client, &read, NULL), VARVE_OK);
    client->options.request_timeout_ms = 1000; /* The first batch must not be late on a busy machine. */
    assert_int_equal(read_expect_versions(client, 0, 1, &error), VARVE_TIMEOUT);
    assert_int_equal(error.status, VARVE_TIMEOUT);
    client->options.request_timeout_ms = 60000;
    assert_int_equal(read_expect_versions(client, 2, 3, &error), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_go_on_behind_the_last_event),
        cmocka_unit_test(test_reads_of_everything_go_on_by_position),
        cmocka_unit_test(test_attempts_count_anew_after_progress),
        cmocka_unit_test(test_a_server_that_stops_is_a_loss),
        cmocka_unit_test(test_a_timeout_can_be_overcome_by_the_next_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
