/* test_outbox_errands.c - orders to outboxes, whoever gives them: answered once, abandoned, forgotten at the end. */
#include "fixture.h"

#include <stdlib.h>

#include "server/outbox_errands.h"

#define AWAY "--kafka 127.0.0.1:1" /* nobody listens there */

static unsigned answered, abandoned;

static void answer(struct outbox_order *order)
{
    assert_int_equal(order->errand.status, VARVE_OK);
    answered++;
}

static void abandon(struct outbox_order *order)
{
    abandoned++;
}

static void give(struct fixture *f, void (*on_abandon)(struct outbox_order *order))
{
    struct outbox_order *order = calloc(1, sizeof(*order));

    assert_non_null(order);
    order->answer = answer;
    order->abandon = on_abandon;
    order->errand.order.action = VARVE_OUTBOX_PAUSE;
    assert_true(outbox_errands_give(&f->server, outboxes_at(&f->server, 0), order));
}

static bool all_answered(void *user)
{
    return ((struct fixture *)user)->server.outbox_order_count == 0;
}

static void each_order_is_answered_once(void **state)
{
    struct fixture *f = fixture_open(AWAY);

    answered = 0;
    for (unsigned i = 0; i < 10; i++)
        give(f, NULL);
    assert_int_equal(f->server.outbox_order_count, 10);
    fixture_wait(f, all_answered, f);
    assert_int_equal(answered, 10);
    fixture_close(f);
}

static void who_waits_is_told_when_the_server_does_not_wait_any_longer(void **state)
{
    struct fixture *f = fixture_open(AWAY);

    answered = abandoned = 0;
    give(f, abandon);
    give(f, NULL);
    outbox_errands_abandon(&f->server); /* No turn of the loop was between. */
    assert_int_equal(abandoned, 1);
    fixture_wait(f, all_answered, f);
    assert_int_equal(answered, 2); /* That it was abandoned is for the giver to know. */
    fixture_close(f);
}

static void what_was_not_answered_is_forgotten_at_the_end(void **state)
{
    struct fixture *f = fixture_open(AWAY);

    answered = 0;
    give(f, abandon);
    fixture_close(f);
    assert_int_equal(answered, 0);
}

static void too_many_are_refused(void **state)
{
    struct fixture *f = fixture_open(AWAY);
    struct outbox_order one_more = { .answer = answer };

    for (unsigned i = 0; i < 1000; i++)
        give(f, NULL);
    assert_false(outbox_errands_give(&f->server, outboxes_at(&f->server, 0), &one_more));
    fixture_wait(f, all_answered, f);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_order_is_answered_once),
        cmocka_unit_test(who_waits_is_told_when_the_server_does_not_wait_any_longer),
        cmocka_unit_test(what_was_not_answered_is_forgotten_at_the_end),
        cmocka_unit_test(too_many_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
