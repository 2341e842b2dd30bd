/* test_consumer_transact.c - what a consumer made of its events, stored with their acks, or refused, or lost. */
#include "member.h"

#include "clients/c/consumer.h"
#include "support/fail_alloc.h"

static const uint64_t first = 5, second = 15, third = 25; /* peer_position() of 0, 1, 2 */

struct sample {
    struct varve_append_stream stream;
    struct varve_event event;
    struct varve_transact_request request;
};

static void sample_init(struct sample *s)
{
    *s = (struct sample){ .stream = { varve_view_str("invoice-1"), VARVE_EXPECTED_ANY }, .event = peer_event(3, 0) };
    s->request.appends = (struct varve_append_request){ &s->stream, 1, &s->event, NULL, 1 };
}

/* ---- for scripts ------------------------------------------------------------------------------------------------- */

static uint32_t take(struct fake_server *server, uint64_t epoch, const uint64_t *positions, size_t count)
{
    struct varve_transact_request request;
    uint32_t id = fake_take(server, VARVE_OP_TRANSACT);

    fake_expect(server, varve_decode_transact(server->body, server->arena, &request, NULL) == VARVE_OK, "not readable");
    fake_expect(server, request.appends.event_count == 1 && request.ack != NULL, "another transaction");
    fake_expect(server, varve_view_equal(request.ack->group, varve_view_str("billing")), "another group");
    fake_expect(server, request.ack->epoch == epoch, "another epoch");
    fake_expect(server, request.ack->count == count &&
                memcmp(request.ack->positions, positions, count * sizeof(*positions)) == 0, "other positions");
    return id;
}

static void stored(struct fake_server *server, uint32_t id)
{
    static const struct varve_append_result result = { 3, 3, 700, 700 };

    varve_encode_transact_ok(&server->out, id,
                             &(struct varve_transact_outcome){ .results = &result, .stream_count = 1 });
    fake_send(server);
}

static void refused(struct fake_server *server, uint32_t id, enum varve_part part, uint32_t index,
                    enum varve_status status)
{
    const struct varve_conflict conflict = { part, index, status, 0, 0 };
    struct varve_wire_error said = { .error = { .status = status, .message = "so not" }, .conflicts = &conflict,
                                     .conflict_count = 1 };

    varve_encode_error(&server->out, id, &said);
    fake_send(server);
}

/* ---- stored ------------------------------------------------------------------------------------------------------ */

static void script_stored(struct fake_server *server)
{
    const uint64_t positions[] = { third, first };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 2, 1);
    uint32_t earlier = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &second, 1, &ack);
    uint32_t asked = take(server, 4, positions, 2);
    member_deliver(server, id, 3, 3, 1); /* What comes meanwhile is kept. */
    member_ack_ok(server, earlier, 1, NULL, 0);
    stored(server, asked);
    member_serve_ack(server, 4, 3);
    member_serve_leave(server, id);
}

static void test_stored_with_its_acks(void **state)
{
    const uint64_t positions[] = { third, first };
    struct fake_server *server = fake_server_start(script_stored, NULL);
    struct varve_consumer *consumer = member_open_with(server, "", 3);
    struct varve_transact_outcome outcome;
    struct varve_error error;
    struct sample s;

    sample_init(&s);
    assert_int_equal(varve_consumer_ack(consumer, second, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, positions, 2, &outcome, NULL), VARVE_OK);
    assert_int_equal(outcome.status, VARVE_OK);
    assert_int_equal(outcome.results[0].first_position, 700);
    assert_int_equal(varve_consumer_unconfirmed(consumer), 0);
    assert_int_equal(varve_consumer_ack(consumer, first, &error), VARVE_NOT_DELIVERED); /* They are finished. */
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &third, 1, &outcome, &error), VARVE_NOT_DELIVERED);
    member_expect(consumer, 3, 1, 4, NULL);
    assert_int_equal(varve_consumer_ack(consumer, 35, NULL), VARVE_OK);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- refused ----------------------------------------------------------------------------------------------------- */

