/* test_push_client.c - one client: what it is told, where it stands, and what becomes of it when it takes nothing. */
#include "push_probe.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE_BYTES = 900 * 1024 };

static void events_come_in_order_and_then_the_end_of_history(void **state)
{
    struct fixture *f = fixture_open("");
    char id[32];

    for (unsigned i = 0; i < 20; i++)
        probe_append_one(f, "a-1", "tested", NULL);
    struct client *c = probe_open(f, "after=start");
    client_wait_for(c, "caught_up");
    const char *at = probe_text(c);
    assert_int_equal(strncmp(at, "retry: 2000\n\n", 13), 0);
    for (unsigned i = 1; i <= 20; i++) {
        snprintf(id, sizeof(id), "event: tested\nid: %u\n", i);
        at = strstr(at, id);
        assert_non_null(at);
    }
    assert_non_null(strstr(at, "id: 20\nevent: caught_up\ndata: {\"position\":20}\n\n"));
    client_forget(c);
    probe_append_one(f, "a-1", "later", NULL);
    client_wait_for(c, "id: 21\n");
    assert_null(strstr(c->text, "caught_up"));
    assert_int_equal(probe_figure(f, "push_events"), 21);
    client_close(c);
    probe_wait_clients(f, 0);
    assert_int_equal(probe_figure(f, "push_clients"), 0);
    fixture_close(f);
}

static void from_the_end_it_is_live_at_once(void **state)
{
    struct fixture *f = fixture_open("");

    probe_append_one(f, "a-1", "before", NULL);
    struct client *c = probe_open(f, "");
    client_wait_for(c, "id: 1\nevent: caught_up\n");
    assert_null(strstr(strstr(c->text, "Cache-Control: ") + 1, "Cache-Control: ")); /* Once. */
    assert_true(client_hears_nothing(c));
    probe_append_one(f, "a-1", "after", NULL);
    client_wait_for(c, "event: after\nid: 2\n");
    assert_null(strstr(c->text, "event: before"));
    client_close(c);
    fixture_close(f);
}

/* What others have had, one by one as it came, is history for one who comes later. */
static void history_ends_where_the_log_ended(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *early = probe_open(f, "");

    client_wait_for(early, "caught_up");
    for (unsigned i = 1; i <= 3; i++) {
        char id[16];

        probe_append_one(f, "a-1", "tested", NULL);
        snprintf(id, sizeof(id), "id: %u\n", i);
        client_wait_for(early, id);
    }
    struct client *late = probe_open(f, "after=start");
    client_wait_for(late, "event: caught_up");
    const char *text = probe_text(late);
    assert_non_null(strstr(text, "\nid: 3\nevent: caught_up"));
    assert_true(strstr(text, "event: tested\nid: 3\n") < strstr(text, "caught_up"));
    client_close(early);
    client_close(late);
    fixture_close(f);
}

static void without_names_no_type_comes(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *named = probe_open(f, ""), *unnamed = probe_open(f, "named=false");

    probe_append_one(f, "a-1", "tested", "{\"n\":1}");
    probe_append_one(f, "a-1", "tested", "{\"n\":2}");
    client_wait_for(named, "id: 2\n");
    client_wait_for(unnamed, "id: 2\n");
    assert_non_null(strstr(named->text, "event: tested\nid: 1\n"));
    assert_null(strstr(unnamed->text, "event: tested"));
    assert_non_null(strstr(probe_text(unnamed), "\n\nid: 1\ndata: {"));
    assert_non_null(strstr(probe_text(unnamed), "}\n\nid: 2\ndata: {"));
    assert_int_equal(probe_figure(f, "push_events_rendered"), 2);
    client_close(named);
    client_close(unnamed);
    fixture_close(f);
}

static void patterns_and_users_choose(void **state)
{
    const struct probe_event events[] = {
        { .type = "offer.made", .user = "anna" }, { .type = "offer.made", .user = "bert" }, { .type = "offer.made" },
        { .type = "order.placed", .user = "anna" }, { .type = "last", .user = "anna" },
    };
    struct fixture *f = fixture_open("");
    struct client *c = probe_open(f, "type=offer.*,last&user=anna");

    probe_append(f, "a-1", events, COUNT_OF(events));
    client_wait_for(c, "event: last\nid: 5\n");
    assert_non_null(strstr(c->text, "id: 1\n"));
    assert_null(strstr(c->text, "id: 2\n"));
    assert_null(strstr(c->text, "id: 3\n"));
    assert_null(strstr(c->text, "id: 4\n"));
    client_close(c);
    fixture_close(f);
}

