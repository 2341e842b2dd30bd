/* test_acks.c - what a consumer says about its works, what it is answered, and what needs no asking. */
#include "member.h"

#include "clients/c/consumer.h"

static const uint64_t first = 5, second = 15, third = 25; /* peer_position() of 0, 1, 2 */

static void open_with_works(struct fake_server *server, const char *query, unsigned count,
                            struct varve_consumer **ret_consumer)
{
    *ret_consumer = member_open(server, query);
    for (unsigned version = 0; version < count; version++)
        member_expect(*ret_consumer, version, 1, 4, NULL);
}

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

    open_with_works(server, "", 6, &consumer);
    assert_int_equal(varve_consumer_extend(consumer, first, 60000, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_nack(consumer, second, VARVE_NACK_PARK, 3, varve_view_str("why"), &error),
                     VARVE_FENCED);
    assert_non_null(strstr(error.message, "position 15"));
    assert_int_equal(varve_consumer_ack(consumer, third, NULL), VARVE_NOT_DELIVERED);
    assert_int_equal(varve_consumer_nack(consumer, 35, VARVE_NACK_STOP, VARVE_RETRY_BACKOFF, none, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.message, "so not");
    assert_int_equal(varve_consumer_ack(consumer, 35, NULL), VARVE_OK);
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
    struct fake_server *server = fake_server_start(script_many, NULL);
    const struct varve_refused_ack *refused;
    struct varve_consumer *consumer;
    size_t count = 9;

    open_with_works(server, "", 3, &consumer);
    assert_int_equal(varve_consumer_ack_many(consumer, positions, 3, &refused, &count, NULL), VARVE_OK);
    assert_int_equal(count, 2);
    assert_int_equal(refused[0].position, 999);
    assert_int_equal(refused[0].status, VARVE_NOT_DELIVERED);
    assert_int_equal(refused[1].position, first);
    assert_int_equal(refused[1].status, VARVE_FENCED);
    assert_int_equal(varve_consumer_ack_many(consumer, NULL, 0, &refused, &count, NULL), VARVE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(varve_consumer_ack_many(consumer, positions, 3, NULL, NULL, NULL), VARVE_OK); /* None is out. */
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

    open_with_works(server, "", 1, &consumer);
    assert_int_equal(varve_consumer_ack(consumer, 999, &error), VARVE_NOT_DELIVERED);
    assert_int_equal(error.status, VARVE_NOT_DELIVERED);
    assert_int_equal(varve_consumer_ack(consumer, second, NULL), VARVE_NOT_DELIVERED); /* It came, and still waits. */
    assert_int_equal(varve_consumer_nack(consumer, first, VARVE_NACK_SKIP, 0, varve_view_of(reason, sizeof(reason)),
                                         &error), VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "reason");
    assert_int_equal(varve_consumer_ack_many(consumer, positions, VARVE_MAX_ACKS + 1, NULL, NULL, &error),
                     VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.field, "positions");
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_NOT_DELIVERED);
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

    open_with_works(server, "", 1, &consumer);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
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

    open_with_works(server, "&read_credit_bytes=4096", 1, &consumer);
    assert_int_equal(varve_consumer_ack(consumer, first, &error), VARVE_PROTOCOL);
    assert_non_null(strstr(error.message, "without credit"));
    assert_int_equal(varve_consumer_next(consumer, 0, &work, NULL), VARVE_PROTOCOL);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_lost_before_the_answer(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 2, 1);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    fake_cut(server);
    id = member_serve(server, true, 5);
    member_deliver(server, id, 0, 1, 2);
    member_serve_ack(server, 5, 0);
    member_serve_leave(server, id);
}

static void test_a_loss_before_the_answer(void **state)
{
    struct fake_server *server = fake_server_start(script_lost_before_the_answer, NULL);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;

    open_with_works(server, "", 2, &consumer); /* Of three: the third waits, and is forgotten. */
    assert_int_equal(varve_consumer_ack(consumer, first, &error), VARVE_DISCONNECTED);
    assert_int_equal(varve_consumer_ack(consumer, second, &error), VARVE_FENCED); /* No member now. */
    member_expect(consumer, 0, 2, 5, &work);
    assert_int_equal(varve_consumer_ack(consumer, work.event->position, NULL), VARVE_OK);
    assert_int_equal(work.event->position, first); /* It lives until the next _next(). */
    member_expect(consumer, 1, 2, 5, NULL);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_never_answers(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    fake_listen_until_gone(server);
    member_serve_leave(server, member_serve(server, true, 5));
}

static void test_no_answer_in_time(void **state)
{
    struct fake_server *server = fake_server_start(script_never_answers, NULL);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;

    open_with_works(server, "", 1, &consumer);
    consumer->feed.client->options.request_timeout_ms = 100;
    assert_int_equal(varve_consumer_ack(consumer, first, &error), VARVE_TIMEOUT);
    assert_int_equal(error.status, VARVE_TIMEOUT);
    consumer->feed.client->options.request_timeout_ms = 60000;
    assert_int_equal(varve_consumer_next(consumer, 1, &work, NULL), VARVE_TIMEOUT); /* Joined again. */
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_fenced_meanwhile(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 1, 1);
    uint32_t asked = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    peer_error(server, id, VARVE_FENCED, "taken over");
    peer_error(server, asked, VARVE_FENCED, "no member with this epoch");
    fake_gone(server);
}

static void test_a_membership_that_ends_before_the_answer(void **state)
{
    struct fake_server *server = fake_server_start(script_fenced_meanwhile, NULL);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;

    open_with_works(server, "", 1, &consumer);
    assert_int_equal(varve_consumer_ack(consumer, first, &error), VARVE_FENCED);
    assert_string_equal(error.message, "no member with this epoch");
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
};

static void script_answer(struct fake_server *server)
{
    const struct answer *answer = server->user;
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    answer->say(server, id, member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack));
    fake_gone(server);
}

static void test_what_is_not_believed(void **state)
{
    static const struct answer answers[] = {
        { "a frame of another kind", answer_pong },
        { "GROUP_ACK_OK that is none", answer_empty },
        { "more refused than asked", answer_too_much },
        { "an answer to another request", answer_another },
        { "GROUP_ACK_OK to the join", answer_as_the_join },
    };

    for (size_t i = 0; i < COUNT_OF(answers); i++) {
        struct fake_server *server = fake_server_start(script_answer, (void *)&answers[i]);
        struct varve_consumer *consumer;
        struct varve_work work;
        struct varve_error error;

        open_with_works(server, "", 1, &consumer);
        CHECK_CASE(varve_consumer_ack(consumer, first, &error) == VARVE_PROTOCOL, answers[i].label);
        CHECK_CASE(error.status == VARVE_PROTOCOL, answers[i].label);
        CHECK_CASE(varve_consumer_next(consumer, 0, &work, NULL) == VARVE_PROTOCOL, answers[i].label);
        varve_consumer_close(consumer);
        fake_server_stop(server);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_and_each_answer),
        cmocka_unit_test(test_many_at_once),
        cmocka_unit_test(test_what_needs_no_asking),
        cmocka_unit_test(test_events_that_come_meanwhile_are_kept),
        cmocka_unit_test(test_no_more_is_kept_than_there_is_credit_for),
        cmocka_unit_test(test_a_loss_before_the_answer),
        cmocka_unit_test(test_no_answer_in_time),
        cmocka_unit_test(test_a_membership_that_ends_before_the_answer),
        cmocka_unit_test(test_what_is_not_believed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