static void script_refuses(struct fake_server *server)
{
    const uint64_t positions[] = { first, second };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 2, 1);
    refused(server, take(server, 4, positions, 2), VARVE_PART_STREAM, 0, VARVE_WRONG_EXPECTED_VERSION);
    refused(server, take(server, 4, positions, 2), VARVE_PART_ACK, 1, VARVE_FENCED);
    peer_error(server, take(server, 4, &first, 1), VARVE_OVERLOADED, "later");
    member_ack_ok(server, member_take_ack(server, VARVE_OP_GROUP_NACK, 4, &first, 1, &ack), 1, NULL, 0);
    stored(server, take(server, 4, &third, 1));
    member_serve_leave(server, id);
}

static void test_a_refusal_leaves_the_events_with_the_consumer(void **state)
{
    const uint64_t positions[] = { first, second };
    struct fake_server *server = fake_server_start(script_refuses, NULL);
    struct varve_consumer *consumer = member_open_with(server, "", 3);
    struct varve_transact_outcome outcome;
    struct varve_error error;
    struct sample s;

    sample_init(&s);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, positions, 2, &outcome, &error),
                     VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(outcome.conflict_count, 1);
    assert_string_equal(error.message, "so not");
    assert_int_equal(varve_consumer_transact(consumer, &s.request, positions, 2, &outcome, NULL), VARVE_FENCED);
    assert_int_equal(outcome.conflicts[0].part, VARVE_PART_ACK);
    assert_int_equal(outcome.conflicts[0].stream_index, 1);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, &outcome, NULL), VARVE_OVERLOADED);
    assert_int_equal(varve_consumer_nack(consumer, first, VARVE_NACK_RETRY, 0, varve_view_str("why"), NULL), VARVE_OK);
    assert_int_equal(varve_consumer_ack(consumer, second, NULL), VARVE_NOT_DELIVERED); /* The server knew better. */
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &third, 1, NULL, NULL), VARVE_OK);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_asked_nothing(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    member_serve_leave(server, id);
}

static void test_what_is_refused_without_asking(void **state)
{
    static const uint64_t many[VARVE_MAX_ACKS + 1], positions[] = { 999, first, 1000 };
    const struct varve_group_ack ack = { .count = 1 };
    struct fake_server *server = fake_server_start(script_asked_nothing, NULL);
    struct varve_consumer *consumer = member_open_with(server, "", 1);
    struct varve_transact_outcome outcome;
    struct varve_error error;
    struct sample s;

    sample_init(&s);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, many, VARVE_MAX_ACKS + 1, NULL, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "positions");
    assert_int_equal(varve_consumer_transact(consumer, &s.request, NULL, 0, NULL, NULL), VARVE_INVALID_ARGUMENT);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, positions, 3, &outcome, &error),
                     VARVE_NOT_DELIVERED);
    assert_int_equal(outcome.conflict_count, 2); /* Each of them is named. */
    assert_int_equal(outcome.conflicts[0].part, VARVE_PART_ACK);
    assert_int_equal(outcome.conflicts[0].stream_index, 0);
    assert_int_equal(outcome.conflicts[1].stream_index, 2);
    assert_non_null(strstr(error.message, "position 999"));
    s.request.ack = &ack;
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "ack");
    s.request.ack = NULL;
    s.request.saga_count = 1;
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, NULL, &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "sagas");
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

static void script_lost(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 1, 1);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &second, 1, &ack);
    take(server, 4, &first, 1);
    fake_cut(server);
    id = member_serve(server, true, 5); /* It is not sent again. */
    member_deliver(server, id, 0, 0, 2);
    stored(server, take(server, 5, &first, 1));
    member_serve_leave(server, id);
}

static void test_a_lost_one_is_not_repeated(void **state)
{
    struct fake_server *server = fake_server_start(script_lost, NULL);
    struct varve_consumer *consumer = member_open_with(server, "", 2);
    struct varve_transact_outcome outcome;
    struct varve_error error;
    struct sample s;

    sample_init(&s);
    assert_int_equal(varve_consumer_ack(consumer, second, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, &outcome, &error), VARVE_DISCONNECTED);
    assert_int_equal(outcome.status, VARVE_DISCONNECTED);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, &outcome, &error), VARVE_FENCED);
    member_expect_refused(consumer, VARVE_DISCONNECTED, &(struct varve_refused_ack){ second, VARVE_DISCONNECTED }, 1);
    member_expect(consumer, 0, 2, 5, NULL);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, &outcome, &error), VARVE_OK);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_silent(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    fake_take(server, VARVE_OP_TRANSACT);
    fake_listen_until_gone(server);
}