static void signs_of_life_tell_the_place(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = probe_open(f, "user=nobody");

    f->config.push.heartbeat_ms = 0;
    client_wait_for(c, "caught_up");
    probe_append_one(f, "a-1", "tested", NULL);
    struct push_client *there = probe_server_end(f);
    while (there->position < 1)
        fixture_turn(f);
    push_tick(&f->server);
    client_wait_for(c, ": alive\nid: 1\n\n");
    client_forget(c);
    push_tick(&f->server);
    client_wait_for(c, ": alive\n\n");
    f->config.push.heartbeat_ms = 60000;
    client_forget(c);
    push_tick(&f->server);
    assert_true(client_hears_nothing(c));
    client_close(c);
    fixture_close(f);
}

/* ---- one that takes nothing ------------------------------------------------------------------------------------- */

static uint64_t append_large(struct fixture *f, unsigned count)
{
    char *data = malloc(LARGE_BYTES);
    uint64_t position = 0;

    memset(data, '#', LARGE_BYTES);
    data[0] = data[LARGE_BYTES - 1] = '"';
    for (unsigned i = 0; i < count; i++)
        position = probe_append(f, "large-1", &(struct probe_event){ .data = data, .data_size = LARGE_BYTES }, 1);
    free(data);
    return position;
}

/* A client that asks and reads nothing, until its stream has stopped in the midst of an event. */
static int open_stuck(struct fixture *f, struct push_client **ret)
{
    struct client *c = client_open(f);
    int fd = c->fd, small = 65536;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    client_send(c, "GET /v1/events?after=start&named=false HTTP/1.1\r\nHost: localhost\r\n\r\n");
    free(c);
    while (f->server.push->client_count == 0)
        fixture_turn(f);
    *ret = probe_server_end(f);
    for (uint64_t bytes = UINT64_MAX; bytes != probe_figure(f, "push_bytes") || (*ret)->is_waiting;) {
        bytes = probe_figure(f, "push_bytes");
        for (unsigned i = 0; i < 50; i++)
            fixture_turn(f);
    }
    return fd;
}

static void one_that_takes_nothing_is_dropped(void **state)
{
    struct fixture *f = fixture_open("");
    struct push_client *there;

    append_large(f, 4);
    int fd = open_stuck(f, &there);
    push_tick(&f->server);
    fixture_turn(f);
    assert_int_equal(f->server.push->client_count, 1); /* It has time. */
    f->config.push.send_timeout_ms = 0;
    push_tick(&f->server);
    probe_wait_clients(f, 0);
    assert_int_equal(probe_figure(f, "push_dropped_clients"), 1);
    assert_non_null(strstr(fixture_log(f), "push.dropped"));
    close(fd);
    fixture_close(f);
}

static void one_that_waits_for_events_is_not(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = probe_open(f, "");

    client_wait_for(c, "caught_up");
    while (!probe_server_end(f)->is_waiting)
        fixture_turn(f);
    f->config.push.send_timeout_ms = 0;
    for (unsigned i = 0; i < 5; i++) {
        push_tick(&f->server);
        fixture_turn(f);
    }
    probe_append_one(f, "a-1", "tested", NULL);
    client_wait_for(c, "id: 1\n");
    assert_int_equal(probe_figure(f, "push_dropped_clients"), 0);
    client_close(c);
    fixture_close(f);
}

/* Takes all; how much data it had. */
struct taker {
    int fd;
    uint64_t wanted, got; /* of the letter # */
    bool ended;
};

