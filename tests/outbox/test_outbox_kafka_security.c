/* test_outbox_kafka_security.c - passwords and certificates that are wrong, what is said of them, and when they become
 * right. Before tests/kafka/txbroker. */
#include "kafka_fixture.h"

#include <stdlib.h>
#include <unistd.h>

#include "support/broker_double.h"
#include "support/temp_dir.h"

static struct broker_double broker;

static struct kafka_fixture *begin(const char *const *options)
{
    broker_double_start(&broker, options);
    return fixture_begin_at(broker.brokers);
}

static void end(struct kafka_fixture *fixture)
{
    fixture_end(fixture);
    broker_double_end(&broker);
}

static void log_in(struct kafka_fixture *fixture, const char *protocol, const char *mechanism, const char *password)
{
    fixture_set(fixture, "security.protocol", protocol);
    fixture_set(fixture, "sasl.mechanisms", mechanism);
    fixture_set(fixture, "sasl.username", "varve");
    fixture_set(fixture, "sasl.password", password);
}

static enum outbox_result init(struct kafka_fixture *fixture)
{
    outbox_kafka_destroy(fixture->kafka);
    fixture->kafka = NULL;
    fixture_create(fixture);
    return outbox_kafka_init(fixture->kafka, &fixture->fault);
}

/* The password is mended in Kafka, and the outbox gets in without anybody's help. */
static void a_wrong_password_is_told_and_may_become_right(void **state)
{
    static const char *const options[] = { "--sasl", "varve:secret", NULL };
    struct kafka_fixture *fixture = begin(options);

    log_in(fixture, "SASL_PLAINTEXT", "PLAIN", "changed");
    assert_int_equal(init(fixture), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "_AUTHENTICATION");
    assert_non_null(strstr(fixture->fault.reason, "SASL"));
    assert_null(strstr(fixture->fault.reason, "changed"));
    broker_double_order(&broker, "{\"do\":\"credentials\",\"user\":\"varve\",\"password\":\"changed\"}");
    assert_int_equal(init(fixture), OUTBOX_DONE);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    assert_int_equal(fixture_send(fixture, 100), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 100); /* whoever reads logs in as well */
    end(fixture);
}

static void scram_before_a_newer_kafka_is_told(void **state)
{
    static const char *const options[] = { "--sasl", "varve:secret", NULL };
    struct kafka_fixture *fixture = begin(options);

    log_in(fixture, "SASL_PLAINTEXT", "SCRAM-SHA-256", "secret");
    assert_int_equal(init(fixture), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "_AUTHENTICATION");
    if (rd_kafka_version() < 0x020601ff)
        assert_non_null(strstr(fixture->fault.reason, "librdkafka before 2.6.1"));
    end(fixture);
}

static void certify(char ret_both[TEMP_DIR_PATH + 16], char ret_alone[TEMP_DIR_PATH + 16], const char *folder)
{
    char command[1500];

    snprintf(ret_both, TEMP_DIR_PATH + 16, "%s/both.pem", folder);
    snprintf(ret_alone, TEMP_DIR_PATH + 16, "%s/crt.pem", folder);
    snprintf(command, sizeof(command),
             "openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=double "
             "-addext subjectAltName=IP:127.0.0.1 -keyout %s -out %s 2>/dev/null && cat %s >> %s",
             ret_both, ret_alone, ret_alone, ret_both);
    assert_int_equal(system(command), 0);
}

static void a_certificate_that_nobody_knows_is_told(void **state)
{
    char folder[TEMP_DIR_PATH], both[TEMP_DIR_PATH + 16], alone[TEMP_DIR_PATH + 16];

    temp_dir_make(folder);
    certify(both, alone, folder);
    const char *const options[] = { "--tls", both, NULL };
    struct kafka_fixture *fixture = begin(options);
    fixture_set(fixture, "security.protocol", "SSL");
    assert_int_equal(init(fixture), OUTBOX_AGAIN);
    assert_string_equal(fixture->fault.code, "_SSL");
    assert_non_null(strstr(fixture->fault.reason, "certificate"));
    fixture_set(fixture, "ssl.ca.location", alone);
    assert_int_equal(init(fixture), OUTBOX_DONE);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    assert_int_equal(fixture_send(fixture, 100), OUTBOX_DONE);
    fixture_expect_positions(fixture, "orders", 1, 100);
    assert_false(outbox_kafka_is_suspect(fixture->kafka));
    end(fixture);
    temp_dir_remove(folder);
}

static void a_listener_of_another_kind_is_told(void **state)
{
    static const char *const options[] = { "--sasl", "varve:secret", NULL };
    struct kafka_fixture *fixture = begin(options);

    assert_int_equal(init(fixture), OUTBOX_AGAIN); /* says no password where one is asked for */
    assert_non_null(strstr(fixture->fault.reason, "127.0.0.1"));
    assert_non_null(strstr(fixture->fault.reason, "isconnected"));
    end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_password_is_told_and_may_become_right),
        cmocka_unit_test(scram_before_a_newer_kafka_is_told),
        cmocka_unit_test(a_certificate_that_nobody_knows_is_told),
        cmocka_unit_test(a_listener_of_another_kind_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
