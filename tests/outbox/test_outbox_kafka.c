/* test_outbox_kafka.c - instances come and go without leaving anything behind. */
#include "kafka_fixture.h"

#include <dirent.h>
#include <signal.h>

static int threads(void)
{
    DIR *folder = opendir("/proc/self/task");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* What the mock cluster holds for a connection it lets go of a little after its client: only more and more of it would
 * be ours. */
static void a_hundred_instances_leave_nothing_behind(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    int threads_before = threads(), descriptors_before = descriptors();
    for (uint64_t i = 0; i < 100; i++) {
        kafka_fixture_reopen(fixture);
        kafka_fixture_fill(fixture, "orders", i * 3 + 1, 3);
        assert_int_equal(fixture_send_with_checkpoint(fixture, 3, i * 3 + 3, i), OUTBOX_DONE);
    }
    assert_true(threads() <= threads_before + 4);
    assert_true(descriptors() <= descriptors_before + 40);
    fixture_expect_positions(fixture, "orders", 1, 300);
    fixture_end(fixture);
}

/* However the brokers are, the end is quick. */
static void an_end_does_not_wait_for_brokers(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);

    kafka_fixture_open(fixture);
    kafka_fixture_fill(fixture, "orders", 1, 100);
    rd_kafka_mock_broker_set_rtt(fixture->cluster, -1, 8000);
    fixture->interrupt_at = fixture->asked + 2;
    assert_int_equal(fixture_send_with_checkpoint(fixture, 100, 100, 1), OUTBOX_INTERRUPTED);
    outbox_kafka_destroy(fixture->kafka);
    fixture->kafka = NULL;
    rd_kafka_mock_broker_set_rtt(fixture->cluster, -1, 0);
    fixture_end(fixture);
}

static void an_instance_talks_to_nobody_when_made(void **state)
{
    struct kafka_fixture *fixture = fixture_begin_at("127.0.0.1:1");

    fixture_create(fixture);
    assert_false(outbox_kafka_is_suspect(fixture->kafka));
    fixture_end(fixture);
}

/* Signals of the process are for its own threads: librdkafka's have all of them blocked. */
static void signals_stay_with_the_process(void **state)
{
    struct kafka_fixture *fixture = fixture_begin(1);
    sigset_t before, after;

    pthread_sigmask(SIG_SETMASK, NULL, &before);
    kafka_fixture_open(fixture);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int i = 1; i < 32; i++)
        assert_int_equal(sigismember(&before, i), sigismember(&after, i));
    fixture_end(fixture);
}

static void nothing_can_be_ended(void **state)
{
    outbox_kafka_destroy(NULL);
}

static void the_version_is_told(void **state)
{
    assert_true(strncmp(outbox_kafka_version(), "librdkafka ", 11) == 0);
    assert_string_equal(outbox_kafka_version() + 11, rd_kafka_version_str());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hundred_instances_leave_nothing_behind),
        cmocka_unit_test(an_end_does_not_wait_for_brokers),
        cmocka_unit_test(an_instance_talks_to_nobody_when_made),
        cmocka_unit_test(signals_stay_with_the_process),
        cmocka_unit_test(nothing_can_be_ended),
        cmocka_unit_test(the_version_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
