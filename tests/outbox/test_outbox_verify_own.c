/* test_outbox_verify_own.c - an outbox publishes to a cluster, and is held against what is there. */
#include "hands_fixture.h"
#include "kafka_fixture.h"

static struct hands *begin(struct kafka_fixture *kafka, enum varve_outbox_mode mode)
{
    struct hands *h = hands_open();

    h->config->brokers = kafka->brokers;
    h->config->is_mock = true;
    h->config->mode = mode;
    hands_start(h);
    return h;
}

static struct outbox_verification verify(struct hands *h)
{
    struct outbox_verification found;

    if (outbox_verify(h->outbox, 1000, NULL, NULL, &found, &h->error) != VARVE_OK)
        fail_msg("%s", h->error.message);
    return found;
}

static void what_an_outbox_published_agrees(void **unused)
{
    static const enum varve_outbox_mode modes[] = { VARVE_OUTBOX_EXACTLY_ONCE, VARVE_OUTBOX_AT_LEAST_ONCE };

    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        struct kafka_fixture *kafka = fixture_begin(1);
        struct hands *h = begin(kafka, modes[i]);
        hands_append(h, "order-1", "made", 200);
        hands_append(h, "loan-7", "given", 100);
        uint64_t last = hands_append(h, "order-2", "made", 200);
        hands_wait_position(h, last);
        struct outbox_verification found = verify(h);
        assert_string_equal(found.finding, "");
        assert_int_equal(found.events, 500);
        assert_true(found.checkpoint >= last);
        hands_close(h);
        fixture_end(kafka);
    }
}

/* A record that nobody published from this log. */
static void a_stranger_is_found(void **unused)
{
    struct kafka_fixture *kafka = fixture_begin(1);
    struct hands *h = begin(kafka, VARVE_OUTBOX_EXACTLY_ONCE);

    hands_wait_position(h, hands_append(h, "order-1", "made", 10));
    kafka_fixture_open(kafka);
    kafka_fixture_fill(kafka, "varve.order", 5, 1);
    assert_int_equal(fixture_send(kafka, 1), OUTBOX_DONE);
    struct outbox_verification found = verify(h);
    assert_string_not_equal(found.finding, "");
    assert_true(found.duplicates + found.different + found.wrong_partition > 0);
    hands_close(h);
    fixture_end(kafka);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_outbox_published_agrees), cmocka_unit_test(a_stranger_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
