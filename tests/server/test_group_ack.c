/* test_group_ack.c - acks, nacks and extensions: what is taken, what is refused, what comes of it. */
#include "group_client.h"

static void an_ack_counts_once_and_for_its_consumer_only(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    struct worker *one = worker_join(f, "g", "one", 0), *two = worker_join(f, "g", "two", 0);
    struct delivered event = worker_take(one);
    assert_int_equal(worker_ack(two, event.position), VARVE_NOT_DELIVERED);
    assert_int_equal(worker_ack(one, 1000), VARVE_NOT_DELIVERED);
    assert_int_equal(worker_ack(one, event.position), VARVE_OK);
    assert_int_equal(worker_ack(one, event.position), VARVE_FENCED);
    one->epoch += 1000;
    assert_int_equal(worker_ack(one, event.position), VARVE_FENCED);
    client_close(c);
    worker_free(one);
    worker_free(two);
    fixture_close(f);
}

static void many_at_once_say_which_were_not_taken(void **state)
{
    static const uint64_t positions[] = { 1, 2, 500 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_refused_ack *refused;
    uint32_t done;
    size_t count;

    client_append(c, "a", 1);
    client_append(c, "b", 1);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    worker_take(w);
    worker_take(w);
    varve_encode_group_ack(&w->client->out, 5, VARVE_OP_GROUP_ACK,
                           &(struct varve_group_ack){ varve_view_str("g"), w->epoch, positions, 3, 0, 0, { NULL, 0 } });
    client_send(w->client);
    client_expect(w->client, VARVE_OP_GROUP_ACK_OK, 5);
    assert_int_equal(varve_decode_group_ack_ok(w->client->body, w->client->arena, &done, &refused, &count, NULL),
                     VARVE_OK);
    assert_int_equal(done, 2);
    assert_int_equal(count, 1);
    assert_int_equal(refused[0].position, 500);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void a_retry_blocks_its_key_only(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2);
    client_append(c, "b", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, 1);
    assert_int_equal(worker_take(w).position, 3);
    assert_int_equal(worker_nack(w, 1, VARVE_NACK_RETRY, 3600000, "later"), VARVE_OK);
    assert_int_equal(worker_ack(w, 3), VARVE_OK);
    assert_int_equal(worker_take(w).position, 4);
    assert_int_equal(worker_ack(w, 4), VARVE_OK);
    assert_true(worker_gets_nothing(w));
    assert_int_equal(group_look(c, "g").retrying, 1);
    assert_int_equal(group_look(c, "g").checkpoint, 0);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void retries_come_after_the_backoff_and_end_in_parking(void **state)
{
    struct varve_group_settings settings = group_test_settings();
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_parked_event *parked;
    bool end;

    settings.max_attempts = 3;
    client_append(c, "a", 2);
    group_make(c, "g", &settings);
    struct worker *w = worker_join(f, "g", "one", 0);
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        struct delivered event = worker_take(w);

        assert_int_equal(event.position, 1);
        assert_int_equal(event.attempt, attempt);
        assert_int_equal(worker_nack(w, 1, VARVE_NACK_RETRY, VARVE_RETRY_BACKOFF, "no luck"), VARVE_OK);
    }
    assert_int_equal(worker_take(w).position, 2);
    assert_int_equal(parked_look(c, "g", 0, 10, &parked, &end), 1);
    assert_int_equal(parked[0].attempts, 3);
    assert_true(varve_view_equal(parked[0].reason, varve_view_str("max_attempts")));
    assert_true(varve_view_equal(parked[0].last_error, varve_view_str("no luck")));
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void skipped_is_done(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    worker_take(w);
    assert_int_equal(worker_nack(w, 1, VARVE_NACK_SKIP, 0, NULL), VARVE_OK);
    assert_int_equal(worker_take(w).position, 2);
    wait_for_checkpoint(f, "g", 1);
    assert_int_equal(group_look(c, "g").parked, 0);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void a_stopped_group_stays_so_until_it_is_resumed(void **state)
{
    struct varve_group_request resume = { .group = varve_view_str("g"), .resume = true };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    client_append(c, "b", 1);
    group_make(c, "g", NULL);
    struct worker *one = worker_join(f, "g", "one", 1), *two = worker_join(f, "g", "two", 1);
    struct delivered event = worker_take(one);
    worker_take(two);
    assert_int_equal(worker_nack(one, event.position, VARVE_NACK_STOP, 0, "the ledger is off"), VARVE_OK);
    worker_wait_end(one, VARVE_GROUP_STOPPED);
    worker_wait_end(two, VARVE_GROUP_STOPPED);
    assert_non_null(strstr(two->why.message, "the ledger is off"));
    worker_free(one);
    worker_free(two);
    for (int i = 0; i < 2; i++) {
        struct varve_group_info info = group_look(c, "g");

        assert_true(info.stopped);
        assert_true(varve_view_equal(info.stop_reason, varve_view_str("the ledger is off")));
        one = worker_try(f, "g", "one", 0, 1000, false);
        assert_int_equal(one->why.status, VARVE_GROUP_STOPPED);
        worker_free(one);
        client_close(c);
        fixture_restart(f); /* It is durable. */
        c = client_open(f);
    }
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_UPDATE, &resume, NULL), VARVE_OK);
    assert_false(group_look(c, "g").stopped);
    one = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(one).position, 1);
    assert_int_equal(worker_take(one).position, 2);
    client_close(c);
    worker_free(one);
    fixture_close(f);
}

static void a_stop_without_a_restart_is_resumed_too(void **state)
{
    struct varve_group_request resume = { .group = varve_view_str("g"), .resume = true };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    for (int i = 0; i < 3; i++) {
        struct worker *w = worker_join(f, "g", "one", 0);

        assert_int_equal(worker_take(w).position, 1);
        assert_int_equal(worker_nack(w, 1, VARVE_NACK_STOP, 0, NULL), VARVE_OK);
        worker_wait_end(w, VARVE_GROUP_STOPPED);
        assert_int_equal(group_ask(c, i == 1 ? VARVE_OP_GROUP_RESET : VARVE_OP_GROUP_UPDATE, &resume, NULL), VARVE_OK);
        worker_free(w);
    }
    client_close(c);
    fixture_close(f);
}

static void an_extension_is_taken_for_what_is_out(void **state)
{
    struct varve_group_settings settings = group_test_settings();
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    group_make(c, "g", &settings);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).attempt, 1);
    assert_int_equal(worker_extend(w, 1, 1), VARVE_OK); /* Shorter is fine, too: it comes again at once. */
    assert_int_equal(worker_take(w).attempt, 2);
    assert_int_equal(worker_extend(w, 1, 3600000), VARVE_OK);
    assert_int_equal(worker_extend(w, 2, 1000), VARVE_NOT_DELIVERED);
    assert_int_equal(worker_ack(w, 1), VARVE_OK);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ack_counts_once_and_for_its_consumer_only),
        cmocka_unit_test(many_at_once_say_which_were_not_taken),
        cmocka_unit_test(a_retry_blocks_its_key_only),
        cmocka_unit_test(retries_come_after_the_backoff_and_end_in_parking),
        cmocka_unit_test(skipped_is_done),
        cmocka_unit_test(a_stopped_group_stays_so_until_it_is_resumed),
        cmocka_unit_test(a_stop_without_a_restart_is_resumed_too),
        cmocka_unit_test(an_extension_is_taken_for_what_is_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
