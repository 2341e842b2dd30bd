/* job.c - see job.h. */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn.h"
#include "text.h"

#define LAST_BITES 32 /* more than a pipe holds */

/* What is open while a command runs; -1: closed. */
struct run {
    struct job *job;
    struct job_result *result;
    pid_t pid;
    int in, err, end;      /* our ends of its standard input and error, and its pidfd */
    struct varve_view left; /* of the input */
    struct text line;      /* of its standard error, unfinished */
};

/* ---- what it says on standard error ------------------------------------------------------------------------------ */

/* Printable bytes only, cut where a character begins. */
static void keep_line(struct job_result *result, struct varve_view line)
{
    size_t size = line.size < JOB_LINE - 1 ? line.size : JOB_LINE - 1;

    while (size > 0 && size < line.size && ((unsigned char)line.data[size] & 0xc0) == 0x80)
        size--;
    memcpy(result->last_line, line.data, size);
    result->last_line[size] = '\0';
    for (char *at = result->last_line; *at != '\0'; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            *at = '?';
    if (varve_check_text(varve_view_of(result->last_line, size), JOB_LINE, "", NULL) == VARVE_OK)
        return;
    for (char *at = result->last_line; *at != '\0'; at++) /* not UTF-8 */
        if ((unsigned char)*at >= 0x80)
            *at = '?';
}

static void end_line(struct run *run)
{
    struct varve_view line = text_view(&run->line);

    fwrite(line.data, 1, line.size, stderr); /* in one piece: others write there, too */
    while (line.size > 0 && strchr("\r\n \t", line.data[line.size - 1]) != NULL)
        line.size--;
    if (line.size > 0)
        keep_line(run->result, line);
    text_clear(&run->line);
}

static void take_text(struct run *run, const char *text, size_t size)
{
    const char *line_feed;

    while ((line_feed = memchr(text, '\n', size)) != NULL) {
        size_t taken = (size_t)(line_feed - text) + 1;
        text_add(&run->line, varve_view_of(text, taken));
        end_line(run);
        text += taken;
        size -= taken;
    }
    text_add(&run->line, varve_view_of(text, size));
    if (run->line.size >= JOB_LINE)
        end_line(run);
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* One bite: a command that never ceases to talk must not keep us from all else. False: there is nothing now. */
static bool read_err(struct run *run)
{
    char bytes[4096];
    ssize_t size = read(run->err, bytes, sizeof(bytes));

    if (size > 0)
        take_text(run, bytes, (size_t)size);
    else if (size == 0 || (errno != EAGAIN && errno != EINTR))
        close_end(&run->err);
    return size > 0;
}

static void write_in(struct run *run)
{
    ssize_t size = write(run->in, run->left.data, run->left.size);

    if (size > 0)
        run->left = varve_view_of(run->left.data + size, run->left.size - (size_t)size);
    if (run->left.size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR))
        close_end(&run->in);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

/* Both of its pipes; ours do not block. */
static bool make_pipes(int in[2], int err[2])
{
    in[0] = in[1] = err[0] = err[1] = -1;
    return pipe2(in, O_CLOEXEC) == 0 && pipe2(err, O_CLOEXEC) == 0 && fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 &&
           fcntl(err[0], F_SETFL, O_NONBLOCK) == 0;
}

static enum varve_status begin(struct run *run, struct varve_error *error)
{
    int in[2], err[2];
    int failed = make_pipes(in, err) ? 0 : errno;

    if (failed == 0)
        failed = spawn_command(run->job->command, run->job->variables, in[0], err[1], &run->pid);
    close_end(&in[0]);
    close_end(&err[1]);
    run->in = in[1];
    run->err = err[0];
    run->end = failed == 0 ? pidfd_open(run->pid, 0) : -1;
    if (failed == 0 && run->end < 0) {
        failed = errno;
        kill(-run->pid, SIGKILL);
        waitpid(run->pid, NULL, 0);
    }
    if (failed == 0)
        return VARVE_OK;
    close_end(&run->in);
    close_end(&run->err);
    return varve_fail(error, VARVE_IO, NULL, "cannot run \"%s\": %s", run->job->command[0], strerror(failed));
}

static uint64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Until it has ended; children that it left behind are not waited for. */
static void watch(struct run *run)
{
    uint64_t tick_at = now_ms() + run->job->tick_ms;
    bool ended = false;

    while (!ended) {
        struct pollfd fds[3] = { { run->end, POLLIN, 0 }, { run->err, POLLIN, 0 }, { run->in, POLLOUT, 0 } };
        uint64_t now = now_ms();

        poll(fds, 3, run->job->tick_ms == 0 ? -1 : tick_at > now ? (int)(tick_at - now) : 0);
        if (run->job->tick_ms > 0 && now_ms() >= tick_at) {
            run->job->tick(run->job->user);
            tick_at = now_ms() + run->job->tick_ms;
        }
        if (run->err >= 0 && fds[1].revents != 0)
            read_err(run);
        if (run->in >= 0 && fds[2].revents != 0)
            write_in(run);
        ended = (fds[0].revents & POLLIN) != 0;
    }
    for (unsigned bites = 0; bites < LAST_BITES && run->err >= 0 && read_err(run); bites++)
        continue; /* what it wrote last */
    if (run->line.size > 0)
        end_line(run);
}

/* Whoever asks may come while the command runs already but is not known to: then job_run() finds `asked`. */
static void pass_on(struct job *job, pid_t pid)
{
    if (pid > 0 && __atomic_exchange_n(&job->asked, false, __ATOMIC_SEQ_CST))
        kill(-pid, SIGTERM);
}

enum varve_status job_run(struct job *job, struct job_result *ret_result, struct varve_error *error)
{
    struct run run = { .job = job, .result = ret_result, .left = job->input };

    *ret_result = (struct job_result){ 0 };
    fflush(stdout); /* what we wrote comes before what it writes */
    enum varve_status status = begin(&run, error);
    if (status != VARVE_OK)
        return status;
    __atomic_store_n(&job->running, run.pid, __ATOMIC_SEQ_CST);
    pass_on(job, run.pid);
    watch(&run);
    __atomic_store_n(&job->running, 0, __ATOMIC_SEQ_CST);
    while (waitpid(run.pid, &ret_result->status, 0) < 0 && errno == EINTR)
        continue;
    close_end(&run.in);
    close_end(&run.err);
    close_end(&run.end);
    text_free(&run.line);
    return VARVE_OK;
}

void job_terminate(struct job *job)
{
    __atomic_store_n(&job->asked, true, __ATOMIC_SEQ_CST);
    pass_on(job, __atomic_load_n(&job->running, __ATOMIC_SEQ_CST));
}

/* ---- what became of it ------------------------------------------------------------------------------------------- */

static bool is_there(const char *folder, size_t folder_size, const char *program)
{
    struct text path = { 0 };

    text_add(&path, varve_view_of(folder, folder_size));
    text_printf(&path, "%s%s", folder_size > 0 ? "/" : "", program);
    text_add(&path, varve_view_of("", 1)); /* the NUL */
    bool there = access(path.bytes, X_OK) == 0;
    text_free(&path);
    return there;
}

enum varve_status job_check(const char *program, struct varve_error *error)
{
    const char *path = getenv("PATH");
    bool there = strchr(program, '/') != NULL && access(program, X_OK) == 0;

    if (strchr(program, '/') == NULL && program[0] != '\0') {
        path = path != NULL ? path : "/bin:/usr/bin"; /* as posix_spawnp() has it */
        for (const char *end; !there; path = end + 1) {
            end = path + strcspn(path, ":");
            there = is_there(path, (size_t)(end - path), program);
            if (*end == '\0')
                break;
        }
    }
    if (there)
        return VARVE_OK;
    return varve_fail(error, VARVE_INVALID_ARGUMENT, "command", "there is no command \"%s\"", program);
}

bool job_succeeded(const struct job_result *result)
{
    return WIFEXITED(result->status) && WEXITSTATUS(result->status) == 0;
}

void job_describe(const struct job_result *result, char *ret_text, size_t size)
{
    bool killed = WIFSIGNALED(result->status);
    int number = killed ? WTERMSIG(result->status) : WEXITSTATUS(result->status);

    snprintf(ret_text, size, "%s %d%s%s", killed ? "killed by signal" : "exit status", number,
             result->last_line[0] != '\0' ? ": " : "", result->last_line);
}
