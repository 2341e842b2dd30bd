/* test_outbox_kafka_tails.c - the ends of topics, and which event each record is. */
#include "kafka_fixture.h"

#include <stdlib.h>

static void all_or_the_last_of_each_partition(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 1000);
    assert_int_equal(fixture_send(fixture, 1000), OUTBOX_DONE);
    struct fixture_records *records = kafka_fixture_read(fixture, "orders", 0);
    assert_int_equal(records->count, 1000);
    free(records);
    records = kafka_fixture_read(fixture, "orders", 10);
    assert_true(records->count > 10 && records->count <= 10 * FIXTURE_PARTITIONS);
    for (size_t i = 0; i < records->count; i++)
        assert_true(records->all[i].position > 900);
    free(records);
    fixture_end(fixture);
}

static void a_topic_that_is_not_there_is_empty(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    struct fixture_records *records = kafka_fixture_read(fixture, "nothing", 0);
    assert_int_equal(records->count, 0);
    free(records);
    fixture_end(fixture);
}

/* Whatever the format, the position is found; what has none is not ours. */
static void formats(void **state)
{
    static const struct { const char *label, *header, *value, *text; uint64_t position; } cases[] = {
        { "raw", "v-pos", "4711", "{\"vpos\":1}", 4711 },
        { "CloudEvents, binary", "ce_vpos", "4712", "{}", 4712 },
        { "CloudEvents, structured", NULL, NULL, "{\"specversion\":\"1.0\",\"vpos\":\"4713\"}", 4713 },
        { "envelope", NULL, NULL, "{\"metadata\":{\"position\":4714},\"payload\":{}}", 4714 },
        { "foreign", NULL, NULL, "{\"x\":1}", 0 },
        { "no JSON", NULL, NULL, "\x01\x02", 0 },
        { "no number", "v-pos", "12x", "", 0 },
        { "too long for a number", "v-pos", "99999999999999999999", "", 0 },
        { "other JSON", NULL, NULL, "[1,2]", 0 },
        { "tombstone", "v-pos", "4715", NULL, 4715 },
    };
    struct kafka_fixture *fixture = fixture_begin(1);

    rd_kafka_mock_topic_create(fixture->cluster, "orders", 1, 1);
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, COUNT_OF(cases));
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fixture->messages[i].header_count = cases[i].header == NULL ? 0 : 1;
        fixture->headers[i] = (struct outbox_header){ cases[i].header, varve_view_str(cases[i].value) };
        fixture->messages[i].value = varve_view_str(cases[i].text);
    }
    assert_int_equal(fixture_send(fixture, COUNT_OF(cases)), OUTBOX_DONE);
    struct fixture_records *records = kafka_fixture_read(fixture, "orders", 0);
    assert_int_equal(records->count, COUNT_OF(cases));
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(records->all[i].position == cases[i].position, cases[i].label);
    free(records);
    fixture_end(fixture);
}

static void what_was_sent_again_is_marked(void **state)
{
    const struct outbox_header headers[] = { { "v-pos", varve_view_str("1") }, { "v-replay", varve_view_str("3") } };
    struct kafka_fixture *fixture = fixture_begin(1);

    rd_kafka_mock_topic_create(fixture->cluster, "orders", 1, 1);
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 2);
    fixture->messages[1].headers = headers;
    fixture->messages[1].header_count = 2;
    assert_int_equal(fixture_send(fixture, 2), OUTBOX_DONE);
    struct fixture_records *records = kafka_fixture_read(fixture, "orders", 0);
    assert_int_equal(records->count, 2);
    assert_false(records->all[0].is_replay);
    assert_true(records->all[1].is_replay);
    free(records);
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_or_the_last_of_each_partition),
        cmocka_unit_test(a_topic_that_is_not_there_is_empty),
        cmocka_unit_test(formats),
        cmocka_unit_test(what_was_sent_again_is_marked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
