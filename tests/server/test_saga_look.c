/* test_saga_look.c - what a claim finds: by status, then by age, at the step that is wanted, not more than was asked
 * for or than an answer may hold; and that what is leased is not looked through again. */
#include "saga_client.h"

#include "server/saga_claims_parts.h"

#include <stdlib.h>

enum { LEASE_MS = 600000 };

static size_t claim(struct client *c, struct varve_saga_claim what, const struct varve_saga **ret_sagas)
{
    what.type = varve_view_str("order");
    what.worker = varve_view_str("w");
    what.lease_ms = LEASE_MS;
    if (what.step.data == NULL)
        what.step = varve_view_of("", 0);
    varve_encode_saga_claim(&c->out, 6, &what);
    client_send(c);
    return saga_receive_claim(c, 6, ret_sagas);
}

static void do_step(struct client *c, enum varve_saga_action action, const char *id, const char *step)
{
    struct varve_saga_change change = saga_change(action, "order", id, VARVE_EXPECTED_STREAM_EXISTS);

    change.step = varve_view_str(step);
    saga_do(c, &change);
}

static void expect_ids(const struct varve_saga *sagas, size_t count, const char *ids)
{
    assert_int_equal(count, strlen(ids));
    for (size_t i = 0; i < count; i++)
        assert_true(varve_view_equal(sagas[i].id, varve_view_of(&ids[i], 1)));
}

static void those_in_need_come_first_then_the_oldest(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    for (const char *id = "abcdef"; *id != 0; id++)
        saga_begin(c, "order", (char[]){ *id, 0 });
    do_step(c, VARVE_SAGA_STEP, "a", "pay"); /* The youngest change. */
    do_step(c, VARVE_SAGA_COMPENSATE, "d", "undo");
    saga_begin_due(c, "order", "z", -1);
    while (saga_get(c, "order", "z").status != VARVE_SAGA_TIMED_OUT)
        fixture_turn(f);
    size_t count = claim(c, (struct varve_saga_claim){ .limit = 4 }, &sagas);
    expect_ids(sagas, count, "zdbc");
    count = claim(c, (struct varve_saga_claim){ .limit = 100 }, &sagas);
    expect_ids(sagas, count, "efa");
    assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = 100 }, &sagas), 0);
    client_close(c);
    fixture_close(f);
}

static void only_what_is_wanted_is_given(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    for (const char *id = "abcd"; *id != 0; id++)
        saga_begin(c, "order", (char[]){ *id, 0 });
    do_step(c, VARVE_SAGA_STEP, "b", "pay");
    do_step(c, VARVE_SAGA_COMPENSATE, "c", "pay");
    size_t count = claim(c, (struct varve_saga_claim){ .limit = 9, .step = varve_view_str("pay"),
                                                       .statuses = 1u << VARVE_SAGA_RUNNING }, &sagas);
    expect_ids(sagas, count, "b");
    count = claim(c, (struct varve_saga_claim){ .limit = 9, .statuses = 1u << VARVE_SAGA_TIMED_OUT }, &sagas);
    assert_int_equal(count, 0);
    count = claim(c, (struct varve_saga_claim){ .limit = 9, .step = varve_view_str("pay") }, &sagas);
    expect_ids(sagas, count, "c");
    count = claim(c, (struct varve_saga_claim){ .limit = 9 }, &sagas); /* Those that others passed over. */
    expect_ids(sagas, count, "ad");
    client_close(c);
    fixture_close(f);
}

static void an_answer_has_room_for_so_much(void **state)
{
    enum { STATE_BYTES = 400 * 1024, COUNT = 5 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;
    char *bytes = calloc(1, STATE_BYTES);

    for (const char *id = "abcde"; *id != 0; id++) {
        struct varve_saga_change change = saga_change(VARVE_SAGA_BEGIN, "order", (char[]){ *id, 0 }, 0);
        change.has_state = true;
        change.content_type = VARVE_CONTENT_OCTET_STREAM;
        change.state = varve_view_of(bytes, STATE_BYTES);
        saga_do(c, &change);
    }
    assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = COUNT }, &sagas), 3);
    assert_int_equal(sagas[2].state.size, STATE_BYTES);
    assert_int_equal(figure_get(&f->server.figures.saga_leases), 3); /* The others are for the next one. */
    assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = COUNT }, &sagas), 2);
    free(bytes);
    client_close(c);
    fixture_close(f);
}

static uint64_t low_of(struct fixture *f, enum varve_saga_status status)
{
    const struct saga_want want = { varve_view_str("order"), status, varve_view_of("", 0) };
    uint64_t low = saga_leases_low(saga_claims_lock(&f->server), &want);

    saga_claims_unlock(&f->server);
    return low;
}

static void what_is_leased_is_not_looked_through_again(void **state)
{
    enum { COUNT = 300 };
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;

    saga_begin_many(c, "order", "o", COUNT, VARVE_TIME_NONE);
    client_append(c, "a", 50);
    assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = 100 }, &sagas), 100);
    assert_int_equal(low_of(f, VARVE_SAGA_RUNNING), 100);
    assert_int_equal(low_of(f, VARVE_SAGA_TIMED_OUT), COUNT + 50); /* There is none in all of the log. */
    for (int i = 0; i < 2; i++)
        assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = 100 }, &sagas), 100);
    assert_int_equal(low_of(f, VARVE_SAGA_RUNNING), COUNT);
    assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = 100 }, &sagas), 0);
    assert_int_equal(low_of(f, VARVE_SAGA_RUNNING), COUNT + 50);
    saga_begin(c, "order", "new");
    assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = 100 }, &sagas), 1);
    client_close(c);
    fixture_close(f);
}

static void more_than_may_be_leased_is_overloaded(void **state)
{
    struct fixture *f = fixture_open("");
    struct client *c = client_open(f);
    const struct varve_saga *sagas;
    char id[16];

    saga_begin(c, "order", "1");
    struct saga_leases *leases = saga_claims_lock(&f->server);
    for (unsigned i = 0; i < SAGA_MAX_LEASES; i++) {
        snprintf(id, sizeof(id), "%u", i);
        const struct varve_saga saga = { .type = varve_view_str("other"), .id = varve_view_str(id), .position = 1 };
        assert_int_equal(saga_leases_take(leases, &saga, 12345, UINT64_MAX - 1), SAGA_LEASE_GIVEN);
    }
    saga_claims_unlock(&f->server);
    saga_send_claim(c, 3, "order", 1, LEASE_MS, 30000);
    client_receive_error(c, 3, VARVE_OVERLOADED);
    saga_leases_give_back(saga_claims_lock(&f->server), 12345);
    saga_claims_unlock(&f->server);
    assert_int_equal(claim(c, (struct varve_saga_claim){ .limit = 1 }, &sagas), 1);
    client_close(c);
    fixture_close(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_in_need_come_first_then_the_oldest), cmocka_unit_test(only_what_is_wanted_is_given),
        cmocka_unit_test(an_answer_has_room_for_so_much), cmocka_unit_test(what_is_leased_is_not_looked_through_again),
        cmocka_unit_test(more_than_may_be_leased_is_overloaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
