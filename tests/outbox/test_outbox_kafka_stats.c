/* test_outbox_kafka_stats.c - the digest of librdkafka's statistics. */
#include "kafka_fixture.h"

#include <jansson.h>
#include <unistd.h>

#include "server/outbox/outbox_kafka_parts.h"

static const char sample[] =
    "{\"msg_cnt\":7,\"eos\":{\"txn_state\":\"Ready\"},\"brokers\":{"
    "\"a:1/bootstrap\":{\"nodeid\":-1,\"source\":\"configured\",\"state\":\"UP\",\"txretries\":1,\"req_timeouts\":2,"
    "\"disconnects\":3,\"rtt\":{\"avg\":10,\"p99\":20},\"outbuf_latency\":{\"avg\":3}},"
    "\"a:1/1\":{\"nodeid\":1,\"source\":\"learned\",\"state\":\"UP\",\"txretries\":10,\"req_timeouts\":20,"
    "\"disconnects\":30,\"rtt\":{\"avg\":500,\"p99\":900},\"outbuf_latency\":{\"avg\":4}},"
    "\"a:2/2\":{\"nodeid\":2,\"source\":\"learned\",\"state\":\"DOWN\",\"txretries\":100,\"req_timeouts\":200,"
    "\"disconnects\":300,\"rtt\":{\"avg\":99999,\"p99\":99999},\"outbuf_latency\":{\"avg\":0}},"
    "\"TxnCoordinator\":{\"nodeid\":1,\"source\":\"logical\",\"state\":\"UP\",\"txretries\":1000,"
    "\"req_timeouts\":2000,\"disconnects\":3000,\"rtt\":{\"avg\":50,\"p99\":1000},\"outbuf_latency\":{\"avg\":4}}}}";

static json_int_t number(const json_t *digest, const char *name)
{
    assert_true(json_is_integer(json_object_get(digest, name)));
    return json_integer_value(json_object_get(digest, name));
}

static void brokers_are_added_up(void **state)
{
    char text[1024];

    assert_true(kafka_stats_digest(sample, strlen(sample), text, sizeof(text)));
    json_t *digest = json_loads(text, 0, NULL);
    assert_int_equal(number(digest, "brokers"), 2);
    assert_int_equal(number(digest, "up"), 1);
    assert_int_equal(number(digest, "rtt_average_us"), 500); /* of those that are up */
    assert_int_equal(number(digest, "rtt_p99_us"), 1000);
    assert_int_equal(number(digest, "waiting_us"), 4);
    assert_int_equal(number(digest, "retries"), 1111);
    assert_int_equal(number(digest, "timeouts"), 2222);
    assert_int_equal(number(digest, "disconnects"), 3333);
    assert_int_equal(number(digest, "queued"), 7);
    assert_string_equal(json_string_value(json_object_get(digest, "transaction")), "Ready");
    json_decref(digest);
}

static void what_cannot_be_read_or_does_not_fit_is_none(void **state)
{
    char text[1024];

    assert_false(kafka_stats_digest("{\"brokers\":", 11, text, sizeof(text)));
    assert_false(kafka_stats_digest("", 0, text, sizeof(text)));
    assert_false(kafka_stats_digest(sample, strlen(sample), text, 100));
    assert_true(kafka_stats_digest("{}", 2, text, sizeof(text)));
    assert_true(kafka_stats_digest("{\"brokers\":[1],\"eos\":3}", 23, text, sizeof(text)));
}

static bool is_full_of_life(const json_t *digest)
{
    return json_integer_value(json_object_get(digest, "brokers")) == 2 &&
           json_integer_value(json_object_get(digest, "rtt_average_us")) > 0;
}

/* librdkafka's own names are still those that are looked for. */
static void the_real_ones_come_into_the_figures(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(2);
    int64_t until = kafka_now_ms() + 60000;
    json_t *digest = NULL;

    fixture_set(fixture, "statistics.interval.ms", "50");
    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    while (!is_full_of_life(digest) && kafka_now_ms() < until) {
        assert_int_equal(fixture_send(fixture, 100), OUTBOX_DONE); /* Times are of the last 50 ms alone. */
        outbox_kafka_serve(fixture->kafka);
        usleep(10000);
        json_decref(digest);
        digest = json_loads(fixture->figures.broker_stats, 0, NULL);
    }
    assert_int_equal(number(digest, "brokers"), 2);
    assert_true(number(digest, "up") >= 1);
    assert_true(number(digest, "rtt_average_us") > 0);
    assert_true(strlen(json_string_value(json_object_get(digest, "transaction"))) > 0);
    json_decref(digest);
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(brokers_are_added_up),
        cmocka_unit_test(what_cannot_be_read_or_does_not_fit_is_none),
        cmocka_unit_test(the_real_ones_come_into_the_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
