/* crew.c - see crew.h. */
#include "crew.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "memory.h"
#include "spawn.h"

#define SEND_BYTES (64u << 10)    /* then what is buffered is offered */
#define BUFFER_BYTES (1u << 20)   /* then it must be taken */
#define PIPE_BYTES (1 << 20)
#define FAREWELL_MS 5000          /* between SIGTERM and SIGKILL */

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static enum varve_status start(struct crew *crew, unsigned number, char *const *command, const char *variable,
                               struct varve_error *error)
{
    struct crew_worker *worker = &crew->workers[number];
    char own_number[32], count[32];
    const char *const variables[] = { own_number, count, variable, NULL };
    int in[2];

    snprintf(own_number, sizeof(own_number), "VARVE_WORKER=%u", number);
    snprintf(count, sizeof(count), "VARVE_WORKERS=%u", crew->count);
    if (pipe2(in, O_CLOEXEC) != 0)
        return varve_fail(error, VARVE_IO, NULL, "no pipe could be had: %s", strerror(errno));
    worker->unread = in[0];
    worker->in = in[1];
    fcntl(worker->in, F_SETFL, O_NONBLOCK);
    fcntl(worker->in, F_SETPIPE_SZ, PIPE_BYTES); /* fewer turns; as it is where that is too much */
    int failed = spawn_command(command, variables, worker->unread, -1, &worker->pid);
    if (failed != 0) {
        worker->pid = 0;
        return varve_fail(error, VARVE_IO, NULL, "cannot run \"%s\": %s", command[0], strerror(failed));
    }
    worker->end = pidfd_open(worker->pid, 0);
    if (worker->end < 0)
        return varve_fail(error, VARVE_IO, NULL, "cannot watch \"%s\": %s", command[0], strerror(errno));
    return VARVE_OK;
}

enum varve_status crew_begin(struct crew *crew, char *const *command, unsigned count, const char *variable,
                             struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    assert(count > 0 && count <= CREW_MAX);
    *crew = (struct crew){ .count = count, .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
    crew->workers = memory_take(count * sizeof(*crew->workers));
    for (unsigned i = 0; i < count; i++)
        crew->workers[i].in = crew->workers[i].unread = crew->workers[i].end = -1;
    if (crew->stop_fd < 0)
        status = varve_fail(error, VARVE_IO, NULL, "no descriptor is left: %s", strerror(errno));
    for (unsigned i = 0; i < count && status == VARVE_OK; i++)
        status = start(crew, i, command, variable, error);
    if (status != VARVE_OK)
        crew_free(crew);
    return status;
}

/* ---- giving ------------------------------------------------------------------------------------------------------ */

/* The last line that went into the pipe as a whole. */
static uint64_t last_given(const struct crew_worker *worker)
{
    uint64_t position = worker->given;

    for (size_t i = 0; i < worker->mark_count && worker->marks[i].end <= worker->written; i++)
        position = worker->marks[i].position;
    return position;
}

static enum varve_status fail_worker(const struct crew *crew, const struct crew_worker *worker, const char *what,
                                     struct varve_error *error)
{
    uint64_t position = last_given(worker);
    char given[64] = "nothing was given to it";
    int status = worker->status;

    if (position > 0)
        snprintf(given, sizeof(given), "the last position given to it is %" PRIu64, position);
    return varve_fail(error, VARVE_IO, NULL, "worker %td %s (%s %d); %s", worker - crew->workers, what,
                      WIFSIGNALED(status) ? "killed by signal" : "exit status",
                      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), given);
}

/* It has ended, as its pidfd says. */
static enum varve_status take_end(struct crew *crew, struct crew_worker *worker, struct varve_error *error)
{
    int unread = 0;

    while (waitpid(worker->pid, &worker->status, 0) < 0 && errno == EINTR)
        continue;
    worker->pid = 0;
    close_end(&worker->end);
    if (!WIFEXITED(worker->status) || WEXITSTATUS(worker->status) != 0)
        return fail_worker(crew, worker, "failed", error);
    if (worker->buffer.size > 0 || (ioctl(worker->unread, FIONREAD, &unread) == 0 && unread > 0))
        return fail_worker(crew, worker, "did not read all of its input", error);
    return VARVE_OK; /* If there is more for it, that is seen when it comes. */
}

/* What the pipe takes now. */
static void write_some(struct crew_worker *worker)
{
    while (worker->written < worker->buffer.size) {
        ssize_t size = write(worker->in, worker->buffer.bytes + worker->written,
                             worker->buffer.size - worker->written);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0)
            return; /* It is full. It cannot be broken: a reading end is ours. */
        worker->written += (size_t)size;
    }
    worker->given = last_given(worker);
    worker->mark_count = 0;
    worker->written = 0;
    text_clear(&worker->buffer);
}

