/* test_outbox_verify_kafka.c - checkpoint and topics, read from a cluster while somebody publishes to it. */
#include "kafka_fixture.h"
#include "server/outbox/outbox_verify.h"

struct seen {
    size_t count, most;
};

static bool count_it(void *user, const struct outbox_seen *seen)
{
    struct seen *all = user;

    assert_string_equal(seen->topic, "orders");
    return ++all->count < all->most;
}

static void nothing_was_ever_published(void **unused)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    struct outbox_verify_source source = outbox_verify_kafka(&fixture->options);
    struct seen seen = { .most = 10 };
    uint64_t position = 7;

    assert_int_equal(source.read_checkpoint(source.user, &position, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(position, 0);
    assert_int_equal(source.read_topic(source.user, "orders", 0, count_it, &seen, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(seen.count, 0);
    fixture_end(fixture);
}

static void both_are_read_beside_a_producer_that_goes_on(void **unused)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    struct outbox_verify_source source = outbox_verify_kafka(&fixture->options);
    struct seen all = { .most = 1000 }, few = { .most = 3 };
    uint64_t position = 0;

    kafka_fixture_open(fixture);
    for (uint64_t batch = 1; batch <= 3; batch++) {
        kafka_fixture_fill(fixture, "orders", batch * 10, 10);
        assert_int_equal(fixture_send_with_checkpoint(fixture, 10, batch * 10 + 9, 1), OUTBOX_DONE);
        assert_int_equal(source.read_checkpoint(source.user, &position, &fixture->fault), OUTBOX_DONE);
        assert_int_equal(position, batch * 10 + 9);
    }
    assert_int_equal(source.read_topic(source.user, "orders", 0, count_it, &all, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(all.count, 30);
    assert_int_equal(source.read_topic(source.user, "orders", 0, count_it, &few, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(few.count, 3);
    fixture_end(fixture);
}

static void an_interruption_is_heeded(void **unused)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");
    struct outbox_verify_source source = outbox_verify_kafka(&fixture->options);
    uint64_t position = 0;

    fixture->interrupt_at = 1;
    assert_int_equal(source.read_checkpoint(source.user, &position, &fixture->fault), OUTBOX_INTERRUPTED);
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_was_ever_published),
        cmocka_unit_test(both_are_read_beside_a_producer_that_goes_on),
        cmocka_unit_test(an_interruption_is_heeded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
