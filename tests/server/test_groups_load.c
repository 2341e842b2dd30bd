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

#define PICTURE(checkpoint, finished, through)                                                                      \
    "{\"checkpoint\":" checkpoint "," finished through "\"epoch\":50,\"created_epoch\":1,\"reset_epoch\":1,"           \
    "\"created_at_us\":3,\"settings\":{\"filter\":{\"streams\":[\"a\"]},\"key\":\"stream\","                          \
    "\"max_in_flight\":9,\"consumer_max_in_flight\":9,\"ack_timeout_ms\":100000,\"max_attempts\":3,\"backoff_ms\":[1]}}"

/* Versions of `$group-g` from 0 on, over events 1 to 9 of the stream a: which is the first that is not finished? */
static void what_transactions_acked_is_folded_in_the_order_of_the_log(void **state)
{
    static const struct { const char *type, *data; } made = { "$group.created", PICTURE("0", "", "") };
    static const struct {
        const char *label;
        struct { const char *type, *data; } events[5];
        uint64_t first;
    } cases[] = {
        { "nothing was acked", { { "$group.joined", PICTURE("0", "", "\"acked_through\":0,") } }, 1 },
        { "behind the picture", { { "$group.acked", "{\"positions\":[2,1]}" } }, 3 },
        { "several", { { "$group.acked", "{\"positions\":[1]}" }, { "$group.acked", "{\"positions\":[3,2]}" } }, 4 },
        { "with what the picture has", { { "$group.checkpoint", PICTURE("1", "\"finished\":[2,1],",
                                                                        "\"acked_through\":0,") },
                                         { "$group.acked", "{\"positions\":[2]}" } }, 4 },
        { "before a picture that does not have it", { { "$group.acked", "{\"positions\":[1]}" },
                                                      { "$group.checkpoint", PICTURE("0", "", "\"acked_through\":0,") },
                                                      { "$group.joined", PICTURE("0", "", "\"acked_through\":0,") } },
          2 },
        { "before a picture that does not have it, and behind", {
            { "$group.acked", "{\"positions\":[1]}" },
            { "$group.checkpoint", PICTURE("0", "", "\"acked_through\":0,") },
            { "$group.acked", "{\"positions\":[2]}" } }, 3 },
        { "before a picture that has it (and would say so)", {
            { "$group.acked", "{\"positions\":[1]}" },
            { "$group.checkpoint", PICTURE("0", "", "\"acked_through\":1,") } }, 1 },
        { "one that the picture has, one that it has not", {
            { "$group.acked", "{\"positions\":[1]}" }, { "$group.acked", "{\"positions\":[2]}" },
            { "$group.checkpoint", PICTURE("1", "", "\"acked_through\":1,") } }, 3 },
        { "before a reset", { { "$group.acked", "{\"positions\":[1]}" },
                              { "$group.reset", PICTURE("0", "", "\"acked_through\":0,") } }, 1 },
        { "behind a reset", { { "$group.reset", PICTURE("0", "", "\"acked_through\":0,") },
                              { "$group.acked", "{\"positions\":[1]}" } }, 2 },
        { "before it was made anew", { { "$group.acked", "{\"positions\":[1]}" }, { "$group.deleted", "{}" },
                                       { "$group.created", PICTURE("0", "", "\"acked_through\":0,") } }, 1 },
        { "before a picture of a version that knew nothing of it", {
            { "$group.acked", "{\"positions\":[1]}" }, { "$group.checkpoint", PICTURE("0", "", "") } }, 1 },
        { "with more than anybody will deliver", { { "$group.acked", "{\"positions\":[1,9000,7]}" } }, 2 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture *f = fixture_open("");
        struct client *c = client_open(f);

        client_append(c, "a", 9);
        client_close(c);
        write_event(f, "$group-g", made.type, made.data);
        for (size_t k = 0; k < COUNT_OF(cases[i].events) && cases[i].events[k].type != NULL; k++)
            write_event(f, "$group-g", cases[i].events[k].type, cases[i].events[k].data);
        fixture_restart(f);
        struct worker *w = worker_join(f, "g", "one", 0);
        CHECK_CASE(worker_take(w).position == cases[i].first, cases[i].label);
        worker_free(w);
        fixture_close(f);
    }
}

static void an_ack_that_is_not_understood_is_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    group_make(c, "g", NULL);
    client_close(c);
    write_event(f, "$group-g", "$group.acked", "{\"positions\":[]}");
    fixture_restart(f);
    assert_non_null(strstr(fixture_log(f), "event=group.unreadable"));
    c = client_open(f);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_INFO, "g"), VARVE_CORRUPT);
    assert_int_equal(group_simple(c, VARVE_OP_GROUP_DELETE, "g"), VARVE_OK);
    client_close(c);
    fixture_close(f);
}

/* More than one batch of them, in any order. */
static void thousands_of_acks_behind_the_newest_picture_are_all_folded(void **state)
{
    enum { EVENTS = 3000 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    char data[64];

    client_append(c, "a", EVENTS + 1);
    group_make(c, "g", NULL);
    client_close(c);
    for (uint64_t i = 0; i < EVENTS; i++) {
        snprintf(data, sizeof(data), "{\"positions\":[%u]}", (unsigned)(1 + i * 7 % EVENTS));
        write_event(f, "$group-g", "$group.acked", data);
    }
    fixture_restart(f);
    assert_int_equal(groups_find(f->server.groups, varve_view_str("g"))->before.count, 1);
    struct worker *w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, EVENTS + 1);
    worker_free(w);
    fixture_restart(f); /* And from the picture that has them, too. */
    assert_int_equal(groups_find(f->server.groups, varve_view_str("g"))->newest.acks, 0);
    w = worker_join(f, "g", "one", 0);
    assert_int_equal(worker_take(w).position, EVENTS + 1);
    worker_free(w);
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

/* Thousands of them are read before a server serves: one that is to stop does not wait for the last. */
static void no_more_is_read_when_the_server_stops(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    group_make(c, "g", NULL);
    client_close(c);
    f->server.stopping = true;
    assert_int_equal(groups_load(&f->server, f->store, NULL), VARVE_NOT_READY);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_is_not_understood_is_told_and_can_be_deleted),
        cmocka_unit_test(parked_events_that_are_not_understood_are_told_and_passed_over),
        cmocka_unit_test(what_transactions_acked_is_folded_in_the_order_of_the_log),
        cmocka_unit_test(an_ack_that_is_not_understood_is_told),
        cmocka_unit_test(thousands_of_acks_behind_the_newest_picture_are_all_folded),
        cmocka_unit_test(no_more_is_read_when_the_server_stops),
        cmocka_unit_test(streams_that_are_no_groups_are_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
