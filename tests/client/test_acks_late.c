/* test_acks_late.c - acks whose answers take their time, come in another order, or are lost. */
#include "member.h"

#include "clients/c/consumer.h"

#include <poll.h>

static const uint64_t first = 5, second = 15, third = 25; /* peer_position() of 0, 1, 2 */

/* ---- while they are missing -------------------------------------------------------------------------------------- */

static void script_answers_late(struct fake_server *server)
{
    const uint64_t positions[] = { first, second, third };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4), acks[3];

    for (unsigned i = 0; i < 3; i++) { /* The next comes as soon as the ack is there, whatever its answer. */
        member_deliver(server, id, i, i, 1);
        acks[i] = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &positions[i], 1, &ack);
    }
    member_deliver(server, id, 3, 3, 1);
    uint32_t extend = member_take_ack(server, VARVE_OP_GROUP_EXTEND, 4, (uint64_t[]){ 35 }, 1, &ack);
    member_ack_ok(server, extend, 1, NULL, 0);
    extend = member_take_ack(server, VARVE_OP_GROUP_EXTEND, 4, (uint64_t[]){ 35 }, 1, &ack);
    member_ack_ok(server, acks[2], 1, NULL, 0);
    member_ack_ok(server, acks[0], 1, NULL, 0);
    member_ack_ok(server, extend, 1, NULL, 0);
    member_ack_ok(server, acks[1], 1, NULL, 0);
    member_serve_leave(server, id);
}

