/* test_transact.c - transactions: what is refused before it is sent, outcomes of every part, the pipeline. */
#include "transacts.h"

/* ---- refused here ------------------------------------------------------------------------------------------------ */

static void script_greets_only(struct fake_server *server)
{
    fake_begin(server);
    fake_gone(server);
}

static void never(void *user, const struct varve_transact_outcome *outcome)
{
    fail_msg("told of something that was not taken");
}

static void test_what_is_refused_before_anything_is_sent(void **state)
{
    static struct varve_saga_change sagas[VARVE_WIRE_MAX_SAGAS + 1];
    static struct varve_checkpoint checkpoints[VARVE_WIRE_MAX_CHECKPOINTS + 1];
    static char bytes[VARVE_SAGA_MAX_STATE + 1];
    struct varve_saga_change large = { .has_state = true, .state = { bytes, sizeof(bytes) } };
    const struct varve_group_ack ack = { .count = 1 };
    struct varve_event astray = peer_event(0, 0);
    const struct {
        const char *label;
        struct varve_transact_request request;
        enum varve_status status;
        uint64_t limit;
        const char *field;
    } cases[] = {
        { "sagas", { .sagas = sagas, .saga_count = VARVE_WIRE_MAX_SAGAS + 1 }, VARVE_APPEND_TOO_LARGE,
          VARVE_WIRE_MAX_SAGAS, "" },
        { "checkpoints", { .checkpoints = checkpoints, .checkpoint_count = VARVE_WIRE_MAX_CHECKPOINTS + 1 },
          VARVE_APPEND_TOO_LARGE, VARVE_WIRE_MAX_CHECKPOINTS, "" },
        { "a state", { .sagas = &large, .saga_count = 1 }, VARVE_EVENT_TOO_LARGE, VARVE_SAGA_MAX_STATE, "" },
        { "no sagas", { .saga_count = 1 }, VARVE_INVALID_ARGUMENT, 0, "sagas" },
        { "no checkpoints", { .checkpoint_count = 1 }, VARVE_INVALID_ARGUMENT, 0, "checkpoints" },
        { "an ack", { .ack = &ack }, VARVE_INVALID_ARGUMENT, 0, "ack" },
        { "an event for no stream", { .appends = { NULL, 0, &astray, NULL, 1 } }, VARVE_INVALID_ARGUMENT, 0,
          "stream_of" },
        { "a frame", { .sagas = sagas, .saga_count = 100 }, VARVE_APPEND_TOO_LARGE, 200, "" },
    };
    struct varve_hello_ok hello;

    fake_hello_ok_init(&hello);
    hello.max_frame_bytes = 200;
    struct fake_server *server = fake_server_start_with(script_greets_only, NULL, &hello);
    struct varve_client *client = peer_client(server, "");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct varve_transact_outcome outcome;
        struct varve_error error;

        enum varve_status status = varve_client_transact(client, &cases[i].request, &outcome, &error);
        CHECK_CASE(status == cases[i].status, cases[i].label);
        CHECK_CASE(outcome.status == status && error.status == status, cases[i].label);
        CHECK_CASE(error.limit == cases[i].limit && strcmp(error.field, cases[i].field) == 0, cases[i].label);
        CHECK_CASE(varve_client_submit_transact(client, &cases[i].request, never, NULL, &error) == status,
                   cases[i].label);
        CHECK_CASE(varve_client_in_flight(client) == 0, cases[i].label);
    }
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- outcomes ---------------------------------------------------------------------------------------------------- */

static void script_success(struct fake_server *server)
{
    struct varve_transact_request request;

    fake_begin(server);
    uint32_t id = transact_take(server, &request);
    fake_expect(server, request.appends.stream_count == 2 && request.appends.event_count == 1, "other appends");
    fake_expect(server, request.appends.streams[1].expected == 17, "another expectation");
    fake_expect(server, request.saga_count == 1 && request.sagas[0].action == VARVE_SAGA_STEP, "another saga");
    fake_expect(server, request.sagas[0].expected == 3 && !request.sagas[0].has_state, "another transition");
    fake_expect(server, request.sagas[0].deadline_us == VARVE_TIME_NONE, "a deadline");
    fake_expect(server, request.checkpoint_count == 1 && request.checkpoints[0].position == 900, "another checkpoint");
    fake_expect(server, request.checkpoints[0].expected == 8 && request.ack == NULL, "another checkpoint");
    transact_answer(server, id, 2, 1, 1);
    fake_gone(server);
}

