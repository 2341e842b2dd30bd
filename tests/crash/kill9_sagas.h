/* kill9_sagas.h - one worker of the kill loop who does everything in transactions: an event, a saga's transition, now
 * and then a saga with a deadline, and the checkpoint that says how far it has come. What the n-th does is a function
 * of n, so that every one of them must be there once, whole and in its turn, whatever was killed in between. */
#ifndef TESTS_CRASH_KILL9_SAGAS_H
#define TESTS_CRASH_KILL9_SAGAS_H

#include "tests/crash/plan_saga.h"
#include "varve/state.h"

#include <pthread.h>
#include <stdatomic.h>

/* What became of the sagas by the first so many transactions. */
struct saga_lives {
    uint64_t transactions;
    struct {
        uint32_t generation;
        int status;
        int64_t version;
        uint64_t state_n; /* of the transaction that wrote its state; 0: none */
    } sagas[PLAN_SAGAS];
};

struct saga_worker {
    pthread_t thread;
    const char *url;
    bool persists;            /* its client reconnects and sends again; else a loss ends its round */
    atomic_bool stop;
    struct saga_lives lives;  /* by what was acknowledged */
    int64_t deadline_us;      /* of the timer in the transaction whose outcome is unknown; VARVE_TIME_NONE: there is
                               * no such transaction */
    char fault[600];          /* the first thing that must not be; "" = none */
};

void sagas_init(struct saga_worker *worker, const char *url);
void sagas_begin(struct saga_worker *worker, bool persists);
void sagas_end(struct saga_worker *worker);
/* Whatever has no outcome yet is sent until it has one. */
void sagas_settle(struct saga_worker *worker);

/* ---- what is served ---- */

struct sagas_scan {
    const struct saga_worker *worker;
    struct saga_lives lives;  /* by what was read */
    unsigned part;            /* of the transaction being read that must come next; 0: none is */
    struct scan_timer {
        int64_t deadline_us;
        unsigned events;
    } *timers;                /* by transaction */
    uint64_t timer_count, running_timers;
    char *fault;
    size_t room;
};

bool sagas_scan_begin(struct sagas_scan *scan, const struct saga_worker *worker, char *fault, size_t room);
void sagas_scan_end(struct sagas_scan *scan);
/* Is it one of the worker's events, or of the server's about its sagas? */
bool sagas_scan_owns(const struct varve_event *event);
/* Every event of the log, in order; those that it does not own must not stand amid a transaction. */
bool sagas_scan_take(struct sagas_scan *scan, const struct varve_event *event);
/* All was read: nothing acknowledged is missing, and rows, counts and the checkpoint are what the events say. With
 * `complete`, nothing is there besides. */
bool sagas_scan_check(struct sagas_scan *scan, struct varve_client *client, bool complete);
/* Until the server has fired every deadline, which must be soon. */
bool sagas_wait_for_timers(struct varve_client *client, char *fault, size_t room);

#endif
