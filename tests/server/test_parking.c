/* test_parking.c - events that are set aside: durable, known after a restart, never twice, never in the way. */
#include "group_client.h"

static void park_all(struct worker *w, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(worker_nack(w, worker_take(w).position, VARVE_NACK_PARK, 0, "bad"), VARVE_OK);
}

static void a_parked_event_is_in_the_log_and_its_key_goes_on(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 3);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    park_all(w, 2);
    assert_int_equal(worker_take(w).position, 3);
    assert_int_equal(worker_ack(w, 3), VARVE_OK);
    assert_int_equal(count_events(f, "$parked-g", "$parked"), 2);
    wait_for_checkpoint(f, "g", 3);
    assert_int_equal(group_look(c, "g").parked, 2);
    assert_int_equal(figure_get(&f->server.figures.group_parked), 2);
    assert_non_null(strstr(fixture_log(f), "event=group.parked"));
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    c = client_open(f);
    assert_int_equal(group_look(c, "g").parked, 2);
    client_close(c);
    fixture_close(f);
}

/* The checkpoint is behind them, so they are read once more after a restart. */
static void the_same_event_is_not_parked_twice(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "first", 1);
    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    for (int i = 0; i < 3; i++) {
        struct worker *w = worker_join(f, "g", "one", 0);

        assert_int_equal(worker_take(w).position, 1); /* It stays unfinished. */
        if (i == 0)
            park_all(w, 2);
        wait_for_events(f, "$parked-g", "$parked", 2);
        assert_true(worker_gets_nothing(w));
        assert_int_equal(group_look(c, "g").parked, 2);
        assert_int_equal(group_look(c, "g").checkpoint, 0);
        client_close(c);
        worker_free(w);
        fixture_restart(f);
        c = client_open(f);
    }
    assert_int_equal(count_events(f, "$parked-g", "$parked"), 2);
    client_close(c);
    fixture_close(f);
}

static void what_was_resolved_above_the_checkpoint_does_not_come_again(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request reset = { .group = varve_view_str("g") };

    client_append(c, "first", 1);
    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, 1);
    park_all(w, 2);
    wait_for_events(f, "$parked-g", "$parked", 2);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 2, 0), 1);
    assert_int_equal(worker_take(w).position, 2);
    assert_int_equal(worker_ack(w, 2), VARVE_OK);
    wait_for_events(f, "$parked-g", "$parked.resolved", 1);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_DISCARD, "g", 3, 0), 1);
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    c = client_open(f);
    w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, 1);
    assert_int_equal(worker_ack(w, 1), VARVE_OK);
    assert_true(worker_gets_nothing(w));
    /* A reset is another matter: all of it comes again, after the next restart, too. */
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_RESET, &reset, NULL), VARVE_OK);
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    w = worker_join(f, "g", "one", 0);
    for (uint64_t position = 1; position <= 3; position++) {
        assert_int_equal(worker_take(w).position, position);
        assert_int_equal(worker_ack(w, position), VARVE_OK);
    }
    worker_free(w);
    fixture_close(f);
}

static void a_reset_leaves_parked_events_parked(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request reset = { .group = varve_view_str("g") };

    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    park_all(w, 1);
    assert_int_equal(worker_take(w).position, 2);
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_RESET, &reset, NULL), VARVE_OK);
    assert_int_equal(worker_take(w).position, 2);
    assert_int_equal(group_look(c, "g").parked, 1);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_parked_event_is_in_the_log_and_its_key_goes_on),
        cmocka_unit_test(the_same_event_is_not_parked_twice),
        cmocka_unit_test(what_was_resolved_above_the_checkpoint_does_not_come_again),
        cmocka_unit_test(a_reset_leaves_parked_events_parked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
