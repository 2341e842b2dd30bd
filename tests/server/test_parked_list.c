/* test_parked_list.c - what is told about parked events, page by page. */
#include "group_client.h"

static void pages_are_in_order_and_say_when_they_end(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_parked_event *parked;
    bool end = false;

    client_append(c, "order-1", 5);
    group_make(c, "g", NULL);
    struct worker *w = worker_join(f, "g", "one", 0);
    for (int i = 0; i < 5; i++)
        assert_int_equal(worker_nack(w, worker_take(w).position, VARVE_NACK_PARK, 0, "bad data"), VARVE_OK);
    wait_for_events(f, "$parked-g", "$parked", 5);
    assert_int_equal(parked_look(c, "g", 0, 2, &parked, &end), 2);
    assert_false(end);
    assert_int_equal(parked[0].position, 1);
    assert_int_equal(parked[0].version, 0);
    assert_true(varve_view_equal(parked[0].stream, varve_view_str("order-1")));
    assert_true(varve_view_equal(parked[0].type, varve_view_str("tested")));
    assert_true(varve_view_equal(parked[0].reason, varve_view_str("nack")));
    assert_true(varve_view_equal(parked[0].last_error, varve_view_str("bad data")));
    assert_int_equal(parked[0].attempts, 1);
    assert_true(parked[0].parked_at_us >= parked[0].first_attempt_us);
    assert_false(parked[0].replaying);
    assert_int_equal(parked_look(c, "g", 2, 1000, &parked, &end), 3);
    assert_true(end);
    assert_int_equal(parked[2].position, 5);
    assert_int_equal(parked_look(c, "g", 5, 10, &parked, &end), 0);
    assert_true(end);
    assert_int_equal(parked_refused(c, VARVE_OP_PARKED_LIST, "other", 0), VARVE_GROUP_NOT_FOUND);
    client_close(c);
    worker_free(w);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(pages_are_in_order_and_say_when_they_end) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
