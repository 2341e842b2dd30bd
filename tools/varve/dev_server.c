/* dev_server.c - see dev_server.h. */
#include "dev_server.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000, LOOK_MS = 20, LOG_BYTES = 65536, SHELL_SIGNAL_CODE = 128, OPEN_DIRECTORIES = 16 };

void dev_server_find(char ret_program[DEV_PATH])
{
    char self[DEV_PATH - 16];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *name;

    if (size > 0) {
        self[size] = '\0';
        name = strrchr(self, '/');
        snprintf(ret_program, DEV_PATH, "%.*s/varved", (int)(name - self), self);
        if (access(ret_program, X_OK) == 0)
            return;
    }
    snprintf(ret_program, DEV_PATH, "varved");
}

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static sigset_t taken_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGCHLD);
    return set;
}

void dev_signals_block(void)
{
    const sigset_t set = taken_signals();

    sigprocmask(SIG_BLOCK, &set, NULL);
}

void dev_signals_restore(void)
{
    const sigset_t set = taken_signals();

    sigprocmask(SIG_UNBLOCK, &set, NULL);
    signal(SIGPIPE, SIG_DFL); /* which varve ignores */
}

/* ---- its start --------------------------------------------------------------------------------------------------- */

/* In the child. Its own group, so that Ctrl-C reaches it through us: it is ended when the command is. */
static void become_server(const struct dev_server *server, const char *program, uint16_t port, uint16_t http_port,
                          pid_t parent)
{
    char data[DEV_PATH + 16], port_file[DEV_PATH + 16], http_file[DEV_PATH + 16], listen[DEV_TEXT], http[DEV_TEXT];
    int log = open(server->log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600), none;

    snprintf(data, sizeof(data), "%s/data", server->directory);
    snprintf(port_file, sizeof(port_file), "%s/port", server->directory);
    snprintf(http_file, sizeof(http_file), "%s/http", server->directory);
    snprintf(listen, sizeof(listen), "127.0.0.1:%u", port);
    snprintf(http, sizeof(http), "127.0.0.1:%u", http_port);
    none = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (log < 0 || none < 0 || dup2(none, STDIN_FILENO) < 0 || dup2(log, STDOUT_FILENO) < 0 ||
        dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    setpgid(0, 0);
    dev_signals_restore();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(127);
    execlp(program, "varved", "--kafka-mock", "--listen", listen, "--port-file", port_file,
           "--http-listen", http, "--http-port-file", http_file, data, (char *)NULL);
    fprintf(stderr, "varved cannot be run: %s\n", strerror(errno));
    _exit(127);
}

/* The end of a file, as a text. */
static void read_end(const char *path, char *text, size_t room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    ssize_t got = fd < 0 ? 0 : pread(fd, text, room - 1, size > (off_t)room - 1 ? size - (off_t)room + 1 : 0);

    text[got > 0 ? got : 0] = '\0';
    if (fd >= 0)
        close(fd);
}

static void find_port(const struct dev_server *server, const char *name, const char *scheme, char url[DEV_TEXT])
{
    char path[DEV_PATH + 16], text[DEV_TEXT];

    snprintf(path, sizeof(path), "%s/%s", server->directory, name);
    read_end(path, text, sizeof(text));
    if (strchr(text, '\n') != NULL)
        snprintf(url, DEV_TEXT, "%s://127.0.0.1:%u", scheme, (unsigned)atoi(text));
}

static void find_kafka(struct dev_server *server)
{
    static const char ready[] = "event=kafka_mock.ready address=";
    char *text = malloc(LOG_BYTES), *line;

    if (text == NULL)
        return;
    read_end(server->log_path, text, LOG_BYTES);
    line = strstr(text, ready);
    if (line != NULL) {
        line += sizeof(ready) - 1;
        snprintf(server->kafka, sizeof(server->kafka), "%.*s", (int)strcspn(line, " \n"), line);
    }
    free(text);
}

static enum varve_status say_why(const struct dev_server *server, struct varve_error *error)
{
    char text[1024], *line;

    read_end(server->log_path, text, sizeof(text));
    while (text[0] != '\0' && text[strlen(text) - 1] == '\n')
        text[strlen(text) - 1] = '\0';
    line = strrchr(text, '\n');
    return varve_fail(error, VARVE_UNREACHABLE, NULL, "varved did not start: %.300s",
                      line != NULL ? line + 1 : text[0] != '\0' ? text : "it said nothing");
}

static bool has_ended(struct dev_server *server)
{
    if (server->pid > 0 && waitpid(server->pid, NULL, WNOHANG) == server->pid)
        server->pid = 0;
    return server->pid <= 0;
}

static enum varve_status wait_until_ready(struct dev_server *server, struct varve_error *error)
{
    const sigset_t set = taken_signals();
    const struct timespec look = { .tv_nsec = LOOK_MS * 1000000 };

    for (int waited_ms = 0; waited_ms < PATIENCE_MS; waited_ms += LOOK_MS) {
        int signal_number = sigtimedwait(&set, NULL, &look);

        find_port(server, "http", "http", server->http);
        find_port(server, "port", "varve", server->url);
        if (server->url[0] != '\0' && server->http[0] != '\0') {
            find_kafka(server);
            return VARVE_OK;
        }
        if (has_ended(server))
            return say_why(server, error);
        if (signal_number == SIGINT || signal_number == SIGTERM)
            return varve_fail(error, VARVE_CANCELLED, NULL, "interrupted");
    }
    return varve_fail(error, VARVE_TIMEOUT, NULL, "varved does not begin to serve; see %s", server->log_path);
}

enum varve_status dev_server_start(struct dev_server *server, const char *program, uint16_t port,
                                   uint16_t http_port, struct varve_error *error)
{
    pid_t parent = getpid();
    char port_file[DEV_PATH + 16], http_file[DEV_PATH + 16];

    snprintf(server->log_path, sizeof(server->log_path), "%s/log", server->directory);
    snprintf(port_file, sizeof(port_file), "%s/port", server->directory);
    snprintf(http_file, sizeof(http_file), "%s/http", server->directory);
    unlink(port_file); /* Of an earlier one, in a directory that was kept. */
    unlink(http_file);
    unlink(server->log_path);
    server->pid = fork();
    if (server->pid == 0)
        become_server(server, program, port, http_port, parent);
    if (server->pid < 0)
        return varve_fail(error, VARVE_IO, NULL, "no process for varved: %s", strerror(errno));
    return wait_until_ready(server, error);
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

void dev_server_stop(struct dev_server *server)
{
    if (server->pid <= 0)
        return;
    kill(server->pid, SIGTERM);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    server->pid = 0;
}

pid_t dev_server_wait(struct dev_server *server, pid_t command, int *ret_code)
{
    const sigset_t set = taken_signals();
    int status;

    for (;;) {
        if (command > 0 && waitpid(command, &status, WNOHANG) == command) {
            *ret_code = WIFEXITED(status) ? WEXITSTATUS(status) : SHELL_SIGNAL_CODE + WTERMSIG(status);
            return command;
        }
        pid_t pid = server->pid;
        if (has_ended(server))
            return pid;
        int signal_number = sigwaitinfo(&set, NULL);
        if (signal_number == SIGTERM || (signal_number == SIGINT && command == 0)) /* Ctrl-C is the command's. */
            return 0;
    }
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *place)
{
    remove(path);
    return 0;
}

void dev_remove(const char *directory)
{
    nftw(directory, remove_one, OPEN_DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