static void test_silence(void **state)
{
    struct fake_server *server = fake_server_start(script_silent, NULL);
    struct varve_consumer *consumer = member_open_with(server, "", 1);
    struct varve_transact_outcome outcome;
    struct sample s;

    sample_init(&s);
    consumer->feed.client->options.request_timeout_ms = 20;
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, &outcome, NULL), VARVE_TIMEOUT);
    assert_int_equal(outcome.error.status, VARVE_TIMEOUT);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* What comes in place of an answer. */
static void script_nonsense(struct fake_server *server)
{
    const char *what = server->user;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    uint32_t asked = fake_take(server, VARVE_OP_TRANSACT);
    if (strcmp(what, "another opcode") == 0)
        member_ack_ok(server, asked, 1, NULL, 0);
    else if (strcmp(what, "another position") == 0)
        refused(server, asked, VARVE_PART_ACK, 1, VARVE_FENCED);
    else
        varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_TRANSACT_OK, asked));
    fake_send(server);
    fake_gone(server);
}

static void test_answers_that_are_none(void **state)
{
    static const char *const cases[] = { "another opcode", "another position", "nothing" };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fake_server *server = fake_server_start(script_nonsense, (void *)cases[i]);
        struct varve_consumer *consumer = member_open_with(server, "", 1);
        struct varve_transact_outcome outcome;
        struct varve_error error;
        struct varve_work work;
        struct sample s;

        sample_init(&s);
        CHECK_CASE(varve_consumer_transact(consumer, &s.request, &first, 1, &outcome, &error) == VARVE_PROTOCOL,
                   cases[i]);
        CHECK_CASE(outcome.status == VARVE_PROTOCOL && error.status == VARVE_PROTOCOL, cases[i]);
        CHECK_CASE(varve_consumer_next(consumer, 0, &work, NULL) == VARVE_PROTOCOL, cases[i]); /* Which stays. */
        varve_consumer_close(consumer);
        fake_server_stop(server);
    }
}

static void script_stopped(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    stored(server, take(server, 4, &first, 1));
    member_serve_leave(server, id);
}

static void test_work_that_is_done_is_told_when_stopped(void **state)
{
    struct fake_server *server = fake_server_start(script_stopped, NULL);
    struct varve_consumer *consumer = member_open_with(server, "", 1);
    struct varve_work work;
    struct sample s;

    sample_init(&s);
    varve_consumer_stop(consumer);
    assert_int_equal(varve_consumer_transact(consumer, &s.request, &first, 1, NULL, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_next(consumer, 0, &work, NULL), VARVE_CANCELLED);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void script_answers_while_it_comes(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    fake_take_any(server);
    if (server->frame.opcode == VARVE_OP_TRANSACT)
        stored(server, server->frame.request_id);
    else
        peer_error(server, id, VARVE_CANCELLED, "cancelled");
    fake_listen_until_gone(server);
}

static void test_memory_that_cannot_be_had(void **state)
{
    bool fired = FAIL_ALLOC_WORKS;
    struct sample s;

    sample_init(&s);
    for (unsigned nth = 1; fired; nth++) {
        struct fake_server *server = fake_server_start_local(script_answers_while_it_comes, NULL);
        struct varve_consumer *consumer = member_open_with(server, "", 1);
        struct varve_transact_outcome outcome;
        struct varve_error error = { .status = VARVE_OK };

        fail_alloc_arm(nth);
        enum varve_status status = varve_consumer_transact(consumer, &s.request, &first, 1, &outcome, &error);
        fired = fail_alloc_disarm();
        assert_int_equal(status, fired ? VARVE_NO_MEMORY : VARVE_OK);
        assert_int_equal(outcome.status, status);
        assert_int_equal(error.status, status);
        if (!fired) /* The script is not waiting for more. */
            connection_drop(&consumer->feed.client->connection);
        varve_consumer_close(consumer);
        fake_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_with_its_acks),
        cmocka_unit_test(test_a_refusal_leaves_the_events_with_the_consumer),
        cmocka_unit_test(test_what_is_refused_without_asking),
        cmocka_unit_test(test_a_lost_one_is_not_repeated),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_answers_that_are_none),
        cmocka_unit_test(test_work_that_is_done_is_told_when_stopped),
        cmocka_unit_test(test_memory_that_cannot_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
