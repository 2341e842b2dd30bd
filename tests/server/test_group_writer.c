/* test_group_writer.c - pictures of a group: few, in order, newest last, and not lost when they cannot be written. */
#include "group_client.h"

#include "server/group.h"

static void a_busy_group_writes_few_checkpoints(void **state)
{
    enum { EVENTS = 300 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", EVENTS);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    uint64_t began_ms = uv_hrtime() / 1000000;
    for (int i = 0; i < EVENTS; i++)
        worker_send_ack(w, worker_take(w).position);
    worker_wait_acks(w);
    wait_for_checkpoint(f, "g", EVENTS);
    uint64_t took_ms = uv_hrtime() / 1000000 - began_ms;
    assert_true(count_events(f, "$group-g", "$group.checkpoint") <= took_ms / GROUP_CHECKPOINT_MS + 2);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

/* Its own events are events of the log, and must not make it write for ever. */
static void an_idle_group_writes_nothing(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_ack(w, worker_take(w).position), VARVE_OK);
    wait_for_checkpoint(f, "g", 1);
    uint64_t last = varve_store_last_position(f->store);
    uint64_t until_ms = uv_hrtime() / 1000000 + 3 * GROUP_CHECKPOINT_MS;
    while (uv_hrtime() / 1000000 < until_ms)
        assert_true(worker_gets_nothing(w));
    assert_int_equal(varve_store_last_position(f->store), last);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void the_last_to_leave_has_it_written(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_ack(w, worker_take(w).position), VARVE_OK);
    worker_free(w);
    wait_for_checkpoint(f, "g", 1);
    client_close(c);
    fixture_close(f);
}

static void a_stop_of_the_server_has_it_written(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (uint64_t round = 0; round < 5; round++) {
        client_append(c, "a", 1);
        if (round == 0)
            group_make(c, "g", NULL);
        struct worker *w = worker_join(f, "g", "one", 0);
        uint64_t position = worker_take(w).position;
        assert_int_equal(worker_ack(w, position), VARVE_OK);
        client_close(c);
        worker_free(w);
        fixture_restart(f);
        c = client_open(f);
        assert_true(durable_checkpoint(f, "g") >= position);
    }
    client_close(c);
    fixture_close(f);
}

static void epochs_are_never_given_twice(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t last = 0;

    group_make(c, "g", NULL);
    for (int round = 0; round < 3; round++) {
        struct worker *one = worker_join(f, "g", "one", 0), *two = worker_join(f, "g", "two", 0);

        assert_true(one->epoch > last);
        assert_true(two->epoch > one->epoch);
        last = two->epoch;
        client_close(c);
        worker_free(one);
        worker_free(two);
        fixture_restart(f);
        c = client_open(f);
    }
    assert_int_equal(count_events(f, "$group-g", "$group.joined"), 6);
    client_close(c);
    fixture_close(f);
}

static void many_changes_at_once_are_done_in_order(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request request = { .group = varve_view_str("g"), .settings = group_test_settings(),
                                           .has_settings = true };

    varve_encode_group(&c->out, 1, VARVE_OP_GROUP_CREATE, &request);
    for (uint32_t i = 2; i < 50; i++) {
        request.settings.max_in_flight = i;
        varve_encode_group(&c->out, i, VARVE_OP_GROUP_UPDATE, &request);
    }
    varve_encode_group(&c->out, 50, VARVE_OP_GROUP_DELETE, &request);
    varve_encode_group(&c->out, 51, VARVE_OP_GROUP_UPDATE, &request);
    client_send(c);
    for (uint32_t i = 1; i <= 50; i++) {
        struct varve_group_info info;

        client_expect(c, VARVE_OP_GROUP_OK, i);
        assert_int_equal(varve_decode_group_ok(c->body, c->arena, &info, NULL), VARVE_OK);
        if (i > 1 && i < 50)
            assert_int_equal(info.settings.max_in_flight, i);
    }
    client_receive_error(c, 51, VARVE_GROUP_NOT_FOUND); /* It waited behind the deletion. */
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_busy_group_writes_few_checkpoints),
        cmocka_unit_test(an_idle_group_writes_nothing),
        cmocka_unit_test(the_last_to_leave_has_it_written),
        cmocka_unit_test(a_stop_of_the_server_has_it_written),
        cmocka_unit_test(epochs_are_never_given_twice),
        cmocka_unit_test(many_changes_at_once_are_done_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
