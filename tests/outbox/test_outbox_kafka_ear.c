/* test_outbox_kafka_ear.c - which errors make an instance suspect, what is logged, what is not. */
#include "kafka_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "server/outbox/outbox_kafka_parts.h"

static void connections_that_never_were_are_harmless(void **state)
{
    static const struct {
        rd_kafka_resp_err_t error;
        const char *sentence;
        bool harmless;
    } cases[] = {
        { RD_KAFKA_RESP_ERR__TRANSPORT,
          "127.0.0.1:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
          true },
        { RD_KAFKA_RESP_ERR__TRANSPORT, "127.0.0.1:1/bootstrap: Connection setup timed out in state CONNECT "
          "(after 10000ms in state CONNECT)", true },
        { RD_KAFKA_RESP_ERR__RESOLVE, "kafka:9092/bootstrap: Failed to resolve 'kafka:9092': Name unknown", true },
        { RD_KAFKA_RESP_ERR__AUTHENTICATION, "b:1/bootstrap: SASL authentication error: no", true },
        { RD_KAFKA_RESP_ERR__SSL, "ssl://b:1/bootstrap: SSL handshake failed: no", true },
        { RD_KAFKA_RESP_ERR__TRANSPORT, "127.0.0.1:1/1: Disconnected (after 70ms in state UP)", false },
        { RD_KAFKA_RESP_ERR__TRANSPORT, "127.0.0.1:1/1: Receive failed: Connection reset by peer", false },
        { RD_KAFKA_RESP_ERR__TIMED_OUT, "127.0.0.1:1/1: 1 request(s) timed out: disconnect", false },
        { RD_KAFKA_RESP_ERR__BAD_MSG, "what nobody has heard of", false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++)
        CHECK_CASE(kafka_ear_is_harmless(cases[i].error, cases[i].sentence) == cases[i].harmless, cases[i].sentence);
}

static void serve_until_suspect(struct kafka_fixture *fixture)
{
    int64_t until = kafka_now_ms() + 60000;

    while (!outbox_kafka_is_suspect(fixture->kafka) && kafka_now_ms() < until) {
        outbox_kafka_serve(fixture->kafka);
        usleep(10000);
    }
    assert_true(outbox_kafka_is_suspect(fixture->kafka));
}

static void a_lost_connection_makes_suspect(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    assert_false(outbox_kafka_is_suspect(fixture->kafka));
    rd_kafka_mock_broker_set_down(fixture->cluster, -1);
    serve_until_suspect(fixture);
    rd_kafka_mock_broker_set_up(fixture->cluster, -1);
    kafka_fixture_reopen(fixture);
    assert_false(outbox_kafka_is_suspect(fixture->kafka));
    fixture_end(fixture);
}

/* librdkafka bears it, and the transaction is done; but it is not trusted any further. */
static void a_connection_cut_during_a_transaction_makes_suspect(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 10);
    fixture_fail_requests(fixture, KAFKA_API_END_TXN, RD_KAFKA_RESP_ERR__TRANSPORT, 1);
    assert_int_equal(fixture_send_with_checkpoint(fixture, 10, 10, 1), OUTBOX_DONE);
    assert_true(outbox_kafka_is_suspect(fixture->kafka));
    fixture_end(fixture);
}

/* One of the addresses is dead, as when one of three brokers is: that must not cost a new producer each time. */
static void a_dead_address_does_not_make_suspect(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    char brokers[sizeof(fixture->brokers)];

    snprintf(brokers, sizeof(brokers), "127.0.0.1:1,%.200s", fixture->brokers);
    memcpy(fixture->brokers, brokers, sizeof(brokers));
    for (uint64_t i = 0; i < 5; i++) {
        if (i == 0)
            kafka_fixture_open(fixture);
        else
            kafka_fixture_reopen(fixture);
        kafka_fixture_fill(fixture, "orders", i * 10 + 1, 10);
        assert_int_equal(fixture_send_with_checkpoint(fixture, 10, i * 10 + 10, 1), OUTBOX_DONE);
        assert_false(outbox_kafka_is_suspect(fixture->kafka));
    }
    fixture_end(fixture);
}

static size_t lines_of(const char *path)
{
    FILE *file = fopen(path, "r");
    size_t lines = 0;

    assert_non_null(file);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        lines += c == '\n';
    fclose(file);
    return lines;
}

static void log_lines_are_few(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1,127.0.0.1:2,127.0.0.1:3");
    char path[] = "/tmp/varve-ear-XXXXXX";
    const struct log log = { .fd = mkstemp(path), .level = LOG_LEVEL_DEBUG };

    assert_true(log.fd >= 0);
    fixture->options.log = &log;
    fixture_set(fixture, "debug", "all"); /* thousands of lines */
    fixture_create(fixture);
    fixture->interrupt_at = 1;
    assert_int_equal(outbox_kafka_init(fixture->kafka, &fixture->fault), OUTBOX_INTERRUPTED);
    size_t lines = lines_of(path);
    assert_true(lines > 0 && lines < 40);
    close(log.fd);
    unlink(path);
    fixture->options.log = NULL;
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_that_never_were_are_harmless),
        cmocka_unit_test(a_lost_connection_makes_suspect),
        cmocka_unit_test(a_connection_cut_during_a_transaction_makes_suspect),
        cmocka_unit_test(a_dead_address_does_not_make_suspect),
        cmocka_unit_test(log_lines_are_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
