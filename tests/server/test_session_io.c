/* test_session_io.c - the bytes of a connection: however they are cut, and when they are not taken. */
#include "fixture.h"

#include <stdlib.h>

static void any_cut_gives_the_same_frames(void **state)
{
    static const size_t steps[] = { 1, 3, 15, 16, 17, 100, 1000 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        for (uint32_t id = 1; id <= 5; id++)
            client_encode_append(c, id, "a", VARVE_EXPECTED_ANY, 1, 50);
        for (size_t at = 0; at < c->out.size; at += steps[i])
            client_send_bytes(c, c->out.bytes + at, at + steps[i] < c->out.size ? steps[i] : c->out.size - at);
        c->out.size = 0;
        for (uint32_t id = 1; id <= 5; id++)
            client_expect(c, VARVE_OP_APPEND_OK, id);
    }
    assert_int_equal(varve_store_last_position(f->store), 5 * COUNT_OF(steps));
    client_close(c);
    fixture_close(f);
}

static void what_is_no_frame_ends_the_connection(void **state)
{
    static const struct { const char *label; uint8_t header[VARVE_WIRE_HEADER]; } cases[] = {
        { "magic", { 'G', 'E', 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 } },
        { "flags", { 'V', 0xa6, 1, 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1 } },
        { "reserved", { 'V', 0xa6, 1, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1 } },
        { "length", { 'V', 0xa6, 1, 2, 0, 0, 0, 0, 0xff, 0, 0, 1, 0, 0, 0, 1 } },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture *f = fixture_open("");
        struct client *c = client_open(f);

        print_message("%s\n", cases[i].label);
        client_send_bytes(c, cases[i].header, VARVE_WIRE_HEADER);
        client_receive_error(c, 0, VARVE_PROTOCOL);
        client_expect_closed(c);
        client_close(c);
        fixture_close(f);
    }
}

static void before_hello_frames_are_small(void **state)
{
    static const uint8_t large[] = { 'V', 0xa6, 1, 1, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 1 };
    struct fixture *f = fixture_open("");
    struct client *c = client_connect(f);

    client_send_bytes(c, large, sizeof(large));
    client_receive_error(c, 0, VARVE_PROTOCOL);
    client_expect_closed(c);
    client_close(c);
    fixture_close(f);
}

static void a_large_frame_is_taken_as_it_comes(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 7, 1000000);
    client_send_bytes(c, c->out.bytes, c->out.size / 2);
    while (figure_get(&f->server.figures.bytes_in) < c->out.size / 2)
        fixture_turn(f);
    assert_true(f->server.budget.used_bytes >= c->out.size / 4); /* What has come is charged, */
    assert_true(f->server.budget.used_bytes <= c->out.size * 2); /* not more than it may double to. */
    client_send_bytes(c, c->out.bytes + c->out.size / 2, c->out.size - c->out.size / 2);
    c->out.size = 0;
    client_expect(c, VARVE_OP_APPEND_OK, 3);
    assert_true(client_hears_nothing(c));
    assert_true(f->server.budget.used_bytes < 200000);
    client_close(c);
    fixture_close(f);
}

static void without_memory_a_frame_is_refused_and_skipped(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes - 400000;

    budget_force(&f->server.budget, hog);
    client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 7, 1000000);
    client_encode_append(c, 4, "a", VARVE_EXPECTED_ANY, 1, 10);
    varve_encode_ping(&c->out, 5);
    client_send(c);
    assert_true(client_receive_error(c, 3, VARVE_OVERLOADED).error.retry_after_ms > 0);
    uint32_t ids = client_receive(c).request_id; /* What follows is understood. */
    ids += client_receive(c).request_id;
    assert_int_equal(ids, 9);
    assert_int_equal(varve_store_last_position(f->store), 1);
    budget_give(&f->server.budget, hog);
    client_close(c);
    fixture_close(f);
}

static void a_busy_connection_is_not_read(void **state)
{
    enum { COUNT = 2000 };
    struct fixture *f = fixture_open("--max-requests 3");
    struct client *c = client_open(f);

    for (uint32_t i = 1; i <= COUNT; i++)
        client_encode_append(c, i, "a", VARVE_EXPECTED_ANY, 1, 100);
    client_send_bytes(c, c->out.bytes, 100000);
    assert_true(figure_get(&f->server.figures.requests_under_way) <= 3);
    client_send_bytes(c, c->out.bytes + 100000, c->out.size - 100000);
    for (uint32_t i = 1; i <= COUNT; i++)
        client_expect(c, VARVE_OP_APPEND_OK, i);
    client_close(c);
    fixture_close(f);
}

static void who_takes_no_replies_is_not_read(void **state)
{
    enum { BIG = 30000, COUNT = 3000 };
    struct fixture *f = fixture_open("--max-output 64KiB --send-timeout 1s");
    struct client *c = client_open(f);
    struct varve_wire_buffer gets = { .bytes = NULL };

    client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 1, BIG);
    client_send(c);
    client_expect(c, VARVE_OP_APPEND_OK, 3);
    for (uint32_t i = 1; i <= COUNT; i++)
        varve_encode_get(&gets, i, 1);
    client_send_bytes(c, gets.bytes, gets.size);
    for (int i = 0; i < 500; i++)
        fixture_turn(f);
    assert_true(figure_get(&f->server.figures.requests) < COUNT); /* 90 MB of replies are not made. */
    assert_true(f->server.budget.used_bytes <= f->server.budget.limit_bytes);
    while (f->server.session_count > 0) { /* At last it is cut. */
        fixture_turn(f);
        session_tick_all(&f->server);
    }
    assert_int_equal(figure_get(&f->server.figures.slow_consumers), 1);
    assert_non_null(strstr(fixture_log(f), "CONSUMER_TOO_SLOW"));
    varve_wire_buffer_free(&gets);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_cut_gives_the_same_frames), cmocka_unit_test(what_is_no_frame_ends_the_connection),
        cmocka_unit_test(before_hello_frames_are_small), cmocka_unit_test(a_large_frame_is_taken_as_it_comes),
        cmocka_unit_test(without_memory_a_frame_is_refused_and_skipped),
        cmocka_unit_test(a_busy_connection_is_not_read), cmocka_unit_test(who_takes_no_replies_is_not_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
