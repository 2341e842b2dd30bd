/* test_group.c - a consumer group at work: events come in order, per key one at a time, and what is done stays done. */
#include "group_client.h"

#include "server/group.h"

static void events_are_delivered_acked_and_remembered(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 3); /* Positions 1 to 3; the group's own events come behind them. */
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(w->checkpoint, 0);
    for (uint64_t position = 1; position <= 3; position++) { /* One key: the next comes when the last is acked. */
        struct delivered event = worker_take(w);
        assert_int_equal(event.position, position);
        assert_int_equal(event.attempt, 1);
        assert_int_equal(worker_ack(w, position), VARVE_OK);
    }
    wait_for_checkpoint(f, "g", 3);
    assert_int_equal(group_look(c, "g").acked, 3);
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    assert_true(durable_checkpoint(f, "g") >= 3);
    w = worker_join(f, "g", "one", 0);
    assert_true(worker_gets_nothing(w));
    worker_free(w);
    fixture_close(f);
}

static void what_was_not_acked_comes_again_after_a_restart(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    client_append(c, "b", 1);
    client_append(c, "c", 1);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    for (int i = 0; i < 3; i++)
        worker_take(w);
    assert_int_equal(worker_ack(w, 1), VARVE_OK);
    assert_int_equal(worker_ack(w, 3), VARVE_OK);
    wait_for_checkpoint(f, "g", 1);
    assert_int_equal(durable_checkpoint(f, "g"), 1); /* Not past the unfinished one. */
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    assert_int_equal(durable_checkpoint(f, "g"), 1);
    w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, 2);
    assert_true(worker_gets_nothing(w)); /* 3 was acked, though the checkpoint is below it. */
    assert_int_equal(worker_ack(w, 2), VARVE_OK);
    wait_for_checkpoint(f, "g", 3);
    worker_free(w);
    fixture_close(f);
}

static void live_events_come_as_they_are_appended(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    for (int i = 0; i < 20; i++) {
        client_append(c, "a", 1);
        struct delivered event = worker_take(w);
        assert_string_equal(event.stream, "a");
        assert_int_equal(worker_ack(w, event.position), VARVE_OK);
    }
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void keys_are_streams_categories_or_correlations(void **state)
{
    static const struct { enum varve_group_key key; int at_once; } cases[] = {
        { VARVE_GROUP_KEY_STREAM, 3 }, { VARVE_GROUP_KEY_CATEGORY, 2 }, { VARVE_GROUP_KEY_CORRELATION, 3 },
    };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "order-1", 2);
    client_append(c, "order-2", 2);
    client_append(c, "payment-1", 2);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct varve_group_settings settings = group_test_settings();

        settings.key = cases[i].key;
        group_make(c, "g", &settings);
        struct worker *w = worker_join(f, "g", "one", 0);
        for (int j = 0; j < cases[i].at_once; j++)
            worker_take(w);
        assert_true(worker_gets_nothing(w));
        worker_free(w);
        assert_int_equal(group_simple(c, VARVE_OP_GROUP_DELETE, "g"), VARVE_OK);
    }
    client_close(c);
    fixture_close(f);
}

static void a_filter_picks_its_events_and_the_checkpoint_moves_over_the_others(void **state)
{
    const struct varve_view streams[] = { varve_view_str("wanted") };
    const struct varve_filter filter = { .streams = streams, .stream_count = 1 };
    struct varve_group_settings settings = group_test_settings();
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    settings.filter = &filter;
    group_make(c, "g", &settings);
    struct worker *w = worker_join(f, "g", "one", 0);
    client_append(c, "other", 30000);
    uint64_t far = varve_store_last_position(f->store);
    wait_for_checkpoint(f, "g", far - 15000);
    client_append(c, "wanted", 1);
    assert_true(worker_take(w).position > far);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void an_event_that_is_late_comes_again_and_then_is_parked(void **state)
{
    struct varve_group_settings settings = group_test_settings();
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    settings.ack_timeout_ms = 100;
    settings.max_attempts = 2;
    client_append(c, "a", 2);
    group_make(c, "g", &settings);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).attempt, 1);
    struct delivered again = worker_take(w);
    assert_int_equal(again.position, 1);
    assert_int_equal(again.attempt, 2);
    assert_int_equal(worker_take(w).position, 2); /* The key goes on when the first is parked. */
    assert_true(group_look(c, "g").parked >= 1);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static bool holds_much(void *user)
{
    const struct server *server = &((struct fixture *)user)->server;

    return server->groups->held_bytes > server->budget.limit_bytes / GROUPS_HELD_PART / 2;
}

/* One key that does not move must not make the group hold the whole log. */
static void what_piles_up_behind_a_key_is_bounded(void **state)
{
    enum { EVENTS = 220, SIZE = 100 * 1024 };
    struct fixture *f = fixture_open("--memory-budget 64MiB");
    struct client *c = client_open(f);
    uint64_t most = 0, bound = (64 << 20) / GROUPS_HELD_PART;

    for (int i = 0; i < EVENTS; i++) {
        client_encode_append(c, 7, "a", VARVE_EXPECTED_ANY, 1, SIZE);
        client_send(c);
        client_expect(c, VARVE_OP_APPEND_OK, 7);
    }
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    for (uint64_t position = 1; position <= EVENTS; position++) {
        assert_int_equal(worker_take(w).position, position);
        if (position == 1)
            fixture_wait(f, holds_much, f);
        most = f->server.groups->held_bytes > most ? f->server.groups->held_bytes : most;
        worker_send_ack(w, position);
        worker_credit(w, 2 * SIZE);
    }
    assert_true(most < bound + 2 * SIZE);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_delivered_acked_and_remembered),
        cmocka_unit_test(what_was_not_acked_comes_again_after_a_restart),
        cmocka_unit_test(live_events_come_as_they_are_appended),
        cmocka_unit_test(keys_are_streams_categories_or_correlations),
        cmocka_unit_test(a_filter_picks_its_events_and_the_checkpoint_moves_over_the_others),
        cmocka_unit_test(an_event_that_is_late_comes_again_and_then_is_parked),
        cmocka_unit_test(what_piles_up_behind_a_key_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
