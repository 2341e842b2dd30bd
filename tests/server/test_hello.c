/* test_hello.c - how a connection begins, and PING. */
#include "fixture.h"

#include "varve/version.h"

static void say_hello(struct client *c, uint32_t min_version, uint32_t max_version)
{
    varve_encode_hello(&c->out, 5, &(struct varve_hello){ min_version, max_version, varve_view_str("tester") });
    client_send(c);
}

static void hello_ok_tells_the_limits(void **state)
{
    struct fixture *f = fixture_open("--max-requests 33 --max-event-bytes 5000 --index category --log-level debug");
    struct client *c = client_connect(f);
    struct varve_hello_ok hello;

    say_hello(c, 1, 9);
    client_expect(c, VARVE_OP_HELLO_OK, 5);
    assert_int_equal(varve_decode_hello_ok(c->body, &hello, NULL), VARVE_OK);
    assert_int_equal(hello.version, 1);
    assert_true(varve_view_equal(hello.server_version, varve_view_str(VARVE_VERSION)));
    assert_int_equal(hello.max_requests, 33);
    assert_int_equal(hello.max_event_bytes, 5000);
    assert_int_equal(hello.max_frame_bytes, f->server.max_frame_bytes);
    assert_int_equal(hello.capability_count, 9);
    assert_true(varve_view_equal(hello.capabilities[3], varve_view_str("group")));
    assert_true(varve_view_equal(hello.capabilities[5], varve_view_str("saga")));
    assert_true(varve_view_equal(hello.capabilities[6], varve_view_str("outbox")));
    assert_true(varve_view_equal(hello.capabilities[7], varve_view_str("category")));
    assert_true(varve_view_equal(hello.capabilities[8], varve_view_str("snapshot")));
    assert_non_null(strstr(fixture_log(f), "client=tester"));
    client_close(c);
    fixture_close(f);
}

static void no_version_in_common_ends_it(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_connect(f);

    say_hello(c, 2, 3);
    client_receive_error(c, 5, VARVE_UNSUPPORTED);
    client_expect_closed(c);
    client_close(c);
    fixture_close(f);
}

static void a_second_hello_is_refused_and_forgiven(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    say_hello(c, 1, 1);
    client_receive_error(c, 5, VARVE_PROTOCOL);
    client_append(c, "a", 1);
    client_close(c);
    fixture_close(f);
}

static void ping_tells_the_position(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t position = 0;
    int64_t now_us = 0;

    client_append(c, "a", 4);
    varve_encode_ping(&c->out, 9);
    client_send(c);
    client_expect(c, VARVE_OP_PONG, 9);
    assert_int_equal(varve_decode_pong(c->body, &now_us, &position, NULL), VARVE_OK);
    assert_int_equal(position, 4);
    assert_true(now_us > 1577836800000000); /* After 2020. */
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_ok_tells_the_limits), cmocka_unit_test(no_version_in_common_ends_it),
        cmocka_unit_test(a_second_hello_is_refused_and_forgiven), cmocka_unit_test(ping_tells_the_position),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
