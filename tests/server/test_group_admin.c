/* test_group_admin.c - groups are created, looked at, changed, reset, deleted; and what of it is refused. */
#include "group_client.h"

static struct varve_group_request request_for(const char *group)
{
    return (struct varve_group_request){ .group = varve_view_str(group), .settings = group_test_settings(),
                                         .has_settings = true };
}

static void a_group_is_as_it_was_made_and_survives_a_restart(void **state)
{
    const struct varve_view types[] = { { "tested", 6 } };
    const struct varve_filter filter = { .types = types, .type_count = 1 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request request = request_for("g");

    client_append(c, "a", 5);
    request.settings.filter = &filter;
    request.settings.key = VARVE_GROUP_KEY_CATEGORY;
    request.after = 3;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_OK);
    for (int i = 0; i < 2; i++) {
        struct varve_group_info info = group_look(c, "g");

        assert_int_equal(info.checkpoint, 3);
        assert_int_equal(info.settings.key, VARVE_GROUP_KEY_CATEGORY);
        assert_int_equal(info.settings.filter->type_count, 1);
        assert_int_equal(info.settings.backoff_ms[0], 1);
        assert_false(info.stopped);
        assert_int_equal(info.consumer_count, 0);
        assert_true(info.created_at_us > 0);
        assert_int_equal(info.last_position, 6);
        client_close(c);
        fixture_restart(f);
        c = client_open(f);
    }
    client_close(c);
    fixture_close(f);
}

static void the_end_is_where_the_log_ends(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request request = request_for("g");

    client_append(c, "a", 5);
    request.after = VARVE_AFTER_END;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_OK);
    assert_int_equal(group_look(c, "g").checkpoint, 5);
    request = request_for("h");
    request.after = 1000;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static void names_are_given_once_and_must_be_known(void **state)
{
    static const uint8_t opcodes[] = { VARVE_OP_GROUP_UPDATE, VARVE_OP_GROUP_RESET, VARVE_OP_GROUP_DELETE,
                                       VARVE_OP_GROUP_INFO };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request request = request_for("g");

    group_make(c, "g", NULL);
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_GROUP_EXISTS);
    for (size_t i = 0; i < sizeof(opcodes); i++)
        assert_int_equal(group_simple(c, opcodes[i], "other"), VARVE_GROUP_NOT_FOUND);
    client_close(c);
    fixture_close(f);
}

static void groups_are_listed_by_name(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_group_info *infos;
    size_t count;

    group_make(c, "b", NULL);
    group_make(c, "a", NULL);
    group_make(c, "aa", NULL);
    varve_encode_group_list(&c->out, 4);
    client_send(c);
    client_expect(c, VARVE_OP_GROUP_LIST_OK, 4);
    assert_int_equal(varve_decode_group_list_ok(c->body, c->arena, &infos, &count, NULL), VARVE_OK);
    assert_int_equal(count, 3);
    assert_true(varve_view_equal(infos[0].name, varve_view_str("a")));
    assert_true(varve_view_equal(infos[1].name, varve_view_str("aa")));
    assert_true(varve_view_equal(infos[2].name, varve_view_str("b")));
    client_close(c);
    fixture_close(f);
}

static void an_update_counts_for_what_was_not_looked_at(void **state)
{
    const struct varve_view streams[] = { { "b", 1 } };
    const struct varve_filter filter = { .streams = streams, .stream_count = 1 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request request = request_for("g");

    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    client_append(c, "a", 1);
    struct delivered event = worker_take(w);
    assert_int_equal(worker_ack(w, event.position), VARVE_OK);
    request.settings.filter = &filter;
    request.settings.consumer_max_in_flight = 7;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_UPDATE, &request, NULL), VARVE_OK);
    assert_int_equal(group_look(c, "g").settings.consumer_max_in_flight, 7);
    assert_int_equal(group_look(c, "g").consumers[0].max_in_flight, 7);
    client_append(c, "a", 1);
    client_append(c, "b", 1);
    assert_string_equal(worker_take(w).stream, "b");
    request.has_settings = false; /* Nothing changes. */
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_UPDATE, &request, NULL), VARVE_OK);
    assert_int_equal(group_look(c, "g").settings.consumer_max_in_flight, 7);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void a_reset_begins_anew_and_fences_what_is_out(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_group_request request = request_for("g");

    client_append(c, "a", 2);
    client_append(c, "b", 1);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, 1);
    assert_int_equal(worker_take(w).position, 3);
    assert_int_equal(worker_ack(w, 1), VARVE_OK);
    assert_int_equal(worker_take(w).position, 2);
    request.after = 2;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_RESET, &request, NULL), VARVE_OK);
    assert_int_equal(group_look(c, "g").checkpoint, 2);
    assert_int_equal(worker_ack(w, 2), VARVE_FENCED);
    struct delivered again = worker_take(w);
    assert_int_equal(again.position, 3);
    assert_int_equal(again.attempt, 1);
    assert_int_equal(worker_ack(w, 3), VARVE_OK);
    request.after = 0;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_RESET, &request, NULL), VARVE_OK);
    assert_int_equal(worker_take(w).position, 1);
    assert_int_equal(group_look(c, "g").acked, 2); /* Since the server started, resets or not. */
    request.after = 1000;
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_RESET, &request, NULL), VARVE_INVALID_ARGUMENT);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

static void a_deleted_group_ends_its_consumers_and_leaves_nothing_to_the_next(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    worker_take(w);
    assert_int_equal(worker_nack(w, 1, VARVE_NACK_PARK, 0, "bad"), VARVE_OK);
    worker_take(w);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_DELETE, "g"), VARVE_OK);
    worker_wait_end(w, VARVE_GROUP_NOT_FOUND);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_INFO, "g"), VARVE_GROUP_NOT_FOUND);
    group_make(c, "g", NULL);
    assert_int_equal(group_look(c, "g").parked, 0);
    client_close(c);
    fixture_restart(f); /* The folding at the start knows the one from the other. */
    c = client_open(f);
    assert_int_equal(group_look(c, "g").parked, 0);
    struct worker *next = worker_join(f, "g", "one", 0);
    assert_true(next->epoch > w->epoch);
    assert_int_equal(worker_take(next).position, 1);
    client_close(c);
    worker_free(w);
    worker_free(next);
    fixture_close(f);
}

static void a_deleted_group_is_gone_after_a_restart(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    group_make(c, "g", NULL);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_DELETE, "g"), VARVE_OK);
    client_close(c);
    fixture_restart(f);
    c = client_open(f);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_INFO, "g"), VARVE_GROUP_NOT_FOUND);
    client_close(c);
    fixture_close(f);
}

static void settings_that_do_not_fit_an_event_are_refused(void **state)
{
    struct fixture *f = fixture_open("--max-event-bytes 16KiB");
    struct client *c = client_open(f);
    struct varve_group_request request = request_for("g");

    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_EVENT_TOO_LARGE);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_INFO, "g"), VARVE_GROUP_NOT_FOUND);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_is_as_it_was_made_and_survives_a_restart),
        cmocka_unit_test(the_end_is_where_the_log_ends),
        cmocka_unit_test(names_are_given_once_and_must_be_known),
        cmocka_unit_test(groups_are_listed_by_name),
        cmocka_unit_test(an_update_counts_for_what_was_not_looked_at),
        cmocka_unit_test(a_reset_begins_anew_and_fences_what_is_out),
        cmocka_unit_test(a_deleted_group_ends_its_consumers_and_leaves_nothing_to_the_next),
        cmocka_unit_test(a_deleted_group_is_gone_after_a_restart),
        cmocka_unit_test(settings_that_do_not_fit_an_event_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
