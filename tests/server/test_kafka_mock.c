/* test_kafka_mock.c - the mock of Kafka answers, and ends with whoever started it. */
#include <arpa/inet.h>
#include <librdkafka/rdkafka.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/check.h"

#include "server/kafka_mock.h"

enum { PATIENCE_MS = 60000 };

static bool answers(const char *address)
{
    const char *colon = strrchr(address, ':');
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool connected = connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;

    close(fd);
    return connected;
}

static void wait_until_gone(const char *address)
{
    for (int waited = 0; answers(address) && waited < PATIENCE_MS; waited += 10)
        poll(NULL, 0, 10);
    assert_false(answers(address));
}

static void it_answers_as_a_cluster(void **state)
{
    struct kafka_mock mock = { 0 };
    const struct rd_kafka_metadata *metadata;
    char reason[256];

    assert_int_equal(kafka_mock_start(&mock, NULL), VARVE_OK);
    assert_int_equal(strncmp(mock.address, "127.0.0.1:", 10), 0);

    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(rd_kafka_conf_set(conf, "bootstrap.servers", mock.address, reason, sizeof(reason)),
                     RD_KAFKA_CONF_OK);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof(reason));
    assert_non_null(client);
    assert_int_equal(rd_kafka_metadata(client, 0, NULL, &metadata, PATIENCE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(metadata->broker_cnt, 1);
    rd_kafka_metadata_destroy(metadata);
    rd_kafka_destroy(client);

    kafka_mock_stop(&mock);
    assert_int_equal(mock.pid, 0);
    assert_false(answers(mock.address));
    kafka_mock_stop(&mock); /* Again is fine. */
}

static void two_are_two(void **state)
{
    struct kafka_mock first = { 0 }, second = { 0 };

    assert_int_equal(kafka_mock_start(&first, NULL), VARVE_OK);
    assert_int_equal(kafka_mock_start(&second, NULL), VARVE_OK);
    assert_string_not_equal(first.address, second.address);
    kafka_mock_stop(&first);
    assert_true(answers(second.address));
    kafka_mock_stop(&second);
}

static void signals_of_a_terminal_are_not_for_it(void **state)
{
    struct kafka_mock mock = { 0 };

    assert_int_equal(kafka_mock_start(&mock, NULL), VARVE_OK);
    assert_int_equal(kill(mock.pid, SIGINT), 0);
    assert_int_equal(kill(mock.pid, SIGTERM), 0);
    assert_true(answers(mock.address));
    kafka_mock_stop(&mock);
}

/* A parent that is killed says goodbye to nobody. */
static void it_ends_with_its_parent(void **state)
{
    struct kafka_mock mock = { 0 };
    int told[2];

    assert_int_equal(pipe(told), 0);
    pid_t parent = fork();
    if (parent == 0) {
        if (kafka_mock_start(&mock, NULL) == VARVE_OK && write(told[1], &mock, sizeof(mock)) == sizeof(mock))
            pause();
        _exit(1);
    }
    assert_int_equal(read(told[0], &mock, sizeof(mock)), sizeof(mock));
    assert_true(answers(mock.address));
    assert_int_equal(kill(parent, SIGKILL), 0);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    wait_until_gone(mock.address);
    close(told[0]);
    close(told[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_answers_as_a_cluster),
        cmocka_unit_test(two_are_two),
        cmocka_unit_test(signals_of_a_terminal_are_not_for_it),
        cmocka_unit_test(it_ends_with_its_parent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