static bool has_all(void *user)
{
    struct taker *taker = user;
    static char bytes[1 << 18];
    ssize_t size;

    while ((size = recv(taker->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        for (ssize_t i = 0; i < size; i++)
            taker->got += bytes[i] == '#';
    taker->ended = size == 0;
    return taker->got >= taker->wanted || taker->ended;
}

static void what_was_given_back_goes_on_where_it_was(void **state)
{
    struct fixture *f = fixture_open("");
    struct push_client *there;

    append_large(f, 4);
    int fd = open_stuck(f, &there);
    assert_true(there->sent > 0 && there->batch != NULL);
    push_client_give_back(there);
    assert_true(there->batch == NULL && there->torn_position > 0);
    push_batches_hide(f->server.push); /* Nor will it find the batch again. */
    assert_null(f->server.push->batches);
    there->is_waiting = true;          /* As if it had just asked: in the midst of an event nothing is said. */
    f->config.push.heartbeat_ms = 0;
    push_client_tick(there, push_now_ms(f->server.push));
    assert_int_equal(there->said_size, 0);
    there->is_waiting = false;
    f->config.push.heartbeat_ms = 60000;
    struct taker taker = { .fd = fd, .wanted = 4ull * (LARGE_BYTES - 2) };
    fixture_wait(f, has_all, &taker);
    assert_false(taker.ended);
    for (unsigned i = 0; i < 20; i++)
        fixture_turn(f);
    has_all(&taker);
    assert_int_equal(taker.got, taker.wanted);
    assert_int_equal(probe_figure(f, "push_events"), 4);
    assert_int_equal(there->torn_position, 0);
    close(fd);
    fixture_close(f);
}

/* The event whose second half is owed is hidden meanwhile: better no stream than a broken one. */
static void half_an_event_that_is_gone_ends_the_stream(void **state)
{
    struct fixture *f = fixture_open("");
    struct push_client *there;
    struct varve_append *append = NULL;
    struct varve_error error;

    uint64_t last = append_large(f, 4);
    int fd = open_stuck(f, &there);
    push_client_give_back(there);
    push_batches_hide(f->server.push);
    const struct varve_stream_change change = { .kind = VARVE_STREAM_TRUNCATE, .stream = varve_view_str("large-1"),
                                                .truncate_before = last, .expected = VARVE_EXPECTED_ANY };
    assert_int_equal(varve_stream_change_create(f->store, &change, &append, &error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &error), VARVE_OK);
    varve_append_free(append);
    struct taker taker = { .fd = fd, .wanted = UINT64_MAX };
    fixture_wait(f, has_all, &taker);
    assert_true(taker.ended);
    probe_wait_clients(f, 0);
    close(fd);
    fixture_close(f);
}

/* ---- its end ---------------------------------------------------------------------------------------------------- */

static void a_log_that_cannot_be_read_ends_it(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = probe_open(f, "");

    client_wait_for(c, "caught_up");
    struct push_client *there = probe_server_end(f);
    while (there->member.follower == NULL)
        fixture_turn(f);
    follow_leave(&there->member);
    there->member.deliver(&there->member, &(struct follow_batch){ .error = { .status = VARVE_CORRUPT } });
    client_wait_for(c, "event: failed\ndata: {\"code\":\"CORRUPT\"}\n\n");
    client_wait_for(c, "\r\n0\r\n\r\n");
    client_close(c);
    probe_wait_clients(f, 0);
    fixture_close(f);
}

/* The turn is over when its last text was taken, and before it was told that there is no more. */
static void the_end_waits_for_its_turn(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = probe_open(f, "");
    struct push *push = f->server.push;
    char text[1024];

    client_wait_for(c, "caught_up");
    struct push_client *there = probe_server_end(f);
    while (there->member.follower == NULL)
        fixture_turn(f);
    follow_leave(&there->member);
    there->member.deliver(&there->member, &(struct follow_batch){ .error = { .status = VARVE_CORRUPT } });
    push->turn_is_fresh = true;
    size_t size = push_client_stream.read(there, text, sizeof(text));
    assert_true(size > 0 && size < sizeof(text));
    push->turn_is_fresh = false;
    push->turn_until_us = 0;
    assert_int_equal(push_client_stream.read(there, text, sizeof(text)), 0);
    client_wait_for(c, "\r\n0\r\n\r\n");
    client_close(c);
    probe_wait_clients(f, 0);
    fixture_close(f);
}

static void one_that_leaves_gives_all_back(void **state)
{
    struct fixture *f = fixture_open("");
    uint64_t before = f->server.budget.used_bytes;

    for (unsigned i = 0; i < 30; i++) {
        struct client *c = probe_open(f, i % 2 == 0 ? "after=start&type=x*" : "user=u");

        if (i % 3 == 0)
            probe_append_one(f, "a-1", "xy", NULL);
        client_close(c);
    }
    probe_wait_clients(f, 0);
    push_batches_drop_unused(f->server.push, UINT64_MAX);
    struct client *idle = client_open(f); /* The port's own memory for a connection comes and goes a turn later. */
    client_close(idle);
    for (unsigned i = 0; i < 30; i++)
        fixture_turn(f);
    assert_int_equal(f->server.budget.used_bytes, before);
    assert_int_equal(probe_figure(f, "followers"), 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_come_in_order_and_then_the_end_of_history),
        cmocka_unit_test(from_the_end_it_is_live_at_once), cmocka_unit_test(history_ends_where_the_log_ended),
        cmocka_unit_test(without_names_no_type_comes),
        cmocka_unit_test(patterns_and_users_choose), cmocka_unit_test(signs_of_life_tell_the_place),
        cmocka_unit_test(one_that_takes_nothing_is_dropped), cmocka_unit_test(one_that_waits_for_events_is_not),
        cmocka_unit_test(what_was_given_back_goes_on_where_it_was),
        cmocka_unit_test(half_an_event_that_is_gone_ends_the_stream),
        cmocka_unit_test(a_log_that_cannot_be_read_ends_it),
        cmocka_unit_test(the_end_waits_for_its_turn), cmocka_unit_test(one_that_leaves_gives_all_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
