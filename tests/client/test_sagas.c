/* test_sagas.c - what is asked about sagas, how one is changed, what a claim waits for. */
#include "calls.h"

#include "varve/uuid.h"

static const struct varve_view order = { "order", 5 }, one = { "1", 1 }, charge = { "charge", 6 };

static struct varve_saga sample_saga(void)
{
    return (struct varve_saga){
        .type = order, .id = one, .step = charge, .status = VARVE_SAGA_RUNNING, .version = 4, .position = 91,
        .started_at_us = 1000, .updated_at_us = 2000, .completed_at_us = VARVE_TIME_NONE,
        .failed_at_us = VARVE_TIME_NONE, .deadline_us = 9000, .has_state = true,
        .state = varve_view_str("{\"total\":99}"),
    };
}

static struct varve_saga_query sample_query(void)
{
    struct varve_saga_query query;

    varve_saga_query_init(&query);
    query.type = order;
    query.statuses = 1u << VARVE_SAGA_RUNNING;
    query.step = charge;
    query.include_state = true;
    query.limit = 2;
    return query;
}

static struct varve_saga_claim sample_claim(void)
{
    return (struct varve_saga_claim){ .type = order, .worker = varve_view_str("w1"), .lease_ms = 30000, .limit = 2,
                                      .wait_ms = 1000 };
}

static void send_list(struct fake_server *server, uint32_t id, size_t count)
{
    struct varve_saga sagas[] = { sample_saga(), sample_saga(), sample_saga() };
    struct varve_saga_list list = { .sagas = sagas, .count = count, .next = "further", .next_size = 7 };

    varve_encode_saga_list_ok(&server->out, id, &list);
    fake_send(server);
}

static void send_claimed(struct fake_server *server, uint32_t id, size_t count)
{
    const struct varve_saga sagas[] = { sample_saga(), sample_saga(), sample_saga() };

    varve_encode_saga_claim_ok(&server->out, id, sagas, count);
    fake_send(server);
}

/* ---- changing ---------------------------------------------------------------------------------------------------- */

static uint32_t take_change(struct fake_server *server, struct varve_saga_change *ret)
{
    struct varve_transact_request request;
    uint32_t id = fake_take(server, VARVE_OP_TRANSACT);

    fake_expect(server, varve_decode_transact(server->body, server->arena, &request, NULL) == VARVE_OK, "not readable");
    fake_expect(server, request.appends.stream_count == 0 && request.saga_count == 1, "not one saga");
    *ret = request.sagas[0];
    return id;
}

static void script_changes(struct fake_server *server)
{
    const struct varve_transact_place place = { 5, 123 };
    const struct varve_conflict conflict = { VARVE_PART_SAGA, 0, VARVE_SAGA_CONFLICT, 3, 8 };
    struct varve_wire_error said = { .error = { .status = VARVE_SAGA_CONFLICT, .message = "expected 3, actual 8" },
                                     .conflicts = &conflict, .conflict_count = 1 };
    struct varve_saga_change change, again;

    fake_begin(server);
    take_change(server, &change);
    fake_expect(server, change.action == VARVE_SAGA_STEP && change.expected == 3, "changed otherwise");
    const struct varve_uuid id_of_event = change.event_id;
    fake_expect(server, !varve_uuid_is_nil(&id_of_event), "it has no id");
    fake_cut(server);
    fake_begin(server);
    uint32_t id = take_change(server, &again);
    fake_expect(server, varve_uuid_equal(&id_of_event, &again.event_id), "it came again as another");
    varve_encode_transact_ok(&server->out, id, &(struct varve_transact_outcome){ .sagas = &place, .saga_count = 1 });
    fake_send(server);
    varve_encode_error(&server->out, take_change(server, &change), &said);
    fake_send(server);
    peer_error(server, take_change(server, &change), VARVE_SAGA_NOT_FOUND, "no such saga");
    fake_gone(server);
}

