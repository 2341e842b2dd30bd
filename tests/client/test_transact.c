/* test_transact.c - transactions: what is refused before it is sent, outcomes of every part, losses, the pipeline. */
#include "peer.h"

#include "clients/c/transact.h"
#include "varve/uuid.h"

/* One event, a check of another stream, a transition and a checkpoint. */
struct sample {
    struct varve_append_stream streams[2];
    struct varve_event event;
    uint32_t stream_of[1];
    struct varve_saga_change saga;
    struct varve_checkpoint checkpoint;
    struct varve_transact_request request;
};

static void sample_init(struct sample *s)
{
    *s = (struct sample){
        .streams = { { varve_view_str("order-1"), 4 }, { varve_view_str("order-2"), 17 } },
        .event = peer_event(5, 0),
        .checkpoint = { .name = varve_view_str("shipping"), .position = 900, .expected = 8,
                        .event_id = { { 3, 3 } } },
    };
    varve_saga_change_init(&s->saga);
    s->saga.type = varve_view_str("order");
    s->saga.id = varve_view_str("1");
    s->saga.expected = 3;
    s->saga.step = varve_view_str("charge");
    s->saga.event_id = (struct varve_uuid){ { 2, 2 } };
    s->request = (struct varve_transact_request){
        .appends = { s->streams, 2, &s->event, s->stream_of, 1 },
        .sagas = &s->saga, .saga_count = 1,
        .checkpoints = &s->checkpoint, .checkpoint_count = 1,
    };
}

static uint32_t take(struct fake_server *server, struct varve_transact_request *ret)
{
    uint32_t id = fake_take(server, VARVE_OP_TRANSACT);

    fake_expect(server, varve_decode_transact(server->body, server->arena, ret, NULL) == VARVE_OK, "not readable");
    return id;
}

static void answer(struct fake_server *server, uint32_t id, size_t streams, size_t sagas, size_t checkpoints)
{
    static const struct varve_append_result results[] = { { 5, 5, 90, 90 }, { -1, 17, 0, 0 }, { 0, 0, 1, 1 } };
    static const struct varve_transact_place places[] = { { 4, 91 }, { 9, 92 } };

    varve_encode_transact_ok(&server->out, id,
                             &(struct varve_transact_outcome){ .replayed = true, .results = results,
                                                               .stream_count = streams, .sagas = places,
                                                               .saga_count = sagas, .checkpoints = places + 1,
                                                               .checkpoint_count = checkpoints });
    fake_send(server);
}

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
    uint32_t id = take(server, &request);
    fake_expect(server, request.appends.stream_count == 2 && request.appends.event_count == 1, "other appends");
    fake_expect(server, request.appends.streams[1].expected == 17, "another expectation");
    fake_expect(server, request.saga_count == 1 && request.sagas[0].action == VARVE_SAGA_STEP, "another saga");
    fake_expect(server, request.sagas[0].expected == 3 && !request.sagas[0].has_state, "another transition");
    fake_expect(server, request.sagas[0].deadline_us == VARVE_TIME_NONE, "a deadline");
    fake_expect(server, request.checkpoint_count == 1 && request.checkpoints[0].position == 900, "another checkpoint");
    fake_expect(server, request.checkpoints[0].expected == 8 && request.ack == NULL, "another checkpoint");
    answer(server, id, 2, 1, 1);
    fake_gone(server);
}