static void test_an_outcome_has_every_part(void **state)
{
    struct fake_server *server = fake_server_start(script_success, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_transact_outcome outcome;
    struct transact_sample s;

    transact_sample_init(&s);
    assert_int_equal(varve_client_transact(client, &s.request, &outcome, NULL), VARVE_OK);
    assert_int_equal(outcome.status, VARVE_OK);
    assert_true(outcome.replayed);
    assert_int_equal(outcome.stream_count, 2);
    assert_int_equal(outcome.results[0].last_position, 90);
    assert_int_equal(outcome.results[1].last_version, 17);
    assert_int_equal(outcome.saga_count, 1);
    assert_int_equal(outcome.sagas[0].version, 4);
    assert_int_equal(outcome.sagas[0].position, 91);
    assert_int_equal(outcome.checkpoint_count, 1);
    assert_int_equal(outcome.checkpoints[0].version, 9);
    varve_client_free(client);
    fake_server_stop(server);
}

/* What the server says is wrong, or says at all. */
struct saying {
    struct varve_conflict conflicts[4];
    size_t conflict_count;
    size_t streams, sagas, checkpoints; /* without conflicts: an answer for so many */
};

static void script_says(struct fake_server *server)
{
    const struct saying *saying = server->user;
    struct varve_wire_error said = {
        .error = { .status = VARVE_SAGA_CONFLICT, .message = "saga \"order-1\": expected 3, actual 4" },
        .conflicts = saying->conflicts,
        .conflict_count = saying->conflict_count,
    };
    struct varve_transact_request request;

    fake_begin(server);
    uint32_t id = transact_take(server, &request);
    if (saying->conflict_count == 0) {
        transact_answer(server, id, saying->streams, saying->sagas, saying->checkpoints);
    } else {
        varve_encode_error(&server->out, id, &said);
        fake_send(server);
    }
    fake_gone(server);
}

static void test_conflicts_name_every_part(void **state)
{
    struct saying saying = {
        .conflicts = { { VARVE_PART_STREAM, 1, VARVE_WRONG_EXPECTED_VERSION, 17, 18 },
                       { VARVE_PART_SAGA, 0, VARVE_SAGA_CONFLICT, 3, 4 },
                       { VARVE_PART_SYSTEM, 0, VARVE_WRONG_EXPECTED_VERSION, 8, 9 } },
        .conflict_count = 3,
    };
    struct fake_server *server = fake_server_start(script_says, &saying);
    struct varve_client *client = peer_client(server, "");
    struct varve_transact_outcome outcome;
    struct varve_error error;
    struct transact_sample s;

    transact_sample_init(&s);
    assert_int_equal(varve_client_transact(client, &s.request, &outcome, &error), VARVE_SAGA_CONFLICT);
    assert_int_equal(outcome.status, VARVE_SAGA_CONFLICT);
    assert_int_equal(outcome.conflict_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(outcome.conflicts[i].part, saying.conflicts[i].part);
        assert_int_equal(outcome.conflicts[i].stream_index, saying.conflicts[i].stream_index);
        assert_int_equal(outcome.conflicts[i].status, saying.conflicts[i].status);
        assert_int_equal(outcome.conflicts[i].actual, saying.conflicts[i].actual);
    }
    assert_string_equal(error.message, "saga \"order-1\": expected 3, actual 4");
    varve_client_free(client);
    fake_server_stop(server);
}

static void take_outcome(void *user, const struct varve_transact_outcome *outcome)
{
    *(struct varve_transact_outcome *)user = *outcome;
}

static void test_answers_that_do_not_fit_are_none(void **state)
{
    static const struct {
        const char *label;
        struct saying saying;
    } cases[] = {
        { "a stream too few", { .streams = 1, .sagas = 1, .checkpoints = 1 } },
        { "a stream too many", { .streams = 3, .sagas = 1, .checkpoints = 1 } },
        { "no saga", { .streams = 2, .checkpoints = 1 } },
        { "a saga too many", { .streams = 2, .sagas = 2, .checkpoints = 1 } },
        { "no checkpoint", { .streams = 2, .sagas = 1 } },
        { "another stream", { { { VARVE_PART_STREAM, 2, VARVE_STREAM_TOMBSTONED, 1, 2 } }, 1, 0, 0, 0 } },
        { "another saga", { { { VARVE_PART_SAGA, 1, VARVE_SAGA_CONFLICT, 1, 2 } }, 1, 0, 0, 0 } },
        { "another checkpoint", { { { VARVE_PART_SYSTEM, 1, VARVE_WRONG_EXPECTED_VERSION, 1, 2 } }, 1, 0, 0, 0 } },
        { "an ack of none", { { { VARVE_PART_ACK, 0, VARVE_FENCED, 0, 0 } }, 1, 0, 0, 0 } },
    };

    for (size_t i = 0; i < 2 * COUNT_OF(cases); i++) {
        const char *label = cases[i / 2].label;
        struct saying saying = cases[i / 2].saying;
        struct fake_server *server = fake_server_start(script_says, &saying);
        struct varve_client *client = peer_client(server, "");
        struct varve_transact_outcome outcome = { .status = VARVE_OK };
        struct transact_sample s;

        transact_sample_init(&s);
        if (i % 2 == 0) {
            CHECK_CASE(varve_client_transact(client, &s.request, &outcome, NULL) == VARVE_PROTOCOL, label);
        } else {
            CHECK_CASE(varve_client_submit_transact(client, &s.request, take_outcome, &outcome, NULL) == VARVE_OK,
                       label);
            varve_client_drain(client, NULL);
        }
        CHECK_CASE(outcome.status == VARVE_PROTOCOL && outcome.conflict_count == 0, label);
        CHECK_CASE(client->connection.state == CONNECTION_DISCONNECTED, label);
        varve_client_free(client);
        fake_server_stop(server);
    }
}

/* ---- pipelined --------------------------------------------------------------------------------------------------- */

struct order {
    char ended[8]; /* 'a': an append, 't': a transaction; upper case: well */
    size_t count;
};

static void on_append(void *user, const struct varve_append_outcome *outcome)
{
    struct order *order = user;

    order->ended[order->count++] = outcome->status == VARVE_OK ? 'A' : 'a';
}

static void on_transact(void *user, const struct varve_transact_outcome *outcome)
{
    struct order *order = user;

    assert_true(outcome->status != VARVE_OK || outcome->sagas[0].version == 4);
    order->ended[order->count++] = outcome->status == VARVE_OK ? 'T' : 't';
}

static void submit_both(struct varve_client *client, struct order *order, struct transact_sample *s)
{
    const struct varve_append_request append = { s->streams, 1, &s->event, NULL, 1 };

    transact_sample_init(s);
    assert_int_equal(varve_client_submit(client, &append, on_append, order, NULL), VARVE_OK);
    assert_int_equal(varve_client_submit_transact(client, &s->request, on_transact, order, NULL), VARVE_OK);
    assert_int_equal(varve_client_submit(client, &append, on_append, order, NULL), VARVE_OK);
    assert_int_equal(varve_client_in_flight(client), 3);
}

static void script_answers_backwards(struct fake_server *server)
{
    uint32_t ids[3];

    fake_begin(server);
    ids[0] = fake_take(server, VARVE_OP_APPEND);
    ids[1] = fake_take(server, VARVE_OP_TRANSACT);
    ids[2] = fake_take(server, VARVE_OP_APPEND);
    peer_append_ok(server, ids[2], 6, 93);
    transact_answer(server, ids[1], 2, 1, 1);
    peer_append_ok(server, ids[0], 5, 90);
    fake_gone(server);
}

static void script_cuts_in_between(struct fake_server *server)
{
    fake_begin(server);
    peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), 5, 90);
    fake_take(server, VARVE_OP_TRANSACT);
    fake_cut(server);
    fake_begin(server);
    transact_answer(server, fake_take(server, VARVE_OP_TRANSACT), 2, 1, 1);
    peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), 6, 93);
    fake_gone(server);
}

