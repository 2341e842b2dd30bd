/* reducer_process.c - see reducer_process.h. */
#include "reducer_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BITE 65536u       /* read at a time */
#define FAREWELL_MS 2000  /* for a program to end after its input did */
#define PIPE_BYTES (1 << 20)

extern char **environ;

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- start and end ----------------------------------------------------------------------------------------------- */

static int spawn(const char *command, int in, int out, pid_t *ret_pid)
{
    char *const arguments[] = { "sh", "-c", (char *)command, NULL };
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE); /* which we may ignore */
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    int failed = posix_spawn(ret_pid, "/bin/sh", &actions, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return failed;
}

enum varve_status reducer_process_start(struct reducer_process *process, const char *command,
                                        struct varve_error *error)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 };
    bool made = pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 && fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 &&
                fcntl(out[0], F_SETFL, O_NONBLOCK) == 0;
    int failed = made ? 0 : errno;

    if (made)
        fcntl(in[1], F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns for long messages; as it is where that is too much */
    if (failed == 0)
        failed = spawn(command, in[0], out[1], &process->pid);
    close_end(&in[0]);
    close_end(&out[1]);
    process->in = in[1];
    process->out = out[0];
    process->answers = 0;
    if (failed == 0)
        return VARVE_OK;
    close_end(&process->in);
    close_end(&process->out);
    process->pid = 0;
    return varve_fail(error, VARVE_IO, "reducer", "cannot start \"%.200s\": %s", command, strerror(failed));
}

/* Has it ended within that time? Its pipe's other end closes when it does, or when it says no more. */
static bool ended_within(struct reducer_process *process, uint32_t wait_ms, int *ret_status)
{
    uint64_t until = now_ms() + wait_ms;
    struct timespec pause = { 0, 1000000 };
    pid_t ended;

    while ((ended = waitpid(process->pid, ret_status, WNOHANG)) == 0 && now_ms() < until)
        nanosleep(&pause, NULL);
    return ended != 0;
}

/* Nothing of it is left; returns how it ended as of waitpid(). `wait_ms` are granted to end by itself. */
static int finish(struct reducer_process *process, uint32_t wait_ms)
{
    int status = 0;

    close_end(&process->in);
    bool ended = ended_within(process, wait_ms, &status);
    kill(-process->pid, SIGKILL); /* it, or what it has left behind */
    if (!ended) {
        while (waitpid(process->pid, &status, 0) < 0 && errno == EINTR)
            continue;
    }
    close_end(&process->out);
    process->pid = 0;
    return status;
}

void reducer_process_stop(struct reducer_process *process)
{
    if (process->pid > 0)
        finish(process, FAREWELL_MS);
}

void reducer_process_free(struct reducer_process *process)
{
    reducer_process_stop(process);
    grow_free(&process->answer);
}

/* ---- question and answer ----------------------------------------------------------------------------------------- */

static enum varve_status fail_ended(struct reducer_process *process, struct varve_error *error)
{
    int status = finish(process, FAREWELL_MS);

    if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        return varve_fail(error, VARVE_IO, "reducer", "the program was killed by signal %d", WTERMSIG(status));
    if (WIFSIGNALED(status))
        return varve_fail(error, VARVE_IO, "reducer", "the program closed its output or was killed");
    if (WEXITSTATUS(status) == 127)
        return varve_fail(error, VARVE_IO, "reducer", "the program was not found (exit status 127)");
    return varve_fail(error, VARVE_IO, "reducer", "the program ended with exit status %d", WEXITSTATUS(status));
}

static enum varve_status fail_unasked(struct reducer_process *process, const char *what, struct varve_error *error)
{
    finish(process, 0);
    return varve_fail(error, VARVE_IO, "reducer", "the program %s", what);
}

/* -1: it reads no more. */
static int write_some(struct reducer_process *process, struct varve_view *left)
{
    ssize_t size = write(process->in, left->data, left->size);

    if (size > 0)
        *left = varve_view_of(left->data + size, left->size - (size_t)size);
    return size < 0 && errno != EAGAIN && errno != EINTR ? -1 : 0;
}

/* -1: it says no more; -2: no memory. */
static int read_some(struct reducer_process *process)
{
    char *room = grow_room(&process->answer, BITE);
    ssize_t size = room != NULL ? read(process->out, room, BITE) : 0;

    if (room == NULL)
        return -2;
    if (size > 0)
        process->answer.size += (size_t)size;
    return size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR) ? -1 : 0;
}

/* One turn: waits until something moves. */
static enum varve_status exchange(struct reducer_process *process, struct varve_view *left, uint64_t until,
                                  uint32_t timeout_ms, struct varve_error *error)
{
    struct pollfd fds[2] = { { process->out, POLLIN, 0 }, { left->size > 0 ? process->in : -1, POLLOUT, 0 } };
    uint64_t now = now_ms();

    if (timeout_ms > 0 && now >= until) {
        finish(process, 0);
        return varve_fail(error, VARVE_TIMEOUT, "reducer", "the program gave no answer within %u ms", timeout_ms);
    }
    poll(fds, 2, timeout_ms > 0 ? (int)(until - now) : -1);
    if (fds[1].revents != 0 && write_some(process, left) < 0)
        return fail_ended(process, error);
    if (fds[0].revents == 0)
        return VARVE_OK;
    int got = read_some(process);
    if (got == -2)
        return fail_unasked(process, "was given up: no memory for its answer", error);
    return got < 0 ? fail_ended(process, error) : VARVE_OK;
}

enum varve_status reducer_process_ask(struct reducer_process *process, struct varve_view request,
                                      reducer_framing framing, uint32_t timeout_ms, struct varve_view *ret_answer,
                                      struct varve_error *error)
{
    uint64_t until = now_ms() + timeout_ms;
    size_t whole = 0;

    grow_clear(&process->answer);
    while (whole == 0) {
        enum varve_status status = exchange(process, &request, until, timeout_ms, error);
        if (status != VARVE_OK)
            return status;
        whole = framing(grow_view(&process->answer));
        if (whole == SIZE_MAX || process->answer.size > REDUCER_ANSWER_MAX)
            return fail_unasked(process, "gives an answer of more than 4 MiB", error);
    }
    if (request.size > 0)
        return fail_unasked(process, "answered before it had read the message", error);
    if (process->answer.size > whole)
        return fail_unasked(process, "says more than one answer to one message", error);
    process->answers++;
    *ret_answer = varve_view_of(process->answer.bytes, whole);
    return VARVE_OK;
}