static void test_an_outcome_has_every_part(void **state)
{
    struct fake_server *server = fake_server_start(script_success, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_transact_outcome outcome;
    struct sample s;

    sample_init(&s);
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
    uint32_t id = take(server, &request);
    if (saying->conflict_count == 0) {
        answer(server, id, saying->streams, saying->sagas, saying->checkpoints);
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
    struct sample s;

    sample_init(&s);
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
        struct sample s;

        sample_init(&s);
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

/* ---- repeating --------------------------------------------------------------------------------------------------- */

static void test_repeatable_is_when_everything_has_an_id(void **state)
{
    const struct varve_group_ack ack = { .count = 1 };
    struct sample s;

    sample_init(&s);
    assert_true(transact_is_repeatable(&s.request));
    memset(&s.event.id, 0, sizeof(s.event.id));
    assert_false(transact_is_repeatable(&s.request));
    sample_init(&s);
    memset(&s.saga.event_id, 0, sizeof(s.saga.event_id));
    assert_false(transact_is_repeatable(&s.request));
    sample_init(&s);
    memset(&s.checkpoint.event_id, 0, sizeof(s.checkpoint.event_id));
    assert_false(transact_is_repeatable(&s.request));
    sample_init(&s);
    s.request.ack = &ack;
    assert_false(transact_is_repeatable(&s.request));
}

static void test_ids_are_filled_in_where_there_are_none(void **state)
{
    struct sample s;

    sample_init(&s);
    const struct varve_uuid before[] = { s.event.id, s.saga.event_id, s.checkpoint.event_id };
    assert_int_equal(varve_transact_fill_ids(&s.event, 1, &s.saga, 1, &s.checkpoint, 1), VARVE_OK);
    assert_true(varve_uuid_equal(&s.event.id, &before[0]));
    assert_true(varve_uuid_equal(&s.saga.event_id, &before[1]));
    assert_true(varve_uuid_equal(&s.checkpoint.event_id, &before[2]));
    memset(&s.event.id, 0, sizeof(s.event.id));
    memset(&s.saga.event_id, 0, sizeof(s.saga.event_id));
    memset(&s.checkpoint.event_id, 0, sizeof(s.checkpoint.event_id));
    assert_int_equal(varve_transact_fill_ids(&s.event, 1, &s.saga, 1, &s.checkpoint, 1), VARVE_OK);
    assert_true(transact_is_repeatable(&s.request));
    assert_int_equal(s.event.id.bytes[6] >> 4, 7);
    assert_false(varve_uuid_equal(&s.event.id, &s.saga.event_id));
    assert_int_equal(varve_transact_fill_ids(NULL, 0, NULL, 0, NULL, 0), VARVE_OK);
}

/* Takes it, goes without an answer, takes it again. */
static void script_cuts_then_answers(struct fake_server *server)
{
    struct varve_transact_request request;
    struct varve_uuid id_of_event;

    fake_begin(server);
    take(server, &request);
    id_of_event = request.sagas[0].event_id;
    fake_cut(server);
    fake_begin(server);
    uint32_t id = take(server, &request);
    fake_expect(server, varve_uuid_equal(&id_of_event, &request.sagas[0].event_id), "it came again as another");
    answer(server, id, 2, 1, 1);
    fake_gone(server);
}

static void test_what_has_ids_is_sent_again(void **state)
{
    struct fake_server *server = fake_server_start(script_cuts_then_answers, NULL);
    struct varve_client *client = peer_client(server, "");
    struct sample s;

    sample_init(&s);
    assert_int_equal(varve_client_transact(client, &s.request, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_cuts_for_good(struct fake_server *server)
{
    fake_begin(server);
    fake_take(server, VARVE_OP_TRANSACT);
    fake_cut(server);
    fake_begin(server); /* It does not come again: */
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_gone(server);
}

static void test_what_has_none_is_not(void **state)
{
    struct fake_server *server = fake_server_start(script_cuts_for_good, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_transact_outcome outcome;
    struct sample s;

    sample_init(&s);
    memset(&s.checkpoint.event_id, 0, sizeof(s.checkpoint.event_id));
    assert_int_equal(varve_client_transact(client, &s.request, &outcome, NULL), VARVE_DISCONNECTED);
    assert_int_equal(outcome.status, VARVE_DISCONNECTED);
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    varve_client_free(client);
    fake_server_stop(server);
}

static void script_stops(struct fake_server *server)
{
    struct varve_transact_request request;

    fake_begin(server);
    peer_error(server, take(server, &request), VARVE_NOT_READY, "stopping");
    fake_gone(server);
    fake_begin(server);
    answer(server, take(server, &request), 2, 1, 1);
    fake_take(server, VARVE_OP_TRANSACT);
    fake_listen_until_gone(server);
}

static void test_refused_by_a_server_that_stops_and_silence(void **state)
{
    struct fake_server *server = fake_server_start(script_stops, NULL);
    struct varve_client *client = peer_client(server, "");
    struct sample s;

    sample_init(&s);
    memset(&s.checkpoint.event_id, 0, sizeof(s.checkpoint.event_id));
    assert_int_equal(varve_client_transact(client, &s.request, NULL, NULL), VARVE_OK);
    client->options.request_timeout_ms = 20;
    assert_int_equal(varve_client_transact(client, &s.request, NULL, NULL), VARVE_TIMEOUT);
    varve_client_free(client);
    fake_server_stop(server);
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

static void submit_both(struct varve_client *client, struct order *order, struct sample *s)
{
    const struct varve_append_request append = { s->streams, 1, &s->event, NULL, 1 };

    sample_init(s);
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
    answer(server, ids[1], 2, 1, 1);
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
    answer(server, fake_take(server, VARVE_OP_TRANSACT), 2, 1, 1);
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
        struct sample s;

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
    struct sample s;

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

    answer(server, take(server, &request), 2, 1, 1);
}

static void script_answers_all(struct fake_server *server)
{
    peer_serve_all(server, answer_one, server->user);
}

static enum varve_status transact_sample(struct varve_client *client, struct varve_error *error)
{
    struct varve_transact_outcome outcome;
    struct sample s;

    sample_init(&s);
    enum varve_status status = varve_client_transact(client, &s.request, &outcome, error);
    assert_int_equal(outcome.status, status);
    return status;
}

static void test_memory_that_cannot_be_had(void **state)
{
    atomic_bool over = false;

    peer_sweep(fake_server_start_local(script_answers_all, &over), &over, "transact", transact_sample);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_refused_before_anything_is_sent),
        cmocka_unit_test(test_an_outcome_has_every_part),
        cmocka_unit_test(test_conflicts_name_every_part),
        cmocka_unit_test(test_answers_that_do_not_fit_are_none),
        cmocka_unit_test(test_repeatable_is_when_everything_has_an_id),
        cmocka_unit_test(test_ids_are_filled_in_where_there_are_none),
        cmocka_unit_test(test_what_has_ids_is_sent_again),
        cmocka_unit_test(test_what_has_none_is_not),
        cmocka_unit_test(test_refused_by_a_server_that_stops_and_silence),
        cmocka_unit_test(test_appends_and_transactions_share_one_order),
        cmocka_unit_test(test_an_answer_to_something_else_is_none),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
