/* kafka_mock.c - librdkafka's mock of a Kafka cluster, in a process of its own. */
#include "kafka_mock.h"

#include <errno.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BROKERS = 1 };

/* ---- the child -------------------------------------------------------------------------------------------------- */

/* With Nagle's algorithm on the hosting instance every transaction would take 40 ms. */
static rd_kafka_t *make_host(char *reason, size_t room)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *host = NULL;

    if (rd_kafka_conf_set(conf, "socket.nagle.disable", "true", reason, room) == RD_KAFKA_CONF_OK &&
        rd_kafka_conf_set(conf, "log_level", "2", reason, room) == RD_KAFKA_CONF_OK)
        host = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, room);
    if (host == NULL)
        rd_kafka_conf_destroy(conf);
    return host;
}

/* Ctrl-C on a terminal is for the whole group: the parent may still want to publish, and ends us when it is done. */
static void ignore_signals(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
}

/* Says where it is, or nothing; then lets librdkafka's threads answer until it is killed. */
static void be_cluster(int told)
{
    char reason[256];
    rd_kafka_t *host = make_host(reason, sizeof(reason));
    rd_kafka_mock_cluster_t *cluster = host != NULL ? rd_kafka_mock_cluster_new(host, BROKERS) : NULL;

    if (cluster != NULL) {
        const char *address = rd_kafka_mock_cluster_bootstraps(cluster);
        size_t size = strlen(address);

        if (write(told, address, size) != (ssize_t)size)
            return;
    }
    close(told);
    while (cluster != NULL)
        pause();
}

static void run_child(pid_t parent, const int told[2])
{
    close(told[0]);
    ignore_signals();
    prctl(PR_SET_NAME, "varved-mock");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) /* Else it was gone before it could be asked to. */
        be_cluster(told[1]);
    _exit(0);
}

/* ---- the parent ------------------------------------------------------------------------------------------------- */

static enum varve_status fail(struct varve_error *error, const char *what)
{
    return varve_fail(error, VARVE_IO, NULL, "the mock of Kafka cannot be started: %s", what);
}

static bool read_address(int told, struct kafka_mock *mock)
{
    size_t size = 0;
    ssize_t more = 1;

    while (more != 0 && size + 1 < sizeof(mock->address)) {
        more = read(told, mock->address + size, sizeof(mock->address) - 1 - size);
        if (more < 0 && errno != EINTR)
            return false;
        size += more > 0 ? (size_t)more : 0;
    }
    mock->address[size] = '\0';
    return size > 0;
}

enum varve_status kafka_mock_start(struct kafka_mock *ret, struct varve_error *error)
{
    struct kafka_mock mock = { 0 };
    pid_t parent = getpid();
    int told[2];

    if (pipe(told) != 0)
        return fail(error, strerror(errno));
    mock.pid = fork();
    if (mock.pid == 0)
        run_child(parent, told);
    close(told[1]);
    bool ready = mock.pid > 0 && read_address(told[0], &mock);
    close(told[0]);
    if (!ready) {
        kafka_mock_stop(&mock);
        return fail(error, "no process, or it ended at once");
    }
    *ret = mock;
    return VARVE_OK;
}

void kafka_mock_stop(struct kafka_mock *mock)
{
    if (mock->pid <= 0)
        return;
    kill(mock->pid, SIGKILL); /* Nothing of it is worth an orderly end. */
    while (waitpid(mock->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    mock->pid = 0;
}
