/* life.c - see life.h. */
#include "tests/crash/life.h"

#include "tests/crash/common.h"
#include "tests/support/random.h"

#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SESSION_NUMBERS 100000u /* appends of different sessions have different numbers */

/* When a session is killed: at its n-th operation, or at its n-th write of a meta page; 0 = it ends by itself. */
struct end {
    unsigned at_operation, at_dsync;
};

static struct end choose_end(const struct life *life, unsigned session)
{
    uint64_t random = life->seed * 31 + session;
    bool at_meta = strcmp(life->control, "no-open-store-sync") == 0; /* That is when it shows. */
    struct end end = { 0 };

    if (session == 0) /* While the store is being made. */
        end.at_operation = 1 + (unsigned)random_below(&random, 24);
    else if (session + 1 == life->sessions)
        return end;
    else if (at_meta || session % 4 == 2)
        end.at_dsync = 1 + (unsigned)random_below(&random, life->appends / 20 + 1);
    else if (session % 4 != 0)
        end.at_operation = 10 + (unsigned)random_below(&random, 2 * life->appends);
    return end;
}

static void set_number(const char *variable, unsigned number)
{
    char text[16];

    snprintf(text, sizeof(text), "%u", number);
    setenv(variable, text, 1);
}

/* Of the child, which becomes the workload. */
static void become_workload(const struct life *life, unsigned session, const char *directory, const char *trace)
{
    char workload[PATH_MAX], preload[PATH_MAX], seed[32], first[16], count[16];
    struct end end = choose_end(life, session);

    snprintf(workload, sizeof(workload), "%s/crash/workload", life->programs);
    snprintf(preload, sizeof(preload), "%s/preload/recorder.so", life->programs);
    snprintf(seed, sizeof(seed), "%" PRIu64, life->seed);
    snprintf(first, sizeof(first), "%u", session * SESSION_NUMBERS);
    snprintf(count, sizeof(count), "%u", life->appends);
    setenv("VARVE_CRASH_DIR", directory, 1);
    setenv("VARVE_CRASH_TRACE", trace, 1);
    set_number("VARVE_CRASH_SYNC_US", 100);
    set_number("VARVE_CRASH_KILL_AT", end.at_operation);
    set_number("VARVE_CRASH_KILL_AT_DSYNC", end.at_dsync);
    setenv("VARVE_CRASH_CONTROL", life->control, 1);
    setenv("LD_PRELOAD", preload, 1);
    execl(workload, workload, directory, seed, first, count, (char *)NULL);
    _exit(127);
}

static void run_session(const struct life *life, unsigned session, const char *directory, const char *trace)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        become_workload(life, session, directory, trace);
    if (child < 0 || waitpid(child, &status, 0) != child)
        die("cannot run the workload");
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!killed && !(WIFEXITED(status) && WEXITSTATUS(status) == 0))
        die("session %u of the workload ended with status %d", session, status);
}

void life_record(const struct life *life, struct trace *ret_trace)
{
    char directory[PATH_MAX], trace[PATH_MAX];

    snprintf(directory, sizeof(directory), "%s/recorded", life->scratch);
    snprintf(trace, sizeof(trace), "%s/trace", life->scratch);
    if (mkdir(directory, 0700) != 0)
        die("cannot make %s", directory);
    for (unsigned session = 0; session < life->sessions; session++)
        run_session(life, session, directory, trace);
    trace_load(trace, ret_trace);
}
