/* test_append.c - appends and stream changes: decoded, checked, answered. */
#include "fixture.h"

static void decode_outcome(struct client *c, struct varve_append_outcome *ret)
{
    assert_int_equal(varve_decode_append_ok(c->body, c->arena, ret, NULL), VARVE_OK);
}

static void outcomes_come_back(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_append_outcome outcome;

    client_encode_append(c, 3, "order-1", VARVE_EXPECTED_NO_STREAM, 3, 10);
    client_send(c);
    client_expect(c, VARVE_OP_APPEND_OK, 3);
    decode_outcome(c, &outcome);
    assert_int_equal(outcome.results[0].last_version, 2);
    assert_int_equal(outcome.results[0].last_position, 3);

    client_encode_append(c, 4, "order-1", 7, 1, 10);
    client_send(c);
    struct varve_wire_error error = client_receive_error(c, 4, VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(error.conflict_count, 1);
    assert_int_equal(error.conflicts[0].expected, 7);
    assert_int_equal(error.conflicts[0].actual, 2);
    client_close(c);
    fixture_close(f);
}

static void what_is_not_an_append_is_told(void **state)
{
    struct fixture *f = fixture_open("--max-event-bytes 100");
    struct client *c = client_open(f);

    varve_wire_end(&c->out, varve_wire_begin(&c->out, VARVE_OP_APPEND, 3)); /* No body at all. */
    client_send(c);
    client_receive_error(c, 3, VARVE_PROTOCOL);
    client_encode_append(c, 4, "$mine", VARVE_EXPECTED_ANY, 1, 1);
    client_send(c);
    assert_true(client_receive_error(c, 4, VARVE_INVALID_ARGUMENT).error.field[0] != 0);
    client_encode_append(c, 5, "a", VARVE_EXPECTED_ANY, 1, 101);
    client_send(c);
    assert_int_equal(client_receive_error(c, 5, VARVE_EVENT_TOO_LARGE).error.limit, 100);
    assert_int_equal(varve_store_last_position(f->store), 0);
    client_close(c);
    fixture_close(f);
}

static void a_change_of_a_stream_is_answered_likewise(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_append_outcome outcome;

    client_append(c, "a", 5);
    varve_encode_stream_change(&c->out, 3, &(struct varve_stream_change){
        .kind = VARVE_STREAM_DELETE, .stream = varve_view_str("a"), .expected = 4 });
    client_send(c);
    client_expect(c, VARVE_OP_STREAM_CHANGE_OK, 3);
    decode_outcome(c, &outcome);
    assert_int_equal(outcome.stream_count, 1);
    varve_encode_stream_change(&c->out, 4, &(struct varve_stream_change){
        .kind = VARVE_STREAM_DELETE, .stream = varve_view_str("b"), .expected = VARVE_EXPECTED_ANY });
    client_send(c);
    client_receive_error(c, 4, VARVE_STREAM_NOT_FOUND);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcomes_come_back), cmocka_unit_test(what_is_not_an_append_is_told),
        cmocka_unit_test(a_change_of_a_stream_is_answered_likewise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
