/* test_submit.c - appends on their way: in order, durable whatever becomes of the client, charged, and refused when too
 * much is under way. */
#include "fixture.h"

#include "support/fault_os.h"

static void a_connections_appends_keep_their_order(void **state)
{
    enum { COUNT = 1000 };
    struct fixture *f = fixture_open("--max-requests 50");
    struct client *c = client_open(f);

    for (uint32_t i = 0; i < COUNT; i++)
        client_encode_append(c, i + 1, "a", (int64_t)i - 1, 1, 10);
    client_send(c);
    for (uint32_t i = 0; i < COUNT; i++)
        client_expect(c, VARVE_OP_APPEND_OK, i + 1); /* Each expected the one before: none was too early. */
    client_close(c);
    fixture_close(f);
}

static void durable_although_the_client_is_gone(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (int i = 0; i < 20; i++)
        client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 1, 1000);
    client_send(c);
    client_close(c);
    while (f->server.session_count > 0)
        fixture_turn(f);
    assert_true(varve_store_last_position(f->store) <= 20);
    assert_int_equal(figure_get(&f->server.figures.requests_under_way), 0);
    fixture_close(f);
}

static void without_budget_it_is_overloaded(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    uint64_t hog = f->server.budget.limit_bytes - f->server.budget.used_bytes;

    assert_true(budget_take(&f->server.budget, BUDGET_SMALL_BYTES));
    budget_force(&f->server.budget, hog - BUDGET_SMALL_BYTES);
    client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 1, 10);
    client_send(c);
    assert_true(client_receive_error(c, 3, VARVE_OVERLOADED).error.retry_after_ms > 0);
    budget_give(&f->server.budget, hog);
    client_append(c, "a", 1);
    client_close(c);
    fixture_close(f);
}

/* The loop does not write and sync so much itself: whoever else is connected would wait. */
static void a_large_append_goes_to_the_committer(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    client_append(c, "a", 1);
    assert_int_equal(f->server.queued_bytes, 0);
    client_encode_append(c, 3, "a", 0, 7, 300 * 1000);
    client_send(c);
    client_expect(c, VARVE_OP_APPEND_OK, 3);
    assert_int_equal(f->server.queued_bytes, 0);
    client_append(c, "a", 1);
    client_close(c);
    fixture_close(f);
}

/* Appends until one is answered so; what is answered otherwise is a success. */
static void append_until(struct client *c, uint8_t opcode)
{
    struct varve_frame frame;

    do {
        client_encode_append(c, 3, "a", VARVE_EXPECTED_ANY, 1, 10);
        client_send(c);
        frame = client_receive(c);
        assert_true(frame.opcode == VARVE_OP_APPEND_OK || frame.opcode == VARVE_OP_ERROR);
    } while (frame.opcode != opcode);
}

static void what_is_not_queued_is_told_and_given_back(void **state)
{
    static struct fault_os fault;
    struct fixture *f = fixture_open("");

    fault_os_init(&fault);
    f->config.store.os = &fault.os;
    fixture_restart(f);
    struct client *c = client_open(f);
    fault.free_bytes = 0;
    append_until(c, VARVE_OP_ERROR);
    assert_int_equal(figure_get(&f->server.figures.requests_under_way), 0);
    fault.free_bytes = -1;
    append_until(c, VARVE_OP_APPEND_OK);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_connections_appends_keep_their_order),
        cmocka_unit_test(durable_although_the_client_is_gone), cmocka_unit_test(without_budget_it_is_overloaded),
        cmocka_unit_test(a_large_append_goes_to_the_committer),
        cmocka_unit_test(what_is_not_queued_is_told_and_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
