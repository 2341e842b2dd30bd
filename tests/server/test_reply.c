/* test_reply.c - ERROR replies in their forms, and what is counted. */
#include "fixture.h"

#include "server/reply.h"

static void errors_carry_what_they_should(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct session *session = f->server.sessions;
    struct varve_error error;

    varve_fail(&error, VARVE_INVALID_ARGUMENT, "limit", "limit: is wrong");
    reply_error(session, 4, &error);
    struct varve_wire_error got = client_receive_error(c, 4, VARVE_INVALID_ARGUMENT);
    assert_string_equal(got.error.field, "limit");
    assert_string_equal(got.error.message, "limit: is wrong");
    assert_int_equal(figure_get(&f->server.figures.requests_failed), 1);
    assert_int_equal(figure_get(&f->server.figures.requests_refused), 0);
    client_close(c);
    fixture_close(f);
}

static void overloaded_always_says_when_to_come_back(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct session *session = f->server.sessions;
    struct varve_error error;

    reply_overloaded(session, 5, "something is used up");
    assert_int_equal(client_receive_error(c, 5, VARVE_OVERLOADED).error.retry_after_ms, SERVER_RETRY_AFTER_MS);
    varve_fail(&error, VARVE_OVERLOADED, NULL, "the queue is full");
    error.retry_after_ms = 7;
    reply_error(session, 6, &error);
    assert_int_equal(client_receive_error(c, 6, VARVE_OVERLOADED).error.retry_after_ms, 7);
    reply_no_memory(session, 7);
    client_receive_error(c, 7, VARVE_NO_MEMORY);
    assert_int_equal(figure_get(&f->server.figures.requests_failed), 3);
    assert_int_equal(figure_get(&f->server.figures.requests_refused), 2);
    client_close(c);
    fixture_close(f);
}

static void a_refused_append_names_every_stream(void **state)
{
    static const struct varve_conflict conflicts[] = {
        { 0, 0, VARVE_WRONG_EXPECTED_VERSION, 5, 7 }, { 0, 3, VARVE_STREAM_TOMBSTONED, -2, 9 },
    };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_append_outcome outcome = { .status = VARVE_WRONG_EXPECTED_VERSION, .conflicts = conflicts,
                                            .conflict_count = 2 };

    varve_fail(&outcome.error, VARVE_WRONG_EXPECTED_VERSION, NULL, "stream \"a\": expected 5, actual 7");
    reply_refused_append(f->server.sessions, 8, &outcome);
    struct varve_wire_error got = client_receive_error(c, 8, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(got.conflict_count, 2);
    assert_int_equal(got.conflicts[1].stream_index, 3);
    assert_int_equal(got.conflicts[1].status, VARVE_STREAM_TOMBSTONED);
    client_close(c);
    fixture_close(f);
}

static void a_connection_that_closes_is_told_nothing(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct session *session = f->server.sessions;

    session_close_all(&f->server, "for the test");
    reply_overloaded(session, 5, "something");
    client_expect_closed(c);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(errors_carry_what_they_should), cmocka_unit_test(overloaded_always_says_when_to_come_back),
        cmocka_unit_test(a_refused_append_names_every_stream),
        cmocka_unit_test(a_connection_that_closes_is_told_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
