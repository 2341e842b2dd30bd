/* reducer_process.h - a program that is asked and answers through pipes, one message each way at a time.
 *
 * It has a process group of its own: Ctrl-C reaches varve alone, and what it leaves behind can be ended with it. Its
 * standard error is ours. */
#ifndef SNAPSHOTS_REDUCER_PROCESS_H
#define SNAPSHOTS_REDUCER_PROCESS_H

#include <sys/types.h>

#include "grow.h"

#define REDUCER_ANSWER_MAX (4u << 20) /* bytes of an answer; a state may have 1 MiB of them */

/* Is there a whole answer in these bytes? Its size with what ends it; 0: not yet; SIZE_MAX: there never will be. */
typedef size_t (*reducer_framing)(struct varve_view bytes);

struct reducer_process {
    pid_t pid;           /* 0: not running */
    int in, out;         /* our ends of its standard input and output */
    struct grow answer;
    uint64_t answers;    /* it gave since it was started */
};

/* `command` for /bin/sh. IO: it could not be started. */
enum varve_status reducer_process_start(struct reducer_process *process, const char *command,
                                        struct varve_error *error);
/* Hand it `request`, and wait for its answer, which lives until the next call. IO: it ended, or says what nobody asked
 * for; TIMEOUT. It is not running afterwards. */
enum varve_status reducer_process_ask(struct reducer_process *process, struct varve_view request,
                                      reducer_framing framing, uint32_t timeout_ms, struct varve_view *ret_answer,
                                      struct varve_error *error);
/* End it: closing its input is the wish, SIGKILL what comes of not heeding it at once. */
void reducer_process_stop(struct reducer_process *process);
void reducer_process_free(struct reducer_process *process);

#endif
