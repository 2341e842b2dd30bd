/* test_parking.c - events that are set aside: durable, known after a restart, never twice, never in the way. */
#include "group_client.h"

#include "support/fault_os.h"

#include "server/group.h"

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

/* The store looks at the disk now and then. */
static void wait_for_full_disk(struct fixture *f)
{
    for (enum varve_status status = VARVE_OK; status != VARVE_DISK_FULL;) {
        struct worker *w = worker_try(f, "g", "other", 1, 1, true);

        status = w->ended ? w->why.status : VARVE_OK;
        worker_free(w);
    }
    while (groups_find(f->server.groups, varve_view_str("g"))->joined_count > 1)
        fixture_turn(f);
}

/* Neither what is to be parked nor a checkpoint can be written: only the key of the one waits, and nothing is lost. */
static void a_full_disk_holds_up_one_key_and_loses_nothing(void **state)
{
    static struct fault_os fault;
    struct fixture *f = fixture_open("");

    fault_os_init(&fault);
    f->config.store.os = &fault.os;
    fixture_restart(f);
    struct client *c = client_open(f);
    client_append(c, "a", 2);
    client_append(c, "b", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, 1);
    assert_int_equal(worker_take(w).position, 3);
    fault.free_bytes = 0;
    wait_for_full_disk(f);
    assert_int_equal(worker_nack(w, 1, VARVE_NACK_PARK, 0, "bad"), VARVE_OK);
    worker_send_ack(w, 3);
    assert_int_equal(worker_take(w).position, 4); /* Its key goes on, */
    assert_true(worker_gets_nothing(w));          /* but that it is finished is not durable. */
    assert_int_equal(count_events(f, "$parked-g", "$parked"), 0);
    fault.free_bytes = -1;
    worker_wait_acks(w);
    assert_int_equal(worker_take(w).position, 2);
    assert_int_equal(worker_ack(w, 2), VARVE_OK);
    assert_int_equal(worker_ack(w, 4), VARVE_OK);
    wait_for_checkpoint(f, "g", 4);
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
        cmocka_unit_test(a_full_disk_holds_up_one_key_and_loses_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