static void test_appends_and_transactions_share_one_order(void **state)
{
    void (*const scripts[])(struct fake_server *server) = { script_answers_backwards, script_cuts_in_between };

    for (size_t i = 0; i < COUNT_OF(scripts); i++) {
        struct fake_server *server = fake_server_start(scripts[i], NULL);
        struct varve_client *client = peer_client(server, "");
        struct order order = { .count = 0 };
        struct transact_sample s;

        submit_both(client, &order, &s);
        assert_int_equal(varve_client_drain(client, NULL), VARVE_OK);
        assert_string_equal(order.ended, "ATA");
        varve_client_free(client);
        fake_server_stop(server);
    }
}

static void script_answers_an_append_instead(struct fake_server *server)
{
    fake_begin(server);
    peer_append_ok(server, fake_take(server, VARVE_OP_APPEND), 5, 90);
    peer_append_ok(server, fake_take(server, VARVE_OP_TRANSACT), 5, 90);
    fake_listen_until_gone(server);
}

static void test_an_answer_to_something_else_is_none(void **state)
{
    struct fake_server *server = fake_server_start(script_answers_an_append_instead, NULL);
    struct varve_client *client = peer_client(server, "");
    struct order order = { .count = 0 };
    struct varve_error error;
    struct transact_sample s;

    submit_both(client, &order, &s);
    assert_int_equal(varve_client_drain(client, &error), VARVE_PROTOCOL);
    assert_non_null(strstr(error.message, "APPEND_OK where TRANSACT_OK was due"));
    assert_string_equal(order.ended, "Ata");
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void answer_one(struct fake_server *server)
{
    struct varve_transact_request request;

    transact_answer(server, transact_take(server, &request), 2, 1, 1);
}

static void script_answers_all(struct fake_server *server)
{
    peer_serve_all(server, answer_one, server->user);
}

static enum varve_status transact_once(struct varve_client *client, struct varve_error *error)
{
    struct varve_transact_outcome outcome;
    struct transact_sample s;

    transact_sample_init(&s);
    enum varve_status status = varve_client_transact(client, &s.request, &outcome, error);
    assert_int_equal(outcome.status, status);
    return status;
}

static void test_memory_that_cannot_be_had(void **state)
{
    atomic_bool over = false;

    peer_sweep(fake_server_start_local(script_answers_all, &over), &over, "transact", transact_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused_before_anything_is_sent),
        cmocka_unit_test(test_an_outcome_has_every_part),
        cmocka_unit_test(test_conflicts_name_every_part),
        cmocka_unit_test(test_answers_that_do_not_fit_are_none),
        cmocka_unit_test(test_appends_and_transactions_share_one_order),
        cmocka_unit_test(test_an_answer_to_something_else_is_none),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
