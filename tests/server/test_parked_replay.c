/* test_parked_replay.c - parked events are tried once more, and the checkpoint knows nothing of it. */
#include "group_client.h"

static struct worker *with_parked(struct fixture *f, struct client *c, uint32_t count, uint32_t max_attempts)
{
    struct varve_group_settings settings = group_test_settings();

    settings.max_attempts = max_attempts;
    client_append(c, "a", count);
    group_make(c, "g", &settings);
    struct worker *w = worker_join(f, "g", "one", 0);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(worker_nack(w, worker_take(w).position, VARVE_NACK_PARK, 0, "bad"), VARVE_OK);
    wait_for_events(f, "$parked-g", "$parked", count);
    wait_for_checkpoint(f, "g", count);
    return w;
}

static void one_some_and_all_are_replayed_in_order(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct worker *w = with_parked(f, c, 200, 5);
    const struct varve_parked_event *parked;
    bool end;

    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 50, 0), 1);
    struct delivered event = worker_take(w);
    assert_int_equal(event.position, 50);
    assert_int_equal(event.attempt, 1);
    parked_look(c, "g", 49, 1, &parked, &end);
    assert_int_equal(parked[0].position, 50);
    assert_true(parked[0].replaying);
    assert_int_equal(worker_ack(w, 50), VARVE_OK);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 0, 3), 3);
    for (uint64_t position = 1; position <= 3; position++) {
        assert_int_equal(worker_take(w).position, position);
        assert_int_equal(worker_ack(w, position), VARVE_OK);
    }
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 0, 0), 196);
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 0, 0), 0); /* They are on their way. */
    for (uint64_t position = 4; position <= 200; position += position == 49 ? 2 : 1) {
        assert_int_equal(worker_take(w).position, position);
        worker_send_ack(w, position);
    }
    worker_wait_acks(w);
    wait_for_events(f, "$parked-g", "$parked.resolved", 200);
    assert_int_equal(group_look(c, "g").parked, 0);
    assert_true(group_look(c, "g").checkpoint >= 200);
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    c = client_open(f);
    assert_int_equal(group_look(c, "g").parked, 0);
    client_close(c);
    fixture_close(f);
}

static void what_fails_again_stays_parked_with_all_its_attempts(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct worker *w = with_parked(f, c, 1, 2);
    const struct varve_parked_event *parked;
    bool end;

    uint64_t checkpoint = durable_checkpoint(f, "g");
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 0, 0), 1);
    for (uint32_t attempt = 1; attempt <= 2; attempt++) {
        assert_int_equal(worker_take(w).attempt, attempt);
        assert_int_equal(worker_nack(w, 1, VARVE_NACK_RETRY, 0, "still bad"), VARVE_OK);
    }
    wait_for_events(f, "$parked-g", "$parked.failed", 1);
    assert_true(durable_checkpoint(f, "g") >= checkpoint);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(parked_look(c, "g", 0, 10, &parked, &end), 1);
        assert_int_equal(parked[0].attempts, 3); /* One before, two now. */
        assert_true(varve_view_equal(parked[0].last_error, varve_view_str("still bad")));
        assert_false(parked[0].replaying);
        client_close(c);
        fixture_restart(f);
        c = client_open(f);
    }
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void a_replay_waits_for_somebody_to_do_it(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    worker_free(with_parked(f, c, 3, 5));
    assert_int_equal(parked_ask(c, VARVE_OP_PARKED_REPLAY, "g", 0, 0), 3);
    struct worker *w = worker_join(f, "g", "two", 0);
    assert_int_equal(worker_take(w).position, 1);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void what_is_not_parked_cannot_be_replayed(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct worker *w = with_parked(f, c, 1, 5);

    assert_int_equal(parked_refused(c, VARVE_OP_PARKED_REPLAY, "g", 2), VARVE_EVENT_NOT_FOUND);
    assert_int_equal(parked_refused(c, VARVE_OP_PARKED_REPLAY, "other", 0), VARVE_GROUP_NOT_FOUND);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_some_and_all_are_replayed_in_order),
        cmocka_unit_test(what_fails_again_stays_parked_with_all_its_attempts),
        cmocka_unit_test(a_replay_waits_for_somebody_to_do_it),
        cmocka_unit_test(what_is_not_parked_cannot_be_replayed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
