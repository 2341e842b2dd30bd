/* test_acks.c - what a consumer says about its works, what it is answered, and what needs no asking. */
#include "member.h"

#include "clients/c/consumer.h"

static const uint64_t first = 5, second = 15, third = 25; /* peer_position() of 0, 1, 2 */

/* ---- asked and answered ------------------------------------------------------------------------------------------ */

static void script_answers(struct fake_server *server)
{
    const struct varve_refused_ack refused[] = { { second, VARVE_FENCED }, { third, VARVE_NOT_DELIVERED } };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4), asked;

    member_deliver(server, id, 0, 5, 1);
    asked = member_take_ack(server, VARVE_OP_GROUP_EXTEND, 4, &first, 1, &ack);
    fake_expect(server, ack.wait_ms == 60000, "extended otherwise");
    member_ack_ok(server, asked, 1, NULL, 0);
    member_serve_ack(server, 4, 0);
    asked = member_take_ack(server, VARVE_OP_GROUP_NACK, 4, &second, 1, &ack);
    fake_expect(server, ack.action == VARVE_NACK_PARK && ack.wait_ms == 3 &&
                varve_view_equal(ack.reason, varve_view_str("why")), "nacked otherwise");
    member_ack_ok(server, asked, 0, &refused[0], 1);
    asked = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &third, 1, &ack);
    member_ack_ok(server, asked, 0, &refused[1], 1);
    asked = member_take_ack(server, VARVE_OP_GROUP_NACK, 4, (uint64_t[]){ 35 }, 1, &ack);
    fake_expect(server, ack.action == VARVE_NACK_STOP && ack.reason.data == NULL, "nacked otherwise");
    peer_error(server, asked, VARVE_INVALID_ARGUMENT, "so not");
    member_serve_ack(server, 4, 3); /* Which can be said again, otherwise. */
    member_serve_leave(server, id);
}

