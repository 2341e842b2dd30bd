/* test_sagas.c - SAGA_GET, SAGA_LIST and SAGA_COUNTS as a client sees them. */
#include "saga_client.h"

static void one_saga_is_told(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    saga_begin(c, "order", "1");
    struct varve_saga saga = saga_get(c, "order", "1");
    assert_int_equal(saga.status, VARVE_SAGA_RUNNING);
    assert_int_equal(saga.version, 0);
    assert_true(varve_view_equal(saga.step, varve_view_str("first")));
    assert_true(saga.has_state && varve_view_equal(saga.state, varve_view_str("{\"n\":1}")));
    varve_encode_saga_get(&c->out, 4, varve_view_str("order"), varve_view_str("2"));
    client_send(c);
    client_receive_error(c, 4, VARVE_SAGA_NOT_FOUND);
    varve_encode_saga_get(&c->out, 5, varve_view_str("not-a-type"), varve_view_str("2"));
    client_send(c);
    client_receive_error(c, 5, VARVE_INVALID_ARGUMENT);
    client_close(c);
    fixture_close(f);
}

static void a_list_comes_in_pages(void **state)
{
    enum { COUNT = 25, LIMIT = 10 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    struct varve_saga_query query;
    struct varve_saga_list list = { .end = false };
    size_t seen = 0;

    saga_begin_many(c, "order", "o", COUNT, VARVE_TIME_NONE);
    saga_begin_many(c, "trip", "t", 3, VARVE_TIME_NONE);
    varve_saga_query_init(&query);
    query.type = varve_view_str("order");
    query.limit = LIMIT;
    uint8_t cursor[VARVE_SAGA_MAX_CURSOR];
    while (!list.end) {
        varve_encode_saga_list(&c->out, 3, &query);
        client_send(c);
        client_expect(c, VARVE_OP_SAGA_LIST_OK, 3);
        assert_int_equal(varve_decode_saga_list_ok(c->body, c->arena, &list, NULL), VARVE_OK);
        for (size_t i = 0; i < list.count; i++) {
            char id[32];
            snprintf(id, sizeof(id), "o%zu", seen++);
            assert_true(varve_view_equal(list.sagas[i].id, varve_view_str(id)));
            assert_false(list.sagas[i].has_state);
        }
        memcpy(cursor, list.next, sizeof(cursor));
        query.after = varve_view_of((char *)cursor, list.next_size);
    }
    assert_int_equal(seen, COUNT);
    client_close(c);
    fixture_close(f);
}

static void sagas_are_counted(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    saga_begin_many(c, "order", "o", 5, VARVE_TIME_NONE);
    const struct varve_saga_change completed = saga_change(VARVE_SAGA_COMPLETE, "order", "o3", 0);
    saga_do(c, &completed);
    assert_int_equal(saga_count(c, "order", VARVE_SAGA_RUNNING), 4);
    assert_int_equal(saga_count(c, "order", VARVE_SAGA_COMPLETED), 1);
    assert_int_equal(saga_count(c, "trip", VARVE_SAGA_RUNNING), 0);
    client_close(c);
    fixture_close(f);
}

static void what_is_no_request_is_told(void **state)
{
    static const uint8_t opcodes[] = { VARVE_OP_SAGA_GET, VARVE_OP_SAGA_LIST, VARVE_OP_SAGA_COUNTS,
                                       VARVE_OP_SAGA_CLAIM, VARVE_OP_TRANSACT };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);

    for (size_t i = 0; i < COUNT_OF(opcodes); i++) {
        varve_wire_end(&c->out, varve_wire_begin(&c->out, opcodes[i], 3)); /* No body at all. */
        client_send(c);
        client_receive_error(c, 3, VARVE_PROTOCOL);
    }
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_saga_is_told), cmocka_unit_test(a_list_comes_in_pages),
        cmocka_unit_test(sagas_are_counted), cmocka_unit_test(what_is_no_request_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
