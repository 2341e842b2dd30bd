/* test_transact_repeats.c - transactions whose connection is lost: only those with ids are sent again. */
#include "transacts.h"

#include "varve/uuid.h"

static void test_repeatable_is_when_everything_has_an_id(void **state)
{
    const struct varve_group_ack ack = { .count = 1 };
    struct transact_sample s;

    transact_sample_init(&s);
    assert_true(transact_is_repeatable(&s.request));
    memset(&s.event.id, 0, sizeof(s.event.id));
    assert_false(transact_is_repeatable(&s.request));
    transact_sample_init(&s);
    memset(&s.saga.event_id, 0, sizeof(s.saga.event_id));
    assert_false(transact_is_repeatable(&s.request));
    transact_sample_init(&s);
    memset(&s.checkpoint.event_id, 0, sizeof(s.checkpoint.event_id));
    assert_false(transact_is_repeatable(&s.request));
    transact_sample_init(&s);
    s.request.ack = &ack;
    assert_false(transact_is_repeatable(&s.request));
}

static void test_ids_are_filled_in_where_there_are_none(void **state)
{
    struct transact_sample s;

    transact_sample_init(&s);
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
    transact_take(server, &request);
    id_of_event = request.sagas[0].event_id;
    fake_cut(server);
    fake_begin(server);
    uint32_t id = transact_take(server, &request);
    fake_expect(server, varve_uuid_equal(&id_of_event, &request.sagas[0].event_id), "it came again as another");
    transact_answer(server, id, 2, 1, 1);
    fake_gone(server);
}

static void test_what_has_ids_is_sent_again(void **state)
{
    struct fake_server *server = fake_server_start(script_cuts_then_answers, NULL);
    struct varve_client *client = peer_client(server, "");
    struct transact_sample s;

    transact_sample_init(&s);
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
    struct transact_sample s;

    transact_sample_init(&s);
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
    peer_error(server, transact_take(server, &request), VARVE_NOT_READY, "stopping");
    fake_gone(server);
    fake_begin(server);
    transact_answer(server, transact_take(server, &request), 2, 1, 1);
    fake_take(server, VARVE_OP_TRANSACT);
    fake_listen_until_gone(server);
}

static void test_refused_by_a_server_that_stops_and_silence(void **state)
{
    struct fake_server *server = fake_server_start(script_stops, NULL);
    struct varve_client *client = peer_client(server, "");
    struct transact_sample s;

    transact_sample_init(&s);
    memset(&s.checkpoint.event_id, 0, sizeof(s.checkpoint.event_id));
    assert_int_equal(varve_client_transact(client, &s.request, NULL, NULL), VARVE_OK);
    client->options.request_timeout_ms = 20;
    assert_int_equal(varve_client_transact(client, &s.request, NULL, NULL), VARVE_TIMEOUT);
    varve_client_free(client);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_repeatable_is_when_everything_has_an_id),
        cmocka_unit_test(test_ids_are_filled_in_where_there_are_none),
        cmocka_unit_test(test_what_has_ids_is_sent_again),
        cmocka_unit_test(test_what_has_none_is_not),
        cmocka_unit_test(test_refused_by_a_server_that_stops_and_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
