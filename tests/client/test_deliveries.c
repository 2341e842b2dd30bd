/* test_deliveries.c - events that wait, works that are out, and how long each lives. */
#include "peer.h"

#include "clients/c/deliveries.h"
#include "support/fail_alloc.h"
#include "varve/record.h"

#include <stdlib.h>

/* GROUP_EVENTS with these positions, as it arrives. */
static void add(struct deliveries *deliveries, const uint64_t *positions, uint32_t count, uint32_t attempt)
{
    uint8_t records[8][256];
    struct varve_delivery list[8];
    struct varve_wire_buffer out = { 0 };

    for (uint32_t i = 0; i < count; i++) {
        struct varve_event event = peer_event(positions[i], positions[i]);

        list[i] = (struct varve_delivery){ attempt, varve_view_of((char *)records[i],
                                                                  varve_record_encode(&event, records[i])) };
    }
    varve_encode_group_events(&out, 7, list, count);
    assert_int_equal(deliveries_add(deliveries, varve_view_of((char *)out.bytes + VARVE_WIRE_HEADER,
                                                              out.size - VARVE_WIRE_HEADER), NULL), VARVE_OK);
    varve_wire_buffer_free(&out);
}

static struct deliveries *make(void)
{
    struct deliveries *deliveries = calloc(1, sizeof(*deliveries));

    assert_int_equal(deliveries_init(deliveries, NULL), VARVE_OK);
    return deliveries;
}

static void end(struct deliveries *deliveries)
{
    deliveries_free(deliveries);
    free(deliveries);
}

static const struct varve_event *expect_next(struct deliveries *deliveries, uint64_t epoch, uint64_t position,
                                             uint32_t attempt, bool whole)
{
    struct varve_work work;
    size_t bytes;

    assert_int_equal(deliveries_next(deliveries, epoch, &work, &bytes, NULL), VARVE_OK);
    assert_non_null(work.event);
    assert_int_equal(work.event->position, position);
    assert_int_equal(work.attempt, attempt);
    assert_int_equal(work.epoch, epoch);
    assert_int_equal(bytes > 0, whole);
    return work.event;
}

static void expect_none(struct deliveries *deliveries)
{
    struct varve_work work;
    size_t bytes;

    assert_int_equal(deliveries_next(deliveries, 1, &work, &bytes, NULL), VARVE_OK);
    assert_null(work.event);
}

static void test_events_are_handed_over_in_order(void **state)
{
    struct deliveries *deliveries = make();

    expect_none(deliveries);
    add(deliveries, (uint64_t[]){ 3, 5 }, 2, 1);
    add(deliveries, NULL, 0, 1);
    add(deliveries, (uint64_t[]){ 4 }, 1, 2);
    expect_next(deliveries, 1, 3, 1, false);
    expect_next(deliveries, 1, 5, 1, true);
    expect_next(deliveries, 1, 4, 2, true);
    expect_none(deliveries);
    end(deliveries);
}

static void test_a_work_lives_until_the_sweep_after_its_end(void **state)
{
    struct deliveries *deliveries = make();

    add(deliveries, (uint64_t[]){ 3, 5, 6 }, 3, 1);
    const struct varve_event *first = expect_next(deliveries, 1, 3, 1, false);
    const struct varve_event *second = expect_next(deliveries, 1, 5, 1, false);
    deliveries_sweep(deliveries);
    expect_next(deliveries, 1, 6, 1, true);
    assert_int_equal(deliveries_look(deliveries, 5, 1), VARVE_OK);
    deliveries_finish(deliveries, 5);
    assert_int_equal(deliveries_look(deliveries, 5, 1), VARVE_NOT_DELIVERED);
    assert_int_equal(second->position, 5); /* A sanitizer would say so. */
    deliveries_sweep(deliveries);
    assert_int_equal(first->position, 3);
    assert_true(varve_view_equal(first->stream, varve_view_str("order-1")));
    assert_int_equal(deliveries->out_count, 2);
    end(deliveries);
}

