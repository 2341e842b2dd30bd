/* test_lookup.c - requests that a reader thread answers: charged, carried there and back, answered once. */
#include "fixture.h"

static void answers_come_back(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_stream_entry entry;

    client_append(c, "a", 3);
    for (uint32_t i = 1; i <= 100; i++)
        varve_encode_stream_info(&c->out, i, varve_view_str("a"));
    client_send(c);
    bool seen[101] = { false };
    for (int i = 0; i < 100; i++) {
        struct varve_frame frame = client_receive(c);
        assert_int_equal(frame.opcode, VARVE_OP_STREAM_INFO_OK);
        assert_int_equal(varve_decode_stream_info_ok(c->body, &entry, NULL), VARVE_OK);
        assert_int_equal(entry.info.version, 2);
        assert_false(seen[frame.request_id]);
        seen[frame.request_id] = true;
    }
    assert_int_equal(figure_get(&f->server.figures.requests_under_way), 0);
    client_close(c);
    fixture_close(f);
}

static void errors_come_back_and_are_counted(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    varve_encode_stream_info(&c->out, 4, varve_view_str("never"));
    varve_wire_end(&c->out, varve_wire_begin(&c->out, VARVE_OP_GET, 5));
    client_send(c);
    uint32_t ids = 0;
    for (int i = 0; i < 2; i++) {
        struct varve_frame frame = client_receive(c);
        struct varve_wire_error error;
        assert_int_equal(frame.opcode, VARVE_OP_ERROR);
        assert_int_equal(varve_decode_error(c->body, c->arena, &error, NULL), VARVE_OK);
        assert_int_equal(error.error.status, frame.request_id == 4 ? VARVE_STREAM_NOT_FOUND : VARVE_PROTOCOL);
        ids += frame.request_id;
    }
    assert_int_equal(ids, 9);
    assert_int_equal(figure_get(&f->server.figures.requests_failed), 2);
    client_close(c);
    fixture_close(f);
}

static void without_budget_it_is_overloaded(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;

    budget_force(&f->server.budget, hog);
    varve_encode_stream_info(&c->out, 4, varve_view_str("a"));
    client_send(c);
    client_receive_error(c, 4, VARVE_OVERLOADED);
    budget_give(&f->server.budget, hog);
    client_close(c);
    fixture_close(f);
}

static void the_client_may_leave_meanwhile(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (uint32_t i = 1; i <= 50; i++)
        varve_encode_stats(&c->out, i);
    client_send(c);
    client_close(c);
    while (f->server.session_count > 0)
        fixture_turn(f);
    assert_int_equal(f->server.budget.used_bytes, 0);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_back), cmocka_unit_test(errors_come_back_and_are_counted),
        cmocka_unit_test(without_budget_it_is_overloaded), cmocka_unit_test(the_client_may_leave_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
