/* worker.h - a member of a consumer group that runs a command for each of its events, one after the other.
 *
 *   consumer --event--> command --exit status 0--> ack, and on at once: its answer is taken in later
 *                               '--anything else--> nack{retry}, with what it said last
 *
 * Each worker is a thread with a consumer of its own; the group hands events of one key to one consumer at a time.
 * While the command runs, its event's deadline is put off again and again. */
#ifndef TOOLS_WORKER_H
#define TOOLS_WORKER_H

#include <pthread.h>

#include "job.h"
#include "text.h"
#include "varve/subscription.h"

/* What the workers of one call share. */
struct worker_pool {
    char *const *command;
    uint32_t ack_timeout_ms;   /* of the group */
    uint64_t tickets;          /* atomic: events that may still be begun */
    bool stopping;             /* atomic: begin no more */
    int over_fd;               /* an eventfd: a worker is over */
    uint64_t acked, retried, refused; /* atomic: done, durably; sent back; not ours any more, or not known */
    pthread_mutex_t lock;      /* of what follows, and of each worker's `waiting` */
    struct varve_error error;  /* the first fault; OK while there is none */
};

struct worker {
    struct worker_pool *pool;
    struct varve_consumer *consumer; /* closed when it is over, so that its share goes to others at once */
    pthread_t thread;
    bool waiting;              /* for an event: it may be stopped, and its consumer is there */
    bool over;                 /* atomic */
    struct job job;
    uint64_t position;         /* of the event at work */
    uint64_t sent;             /* acknowledgements without an answer, as far as we looked */
    struct text line;          /* the event as JSON */
};

/* Begin; the pool and the worker's consumer are set. NO_MEMORY: no thread could be had. */
enum varve_status worker_start(struct worker *worker, struct varve_error *error);
/* What is at work is finished, then it is over. From another thread. */
void worker_stop(struct worker *worker);
bool worker_is_over(const struct worker *worker);
/* Waits until it is over. */
void worker_join(struct worker *worker);

#endif
