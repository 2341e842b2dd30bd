/* fault_os.h - the real disk with faults: the n-th call fails, or all from there on, as if the process had died.
 *
 * Counted are the calls that change something (open with O_CREAT, pwrite, fdatasync, rename, sync_directory). Syncs are
 * only counted, not done: what is tested is the order of calls. Safe to use from several threads. */
#ifndef TESTS_FAULT_OS_H
#define TESTS_FAULT_OS_H

#include "varve/os.h"

#include <pthread.h>
#include <stdatomic.h>

struct fault_os {
    struct varve_os os;          /* hand out a pointer to it */
    atomic_uint calls;           /* so far */
    atomic_uint fail_at;         /* the call that fails; 0 = none */
    atomic_bool dead_from_there; /* and all after it */
    atomic_int error;            /* errno of the failures */
    atomic_bool tear;            /* a failing pwrite writes the first half */
    atomic_bool fired;
    _Atomic int64_t free_bytes;  /* what free_bytes() says; -1 = the truth */
    atomic_uint syncs;
    pthread_mutex_t still;       /* held by every call that changes a file */
};

void fault_os_init(struct fault_os *fault);
/* The n-th call from now fails with `error`. n = 0 disarms. */
void fault_os_arm(struct fault_os *fault, unsigned nth, int error, bool dead_from_there);

/* Between the two nothing changes on the disk: who wants to change something waits. */
void fault_os_hold(struct fault_os *fault);
void fault_os_release(struct fault_os *fault);

#endif
