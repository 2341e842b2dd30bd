/* job.h - one run of a command: given its standard input, watched to its end.
 *
 * Its standard output is ours. Its standard error is passed on line by line, and the last line kept: that is where
 * programs say why they failed. It has a process group of its own, so that Ctrl-C reaches varve alone, which lets it
 * finish. */
#ifndef TOOLS_JOB_H
#define TOOLS_JOB_H

#include <sys/types.h>

#include "varve/event.h"

#define JOB_LINE 512 /* bytes kept of a line, with the NUL */

struct job {
    char *const *command;         /* ended by a NULL; looked up in PATH */
    const char *const *variables; /* "NAME=VALUE", ended by a NULL: set besides our own environment */
    struct varve_view input;
    uint32_t tick_ms;             /* `tick` is called so often while it runs; 0: never */
    void (*tick)(void *user);
    void *user;
    pid_t running;                /* atomic: its process group while it runs, else 0 */
    bool asked;                   /* atomic: to end, and not told so yet */
};
struct job_result {
    int status;                   /* as of waitpid() */
    char last_line[JOB_LINE];     /* of its standard error; "" for none. Printable UTF-8 */
};

/* Whether the command is there at all: INVALID_ARGUMENT if not. */
enum varve_status job_check(const char *program, struct varve_error *error);

/* Run it to its end. IO: it could not be started. What it does not read of its input is no failure. */
enum varve_status job_run(struct job *job, struct job_result *ret_result, struct varve_error *error);
/* From any thread: ask what is running, or else what will run next, to end (SIGTERM). */
void job_terminate(struct job *job);

bool job_succeeded(const struct job_result *result);
/* "exit status 3: no such customer", "killed by signal 9": why it did not. `size` of at least 64. */
void job_describe(const struct job_result *result, char *ret_text, size_t size);

#endif
