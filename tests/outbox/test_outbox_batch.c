/* test_outbox_batch.c - how much of the log makes a transaction. */
#include "fake_kafka.h"
#include "hands_fixture.h"

/* Messages between two checkpoints, at most. */
static size_t longest_transaction(void)
{
    size_t longest = 0, now = 0;

    for (size_t i = 0; i < fake.count; i++) {
        now = fake.records[i].topic[0] == 0 ? 0 : now + 1;
        longest = now > longest ? now : longest;
    }
    return longest;
}

static void no_transaction_has_more_events_than_allowed(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->max_events = 10;
    hands_append(h, "a-1", "went", 95);
    hands_start(h);
    hands_wait_position(h, 95);
    assert_int_equal(fake_sent(NULL, 0, false), 95);
    assert_int_equal(longest_transaction(), 10);
    assert_true(fake.sends <= 11); /* A claim, and ten with events. */
    hands_close(h);
}

static void no_transaction_has_many_more_bytes_than_allowed(void **state)
{
    struct hands *h = hands_open();

    fake_reset();
    h->config->max_bytes = 256 * 1024;
    for (unsigned i = 0; i < 12; i++)
        hands_append_sized(h, "a-1", 100 * 1024);
    hands_start(h);
    hands_wait_position(h, 12);
    assert_int_equal(fake_sent(NULL, 0, false), 12);
    assert_true(longest_transaction() <= 3);
    hands_close(h);
}

static void what_streams_hide_is_sent_all_the_same(void **state)
{
    struct hands *h = hands_open();
    const struct varve_stream_change change = { .kind = VARVE_STREAM_DELETE, .stream = varve_view_str("a-1"),
                                                .expected = VARVE_EXPECTED_ANY };
    struct varve_append *append = NULL;

    fake_reset();
    hands_append(h, "a-1", "went", 5);
    assert_int_equal(varve_stream_change_create(h->store, &change, &append, &h->error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &h->error), VARVE_OK);
    varve_append_free(append);
    hands_start(h);
    hands_wait_position(h, hands_append(h, "b-1", "went", 1));
    assert_int_equal(fake_sent("varve.a", 0, false), 5);
    assert_int_equal(fake_sent(NULL, 0, false), 6); /* And nothing of "$$a-1". */
    assert_true(outbox_figures_of(h->outbox)->filtered[OUTBOX_FILTER_SYSTEM] > 0);
    hands_close(h);
}

static void the_sum_is_the_last_number_of_a_record(void **state)
{
    const uint8_t record[12] = { 9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8 };

    assert_true(outbox_record_sum(record, sizeof(record)) == UINT64_C(0x0102030405060708));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_transaction_has_more_events_than_allowed),
        cmocka_unit_test(no_transaction_has_many_more_bytes_than_allowed),
        cmocka_unit_test(what_streams_hide_is_sent_all_the_same),
        cmocka_unit_test(the_sum_is_the_last_number_of_a_record),
    };

    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    fake_end();
    return failed;
}