static void test_nobody_waits_for_the_answers(void **state)
{
    struct fake_server *server = fake_server_start(script_answers_late, NULL);
    struct varve_consumer *consumer;
    struct varve_error error;

    consumer = member_open_with(server, "", 0);
    for (uint64_t version = 0; version < 3; version++) {
        member_expect(consumer, version, 1, 4, NULL);
        assert_int_equal(varve_consumer_ack(consumer, peer_position(version), NULL), VARVE_OK);
    }
    member_expect(consumer, 3, 1, 4, NULL);
    assert_int_equal(varve_consumer_unconfirmed(consumer), 3);
    assert_int_equal(varve_consumer_flush(consumer, 1, NULL, NULL, &error), VARVE_TIMEOUT);
    assert_string_equal(error.message, "3 acks are not answered yet");
    assert_int_equal(varve_consumer_extend(consumer, 35, 60000, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_unconfirmed(consumer), 3);
    assert_int_equal(varve_consumer_extend(consumer, 35, 60000, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_unconfirmed(consumer), 1);
    member_expect_refused(consumer, VARVE_OK, NULL, 0);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

#define MANY (LEDGER_MAX_REQUESTS + 1)

static void script_answers_when_it_must(struct fake_server *server)
{
    static uint32_t acks[MANY];
    const uint64_t first_left = peer_position(MANY);
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    for (uint64_t version = 0; version <= MANY; version += 2)
        member_deliver(server, id, version, version + 1, 1);
    for (unsigned i = 0; i < LEDGER_MAX_REQUESTS; i++)
        acks[i] = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, (uint64_t[]){ peer_position(i) }, 1, &ack);
    uint32_t extend = member_take_ack(server, VARVE_OP_GROUP_EXTEND, 4, &first_left, 1, &ack);
    member_ack_ok(server, extend, 1, NULL, 0); /* The client has all there may be. */
    member_ack_ok(server, acks[7], 1, NULL, 0);
    acks[7] = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, (uint64_t[]){ peer_position(MANY - 1) }, 1, &ack);
    for (unsigned i = LEDGER_MAX_REQUESTS; i > 0; i--)
        member_ack_ok(server, acks[i - 1], 1, NULL, 0);
    member_serve_leave(server, id);
}

static void test_so_many_answers_may_be_missing(void **state)
{
    struct fake_server *server = fake_server_start(script_answers_when_it_must, NULL);
    struct varve_consumer *consumer;
    struct varve_error error;

    consumer = member_open_with(server, "", MANY + 1);
    for (uint64_t version = 0; version < LEDGER_MAX_REQUESTS; version++)
        assert_int_equal(varve_consumer_ack(consumer, peer_position(version), NULL), VARVE_OK);
    consumer->feed.client->options.request_timeout_ms = 50;
    assert_int_equal(varve_consumer_ack(consumer, peer_position(MANY - 1), &error), VARVE_TIMEOUT);
    consumer->feed.client->options.request_timeout_ms = 60000;
    assert_int_equal(varve_consumer_unconfirmed(consumer), LEDGER_MAX_REQUESTS);
    assert_int_equal(varve_consumer_extend(consumer, peer_position(MANY), 60000, NULL), VARVE_OK);
    assert_int_equal(varve_consumer_ack(consumer, peer_position(MANY - 1), NULL), VARVE_OK); /* It is still out. */
    assert_int_equal(varve_consumer_unconfirmed(consumer), LEDGER_MAX_REQUESTS);
    member_expect_refused(consumer, VARVE_OK, NULL, 0);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_is_closed(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    uint32_t asked = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    struct pollfd waiting = { .fd = server->connection, .events = POLLIN };
    fake_expect(server, poll(&waiting, 1, 50) == 0, "it leaves before it is answered");
    member_ack_ok(server, asked, 1, NULL, 0);
    member_serve_leave(server, id);
}

static void test_close_waits_for_the_answers(void **state)
{
    struct fake_server *server = fake_server_start(script_is_closed, NULL);
    struct varve_consumer *consumer;

    consumer = member_open_with(server, "", 1);
    varve_consumer_stop(consumer); /* Which must not end the waiting. */
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_is_closed_in_vain(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    member_serve_leave(server, id);
}

static void test_close_does_not_wait_for_ever(void **state)
{
    struct fake_server *server = fake_server_start(script_is_closed_in_vain, NULL);
    struct varve_consumer *consumer;

    consumer = member_open_with(server, "", 1);
    consumer->feed.client->options.request_timeout_ms = 50;
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

/* ---- when they are lost ------------------------------------------------------------------------------------------ */

static void script_lost_before_the_answer(struct fake_server *server)
{
    const struct varve_refused_ack refused = { second, VARVE_NOT_DELIVERED };
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 4, 1);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    uint32_t asked = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &second, 1, &ack);
    member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &third, 1, &ack);
    member_ack_ok(server, asked, 0, &refused, 1);
    fake_cut(server);
    id = member_serve(server, true, 5);
    member_deliver(server, id, 0, 1, 2);
    member_serve_ack(server, 5, 0);
    member_serve_leave(server, id);
}

static void test_a_loss_before_the_answer(void **state)
{
    const struct varve_refused_ack expected[] = {
        { second, VARVE_NOT_DELIVERED }, { first, VARVE_DISCONNECTED }, { third, VARVE_DISCONNECTED },
    };
    struct fake_server *server = fake_server_start(script_lost_before_the_answer, NULL);
    struct varve_consumer *consumer;
    struct varve_work work;
    struct varve_error error;

    consumer = member_open_with(server, "", 4); /* Of five: the fifth waits, and is forgotten. */
    for (uint64_t version = 0; version < 3; version++)
        assert_int_equal(varve_consumer_ack(consumer, peer_position(version), NULL), VARVE_OK);
    member_expect_refused(consumer, VARVE_DISCONNECTED, expected, 3);
    assert_int_equal(varve_consumer_ack(consumer, 35, &error), VARVE_FENCED); /* No member now. */
    member_expect(consumer, 0, 2, 5, &work);
    assert_int_equal(varve_consumer_ack(consumer, work.event->position, NULL), VARVE_OK);
    assert_int_equal(work.event->position, first); /* It lives until the next _next(). */
    member_expect_refused(consumer, VARVE_OK, NULL, 0);
    member_expect(consumer, 1, 2, 5, NULL);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

static void script_lost_meanwhile(struct fake_server *server)
{
    struct varve_group_ack ack;
    uint32_t id = member_serve(server, false, 4);

    member_deliver(server, id, 0, 0, 1);
    uint32_t asked = member_take_ack(server, VARVE_OP_GROUP_ACK, 4, &first, 1, &ack);
    fake_cut(server);
    id = member_serve(server, true, 5);
    member_deliver(server, id, 0, 0, 2);
    fake_expect(server, member_take_ack(server, VARVE_OP_GROUP_ACK, 5, &first, 1, &ack) != asked, "an id again");
    member_ack_ok(server, asked, 1, NULL, 0); /* The one for which it was too late. */
    fake_gone(server);
}

static void test_a_loss_is_told_also_when_nobody_flushed_meanwhile(void **state)
{
    struct fake_server *server = fake_server_start(script_lost_meanwhile, NULL);
    struct varve_consumer *consumer;

    consumer = member_open_with(server, "", 1);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    member_expect(consumer, 0, 2, 5, NULL); /* By a new membership. */
    assert_int_equal(varve_consumer_unconfirmed(consumer), 0);
    member_expect_refused(consumer, VARVE_DISCONNECTED, &(struct varve_refused_ack){ first, VARVE_DISCONNECTED }, 1);
    member_expect_refused(consumer, VARVE_OK, NULL, 0);
    assert_int_equal(varve_consumer_ack(consumer, first, NULL), VARVE_OK);
    member_expect_refused(consumer, VARVE_PROTOCOL, &(struct varve_refused_ack){ first, VARVE_DISCONNECTED }, 1);
    varve_consumer_close(consumer);
    fake_server_stop(server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nobody_waits_for_the_answers),
        cmocka_unit_test(test_so_many_answers_may_be_missing),
        cmocka_unit_test(test_close_waits_for_the_answers),
        cmocka_unit_test(test_close_does_not_wait_for_ever),
        cmocka_unit_test(test_a_loss_before_the_answer),
        cmocka_unit_test(test_a_loss_is_told_also_when_nobody_flushed_meanwhile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
