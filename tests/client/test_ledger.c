/* test_ledger.c - which acks wait for their answer, and which were refused: in any order, and bounded. */
#include "support/check.h"

#include "clients/c/ledger.h"

#include <stdlib.h>

static struct ledger *make(void)
{
    struct ledger *ledger = calloc(1, sizeof(*ledger));

    assert_non_null(ledger);
    return ledger;
}

static void end(struct ledger *ledger)
{
    ledger_free(ledger);
    free(ledger);
}

/* A request of `count` positions that count up from 10 * id. */
static void add(struct ledger *ledger, uint32_t id, uint32_t count)
{
    struct ledger_request *request = ledger_begin(count);

    assert_non_null(request);
    assert_int_equal(request->count, 0);
    request->id = id;
    request->count = count;
    for (uint32_t i = 0; i < count; i++)
        request->positions[i] = 10 * id + i;
    ledger_add(ledger, request);
}

static void test_answers_come_in_any_order(void **state)
{
    static const uint32_t orders[][3] = { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 1, 3 }, { 2, 3, 1 }, { 1, 3, 2 } };
    struct ledger *ledger = make();

    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        for (uint32_t id = 1; id <= 3; id++)
            add(ledger, id, id);
        assert_int_equal(ledger->request_count, 3);
        assert_int_equal(ledger->position_count, 6);
        for (unsigned k = 0; k < 3; k++) {
            struct ledger_request *request = ledger_find(ledger, orders[i][k]);
            assert_int_equal(request->count, orders[i][k]);
            ledger_settle(ledger, request);
            assert_null(ledger_find(ledger, orders[i][k]));
        }
        assert_int_equal(ledger->request_count, 0);
        assert_int_equal(ledger->position_count, 0);
        assert_null(ledger->oldest);
        assert_null(ledger->newest);
    }
    assert_null(ledger_find(ledger, 1));
    end(ledger);
}

static void test_it_is_bounded(void **state)
{
    struct ledger *ledger = make();

    assert_false(ledger_is_full(ledger, LEDGER_MAX_POSITIONS + 1)); /* One always fits. */
    for (uint32_t id = 1; id < LEDGER_MAX_REQUESTS; id++)
        add(ledger, id, 1);
    assert_false(ledger_is_full(ledger, 1));
    assert_false(ledger_is_full(ledger, LEDGER_MAX_POSITIONS - LEDGER_MAX_REQUESTS + 1));
    assert_true(ledger_is_full(ledger, LEDGER_MAX_POSITIONS - LEDGER_MAX_REQUESTS + 2));
    add(ledger, LEDGER_MAX_REQUESTS, 1);
    assert_true(ledger_is_full(ledger, 1));
    ledger_settle(ledger, ledger_find(ledger, 17));
    assert_false(ledger_is_full(ledger, 1));
    end(ledger);
}

static void test_what_is_lost_is_refused(void **state)
{
    const struct varve_refused_ack *refused;
    struct ledger *ledger = make();

    ledger_lose(ledger);
    assert_false(ledger->lost);
    add(ledger, 1, 2);
    add(ledger, 2, 1);
    ledger_lose(ledger);
    assert_true(ledger->lost);
    assert_int_equal(ledger->request_count, 0);
    assert_int_equal(ledger_hand_over(ledger, &refused), 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(refused[i].position, i < 2 ? 10 + i : 20);
        assert_int_equal(refused[i].status, VARVE_DISCONNECTED);
    }
    end(ledger);
}

static void test_each_refusal_is_told_once(void **state)
{
    const struct varve_refused_ack *refused;
    struct ledger *ledger = make();

    assert_int_equal(ledger_hand_over(ledger, &refused), 0);
    ledger_refuse(ledger, 5, VARVE_FENCED);
    ledger_refuse(ledger, 6, VARVE_NOT_DELIVERED);
    assert_int_equal(ledger_hand_over(ledger, &refused), 2);
    assert_int_equal(refused[1].status, VARVE_NOT_DELIVERED);
    assert_int_equal(ledger_hand_over(ledger, &refused), 0);
    ledger_refuse(ledger, 7, VARVE_FENCED);
    assert_int_equal(ledger_hand_over(ledger, &refused), 1);
    assert_int_equal(refused[0].position, 7);
    end(ledger);
}

/* However many came before, and were told or not. */
static void test_the_newest_refusals_are_kept(void **state)
{
    static const uint32_t more[] = { 0, 1, 17, VARVE_MAX_REFUSED / 2, VARVE_MAX_REFUSED - 1, VARVE_MAX_REFUSED,
                                     3 * VARVE_MAX_REFUSED + 4711 };
    const struct varve_refused_ack *refused;
    struct ledger *ledger = make();

    for (size_t i = 0; i < COUNT_OF(more); i++) {
        for (uint32_t position = 1; position <= VARVE_MAX_REFUSED + more[i]; position++)
            ledger_refuse(ledger, position, VARVE_FENCED);
        assert_int_equal(ledger_hand_over(ledger, &refused), VARVE_MAX_REFUSED);
        for (uint32_t k = 0; k < VARVE_MAX_REFUSED; k++)
            assert_int_equal(refused[k].position, more[i] + k + 1);
    }
    end(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_come_in_any_order),
        cmocka_unit_test(test_it_is_bounded),
        cmocka_unit_test(test_what_is_lost_is_refused),
        cmocka_unit_test(test_each_refusal_is_told_once),
        cmocka_unit_test(test_the_newest_refusals_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
