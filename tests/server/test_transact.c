/* test_transact.c - transactions: all parts or none, every part that failed is named, and what is acked is finished or
 * comes back. */
#include "group_client.h"
#include "saga_client.h"

#include "server/group.h"

static struct varve_event an_event(void)
{
    return (struct varve_event){ .type = varve_view_str("tested"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
                                 .content_type = VARVE_CONTENT_JSON, .data = varve_view_str("{}") };
}

/* One part of each kind but acks, and a check; the parts can be spoiled one by one. */
struct parts {
    struct varve_append_stream streams[2];
    struct varve_event event;
    uint32_t stream_of[1];
    struct varve_saga_change sagas[2];
    struct varve_checkpoint checkpoints[1];
    struct varve_transact_request request;
};

static struct parts *make_parts(void)
{
    static struct parts p;

    p = (struct parts){
        .streams = { { varve_view_str("written"), VARVE_EXPECTED_NO_STREAM },
                     { varve_view_str("checked"), VARVE_EXPECTED_NO_STREAM } },
        .event = an_event(),
        .sagas = { saga_change(VARVE_SAGA_STEP, "order", "there", 0),
                   saga_change(VARVE_SAGA_BEGIN, "order", "new", 0) },
        .checkpoints = { { varve_view_str("reader"), 1, VARVE_EXPECTED_NO_STREAM, { { 0 } } } },
    };
    p.request = (struct varve_transact_request){
        .appends = { .streams = p.streams, .stream_count = 2, .events = &p.event, .stream_of = p.stream_of,
                     .event_count = 1 },
        .sagas = p.sagas, .saga_count = 2, .checkpoints = p.checkpoints, .checkpoint_count = 1,
    };
    return &p;
}

static struct varve_transact_outcome transact(struct client *c, const struct varve_transact_request *request)
{
    struct varve_transact_outcome outcome;

    varve_encode_transact(&c->out, 5, request);
    client_send(c);
    client_expect(c, VARVE_OP_TRANSACT_OK, 5);
    assert_int_equal(varve_decode_transact_ok(c->body, c->arena, &outcome, NULL), VARVE_OK);
    return outcome;
}

static struct varve_wire_error refused(struct client *c, const struct varve_transact_request *request,
                                       enum varve_status status)
{
    varve_encode_transact(&c->out, 5, request);
    client_send(c);
    return client_receive_error(c, 5, status);
}

static void each_part_is_stored_and_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    saga_begin(c, "order", "there");
    struct varve_transact_outcome outcome = transact(c, &make_parts()->request);
    assert_false(outcome.replayed);
    assert_int_equal(outcome.stream_count, 2);
    assert_int_equal(outcome.results[0].last_version, 0);
    assert_int_equal(outcome.results[1].last_version, -1);
    assert_int_equal(outcome.saga_count, 2);
    assert_int_equal(outcome.sagas[0].version, 1);
    assert_int_equal(outcome.sagas[1].version, 0);
    assert_int_equal(outcome.checkpoint_count, 1);
    assert_int_equal(outcome.checkpoints[0].version, 0);
    assert_int_equal(outcome.results[0].last_position, 2);
    assert_int_equal(outcome.sagas[0].position, 3);
    assert_int_equal(outcome.sagas[1].position, 4);
    assert_int_equal(outcome.checkpoints[0].position, 5);
    assert_int_equal(saga_get(c, "order", "there").version, 1);
    assert_int_equal(figure_get(&f->server.figures.transactions), 2);
    assert_int_equal(figure_get(&f->server.figures.saga_begins), 2);
    assert_int_equal(figure_get(&f->server.figures.saga_steps), 1);
    client_close(c);
    fixture_close(f);
}

