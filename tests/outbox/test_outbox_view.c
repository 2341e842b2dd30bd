/* test_outbox_view.c - what others see of an outbox, and what became of single events. */
#include "fake_kafka.h"
#include "hands_fixture.h"

#include "varve/record.h"

static enum varve_outbox_fate fate_of(struct hands *h, uint64_t position)
{
    uint8_t *record = NULL;
    struct varve_event event;
    uint32_t size;

    assert_int_equal(varve_store_get(h->store, position, &record, &size, &h->error), VARVE_OK);
    assert_int_equal(varve_record_decode(record, size, &event), VARVE_OK);
    enum varve_outbox_fate fate = outbox_fate_of(h->outbox, &event);
    free(record);
    outbox_find_discards(h->outbox, &position, &fate, 1);
    return fate;
}

static bool has_dead(struct hands *h)
{
    return h->view.dead_streams > 0 && h->view.position >= h->wanted_position;
}

static void what_became_of_single_events(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake.poison[0] = 2;
    h->wanted_position = hands_append(h, "a-1", "went", 4);
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(fate_of(h, 1), VARVE_FATE_PUBLISHED);
    assert_int_equal(fate_of(h, 2), VARVE_FATE_FAILED);
    assert_int_equal(fate_of(h, 4), VARVE_FATE_FAILED);
    assert_int_equal(fate_of(h, 5), VARVE_FATE_FILTERED); /* The outbox's own. */
    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_OK);
    h->order.position = 2;
    assert_int_equal(hands_order(h, VARVE_OUTBOX_DISCARD), VARVE_OK);
    assert_int_equal(fate_of(h, 2), VARVE_FATE_DISCARDED);
    assert_int_equal(fate_of(h, 3), VARVE_FATE_FAILED);
    assert_int_equal(fate_of(h, hands_append(h, "b-1", "went", 1)), VARVE_FATE_PENDING);
    hands_close(h);
}

static void discards_are_found_among_many(void **state)
{
    const uint64_t positions[] = { 1, 2, 3, 4, 5 };
    enum varve_outbox_fate fates[5];
    struct hands *h = hands_open();

    fake_reset();
    fake.poison_topic = "varve.a";
    h->wanted_position = hands_append(h, "a-1", "went", 5);
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(hands_order(h, VARVE_OUTBOX_PAUSE), VARVE_OK);
    for (uint64_t position = 2; position <= 4; position += 2) {
        h->order.position = position;
        assert_int_equal(hands_order(h, VARVE_OUTBOX_DISCARD), VARVE_OK);
    }
    for (size_t i = 0; i < 5; i++)
        fates[i] = i == 3 ? VARVE_FATE_FAILED : VARVE_FATE_PUBLISHED;
    outbox_find_discards(h->outbox, positions, fates, 5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(fates[i], i == 1 ? VARVE_FATE_DISCARDED : i == 3 ? VARVE_FATE_FAILED : VARVE_FATE_PUBLISHED);
    outbox_find_discards(h->outbox, positions + 4, fates + 4, 1);
    assert_int_equal(fates[4], VARVE_FATE_PUBLISHED);
    outbox_find_discards(h->outbox, positions, fates, 0);
    hands_close(h);
}

static void dead_letters_are_listed_by_stream(void **state)
{
    struct hands *h = hands_open();
    struct varve_dead_letter *letters = NULL;
    size_t count;
    bool end;

    fake_reset();
    fake.poison_topic = "varve.x";
    hands_append(h, "x-2", "went", 2);
    h->wanted_position = hands_append(h, "x-1", "went", 3);
    hands_start(h);
    hands_wait(h, has_dead);
    assert_int_equal(outbox_list_dead(h->outbox, varve_view_of("", 0), 10, &letters, &count, &end), VARVE_OK);
    assert_true(count == 2 && end);
    assert_true(varve_view_equal(letters[0].stream, varve_view_str("x-1")) && letters[0].waiting == 3);
    assert_true(varve_view_equal(letters[1].stream, varve_view_str("x-2")) && letters[1].waiting == 2);
    free(letters);
    hands_close(h);
}

static void a_view_before_anything_happened(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    fake_plan(FAKE_INIT, OUTBOX_AGAIN, "_TRANSPORT", 0, 1000000);
    uint64_t last = hands_append(h, "a-1", "went", 3);
    int64_t began_us = outbox_now_us();
    hands_start(h);
    hands_wait_phase(h, VARVE_OUTBOX_BACKOFF);
    assert_ptr_equal(h->view.config, h->config);
    assert_int_equal(h->view.head, last);
    assert_int_equal(h->view.position, 0);
    assert_int_equal(h->view.retention_floor, 1);
    assert_true(h->view.since_us > 0 && h->view.failures > 0);
    assert_true(h->view.for_us >= 0 && h->view.for_us <= outbox_now_us() - began_us);
    hands_close(h);
}

static void the_bound_grows_with_what_may_be_set_aside(void **state)
{
    struct hands *h = hands_open();
    uint64_t before = outbox_memory_bound(h->config);

    h->config->poison_max_parked += 1000000;
    assert_int_equal(outbox_memory_bound(h->config), before + 8000000);
    hands_close(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_became_of_single_events),
        cmocka_unit_test(discards_are_found_among_many),
        cmocka_unit_test(dead_letters_are_listed_by_stream),
        cmocka_unit_test(a_view_before_anything_happened),
        cmocka_unit_test(the_bound_grows_with_what_may_be_set_aside),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
