/* varved_process.c - see varved_process.h. Prints rather than asserts: it serves programs that are no cmocka tests. */
#include "support/varved_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS_MAX 40
#define START_PATIENCE_MS 60000

void varved_process_init(struct varved_process *varved, const char *scratch)
{
    *varved = (struct varved_process){ .pid = 0 };
    snprintf(varved->directory, sizeof(varved->directory), "%.180s/store", scratch);
    snprintf(varved->log, sizeof(varved->log), "%.180s/varved.log", scratch);
    snprintf(varved->socket, sizeof(varved->socket), "%.80s/socket", scratch);
    snprintf(varved->url, sizeof(varved->url), "varve+unix://%s", varved->socket);
}

static void run(const struct varved_process *varved, const char *port_file, const char *const *options)
{
    const char *arguments[OPTIONS_MAX + 10] = { "varved", "--unix", varved->socket, "--listen", "127.0.0.1:0",
                                                "--port-file", port_file };
    const char *build = getenv("VARVE_BUILD");
    char program[300];
    size_t count = 7;
    int log = open(varved->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    for (; options != NULL && *options != NULL && count < OPTIONS_MAX; options++)
        arguments[count++] = *options;
    arguments[count] = varved->directory;
    snprintf(program, sizeof(program), "%s/bin/varved", build != NULL ? build : "build/gcc-release");
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("VARVED_HTTP__LISTEN", "off", 1);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(program, (char *const *)arguments);
    fprintf(stderr, "cannot run %s\n", program);
    _exit(127);
}

static void show_log(const struct varved_process *varved)
{
    FILE *log = fopen(varved->log, "r");
    char line[1000];

    while (log != NULL && fgets(line, sizeof(line), log) != NULL)
        fprintf(stderr, "varved: %s", line);
    if (log != NULL)
        fclose(log);
}

/* The port once it is written whole, with its newline; 0 before. */
static unsigned read_port(const char *port_file)
{
    FILE *file = fopen(port_file, "r");
    unsigned port = 0;
    char end = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%u%c", &port, &end) != 2 || end != '\n')
        port = 0;
    fclose(file);
    return port;
}

static void name_port_file(const struct varved_process *varved, char *ret_path, size_t room)
{
    snprintf(ret_path, room, "%s.port", varved->socket);
}

bool varved_process_launch(struct varved_process *varved, const char *const *options)
{
    char port_file[120];

    name_port_file(varved, port_file, sizeof(port_file));
    unlink(port_file);
    varved->pid = fork();
    if (varved->pid == 0)
        run(varved, port_file, options);
    return varved->pid > 0;
}

bool varved_process_wait(struct varved_process *varved)
{
    const struct timespec rest = { .tv_nsec = 2000000 };
    char port_file[120];
    unsigned port = 0;

    name_port_file(varved, port_file, sizeof(port_file));
    for (int waited_ms = 0; varved->pid > 0 && port == 0 && waited_ms < START_PATIENCE_MS; waited_ms += 2) {
        nanosleep(&rest, NULL);
        port = read_port(port_file);
        if (waitpid(varved->pid, NULL, WNOHANG) != 0)
            varved->pid = 0;
    }
    if (varved->pid <= 0 || port == 0) {
        fprintf(stderr, "varved did not start\n");
        show_log(varved);
        varved_process_kill(varved);
        return false;
    }
    snprintf(varved->tcp_url, sizeof(varved->tcp_url), "varve://127.0.0.1:%u", port);
    return true;
}

bool varved_process_start(struct varved_process *varved, const char *const *options)
{
    return varved_process_launch(varved, options) && varved_process_wait(varved);
}

static int end_with(struct varved_process *varved, int signal_number)
{
    int status = 0;

    if (varved->pid <= 0)
        return -1;
    kill(varved->pid, signal_number);
    waitpid(varved->pid, &status, 0);
    varved->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void varved_process_kill(struct varved_process *varved)
{
    end_with(varved, SIGKILL);
}

int varved_process_stop(struct varved_process *varved)
{
    return end_with(varved, SIGTERM);
}
