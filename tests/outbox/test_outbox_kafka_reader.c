/* test_outbox_kafka_reader.c - a partition is read to its end, no further and no less. */
#include "kafka_fixture.h"

#include "server/outbox/outbox_kafka_parts.h"

struct counted {
    int64_t first, last, count, stop_at;
};

static bool count(void *user, const rd_kafka_message_t *message)
{
    struct counted *counted = user;

    if (counted->count == 0)
        counted->first = message->offset;
    counted->last = message->offset;
    counted->count++;
    return counted->count != counted->stop_at;
}

/* One partition with 1,000 records, and a reader that stands before it. */
static struct kafka_fixture *begin(struct kafka_reader *reader, struct kafka_range *range)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    rd_kafka_mock_topic_create(fixture->cluster, "orders", 1, 1);
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 1000);
    assert_int_equal(fixture_send(fixture, 1000), OUTBOX_DONE);
    assert_int_equal(kafka_reader_open(reader, KAFKA_CONSUMER, &fixture->options, &fixture->fault), OUTBOX_DONE);
    *range = (struct kafka_range){ .topic = "orders" };
    assert_int_equal(kafka_reader_range(reader->rk, &reader->ear, range, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(range->low, 0);
    assert_int_equal(range->high, 1000);
    return fixture;
}

static void end(struct kafka_fixture *fixture, struct kafka_reader *reader)
{
    kafka_reader_close(reader);
    fixture_end(fixture);
}

/* One after another with the same consumer. */
static void ranges_are_read_exactly(void **state)
{
    static const struct { int64_t low, high; } cases[] = {
        { 0, 1000 }, { 990, 1000 }, { 0, 10 }, { 500, 501 }, { 700, 700 }, { 0, 1000 },
    };
    struct kafka_reader reader;
    struct kafka_range range;
    struct kafka_fixture *fixture = begin(&reader, &range);

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct counted counted = { 0 };

        range.low = cases[i].low;
        range.high = cases[i].high;
        assert_int_equal(kafka_reader_run(&reader, &range, count, &counted, &fixture->fault), OUTBOX_DONE);
        assert_int_equal(counted.count, cases[i].high - cases[i].low);
        if (counted.count > 0) {
            assert_int_equal(counted.first, cases[i].low);
            assert_int_equal(counted.last, cases[i].high - 1);
        }
    }
    end(fixture, &reader);
}

static void whoever_reads_may_stop(void **state)
{
    struct counted counted = { .stop_at = 5 };
    struct kafka_reader reader;
    struct kafka_range range;
    struct kafka_fixture *fixture = begin(&reader, &range);

    assert_int_equal(kafka_reader_run(&reader, &range, count, &counted, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(counted.count, 5);
    end(fixture, &reader);
}

static bool has_seen_all(void *user)
{
    const struct counted *counted = user;

    return counted->count == 1000;
}

/* What is promised to be there is waited for, however much has come. */
static void an_end_that_is_not_reached_is_no_end(void **state)
{
    struct counted counted = { 0 };
    struct kafka_reader reader;
    struct kafka_range range;
    struct kafka_fixture *fixture = begin(&reader, &range);

    range.high = 1001;
    reader.options.interrupted = has_seen_all;
    reader.options.user = &counted;
    assert_int_equal(kafka_reader_run(&reader, &range, count, &counted, &fixture->fault), OUTBOX_INTERRUPTED);
    assert_int_equal(counted.count, 1000);
    end(fixture, &reader);
}

static void an_offset_that_is_not_there_is_an_error(void **state)
{
    struct counted counted = { 0 };
    struct kafka_reader reader;
    struct kafka_range range;
    struct kafka_fixture *fixture = begin(&reader, &range);

    range.low = 5000;
    range.high = 5010;
    assert_int_equal(kafka_reader_run(&reader, &range, count, &counted, &fixture->fault), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.call, "fetch");
    assert_non_null(strstr(fixture->fault.reason, "orders"));
    end(fixture, &reader);
}

static void a_partition_that_is_not_there_is_an_error(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    struct kafka_range range = { .topic = "orders", .partition = 1 };
    struct kafka_reader reader;

    rd_kafka_mock_topic_create(fixture->cluster, "orders", 1, 1);
    assert_int_equal(kafka_reader_open(&reader, KAFKA_CONSUMER, &fixture->options, &fixture->fault), OUTBOX_DONE);
    fixture->interrupt_at = 2;
    assert_int_equal(kafka_reader_range(reader.rk, &reader.ear, &range, &fixture->fault), OUTBOX_INTERRUPTED);
    end(fixture, &reader);
}

/* While connections to others come and go, librdkafka has reasons to ask again for ever. */
static void a_leader_that_is_away_is_told_in_time(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(3);
    struct kafka_reader reader;
    struct kafka_range range = { .topic = "orders" };

    rd_kafka_mock_topic_create(fixture->cluster, "orders", 1, 1);
    rd_kafka_mock_partition_set_leader(fixture->cluster, "orders", 0, 2);
    assert_int_equal(kafka_reader_open(&reader, KAFKA_CONSUMER, &fixture->options, &fixture->fault), OUTBOX_DONE);
    assert_int_equal(kafka_reader_range(reader.rk, &reader.ear, &range, &fixture->fault), OUTBOX_DONE);
    rd_kafka_mock_broker_set_down(fixture->cluster, 2);
    assert_int_equal(kafka_reader_range(reader.rk, &reader.ear, &range, &fixture->fault), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.call, "list offsets");
    rd_kafka_mock_broker_set_up(fixture->cluster, 2);
    assert_int_equal(kafka_reader_range(reader.rk, &reader.ear, &range, &fixture->fault), OUTBOX_DONE);
    end(fixture, &reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_read_exactly),
        cmocka_unit_test(whoever_reads_may_stop),
        cmocka_unit_test(an_end_that_is_not_reached_is_no_end),
        cmocka_unit_test(an_offset_that_is_not_there_is_an_error),
        cmocka_unit_test(a_partition_that_is_not_there_is_an_error),
        cmocka_unit_test(a_leader_that_is_away_is_told_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
