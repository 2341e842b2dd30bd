/* test_outbox_order_request.c - orders to outboxes over a connection: carried out, refused, left behind. */
#include "fixture.h"

#include "server/metrics_parts.h"
#include "server/outboxes.h"
#include "varve/wire_outbox.h"

#define AWAY "--kafka 127.0.0.1:1" /* nobody listens there */

static void order(struct client *c, uint32_t id, const char *name, const struct varve_outbox_order *order)
{
    varve_encode_outbox_order(&c->out, id, varve_view_str(name), order);
    client_send(c);
}

static void expect_done(struct client *c, uint32_t id, struct varve_outbox_order_result *ret)
{
    client_expect(c, VARVE_OP_OUTBOX_ORDER_OK, id);
    assert_int_equal(varve_decode_outbox_order_ok(c->body, ret, NULL), VARVE_OK);
}

static enum varve_outbox_phase phase(struct fixture *f)
{
    struct outbox_view view;

    outbox_look(outboxes_at(&f->server, 0), &view);
    return view.phase;
}

static bool is_paused(void *user)
{
    return phase(user) == VARVE_OUTBOX_PAUSED;
}

static const struct varve_outbox_order pause_order = { .action = VARVE_OUTBOX_PAUSE };
static const struct varve_outbox_order resume_order = { .action = VARVE_OUTBOX_RESUME };

static void pause_and_resume_have_taken_effect_when_they_are_answered(void **state)
{
    struct fixture *f = fixture_open(AWAY);
    struct client *c = client_open(f);
    struct varve_outbox_order_result result;

    order(c, 5, "kafka", &pause_order);
    expect_done(c, 5, &result);
    assert_int_equal(phase(f), VARVE_OUTBOX_PAUSED);
    client_close(c);
    fixture_restart(f);
    c = client_open(f);
    fixture_wait(f, is_paused, f);
    order(c, 6, "kafka", &resume_order);
    expect_done(c, 6, &result);
    assert_int_not_equal(phase(f), VARVE_OUTBOX_PAUSED);
    assert_int_equal(f->server.outbox_order_count, 0);
    client_close(c);
    fixture_close(f);
}

static void too_many_are_refused_and_counted_as_that(void **state)
{
    struct fixture *f = fixture_open(AWAY);
    struct client *c = client_open(f);
    const struct operation *counted = f->server.metrics->operations[VARVE_OP_OUTBOX_ORDER];

    f->server.outbox_order_count = 1000;
    order(c, 5, "kafka", &pause_order);
    client_receive_error(c, 5, VARVE_OVERLOADED);
    f->server.outbox_order_count = 0;
    assert_int_equal(figure_get(&counted->codes[VARVE_OVERLOADED]), 1);
    assert_int_equal(figure_get(&counted->codes[VARVE_OK]), 0);
    client_close(c);
    fixture_close(f);
}

static void what_is_refused_says_why(void **state)
{
    const struct varve_outbox_order discard = { .action = VARVE_OUTBOX_DISCARD, .position = 1 };
    const struct varve_outbox_order retry = { .action = VARVE_OUTBOX_RETRY, .stream = varve_view_str("a") };
    const struct varve_outbox_order replay = { .action = VARVE_OUTBOX_REPLAY };
    struct fixture *f = fixture_open(AWAY);
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    order(c, 5, "kafka", &discard);
    client_receive_error(c, 5, VARVE_OUTBOX_BUSY); /* Kafka was never there: nobody knows what is in it. */
    order(c, 6, "kafka", &retry);
    client_receive_error(c, 6, VARVE_DEAD_LETTER_NOT_FOUND);
    order(c, 7, "other", &pause_order);
    client_receive_error(c, 7, VARVE_OUTBOX_NOT_FOUND);
    order(c, 8, "kafka", &replay);
    assert_string_equal(client_receive_error(c, 8, VARVE_INVALID_ARGUMENT).error.field, "position");
    assert_int_equal(f->server.outbox_order_count, 0);
    client_close(c);
    fixture_close(f);
}

static bool none_are_under_way(void *user)
{
    const struct fixture *f = user;

    return f->server.outbox_order_count == 0 && f->server.session_count == 0;
}

/* The texts of an order outlive the frame they came in, and the connection. */
static void an_order_whose_client_goes_is_carried_out(void **state)
{
    const struct varve_outbox_order with_reason = { .action = VARVE_OUTBOX_PAUSE,
                                                    .reason = varve_view_str("the brokers move") };
    struct fixture *f = fixture_open(AWAY);

    for (int i = 0; i < 20; i++) {
        struct client *c = client_open(f);

        order(c, 5, "kafka", i % 2 == 0 ? &with_reason : &resume_order);
        client_close(c);
    }
    fixture_wait(f, none_are_under_way, f);
    fixture_close(f);
}

static void many_orders_at_once_are_all_answered(void **state)
{
    enum { MANY = 200 };
    struct fixture *f = fixture_open(AWAY);
    struct client *c = client_open(f);
    bool answered[MANY] = { false };

    for (uint32_t i = 0; i < MANY; i++)
        varve_encode_outbox_order(&c->out, i + 1, varve_view_str("kafka"), i % 2 == 0 ? &pause_order : &resume_order);
    client_send(c);
    for (uint32_t i = 0; i < MANY; i++) {
        struct varve_frame frame = client_receive(c);

        assert_int_equal(frame.opcode, VARVE_OP_OUTBOX_ORDER_OK);
        assert_false(answered[frame.request_id - 1]);
        answered[frame.request_id - 1] = true;
    }
    client_close(c);
    fixture_close(f);
}

static void orders_under_way_do_not_keep_a_server_that_ends(void **state)
{
    struct fixture *f = fixture_open(AWAY);

    for (int round = 0; round < 5; round++) {
        struct client *c = client_open(f);

        for (uint32_t i = 0; i < 20; i++)
            varve_encode_outbox_order(&c->out, i + 1, varve_view_str("kafka"), &pause_order);
        client_send(c);
        fixture_turn(f);
        fixture_restart(f);
        client_close(c);
    }
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pause_and_resume_have_taken_effect_when_they_are_answered),
        cmocka_unit_test(too_many_are_refused_and_counted_as_that),
        cmocka_unit_test(what_is_refused_says_why),
        cmocka_unit_test(an_order_whose_client_goes_is_carried_out),
        cmocka_unit_test(many_orders_at_once_are_all_answered),
        cmocka_unit_test(orders_under_way_do_not_keep_a_server_that_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