/* Spoil them one after the other: each time all that are spoilt by then are named, and nothing is stored. */
static void every_part_that_fails_is_named(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct parts *p = make_parts();

    saga_begin(c, "order", "there");
    client_append(c, "checked", 3);
    uint64_t last_position = varve_store_last_position(f->store);
    struct varve_wire_error error = refused(c, &p->request, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(error.conflict_count, 1);
    p->sagas[0].expected = 7;
    error = refused(c, &p->request, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(error.conflict_count, 2);
    p->sagas[1].id = varve_view_str("there");
    p->sagas[0].id = varve_view_str("never");
    error = refused(c, &p->request, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(error.conflict_count, 3);
    p->checkpoints[0].expected = 4;
    error = refused(c, &p->request, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(error.conflict_count, 4);
    static const struct varve_conflict expected[] = {
        { VARVE_PART_STREAM, 1, VARVE_WRONG_EXPECTED_VERSION, -1, 2 },
        { VARVE_PART_SAGA, 0, VARVE_SAGA_NOT_FOUND, 7, -1 },
        { VARVE_PART_SAGA, 1, VARVE_SAGA_EXISTS, -1, 0 },
        { VARVE_PART_SYSTEM, 0, VARVE_WRONG_EXPECTED_VERSION, 4, -1 },
    };
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(error.conflicts[i].part, expected[i].part);
        assert_int_equal(error.conflicts[i].stream_index, expected[i].stream_index);
        assert_int_equal(error.conflicts[i].status, expected[i].status);
        assert_int_equal(error.conflicts[i].expected, expected[i].expected);
        assert_int_equal(error.conflicts[i].actual, expected[i].actual);
    }
    assert_int_equal(varve_store_last_position(f->store), last_position);
    assert_int_equal(saga_get(c, "order", "there").version, 0);
    assert_int_equal(figure_get(&f->server.figures.transactions), 1);
    client_close(c);
    fixture_close(f);
}

static void a_repeated_one_is_known(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct parts *p = make_parts();

    saga_begin(c, "order", "there");
    p->event.id.bytes[0] = 1;
    p->sagas[0].event_id.bytes[0] = 2;
    p->sagas[1].event_id.bytes[0] = 3;
    p->checkpoints[0].event_id.bytes[0] = 4;
    struct varve_transact_outcome first = transact(c, &p->request);
    uint64_t position = first.checkpoints[0].position;
    struct varve_transact_outcome again = transact(c, &p->request);
    assert_true(again.replayed);
    assert_int_equal(again.checkpoints[0].position, position);
    assert_int_equal(varve_store_last_position(f->store), position);
    assert_int_equal(figure_get(&f->server.figures.transactions), 2);
    client_close(c);
    fixture_close(f);
}

static void bad_requests_are_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct parts *p = make_parts();

    assert_string_equal(refused(c, &p->request, VARVE_INVALID_ARGUMENT).error.field, "checkpoints[0].position");
    p->request.checkpoint_count = 0;
    p->sagas[1].type = varve_view_str("not-a-type");
    assert_string_equal(refused(c, &p->request, VARVE_INVALID_ARGUMENT).error.field, "sagas[1].type");
    refused(c, &(struct varve_transact_request){ .saga_count = 0 }, VARVE_INVALID_ARGUMENT);
    p->request.saga_count = 0;
    p->streams[0].stream = varve_view_str("$saga-order-1");
    refused(c, &p->request, VARVE_INVALID_ARGUMENT);
    assert_int_equal(f->server.budget.used_bytes, 0);
    assert_int_equal(varve_store_last_position(f->store), 0);
    client_close(c);
    fixture_close(f);
}

static void a_connections_transactions_keep_their_order(void **state)
{
    enum { COUNT = 300 };
    struct fixture *f = fixture_open("--max-requests 50");
    struct client *c = client_open(f);

    saga_begin(c, "order", "1");
    for (uint32_t i = 0; i < COUNT; i++) {
        const struct varve_saga_change change = saga_change(VARVE_SAGA_STEP, "order", "1", i);
        varve_encode_transact(&c->out, i + 1, &(struct varve_transact_request){ .sagas = &change, .saga_count = 1 });
    }
    client_send(c);
    for (uint32_t i = 0; i < COUNT; i++)
        client_expect(c, VARVE_OP_TRANSACT_OK, i + 1); /* Each expected the one before: none was too early. */
    client_close(c);
    fixture_close(f);
}

/* ---- acks ------------------------------------------------------------------------------------------------------- */

struct acking {
    struct fixture *f;
    struct client *c;
    struct worker *w;
    uint64_t positions[2];
    struct varve_group_ack ack;
    struct varve_saga_change change;
    struct varve_transact_request request;
};

/* Two events are with a consumer, who is to ack them and begin a saga. */
static struct acking *begin_acking(void)
{
    static struct acking a;

    a = (struct acking){ .f = fixture_open(""), .positions = { 1, 2 } };
    a.c = client_open(a.f);
    client_append(a.c, "a", 1);
    client_append(a.c, "b", 1);
    group_make(a.c, "g", NULL);
    a.w = worker_join(a.f, "g", "one", 2);
    worker_take(a.w);
    worker_take(a.w);
    a.ack = (struct varve_group_ack){ .group = varve_view_str("g"), .epoch = a.w->epoch, .positions = a.positions,
                                      .count = 2 };
    a.change = saga_change(VARVE_SAGA_BEGIN, "order", "1", 0);
    a.request = (struct varve_transact_request){ .sagas = &a.change, .saga_count = 1, .ack = &a.ack };
    return &a;
}

static void end_acking(struct acking *a)
{
    worker_free(a->w);
    client_close(a->c);
    fixture_close(a->f);
}

static void acks_are_finished_with_the_rest(void **state)
{
    struct acking *a = begin_acking();

    struct varve_transact_outcome outcome = transact(a->w->client, &a->request);
    assert_int_equal(outcome.saga_count, 1);
    assert_int_equal(outcome.checkpoint_count, 0);
    assert_int_equal(worker_ack(a->w, 1), VARVE_FENCED);
    while (group_look(a->c, "g").checkpoint < 2)
        fixture_turn(a->f);
    end_acking(a);
}

static void acks_come_back_when_the_rest_is_refused(void **state)
{
    struct acking *a = begin_acking();

    saga_begin(a->c, "order", "1");
    refused(a->w->client, &a->request, VARVE_SAGA_EXISTS);
    assert_int_equal(worker_ack(a->w, 1), VARVE_OK);
    a->change.type = varve_view_str("not-a-type");
    a->positions[0] = 2;
    a->ack.count = 1;
    refused(a->w->client, &a->request, VARVE_INVALID_ARGUMENT);
    assert_int_equal(worker_ack(a->w, 2), VARVE_OK);
    end_acking(a);
}

static void refused_acks_are_named_and_nothing_else_is_looked_at(void **state)
{
    struct acking *a = begin_acking();

    saga_begin(a->c, "order", "1");
    a->positions[1] = 99;
    struct varve_wire_error error = refused(a->w->client, &a->request, VARVE_NOT_DELIVERED);
    assert_int_equal(error.conflict_count, 1);
    assert_int_equal(error.conflicts[0].part, VARVE_PART_ACK);
    assert_int_equal(error.conflicts[0].stream_index, 1);
    a->ack.group = varve_view_str("unknown");
    assert_int_equal(refused(a->w->client, &a->request, VARVE_GROUP_NOT_FOUND).conflict_count, 0);
    assert_int_equal(worker_ack(a->w, 1), VARVE_OK);
    end_acking(a);
}

/* The effect is there already, under its id: a mix of old and new is refused, and whatever is named is a part of the
 * request. */
static void acks_with_an_effect_of_before_are_refused(void **state)
{
    struct acking *a = begin_acking();
    struct parts *p = make_parts();

    p->event.id.bytes[0] = 8;
    p->streams[0].expected = VARVE_EXPECTED_ANY;
    p->request.saga_count = p->request.checkpoint_count = 0;
    transact(a->c, &p->request);
    a->request.appends = p->request.appends;
    a->request.saga_count = 0;
    varve_encode_transact(&a->w->client->out, 5, &a->request);
    client_send(a->w->client);
    client_expect(a->w->client, VARVE_OP_ERROR, 5);
    struct varve_wire_error error;
    assert_int_equal(varve_decode_error(a->w->client->body, a->w->client->arena, &error, NULL), VARVE_OK);
    assert_true(error.conflict_count > 0);
    for (size_t i = 0; i < error.conflict_count; i++)
        assert_int_equal(error.conflicts[i].part, VARVE_PART_STREAM);
    assert_int_equal(worker_ack(a->w, 1), VARVE_OK);
    end_acking(a);
}

static bool all_are_gone(void *user)
{
    return ((struct fixture *)user)->server.session_count == 1;
}

static void durable_although_the_consumer_is_gone(void **state)
{
    struct acking *a = begin_acking();

    varve_encode_transact(&a->w->client->out, 5, &a->request);
    client_send(a->w->client);
    worker_free(a->w);
    fixture_wait(a->f, all_are_gone, a->f);
    while (group_look(a->c, "g").checkpoint < 2)
        fixture_turn(a->f);
    assert_int_equal(saga_get(a->c, "order", "1").version, 0);
    client_close(a->c);
    fixture_close(a->f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_is_stored_and_told), cmocka_unit_test(every_part_that_fails_is_named),
        cmocka_unit_test(a_repeated_one_is_known), cmocka_unit_test(bad_requests_are_told),
        cmocka_unit_test(a_connections_transactions_keep_their_order),
        cmocka_unit_test(acks_are_finished_with_the_rest), cmocka_unit_test(acks_come_back_when_the_rest_is_refused),
        cmocka_unit_test(refused_acks_are_named_and_nothing_else_is_looked_at),
        cmocka_unit_test(acks_with_an_effect_of_before_are_refused),
        cmocka_unit_test(durable_although_the_consumer_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
