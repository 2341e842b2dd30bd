/* test_parked_discard.c - parked events are given up, one, some, all; durable. */
#include "group_client.h"

static struct worker *with_parked(struct fixture *f, struct client *c, uint32_t count)
{
    struct varve_group_settings settings = group_test_settings();

    settings.consumer_max_in_flight = 10000;
    settings.max_in_flight = 10000;
    client_append(c, "a", count);
    group_make(c, "g", &settings);
    struct worker *w = worker_join(f, "g", "one", 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(worker_nack(w, worker_take(w).position, VARVE_NACK_PARK, 0, "bad"), VARVE_OK);
    wait_for_events(f, "$parked-g", "$parked", count);
    return w;
}

static void one_some_and_all_are_discarded(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct worker *w = with_parked(f, c, 1100); /* More than one event names. */
    const struct varve_parked_event *parked;
    bool end;

    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_DISCARD, "g", 5, 0), 1);
    assert_int_equal(parked_refused(c, VARVE_OP_PARKED_DISCARD, "g", 5), VARVE_EVENT_NOT_FOUND);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_DISCARD, "g", 0, 3), 3);
    assert_int_equal(parked_look(c, "g", 0, 1, &parked, &end), 1);
    assert_int_equal(parked[0].position, 4);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_DISCARD, "g", 0, 0), 1096);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_DISCARD, "g", 0, 0), 0);
    assert_int_equal(group_look(c, "g").parked, 0);
    assert_int_equal(count_events(f, "$parked-g", "$parked.discarded"), 4);
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    c = client_open(f);
    assert_int_equal(group_look(c, "g").parked, 0);
    assert_int_equal(figure_get(&f->server.figures.group_parked), 0);
    client_close(c);
    fixture_close(f);
}

static void what_is_with_a_consumer_is_left_alone(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct worker *w = with_parked(f, c, 2);

    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 1, 0), 1);
    assert_int_equal(worker_take(w).position, 1);
    assert_int_equal(parked_refused(c, VARVE_OP_PARKED_DISCARD, "g", 1), VARVE_INVALID_ARGUMENT);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_DISCARD, "g", 0, 0), 1);
    assert_int_equal(worker_ack(w, 1), VARVE_OK);
    wait_for_events(f, "$parked-g", "$parked.resolved", 1);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void one_that_is_to_be_replayed_can_be_discarded_before(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    worker_free(with_parked(f, c, 2));
    while (group_look(c, "g").consumer_count > 0)
        fixture_turn(f);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 0, 0), 2);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_DISCARD, "g", 1, 0), 1);
    struct worker *w = worker_join(f, "g", "two", 0);
    assert_int_equal(worker_take(w).position, 2);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_some_and_all_are_discarded),
        cmocka_unit_test(what_is_with_a_consumer_is_left_alone),
        cmocka_unit_test(one_that_is_to_be_replayed_can_be_discarded_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
