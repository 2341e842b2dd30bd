/* test_consumer.c - consumers come, take turns, run out of credit, are taken over, and go. */
#include "group_client.h"

static void two_share_the_work_and_one_key_is_with_one(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    group_make(c, "g", NULL);
    struct worker *one = worker_join(f, "g", "one", 1), *two = worker_join(f, "g", "two", 1);
    client_append(c, "a", 2);
    client_append(c, "b", 2);
    struct delivered first = worker_take(one), second = worker_take(two);
    assert_string_not_equal(first.stream, second.stream);
    assert_true(worker_gets_nothing(one)); /* It may have one at a time. */
    assert_int_equal(group_look(c, "g").consumer_count, 2);
    assert_int_equal(group_look(c, "g").in_flight, 2);
    assert_int_equal(worker_ack(one, first.position), VARVE_OK);
    assert_string_equal(worker_take(one).stream, first.stream);
    client_close(c);
    worker_free(one);
    worker_free(two);
    fixture_close(f);
}

static void what_a_lost_consumer_had_goes_to_another_as_a_further_attempt(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    group_make(c, "g", NULL);
    struct worker *one = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(one).attempt, 1);
    struct worker *two = worker_join(f, "g", "two", 0);
    worker_free(one);
    assert_int_equal(worker_take(two).attempt, 2);
    client_close(c);
    worker_free(two);
    fixture_close(f);
}

/* What it had not come to was no attempt. */
static void a_consumer_that_leaves_costs_no_attempt(void **state)
{
    struct varve_group_settings settings = group_test_settings();
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    settings.max_attempts = 1;
    client_append(c, "a", 1);
    group_make(c, "g", &settings);
    for (uint32_t i = 0; i < 3; i++) {
        struct worker *w = worker_join(f, "g", "one", 0);

        assert_int_equal(worker_take(w).attempt, 1);
        worker_cancel(w);
        worker_wait_end(w, VARVE_CANCELLED);
        worker_free(w);
    }
    assert_int_equal(group_look(c, "g").parked, 0);
    client_close(c);
    fixture_close(f);
}

static void an_event_that_kills_its_consumers_ends_up_parked(void **state)
{
    struct varve_group_settings settings = group_test_settings();
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    settings.max_attempts = 3;
    client_append(c, "a", 2);
    group_make(c, "g", &settings);
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        char name[16];

        snprintf(name, sizeof(name), "one-%u", attempt); /* The one before may not be gone yet. */
        struct worker *w = worker_join(f, "g", name, 0);
        assert_int_equal(worker_take(w).attempt, attempt);
        worker_free(w);
    }
    struct worker *w = worker_join(f, "g", "two", 0);
    assert_int_equal(worker_take(w).position, 2);
    assert_int_equal(group_look(c, "g").parked, 1);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void a_name_is_one_consumers_unless_it_is_taken_over(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    group_make(c, "g", NULL);
    struct worker *one = worker_join(f, "g", "name", 0);
    assert_int_equal(worker_take(one).attempt, 1);
    struct worker *refused = worker_try(f, "g", "name", 0, 1000, false);
    assert_int_equal(refused->why.status, VARVE_CONSUMER_EXISTS);
    struct worker *two = worker_try(f, "g", "name", 0, 1000, true);
    assert_false(two->ended);
    assert_true(two->epoch > one->epoch);
    worker_wait_end(one, VARVE_FENCED);
    assert_int_equal(worker_take(two).attempt, 2);
    assert_int_equal(worker_ack(one, 1), VARVE_FENCED); /* Late. */
    assert_int_equal(worker_ack(two, 1), VARVE_OK);
    client_close(c);
    worker_free(one);
    worker_free(refused);
    worker_free(two);
    fixture_close(f);
}

static void credit_bounds_what_is_sent(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (int i = 0; i < 10; i++) {
        char stream[16];

        snprintf(stream, sizeof(stream), "s%d", i);
        client_append(c, stream, 1);
    }
    group_make(c, "g", NULL);
    struct worker *w = worker_try(f, "g", "one", 0, 1, false);
    worker_take(w);
    assert_true(worker_gets_nothing(w)); /* Overdrawn by one. */
    worker_credit(w, 1 << 20);
    for (int i = 1; i < 10; i++)
        worker_take(w);
    worker_credit(w, UINT32_MAX);
    worker_wait_end(w, VARVE_INVALID_ARGUMENT);
    assert_string_equal(w->why.field, "credit_bytes");
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void who_cannot_join_is_told_why(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct worker *w = worker_try(f, "g", "one", 0, 1000, false);

    assert_int_equal(w->why.status, VARVE_GROUP_NOT_FOUND);
    worker_free(w);
    group_make(c, "g", NULL);
    w = worker_try(f, "g", "one", 0, UINT32_MAX, false);
    assert_int_equal(w->why.status, VARVE_INVALID_ARGUMENT);
    worker_free(w);
    w = worker_join(f, "g", "one", 0);
    varve_encode_group_join(&w->client->out, w->join_id,
                            &(struct varve_group_join){ varve_view_str("g"), varve_view_str("two"), 0, 10, false });
    client_send(w->client);
    struct varve_wire_error error = client_receive_error(w->client, w->join_id, VARVE_INVALID_ARGUMENT);
    assert_string_equal(error.error.field, "request_id");
    worker_free(w);
    client_close(c);
    fixture_close(f);
}

static void a_consumer_that_leaves_before_it_joined_does_no_harm(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    group_make(c, "g", NULL);
    for (int i = 0; i < 50; i++) {
        struct client *hasty = client_open(f);

        varve_encode_group_join(&hasty->out, 3,
                                &(struct varve_group_join){ varve_view_str("g"), varve_view_str("x"), 0, 10, true });
        varve_encode_cancel(&hasty->out, 3);
        client_send(hasty);
        client_close(hasty);
    }
    struct worker *w = worker_try(f, "g", "x", 0, 1000, true);
    assert_false(w->ended);
    assert_int_equal(group_look(c, "g").consumer_count, 1);
    worker_free(w);
    client_close(c);
    fixture_close(f);
}

static void the_log_tells_who_came_and_went(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    worker_cancel(w);
    worker_wait_end(w, VARVE_CANCELLED);
    const char *log = fixture_log(f);
    assert_non_null(strstr(log, "event=group.created"));
    assert_non_null(strstr(log, "event=group.consumer_joined"));
    assert_non_null(strstr(log, "event=group.consumer_left"));
    worker_free(w);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_share_the_work_and_one_key_is_with_one),
        cmocka_unit_test(what_a_lost_consumer_had_goes_to_another_as_a_further_attempt),
        cmocka_unit_test(a_consumer_that_leaves_costs_no_attempt),
        cmocka_unit_test(an_event_that_kills_its_consumers_ends_up_parked),
        cmocka_unit_test(a_name_is_one_consumers_unless_it_is_taken_over),
        cmocka_unit_test(credit_bounds_what_is_sent),
        cmocka_unit_test(who_cannot_join_is_told_why),
        cmocka_unit_test(a_consumer_that_leaves_before_it_joined_does_no_harm),
        cmocka_unit_test(the_log_tells_who_came_and_went),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
