/* varved_process.h - a real varved on a directory, as a child process. Ends with us, whatever happens. */
#ifndef TESTS_VARVED_PROCESS_H
#define TESTS_VARVED_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

struct varved_process {
    pid_t pid;              /* 0: not running */
    char directory[200];    /* the store */
    char socket[100];       /* beside it; the same after a restart, unlike a port */
    char log[208];          /* what all runs have said */
    char url[128];          /* of the socket */
    char tcp_url[64];       /* of the port of this run */
};

/* Names everything under `scratch`, an existing directory; starts nothing. */
void varved_process_init(struct varved_process *varved, const char *scratch);
/* Start with `options` (NULL-terminated, may be NULL) and wait until it listens. False, with its log on stderr, when it
 * does not. */
bool varved_process_start(struct varved_process *varved, const char *const *options);
/* The two halves of it: begin, and wait until it listens. */
bool varved_process_launch(struct varved_process *varved, const char *const *options);
bool varved_process_wait(struct varved_process *varved);
/* SIGKILL, and wait for its end. */
void varved_process_kill(struct varved_process *varved);
/* SIGTERM, and wait: its exit status; -1 when it was ended by a signal. */
int varved_process_stop(struct varved_process *varved);

#endif
