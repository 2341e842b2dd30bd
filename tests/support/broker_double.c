/* broker_double.c - starts txbroker, finds its ports, gives it orders over its second one. */
#include "support/broker_double.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "support/check.h"

enum { OPTIONS_MAX = 30, START_PATIENCE_MS = 60000 };

static void run(const char *log_path, const char *port_file, const char *const *options)
{
    const char *arguments[OPTIONS_MAX + 5] = { "python3", "tests/kafka/txbroker", "--port-file", port_file };
    int log = open(log_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    size_t count = 4;

    for (; options != NULL && *options != NULL && count < OPTIONS_MAX; options++)
        arguments[count++] = *options;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execvp("python3", (char *const *)arguments);
    _exit(127);
}

/* Both ports, once they are there: the file gets its name when it is whole. */
static bool read_ports(const char *port_file, unsigned ports[2])
{
    FILE *file = fopen(port_file, "r");

    if (file == NULL)
        return false;
    bool whole = fscanf(file, "%u %u", &ports[0], &ports[1]) == 2;
    fclose(file);
    return whole;
}

static void connect_to(struct broker_double *broker, unsigned port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    broker->orders = fd;
    broker->answers = fdopen(dup(fd), "r");
    assert_non_null(broker->answers);
}

static void show_log(const struct broker_double *broker)
{
    char path[100], text[1000];

    snprintf(path, sizeof(path), "%s/log", broker->scratch);
    FILE *log = fopen(path, "r");
    while (log != NULL && fgets(text, sizeof(text), log) != NULL)
        print_error("txbroker: %s", text);
    if (log != NULL)
        fclose(log);
}

void broker_double_start(struct broker_double *broker, const char *const *options)
{
    const char *folder = getenv("TMPDIR");
    const struct timespec rest = { .tv_nsec = 5000000 };
    char log_path[100], port_file[100];
    unsigned ports[2] = { 0, 0 };

    snprintf(broker->scratch, sizeof(broker->scratch), "%.40s/double-XXXXXX", folder != NULL ? folder : "/tmp");
    assert_non_null(mkdtemp(broker->scratch));
    snprintf(log_path, sizeof(log_path), "%s/log", broker->scratch);
    snprintf(port_file, sizeof(port_file), "%s/ports", broker->scratch);
    broker->pid = fork();
    if (broker->pid == 0)
        run(log_path, port_file, options);
    assert_true(broker->pid > 0);
    for (int waited_ms = 0; !read_ports(port_file, ports); waited_ms += 5) {
        if (waitpid(broker->pid, NULL, WNOHANG) != 0 || waited_ms > START_PATIENCE_MS) {
            show_log(broker);
            fail_msg("txbroker did not start");
        }
        nanosleep(&rest, NULL);
    }
    snprintf(broker->brokers, sizeof(broker->brokers), "127.0.0.1:%u", ports[0]);
    connect_to(broker, ports[1]);
}

void broker_double_end(struct broker_double *broker)
{
    static const char *const names[] = { "log", "ports" };
    char path[100];

    fclose(broker->answers);
    close(broker->orders);
    kill(broker->pid, SIGKILL);
    waitpid(broker->pid, NULL, 0);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        snprintf(path, sizeof(path), "%s/%s", broker->scratch, names[i]);
        unlink(path);
    }
    rmdir(broker->scratch);
}

void broker_double_order(struct broker_double *broker, const char *format, ...)
{
    char order[1000], answer[sizeof(broker->answer)];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(order, sizeof(order), format, arguments);
    va_end(arguments);
    assert_true(dprintf(broker->orders, "%s\n", order) > 0);
    assert_non_null(fgets(answer, sizeof(answer), broker->answers));
    if (strncmp(answer, "{\"ok\": ", 7) != 0)
        fail_msg("%s: %s", order, answer);
    snprintf(broker->answer, sizeof(broker->answer), "%s", answer + 7);
}

long broker_double_number(struct broker_double *broker, const char *order)
{
    broker_double_order(broker, "%s", order);
    return strtol(broker->answer, NULL, 10);
}

void broker_double_freeze(struct broker_double *broker, bool frozen)
{
    kill(broker->pid, frozen ? SIGSTOP : SIGCONT);
}