static void test_each_kind_and_each_answer(void **state)
{
    const struct varve_view none = { NULL, 0 };
    struct fake_server *server = fake_server_start(script_answers, NULL);
    struct varve_consumer *consumer;
    struct varve_error error;

    consumer = member_open_with(server, "", 6);
    assert_int_equal(varve_consumer_extend(consumer, first, 60000, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_nack(consumer, second, VARVE_NACK_PARK, 3, varve_view_str("why"), &error),
                     VARVE_FENCED);
    assert_non_null(strstr(error.message, "position 15"));
    assert_int_equal(varve_consumer_ack(consumer, third, NULL), VARVE_OK); /* The server thinks otherwise. */
    assert_int_equal(varve_consumer_nack(consumer, 35, VARVE_NACK_STOP, VARVE_RETRY_BACKOFF, none, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "so not");
    assert_int_equal(varve_consumer_ack(consumer, 35, NULL), VARVE_OK);
    member_expect_refused(consumer, VARVE_OK, &(struct varve_refused_ack){ third, VARVE_NOT_DELIVERED }, 1);
    member_expect_refused(consumer, VARVE_OK, NULL, 0);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_many(struct fake_server *server)
{
    const uint64_t positions[] = { third, first };
    const struct varve_refused_ack refused = { first, VARVE_FENCED };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 3, 1);
    member_ack_ok(server, member_take_ack(server, VARVE_OP_GROUP_ACK, 4, positions, 2, &ack), 1, &refused, 1);
    member_serve_leave(server, id);
}

static void test_many_at_once(void **state)
{
    const uint64_t positions[] = { third, 999, first };
    const struct varve_refused_ack local = { 999, VARVE_NOT_DELIVERED }, said = { first, VARVE_FENCED };
    const struct varve_refused_ack none_is_out[] = {
        { third, VARVE_NOT_DELIVERED }, { 999, VARVE_NOT_DELIVERED }, { first, VARVE_NOT_DELIVERED },
    };
    struct fake_server *server = fake_server_start(script_many, NULL);
    struct varve_consumer *consumer;

    consumer = member_open_with(server, "", 3);
    assert_int_equal(varve_consumer_ack_many(consumer, positions, 3, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_unconfirmed(consumer), 2);
    member_expect_refused(consumer, VARVE_OK, (const struct varve_refused_ack[]){ local, said }, 2);
    assert_int_equal(varve_consumer_ack_many(consumer, NULL, 0, NULL), VARVE_OK);
    member_expect_refused(consumer, VARVE_OK, NULL, 0);
    assert_int_equal(varve_consumer_ack_many(consumer, positions, 3, NULL), VARVE_OK);
    member_expect_refused(consumer, VARVE_OK, none_is_out, 3);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_quiet(struct fake_server *server)
{
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 1, 1);
    member_serve_ack(server, 4, 0);
    member_serve_leave(server, id);
}

static void test_what_needs_no_asking(void **state)
{
    static char reason[VARVE_MAX_REASON + 1];
    static uint64_t positions[VARVE_MAX_ACKS + 1];
    struct fake_server *server = fake_server_start(script_quiet, NULL);
    struct varve_consumer *consumer;
    struct varve_error error;

    consumer = member_open_with(server, "", 1);
    assert_int_equal(varve_consumer_ack(consumer, 999, &error), VARVE_NOT_DELIVERED);
    assert_int_equal(error.status, VARVE_NOT_DELIVERED);
    assert_int_equal(varve_consumer_ack(consumer, second, NULL), VARVE_NOT_DELIVERED); /* It came, and still waits. */
    assert_int_equal(varve_consumer_nack(consumer, first, VARVE_NACK_SKIP, 0, varve_view_of(reason, sizeof(reason)),
                                         &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "reason");
    assert_int_equal(varve_consumer_ack_many(consumer, positions, VARVE_MAX_ACKS + 1, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "positions");
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_NOT_DELIVERED);
    member_expect_refused(consumer, VARVE_OK, NULL, 0); /* What a call returned is not told once more. */
    assert_int_equal(varve_consumer_flush(consumer, 0, NULL, NULL, NULL), VARVE_OK);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_refuses_whole_requests(struct fake_server *server)
{
    const struct varve_refused_ack refused = { first, VARVE_FENCED };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 2, 1);
    uint32_t skip = member_take_ack(server, VARVE_OP_GROUP_NACK, 4, &first, 1, &ack);
    fake_expect(server, ack.action == VARVE_NACK_SKIP, "nacked otherwise");
    uint32_t many = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, (uint64_t[]){ third, second }, 2, &ack);
    peer_error(server, many, VARVE_NO_MEMORY, "not now");
    member_ack_ok(server, skip, 0, &refused, 1);
    member_serve_leave(server, id);
}

static void test_a_skip_is_as_an_ack_and_a_request_may_fail_whole(void **state)
{
    const struct varve_refused_ack expected[] = {
        { third, VARVE_NO_MEMORY }, { second, VARVE_NO_MEMORY }, { first, VARVE_FENCED },
    };
    struct fake_server *server = fake_server_start(script_refuses_whole_requests, NULL);
    struct varve_consumer *consumer;

    consumer = member_open_with(server, "", 3);
    assert_int_equal(varve_consumer_nack(consumer, first, VARVE_NACK_SKIP, 0, varve_view_str("old"), NULL), VARVE_OK);
    assert_int_equal(varve_consumer_ack_many(consumer, (uint64_t[]){ third, second }, 2, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_unconfirmed(consumer), 3);
    member_expect_refused(consumer, VARVE_OK, expected, 3);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- while the answer is waited for ------------------------------------------------------------------------------ */

static void script_events_come_first(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    uint32_t asked = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    member_deliver(server, id, 1, 2, 1);
    member_deliver(server, id, 3, 3, 1);
    member_ack_ok(server, asked, 1, NULL, 0);
    member_serve_leave(server, id);
}

static void test_events_that_come_meanwhile_are_kept(void **state)
{
    struct fake_server *server = fake_server_start(script_events_come_first, NULL);
    struct varve_consumer *consumer;

    consumer = member_open_with(server, "", 1);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    member_expect_refused(consumer, VARVE_OK, NULL, 0);
    for (uint64_t version = 1; version <= 3; version++)
        member_expect(consumer, version, 1, 4, NULL);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_floods(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    for (uint64_t version = 1; version < 121; version += 40)
        member_deliver(server, id, version, version + 39, 1);
    fake_listen_until_gone(server);
}

static void test_no_more_is_kept_than_there_is_credit_for(void **state)
{
    struct fake_server *server = fake_server_start(script_floods, NULL);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;

    consumer = member_open_with(server, "&read_credit_bytes=4096", 1);
    assert_int_equal(varve_consumer_ack(consumer, first, &error), VARVE_OK);
    assert_int_equal(varve_consumer_flush(consumer, 10000, NULL, NULL, &error), VARVE_PROTOCOL);
    assert_non_null(strstr(error.message, "without credit"));
    assert_int_equal(varve_consumer_next(consumer, 0, &work, NULL), VARVE_PROTOCOL);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_never_answers(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 1, 1);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    member_take_ack(server, VARVE_OP_GROUP_EXTEND, 4, &second, 1, &ack);
    fake_listen_until_gone(server);
    member_serve_leave(server, member_serve(server, true, 5));
}

static void test_no_answer_in_time(void **state)
{
    struct fake_server *server = fake_server_start(script_never_answers, NULL);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;

    consumer = member_open_with(server, "", 2);
    consumer->feed.client->options.request_timeout_ms = 100;
    assert_int_equal(varve_consumer_ack(consumer, first, &error), VARVE_OK);
    assert_int_equal(varve_consumer_extend(consumer, second, 1, &error), VARVE_TIMEOUT);
    assert_int_equal(error.status, VARVE_TIMEOUT);
    consumer->feed.client->options.request_timeout_ms = 60000;
    member_expect_refused(consumer, VARVE_DISCONNECTED, &(struct varve_refused_ack){ first, VARVE_DISCONNECTED }, 1);
    assert_int_equal(varve_consumer_next(consumer, 1, &work, NULL), VARVE_TIMEOUT); /* Joined again. */
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_fenced_meanwhile(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 2, 1);
    uint32_t asked = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    uint32_t nacked = member_take_ack(server, VARVE_OP_GROUP_NACK, 4, &second, 1, &ack);
    peer_error(server, id, VARVE_FENCED, "taken over");
    peer_error(server, nacked, VARVE_FENCED, "no member with this epoch");
    peer_error(server, asked, VARVE_FENCED, "no member with this epoch");
    fake_gone(server);
}

static void test_a_membership_that_ends_before_the_answer(void **state)
{
    const struct varve_view none = { NULL, 0 };
    struct fake_server *server = fake_server_start(script_fenced_meanwhile, NULL);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;

    consumer = member_open_with(server, "", 2);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_nack(consumer, second, VARVE_NACK_PARK, 0, none, &error), VARVE_FENCED);
    assert_string_equal(error.message, "no member with this epoch");
    member_expect_refused(consumer, VARVE_OK, &(struct varve_refused_ack){ first, VARVE_FENCED }, 1);
    assert_int_equal(varve_consumer_next(consumer, 0, &work, &error), VARVE_FENCED); /* Not the event that waits. */
    assert_string_equal(error.message, "taken over");
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- what is not believed ---------------------------------------------------------------------------------------- */

static void answer_pong(struct fake_server *server, uint32_t id, uint32_t asked)
{
    peer_pong(server, asked);
}
static void answer_empty(struct fake_server *server, uint32_t id, uint32_t asked)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_GROUP_ACK_OK, asked));
    fake_send(server);
}
static void answer_no_error(struct fake_server *server, uint32_t id, uint32_t asked)
{
    varve_wire_end(&server->out, varve_wire_begin(&server->out, VARVE_OP_ERROR, asked));
    fake_send(server);
}
static void answer_too_much(struct fake_server *server, uint32_t id, uint32_t asked)
{
    const struct varve_refused_ack refused[] = { { first, VARVE_FENCED }, { second, VARVE_FENCED } };

    member_ack_ok(server, asked, 0, refused, 2);
}
static void answer_another(struct fake_server *server, uint32_t id, uint32_t asked)
{
    member_ack_ok(server, asked + 1, 1, NULL, 0);
}
static void answer_as_the_join(struct fake_server *server, uint32_t id, uint32_t asked)
{
    member_ack_ok(server, id, 1, NULL, 0);
}

struct answer {
    const char *label;
    void (*say)(struct fake_server *server, uint32_t id, uint32_t asked);
    uint8_t opcode; /* to what it is said */
};

static void script_answer(struct fake_server *server)
{
    const struct answer *answer = server->user;
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    answer->say(server, id, member_take_ack(server, answer->opcode, 4, &first, 1, &ack));
    fake_gone(server);
}

/* What waits for the answer says so: the flush, or the extension itself. */
static void expect_disbelief(const struct answer *answer)
{
    struct fake_server *server = fake_server_start(script_answer, (void *)answer);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;
    enum varve_status status;

    consumer = member_open_with(server, "", 1);
    if (answer->opcode == VARVE_OP_GROUP_EXTEND) {
        status = varve_consumer_extend(consumer, first, 1000, &error);
    } else {
        CHECK_CASE(varve_consumer_ack(consumer, first, NULL) == VARVE_OK, answer->label);
        status = varve_consumer_flush(consumer, 10000, NULL, NULL, &error);
    }
    CHECK_CASE(status == VARVE_PROTOCOL && error.status == VARVE_PROTOCOL, answer->label);
    CHECK_CASE(varve_consumer_next(consumer, 0, &work, NULL) == VARVE_PROTOCOL, answer->label);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void test_what_is_not_believed(void **state)
{
    static const struct answer answers[] = {
        { "a frame of another kind", answer_pong, 0 },
        { "GROUP_ACK_OK that is none", answer_empty, 0 },
        { "an ERROR that is none", answer_no_error, 0 },
        { "more refused than asked", answer_too_much, 0 },
        { "an answer to another request", answer_another, 0 },
        { "GROUP_ACK_OK to the join", answer_as_the_join, 0 },
    };

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct answer answer = answers[i];

        answer.opcode = VARVE_OP_GROUP_ACK;
        expect_disbelief(&answer);
        answer.opcode = VARVE_OP_GROUP_EXTEND;
        expect_disbelief(&answer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_and_each_answer),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_what_needs_no_asking),
        cmocka_unit_test(test_a_skip_is_as_an_ack_and_a_request_may_fail_whole),
        cmocka_unit_test(test_events_that_come_meanwhile_are_kept),
        cmocka_unit_test(test_no_more_is_kept_than_there_is_credit_for),
        cmocka_unit_test(test_no_answer_in_time),
        cmocka_unit_test(test_a_membership_that_ends_before_the_answer),
        cmocka_unit_test(test_what_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