/* Waits until a worker takes something or ends, or until we are stopped. */
static enum varve_status wait_turn(struct crew *crew, struct varve_error *error)
{
    struct pollfd fds[2 * CREW_MAX + 1];
    enum varve_status status = VARVE_OK;

    for (unsigned i = 0; i < crew->count; i++) {
        const struct crew_worker *worker = &crew->workers[i];
        fds[2 * i] = (struct pollfd){ worker->end, POLLIN, 0 };
        fds[2 * i + 1] = (struct pollfd){ worker->buffer.size > 0 ? worker->in : -1, POLLOUT, 0 };
    }
    fds[2 * crew->count] = (struct pollfd){ crew->stop_fd, POLLIN, 0 };
    if (poll(fds, 2 * crew->count + 1, -1) < 0)
        return VARVE_OK;
    if (fds[2 * crew->count].revents != 0)
        return varve_fail(error, VARVE_CANCELLED, NULL, "interrupted: the workers have not got all events");
    for (unsigned i = 0; i < crew->count && status == VARVE_OK; i++) {
        struct crew_worker *worker = &crew->workers[i];
        if (fds[2 * i].revents != 0)
            status = take_end(crew, worker, error);
        else if (fds[2 * i + 1].revents != 0)
            write_some(worker);
    }
    return status;
}

static void add_mark(struct crew_worker *worker, uint64_t position)
{
    if (worker->mark_count == worker->mark_capacity) {
        worker->mark_capacity = worker->mark_capacity > 0 ? 2 * worker->mark_capacity : 1024;
        worker->marks = memory_resize(worker->marks, worker->mark_capacity * sizeof(*worker->marks));
    }
    worker->marks[worker->mark_count++] = (struct crew_mark){ worker->buffer.size, position };
}

enum varve_status crew_give(struct crew *crew, unsigned number, struct varve_view line, uint64_t position,
                            struct varve_error *error)
{
    struct crew_worker *worker = &crew->workers[number];
    enum varve_status status = VARVE_OK;

    if (worker->pid == 0)
        return fail_worker(crew, worker, "ended before its input did", error);
    text_add(&worker->buffer, line);
    add_mark(worker, position);
    worker->lines++;
    if (worker->buffer.size - worker->written >= SEND_BYTES)
        write_some(worker);
    while (worker->buffer.size >= BUFFER_BYTES && status == VARVE_OK)
        status = wait_turn(crew, error);
    return status;
}

enum varve_status crew_finish(struct crew *crew, struct varve_error *error)
{
    enum varve_status status = VARVE_OK;

    for (unsigned left = crew->count; left > 0 && status == VARVE_OK;) {
        left = 0;
        for (unsigned i = 0; i < crew->count; i++) {
            struct crew_worker *worker = &crew->workers[i];
            if (worker->buffer.size > 0)
                write_some(worker);
            if (worker->buffer.size == 0)
                close_end(&worker->in);
            left += worker->pid > 0;
        }
        if (left > 0)
            status = wait_turn(crew, error);
    }
    return status;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

void crew_stop(struct crew *crew)
{
    int kept = errno; /* The code that a signal interrupted may be about to look at it. */
    uint64_t one = 1;

    while (write(crew->stop_fd, &one, sizeof(one)) < 0 && errno == EINTR)
        continue;
    errno = kept;
}

/* Asked to end, then made to; its input stays open until it has, so that it does not take this for the end. */
static void dismiss(struct crew_worker *worker)
{
    struct pollfd ended = { worker->end, POLLIN, 0 };

    if (worker->end < 0 || poll(&ended, 1, FAREWELL_MS) <= 0)
        kill(-worker->pid, SIGKILL);
    while (waitpid(worker->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    worker->pid = 0;
}

void crew_free(struct crew *crew)
{
    for (unsigned i = 0; i < crew->count; i++) {
        if (crew->workers[i].pid > 0)
            kill(-crew->workers[i].pid, SIGTERM);
    }
    for (unsigned i = 0; i < crew->count; i++) {
        struct crew_worker *worker = &crew->workers[i];
        if (worker->pid > 0)
            dismiss(worker);
        close_end(&worker->in);
        close_end(&worker->unread);
        close_end(&worker->end);
        text_free(&worker->buffer);
        free(worker->marks);
    }
    free(crew->workers);
    close_end(&crew->stop_fd);
    *crew = (struct crew){ .stop_fd = -1 };
}
