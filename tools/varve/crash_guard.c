/* crash_guard.c - see crash_guard.h. */
#include "crash_guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "varve/fold.h"

#define WHAT_MAX 64 /* bytes of what is said of a stream's end, and its NUL */

struct crash {
    bool noted;                /* atomic: what follows is whole */
    size_t size;
    char stream[VARVE_MAX_SYSTEM_STREAM_NAME];
};
struct crash_guard {
    bool returned;             /* `run` of the child has; its exit code counts */
    unsigned count;            /* atomic; of all crashes, also beyond the room */
    struct crash crashes[CRASHES_MAX];
};

/* ---- in the child ------------------------------------------------------------------------------------------------ */

static struct crash_guard *guarded; /* of this process; set before there are threads */
static pid_t guarded_child;         /* likewise: what the reducer forks is none */

static size_t add_bytes(char *line, size_t size, size_t room, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count && size < room; i++)
        line[size++] = (unsigned char)bytes[i] < 0x20 || bytes[i] == 0x7f ? '?' : bytes[i];
    return size;
}

static void note(struct varve_view stream)
{
    unsigned number = __atomic_fetch_add(&guarded->count, 1, __ATOMIC_SEQ_CST);

    if (number >= CRASHES_MAX)
        return;
    struct crash *crash = &guarded->crashes[number];
    crash->size = stream.size < sizeof(crash->stream) ? stream.size : sizeof(crash->stream);
    memcpy(crash->stream, stream.data, crash->size);
    __atomic_store_n(&crash->noted, true, __ATOMIC_SEQ_CST);
}

static void say(struct varve_view stream, const char *what)
{
    static const char begin[] = "failed: stream \"", end[] = "\": the reducer ";
    char line[sizeof(begin) + sizeof(end) + VARVE_MAX_SYSTEM_STREAM_NAME + WHAT_MAX];
    size_t size = add_bytes(line, 0, sizeof(line), begin, sizeof(begin) - 1);

    size = add_bytes(line, size, sizeof(line) - sizeof(end) - WHAT_MAX, stream.data, stream.size);
    size = add_bytes(line, size, sizeof(line), end, sizeof(end) - 1);
    size = add_bytes(line, size, sizeof(line) - 1, what, strlen(what));
    line[size++] = '\n';
    if (write(STDERR_FILENO, line, size) < 0)
        return; /* There is nobody to be told. */
}

/* Only what may be called in a handler. Then it dies as it would have. */
static void on_crash(int signal_number)
{
    const struct varve_view *stream = varve_fold_at_work();
    char what[WHAT_MAX] = "crashed (signal ";
    size_t size = strlen(what);

    signal(signal_number, SIG_DFL);
    if (stream != NULL) {
        if (signal_number >= 10)
            what[size++] = (char)('0' + signal_number / 10);
        what[size++] = (char)('0' + signal_number % 10);
        what[size] = ')';
        note(*stream);
        say(*stream, what);
    }
    raise(signal_number);
}

/* Somebody called exit(), on this thread. It is not waited for what else would be done at the end: the other threads
 * are still at work. */
static void on_exit_called(void)
{
    const struct varve_view *stream = varve_fold_at_work();

    if (stream == NULL || getpid() != guarded_child)
        return;
    note(*stream);
    say(*stream, "ended the process");
    _exit(1);
}

static void run_child(struct crash_guard *guard, pid_t parent, int (*run)(void *user), void *user)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* who kills varve means this one */
    if (getppid() != parent)
        _exit(1); /* and was quicker than we */
    guarded = guard;
    guarded_child = getpid();
    if (atexit(on_exit_called) != 0)
        _exit(1);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        signal(signals[i], on_crash);
    int code = cli_finish_output(run(user));
    __atomic_store_n(&guard->returned, true, __ATOMIC_SEQ_CST);
    _exit(code);
}

/* ---- in the parent ----------------------------------------------------------------------------------------------- */

struct crash_guard *crash_guard_make(void)
{
    void *shared = mmap(NULL, sizeof(struct crash_guard), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (shared == MAP_FAILED) {
        fputs("error: NO_MEMORY: memory could not be had\n", stderr);
        exit(1);
    }
    return shared;
}

void crash_guard_free(struct crash_guard *guard)
{
    if (guard != NULL)
        munmap(guard, sizeof(*guard));
}

bool crash_guard_knows(const struct crash_guard *guard, struct varve_view stream)
{
    for (unsigned i = 0; guard != NULL && i < CRASHES_MAX; i++) {
        const struct crash *crash = &guard->crashes[i];
        if (__atomic_load_n(&crash->noted, __ATOMIC_SEQ_CST) &&
            varve_view_equal(varve_view_of(crash->stream, crash->size), stream))
            return true;
    }
    return false;
}

/* Its exit code; -1: it crashed in a stream, or was ended there, and there may be another child. */
static int judge(const struct crash_guard *guard, unsigned crashes_before, int status)
{
    if (guard->returned && WIFEXITED(status))
        return WEXITSTATUS(status);
    if (guard->count >= CRASHES_MAX) {
        fputs("error: IO: the reducer crashes again and again; the rest was not folded\n", stderr);
        return 1;
    }
    if (guard->count > crashes_before)
        return -1;
    if (WIFEXITED(status))
        fprintf(stderr, "error: IO: folding was not finished: something, such as the reducer, ended the process (exit "
                "status %d)\n", WEXITSTATUS(status));
    else
        fprintf(stderr, "error: INTERNAL: folding was killed by signal %d\n", WTERMSIG(status));
    return 1;
}

int crash_guard_run(struct crash_guard *guard, int (*run)(void *user), void *user)
{
    int code = -1;

    while (code < 0) {
        unsigned before = guard->count;
        int status = 0;

        guard->returned = false;
        fflush(stdout);
        pid_t parent = getpid(), child = fork();
        if (child == 0)
            run_child(guard, parent, run, user);
        if (child < 0) {
            fprintf(stderr, "error: IO: no process could be had: %s\n", strerror(errno));
            return 1;
        }
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        code = judge(guard, before, status);
    }
    return code;
}