static void test_a_change_is_repeated_and_tells_its_version(void **state)
{
    struct fake_server *server = fake_server_start(script_changes, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_saga_change change;
    int64_t version = -7;
    uint64_t position = 0;

    varve_saga_change_init(&change);
    assert_int_equal(change.expected, VARVE_EXPECTED_STREAM_EXISTS);
    change.type = order;
    change.id = one;
    change.step = charge;
    change.expected = 3;
    assert_int_equal(varve_client_saga_change(client, &change, &version, &position, NULL), VARVE_OK);
    assert_int_equal(version, 5);
    assert_int_equal(position, 123);
    assert_true(varve_uuid_is_nil(&change.event_id)); /* Which is the caller's. */
    assert_int_equal(varve_client_saga_change(client, &change, &version, NULL, NULL), VARVE_SAGA_CONFLICT);
    assert_int_equal(version, 8);
    assert_int_equal(varve_client_saga_change(client, &change, &version, &position, NULL), VARVE_SAGA_NOT_FOUND);
    assert_int_equal(version, 8);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

static void send_counts(struct fake_server *server, uint32_t id)
{
    struct varve_saga_count types[] = { { order, { 5, 4, 3, 2, 1 } } };

    varve_encode_saga_counts_ok(&server->out, id, &(struct varve_saga_counts){ types, 1 });
    fake_send(server);
}

static void script_looks(struct fake_server *server)
{
    struct varve_saga saga = sample_saga();
    struct varve_saga_query query;
    struct varve_view type, name;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_SAGA_GET);
    fake_expect(server, varve_decode_saga_get(server->body, &type, &name, NULL) == VARVE_OK, "not readable");
    fake_expect(server, varve_view_equal(type, order) && varve_view_equal(name, one), "another saga");
    varve_encode_saga_get_ok(&server->out, id, &saga);
    fake_send(server);
    for (int page = 0; page < 2; page++) {
        id = fake_take(server, VARVE_OP_SAGA_LIST);
        fake_expect(server, varve_decode_saga_list(server->body, &query, NULL) == VARVE_OK, "not readable");
        fake_expect(server, query.limit == 2 && query.include_state && query.statuses == 1, "another query");
        fake_expect(server, varve_view_equal(query.after, varve_view_str(page == 0 ? "" : "further")), "another page");
        send_list(server, id, 2);
    }
    send_counts(server, fake_take(server, VARVE_OP_SAGA_COUNTS));
    peer_error(server, fake_take(server, VARVE_OP_SAGA_GET), VARVE_SAGA_NOT_FOUND, "no such saga");
    fake_gone(server);
}

static void test_looking(void **state)
{
    struct fake_server *server = fake_server_start(script_looks, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_saga_query query = sample_query();
    struct varve_saga_counts counts;
    struct varve_saga_list list;
    struct varve_saga saga;
    struct varve_error error;

    assert_int_equal(varve_client_saga_get(client, order, one, &saga, NULL), VARVE_OK);
    assert_int_equal(saga.version, 4);
    assert_int_equal(saga.deadline_us, 9000);
    assert_true(saga.has_state && varve_view_equal(saga.state, varve_view_str("{\"total\":99}")));
    assert_int_equal(varve_client_saga_list(client, &query, &list, NULL), VARVE_OK);
    assert_int_equal(list.count, 2);
    assert_true(varve_view_equal(list.sagas[1].step, charge));
    assert_false(list.end);
    query.after = varve_view_of((const char *)list.next, list.next_size);
    assert_int_equal(varve_client_saga_list(client, &query, &list, NULL), VARVE_OK);
    assert_int_equal(varve_client_saga_counts(client, &counts, NULL), VARVE_OK);
    assert_int_equal(counts.count, 1);
    assert_int_equal(counts.types[0].by_status[VARVE_SAGA_FAILED], 1);
    assert_int_equal(varve_client_saga_get(client, order, one, &saga, &error), VARVE_SAGA_NOT_FOUND);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- claiming ---------------------------------------------------------------------------------------------------- */

static void script_claims(struct fake_server *server)
{
    struct varve_saga_claim claim;

    fake_begin(server);
    uint32_t id = fake_take(server, VARVE_OP_SAGA_CLAIM);
    fake_expect(server, varve_decode_saga_claim(server->body, &claim, NULL) == VARVE_OK, "not readable");
    fake_expect(server, varve_view_equal(claim.worker, varve_view_str("w1")) && claim.lease_ms == 30000, "otherwise");
    fake_sleep_ms(60); /* Longer than the request timeout, but it was asked to wait. */
    send_claimed(server, id, 2);
    send_claimed(server, fake_take(server, VARVE_OP_SAGA_CLAIM), 0);
    fake_take(server, VARVE_OP_SAGA_CLAIM);
    fake_cut(server);
    fake_begin(server); /* Not again. */
    peer_pong(server, fake_take(server, VARVE_OP_PING));
    fake_take(server, VARVE_OP_SAGA_CLAIM);
    fake_listen_until_gone(server);
}

static void test_a_claim_waits_and_is_not_repeated(void **state)
{
    struct fake_server *server = fake_server_start(script_claims, NULL);
    struct varve_client *client = peer_client(server, "");
    struct varve_saga_claim claim = sample_claim();
    const struct varve_saga *sagas;
    size_t count;

    assert_int_equal(varve_client_connect(client, NULL), VARVE_OK);
    client->options.request_timeout_ms = 10;
    claim.wait_ms = 30000;
    assert_int_equal(varve_client_saga_claim(client, &claim, &sagas, &count, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_true(sagas[0].has_state);
    assert_int_equal(varve_client_saga_claim(client, &claim, &sagas, &count, NULL), VARVE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(varve_client_saga_claim(client, &claim, &sagas, &count, NULL), VARVE_DISCONNECTED);
    client->options.request_timeout_ms = 60000;
    assert_int_equal(varve_client_ping(client, NULL, NULL, NULL), VARVE_OK);
    client->options.request_timeout_ms = 10;
    claim.wait_ms = 10;
    assert_int_equal(varve_client_saga_claim(client, &claim, &sagas, &count, NULL), VARVE_TIMEOUT);
    varve_client_free(client);
    fake_server_stop(server);
}

/* ---- answers that are none --------------------------------------------------------------------------------------- */

static enum varve_status call_get(struct varve_client *client, struct varve_error *error)
{
    struct varve_saga saga;

    return varve_client_saga_get(client, order, one, &saga, error);
}

static enum varve_status call_list(struct varve_client *client, struct varve_error *error)
{
    struct varve_saga_query query = sample_query();
    struct varve_saga_list list;

    return varve_client_saga_list(client, &query, &list, error);
}

static enum varve_status call_counts(struct varve_client *client, struct varve_error *error)
{
    struct varve_saga_counts counts;

    return varve_client_saga_counts(client, &counts, error);
}

static enum varve_status call_claim(struct varve_client *client, struct varve_error *error)
{
    struct varve_saga_claim claim = sample_claim();
    const struct varve_saga *sagas;
    size_t count;

    return varve_client_saga_claim(client, &claim, &sagas, &count, error);
}

static void answer_get(struct fake_server *server, uint32_t id)
{
    struct varve_saga saga = sample_saga();

    varve_encode_saga_get_ok(&server->out, id, &saga);
    fake_send(server);
}

static void answer_get_of_another(struct fake_server *server, uint32_t id)
{
    struct varve_saga saga = sample_saga();

    saga.id = varve_view_str("2");
    varve_encode_saga_get_ok(&server->out, id, &saga);
    fake_send(server);
}

static void answer_list(struct fake_server *server, uint32_t id)
{
    send_list(server, id, 2);
}

static void answer_list_too_long(struct fake_server *server, uint32_t id)
{
    send_list(server, id, 3);
}

static void answer_list_of_others(struct fake_server *server, uint32_t id)
{
    struct varve_saga saga = sample_saga();
    struct varve_saga_list list = { .sagas = &saga, .count = 1, .end = true };

    saga.status = VARVE_SAGA_TIMED_OUT;
    varve_encode_saga_list_ok(&server->out, id, &list);
    fake_send(server);
}

static void answer_claim(struct fake_server *server, uint32_t id)
{
    send_claimed(server, id, 2);
}

static void answer_claim_too_long(struct fake_server *server, uint32_t id)
{
    send_claimed(server, id, 3);
}

static void answer_claim_of_finished(struct fake_server *server, uint32_t id)
{
    struct varve_saga saga = sample_saga();

    saga.status = VARVE_SAGA_COMPLETED;
    saga.completed_at_us = 3000;
    varve_encode_saga_claim_ok(&server->out, id, &saga, 1);
    fake_send(server);
}

static void test_answers_that_are_none(void **state)
{
    static const struct call cases[] = {
        { "get: another", VARVE_OP_SAGA_GET, call_get, answer_get_of_another },
        { "get: nothing", VARVE_OP_SAGA_GET, call_get, answer_with_nothing },
        { "list: too long", VARVE_OP_SAGA_LIST, call_list, answer_list_too_long },
        { "list: others", VARVE_OP_SAGA_LIST, call_list, answer_list_of_others },
        { "list: nothing", VARVE_OP_SAGA_LIST, call_list, answer_with_nothing },
        { "counts: nothing", VARVE_OP_SAGA_COUNTS, call_counts, answer_with_nothing },
        { "counts: pong", VARVE_OP_SAGA_COUNTS, call_counts, peer_pong },
        { "claim: too long", VARVE_OP_SAGA_CLAIM, call_claim, answer_claim_too_long },
        { "claim: finished", VARVE_OP_SAGA_CLAIM, call_claim, answer_claim_of_finished },
        { "claim: nothing", VARVE_OP_SAGA_CLAIM, call_claim, answer_with_nothing },
    };

    calls_refuse(cases, COUNT_OF(cases));
}

/* ---- losses and memory ------------------------------------------------------------------------------------------- */

static const struct call good[] = {
    { "get", VARVE_OP_SAGA_GET, call_get, answer_get },
    { "list", VARVE_OP_SAGA_LIST, call_list, answer_list },
    { "counts", VARVE_OP_SAGA_COUNTS, call_counts, send_counts },
    { "claim", VARVE_OP_SAGA_CLAIM, call_claim, answer_claim },
};
#define REPEATED 3u /* the first ones */

static void test_looking_is_repeated(void **state)
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
        cmocka_unit_test(test_a_change_is_repeated_and_tells_its_version),
        cmocka_unit_test(test_looking),
        cmocka_unit_test(test_a_claim_waits_and_is_not_repeated),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_looking_is_repeated),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