static void test_epochs_are_told_apart(void **state)
{
    struct deliveries *deliveries = make();

    add(deliveries, (uint64_t[]){ 3, 4 }, 2, 1);
    expect_next(deliveries, 1, 3, 1, false);
    deliveries_forget_waiting(deliveries); /* The membership ended, */
    expect_none(deliveries);
    assert_int_equal(deliveries_look(deliveries, 3, 2), VARVE_FENCED);
    assert_int_equal(deliveries_look(deliveries, 4, 2), VARVE_NOT_DELIVERED);
    add(deliveries, (uint64_t[]){ 3, 4 }, 2, 2); /* and the next began. */
    assert_int_equal(deliveries_look(deliveries, 3, 2), VARVE_FENCED);
    expect_next(deliveries, 2, 3, 2, false);
    assert_int_equal(deliveries_look(deliveries, 3, 2), VARVE_OK);
    deliveries_finish(deliveries, 3); /* Both. */
    assert_int_equal(deliveries_look(deliveries, 3, 2), VARVE_NOT_DELIVERED);
    assert_int_equal(deliveries->out_count, 0);
    end(deliveries);
}

static void test_the_oldest_is_let_go(void **state)
{
    struct deliveries *deliveries = make();

    for (uint64_t position = 1; position <= DELIVERIES_OUT_MAX + 3; position++) {
        add(deliveries, &position, 1, 1);
        expect_next(deliveries, 1, position, 1, true);
    }
    assert_int_equal(deliveries->out_count, DELIVERIES_OUT_MAX);
    assert_int_equal(deliveries_look(deliveries, 3, 1), VARVE_NOT_DELIVERED);
    assert_int_equal(deliveries_look(deliveries, 4, 1), VARVE_OK);
    for (uint64_t position = DELIVERIES_OUT_MAX + 3; position > 3; position--)
        deliveries_finish(deliveries, position);
    assert_int_equal(deliveries->out_count, 0);
    assert_null(deliveries->oldest);
    assert_null(deliveries->newest);
    end(deliveries);
}

static void test_what_cannot_be_read(void **state)
{
    struct deliveries *deliveries = make();
    struct varve_delivery delivery = { 1, varve_view_str("no record") };
    struct varve_wire_buffer out = { 0 };
    struct varve_work work;
    size_t bytes;

    assert_int_equal(deliveries_add(deliveries, varve_view_str("nonsense"), NULL), VARVE_OK);
    assert_int_equal(deliveries_next(deliveries, 1, &work, &bytes, NULL), VARVE_PROTOCOL);
    deliveries_forget_waiting(deliveries);
    varve_encode_group_events(&out, 7, &delivery, 1);
    assert_int_equal(deliveries_add(deliveries, varve_view_of((char *)out.bytes + VARVE_WIRE_HEADER,
                                                              out.size - VARVE_WIRE_HEADER), NULL), VARVE_OK);
    assert_int_equal(deliveries_next(deliveries, 1, &work, &bytes, NULL), VARVE_CORRUPT);
    assert_int_equal(deliveries->out_count, 0);
    varve_wire_buffer_free(&out);
    end(deliveries);
}

static void test_without_memory_nothing_is_handed_over(void **state)
{
    bool fired = FAIL_ALLOC_WORKS;

    for (unsigned nth = 1; fired; nth++) {
        struct deliveries *deliveries = make();
        struct varve_work work;
        size_t bytes;
        enum varve_status status;

        add(deliveries, (uint64_t[]){ 3 }, 1, 1);
        fail_alloc_arm(nth);
        status = deliveries_next(deliveries, 1, &work, &bytes, NULL);
        fired = fail_alloc_disarm();
        assert_int_equal(status, fired ? VARVE_NO_MEMORY : VARVE_OK);
        if (fired)
            expect_next(deliveries, 1, 3, 1, true);
        end(deliveries);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_are_handed_over_in_order),
        cmocka_unit_test(test_a_work_lives_until_the_sweep_after_its_end),
        cmocka_unit_test(test_epochs_are_told_apart),
        cmocka_unit_test(test_the_oldest_is_let_go),
        cmocka_unit_test(test_what_cannot_be_read),
        cmocka_unit_test(test_without_memory_nothing_is_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
