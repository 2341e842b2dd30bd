/* test_groups_load.c - what is found in the log at the start, good or not. */
#include "group_client.h"

#include "server/group.h"

static void write_event(struct fixture *f, const char *stream, const char *type, const char *data)
{
    const struct varve_append_stream streams[] = { { varve_view_str(stream), VARVE_EXPECTED_ANY } };
    const struct varve_event event = { .type = varve_view_str(type), .time_us = VARVE_TIME_NONE,
                                       .schema_version = 1, .content_type = VARVE_CONTENT_JSON,
                                       .data = varve_view_str(data) };
    const struct varve_append_request request = { .streams = streams, .stream_count = 1, .events = &event,
                                                  .event_count = 1 };
    struct varve_append *append = NULL;

    assert_int_equal(varve_append_create_system(f->store, &request, &append, NULL), VARVE_OK);
    assert_int_equal(varve_append_wait(append, NULL), VARVE_OK);
    varve_append_free(append);
}

/* It must not be mistaken for none, or a new one of its name would begin elsewhere. */
static void a_group_that_is_not_understood_is_told_and_can_be_deleted(void **state)
{
    struct fixture *f = fixture_open("");
    struct varve_group_request request = { .group = varve_view_str("g"), .settings = group_test_settings(),
                                           .has_settings = true };

    write_event(f, "$group-g", "$group.created", "{\"checkpoint\": \"far\"}");
    fixture_restart(f);
    struct client *c = client_open(f);
    assert_non_null(strstr(fixture_log(f), "event=group.unreadable"));
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_INFO, "g"), VARVE_CORRUPT);
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_GROUP_EXISTS);
    struct worker *w = worker_try(f, "g", "one", 0, 1000, false);
    assert_int_equal(w->why.status, VARVE_CORRUPT);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_DELETE, "g"), VARVE_OK);
    assert_int_equal(group_ask(c, VARVE_OP_GROUP_CREATE, &request, NULL), VARVE_OK);
    worker_free(w);
    client_close(c);
    fixture_close(f);
}

static void parked_events_that_are_not_understood_are_told_and_passed_over(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 2);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    write_event(f, "$parked-g", "$parked", "{\"position\": []}");
    write_event(f, "$parked-g", "$parked.later", "{}");
    write_event(f, "$parked-g", "$parked.resolved", "7");
    assert_int_equal(worker_nack(w, worker_take(w).position, VARVE_NACK_PARK, 0, "bad"), VARVE_OK);
    wait_for_events(f, "$parked-g", "$parked", 2);
    client_close(c);
    worker_free(w);
    fixture_restart(f);
    assert_non_null(strstr(fixture_log(f), "event=group.parked_unreadable"));
    c = client_open(f);
    assert_int_equal(group_look(c, "g").parked, 1);
    client_close(c);
    fixture_close(f);
}

static void streams_that_are_no_groups_are_left_alone(void **state)
{
    struct fixture *f = fixture_open("");

    write_event(f, "$group-", "$group.created", "{}");
    write_event(f, "$group-$x", "$group.created", "{}");
    write_event(f, "$groupie", "$group.created", "{}");
    fixture_restart(f);
    assert_int_equal(f->server.groups->count, 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_is_not_understood_is_told_and_can_be_deleted),
        cmocka_unit_test(parked_events_that_are_not_understood_are_told_and_passed_over),
        cmocka_unit_test(streams_that_are_no_groups_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
