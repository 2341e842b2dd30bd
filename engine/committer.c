/* committer.c - see committer.h. */
#include "committer.h"

#include "admission.h"
#include "settler.h"

#include <assert.h>
#include <inttypes.h>
#include <time.h>

enum {
    SEAL_AFTER_US = 5000,
    LOOK_AROUND_US = 200000, /* the longest sleep: a caller's thread may have committed meanwhile */
    RETRY_AFTER_MS = 20,
    JOURNAL_BLOCK = 4096, /* a frame's header and filling, about */
};

/* ---- the queue, under queue_lock ---- */

static void push(struct append_queue *queue, struct varve_append *append)
{
    append->next = NULL;
    if (queue->last == NULL)
        queue->first = append;
    else
        queue->last->next = append;
    queue->last = append;
    queue->bytes += append->memory_size;
    queue->count++;
}

static struct varve_append *pop(struct append_queue *queue)
{
    struct varve_append *append = queue->first;

    queue->first = append->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->bytes -= append->memory_size;
    queue->count--;
    append->next = NULL;
    return append;
}

/* Put a list back in front, in its order. */
static void push_back_front(struct append_queue *queue, struct varve_append *list)
{
    struct append_queue front = { 0 };

    while (list != NULL) {
        struct varve_append *next = list->next;
        push(&front, list);
        list = next;
    }
    if (front.first == NULL)
        return;
    front.last->next = queue->first;
    queue->first = front.first;
    if (queue->last == NULL)
        queue->last = front.last;
    queue->bytes += front.bytes;
    queue->count += front.count;
}

/* As many as fit a group, one at least. */
static struct varve_append *take_group(struct varve_store *store, uint32_t *ret_events, uint64_t *ret_bytes)
{
    struct append_queue group = { 0 };

    *ret_events = 0;
    *ret_bytes = 0;
    pthread_mutex_lock(&store->queue_lock);
    while (store->queue.first != NULL) {
        struct varve_append *next = store->queue.first;
        if (group.first != NULL && (*ret_bytes + next->records_size > store->options.group_size_bytes ||
                                    *ret_events > UINT32_MAX - next->event_count))
            break;
        *ret_events += next->event_count;
        *ret_bytes += next->records_size;
        push(&group, pop(&store->queue));
    }
    pthread_mutex_unlock(&store->queue_lock);
    return group.first;
}

/* ---- one group, under commit_lock ---- */

static void finish(struct varve_append *append)
{
    append->done(append, append->user);
}

static void fail_list(struct varve_append *list, const struct varve_error *error)
{
    while (list != NULL) {
        struct varve_append *next = list->next;
        list->outcome = (struct varve_append_outcome){ .status = error->status, .error = *error };
        finish(list);
        list = next;
    }
}

static void count_outcome(struct varve_store *store, const struct varve_append *append)
{
    if (append->outcome.status == VARVE_OK)
        store_count(append->outcome.replayed ? &store->counters.replays : &store->counters.appends, 1);
    else if (append->outcome.conflict_count > 0)
        store_count(&store->counters.conflicts, 1);
}

/* Admit the list's appends up to one that must wait for this group's commit; returns that one and what follows. */
static struct varve_append *admit_list(struct group *group, struct varve_append *list)
{
    struct varve_append **at = &list;

    while (*at != NULL) {
        if (admit(group, *at) == DEFERRED) {
            struct varve_append *rest = *at;
            assert(group->event_count > 0); /* Else it would be asked for ever. */
            *at = NULL;
            return rest;
        }
        if (store_has_failed(group->store)) {
            struct varve_append *rest = (*at)->next;
            (*at)->next = NULL;
            return rest;
        }
        at = &(*at)->next;
    }
    return NULL;
}

static void count_group(const struct group *group)
{
    struct varve_store *store = group->store;
    struct journal_sync sync = journal_last_sync(store->journal);
    uint64_t took_us = sync.ended_us - group->began_us;

    __atomic_store_n(&store->counters.last_group_us, took_us, __ATOMIC_RELAXED);
    store_count(&store->counters.groups, 1);
    store_count(&store->counters.events, group->event_count);
    varve_histogram_add(&store->histograms.commit_us, took_us);
    varve_histogram_add(&store->histograms.sync_us, sync.ended_us - sync.began_us);
    varve_histogram_add(&store->histograms.group_events, group->event_count);
}

/* Make the group durable and visible. A failure is the end of all promises: the frame's fate is unknown. */
static enum varve_status commit_group(struct group *group, struct varve_error *error)
{
    struct varve_store *store = group->store;

    if (store_has_failed(store))
        return varve_store_fault(store, error);
    if (group->event_count == 0)
        return VARVE_OK;
    enum varve_status status = journal_frame_commit(store->journal, group->first_position, error);
    if (status != VARVE_OK)
        return store_set_fault(store, error);
    tail_publish(store->tail);
    if (store->active_since_us == 0)
        __atomic_store_n(&store->active_since_us, journal_last_sync(store->journal).ended_us, __ATOMIC_RELAXED);
    store->last_recorded_at_us = group->recorded_at_us;
    store->active_journal_bytes += group->frame_bytes;
    __atomic_store_n(&store->sealed, false, __ATOMIC_RELAXED);
    count_group(group);
    return VARVE_OK;
}

static void finish_list(struct varve_store *store, struct varve_append *list, enum varve_status status,
                        const struct varve_error *error)
{
    while (list != NULL) {
        struct varve_append *next = list->next; /* `done` may free it. */
        if (status != VARVE_OK && list->outcome.status == VARVE_OK && !list->outcome.replayed)
            list->outcome = (struct varve_append_outcome){ .status = status, .error = *error };
        count_outcome(store, list);
        finish(list);
        list = next;
    }
}

static void tell_growth(struct varve_store *store)
{
    pthread_mutex_lock(&store->queue_lock);
    void (*grown)(void *, uint64_t) = store->grown;
    void *user = store->grown_user;
    store->last_append_us = journal_last_sync(store->journal).ended_us; /* A clock costs as much as a lock. */
    pthread_mutex_unlock(&store->queue_lock);
    if (grown != NULL)
        grown(user, tail_visible_position(store->tail));
}

static void begin_group(struct varve_store *store, struct group *ret_group)
{
    uint64_t began_us = store->os->monotonic_us(store->os->self);
    int64_t now_us = store->os->now_us(store->os->self);

    *ret_group = (struct group){
        .store = store,
        .recorded_at_us = now_us > store->last_recorded_at_us ? now_us : store->last_recorded_at_us,
        .first_position = tail_next_position(store->tail),
        .frame_bytes = JOURNAL_BLOCK,
        .began_us = began_us,
    };
}

static void run_list(struct varve_store *store, struct varve_append *list)
{
    struct varve_error error = { 0 };
    struct group group;

    begin_group(store, &group);
    struct varve_append *rest = admit_list(&group, list);
    db_abort(group.txn);
    enum varve_status status = commit_group(&group, &error);
    if (status != VARVE_OK && rest != NULL) {
        fail_list(rest, &error);
    } else if (rest != NULL) {
        pthread_mutex_lock(&store->queue_lock);
        push_back_front(&store->queue, rest);
        pthread_mutex_unlock(&store->queue_lock);
    }
    /* An append that is the first of `rest` was cut off the list; those before it are all decided. */
    if (list != rest)
        finish_list(store, list, status, &error);
    if (status == VARVE_OK && group.event_count > 0)
        tell_growth(store);
}

static void run_group(struct varve_store *store)
{
    struct varve_error error = { 0 };
    uint32_t events;
    uint64_t bytes;

    settler_step(store);
    struct varve_append *list = take_group(store, &events, &bytes);
    if (list == NULL)
        return;
    enum varve_status status = varve_store_fault(store, &error);
    if (status == VARVE_OK)
        status = settler_make_room(store, &error);
    if (status == VARVE_OK) {
        status = journal_frame_begin(store->journal, events, bytes, &error);
        if (status != VARVE_OK && status != VARVE_DISK_FULL && status != VARVE_NO_MEMORY)
            store_set_fault(store, &error);
    }
    if (status != VARVE_OK)
        fail_list(list, &error);
    else
        run_list(store, list);
}

static bool is_sealed(const struct varve_store *store)
{
    return __atomic_load_n(&store->sealed, __ATOMIC_RELAXED);
}

/* How long until a seal is due; 0: now. Under queue_lock. */
static uint64_t seal_due_us(const struct varve_store *store)
{
    uint64_t idle_us = store->os->monotonic_us(store->os->self) - store->last_append_us;

    return idle_us >= SEAL_AFTER_US ? 0 : SEAL_AFTER_US - idle_us;
}

static void seal_if_idle(struct varve_store *store)
{
    struct varve_error error = { 0 };

    if (is_sealed(store) || store_has_failed(store))
        return;
    pthread_mutex_lock(&store->queue_lock);
    bool idle = store->queue.first == NULL && seal_due_us(store) == 0;
    pthread_mutex_unlock(&store->queue_lock);
    if (!idle)
        return;
    enum varve_status status = journal_seal(store->journal, &error);
    if (status != VARVE_OK && status != VARVE_DISK_FULL && status != VARVE_NO_MEMORY)
        store_set_fault(store, &error);
    __atomic_store_n(&store->sealed, true, __ATOMIC_RELAXED);
}

/* ---- the thread ---- */

static struct timespec in_us(uint64_t us)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += (long)(us % 1000000) * 1000;
    at.tv_sec += (time_t)(us / 1000000) + at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

static bool has_work(const struct varve_store *store)
{
    return store->queue.first != NULL || settler_needs_step(store) || store->stopping ||
           (!is_sealed(store) && !store_has_failed(store) && seal_due_us(store) == 0);
}

/* Sleep until there is work. While callers commit on their own threads nothing is taken from them: the lock of commits
 * is not even asked for. False: the store is closing and the queue is empty. */
static bool wait_for_work(struct varve_store *store)
{
    pthread_mutex_lock(&store->queue_lock);
    while (!has_work(store)) {
        struct timespec until = in_us(is_sealed(store) ? LOOK_AROUND_US : seal_due_us(store));
        store->committer_waits = true;
        pthread_cond_timedwait(&store->queue_wake, &store->queue_lock, &until);
        store->committer_waits = false;
    }
    bool go_on = store->queue.first != NULL || !store->stopping;
    pthread_mutex_unlock(&store->queue_lock);
    return go_on;
}

static void *committer_main(void *argument)
{
    struct varve_store *store = argument;

    while (wait_for_work(store)) {
        pthread_mutex_lock(&store->commit_lock);
        run_group(store);
        seal_if_idle(store);
        pthread_mutex_unlock(&store->commit_lock);
    }
    return NULL;
}

enum varve_status committer_start(struct varve_store *store, struct varve_error *error)
{
    if (pthread_create(&store->committer, NULL, committer_main, store) != 0)
        return varve_fail(error, VARVE_NO_MEMORY, NULL, "cannot start the committer's thread");
    store->committer_runs = true;
    return VARVE_OK;
}

void committer_stop(struct varve_store *store)
{
    pthread_mutex_lock(&store->queue_lock);
    store->stopping = true;
    pthread_cond_broadcast(&store->queue_wake);
    pthread_mutex_unlock(&store->queue_lock);
    if (store->committer_runs)
        pthread_join(store->committer, NULL);
    store->committer_runs = false;
}

/* ---- submitting ---- */

/* Under queue_lock. One signal is enough, however much is queued before it has woken. */
static void wake_committer(struct varve_store *store)
{
    if (!store->committer_waits)
        return;
    store->committer_waits = false;
    pthread_cond_signal(&store->queue_wake);
}

/* The reason not to take it, under queue_lock. */
static enum varve_status refuse_submission(struct varve_store *store, const struct varve_append *append,
                                           struct varve_error *error)
{
    if (store->closing)
        return varve_fail(error, VARVE_NOT_READY, NULL, "the store is closing");
    if (store_disk_is_full(store))
        return varve_fail(error, VARVE_DISK_FULL, NULL, "%s: %" PRIu64 " bytes are free, less than the reserve of "
                          "%" PRIu64, store->path, store->disk_free_bytes, store->options.disk_reserve_bytes);
    if (store->queue.first != NULL && store->queue.bytes + append->memory_size > store->options.queue_size_bytes) {
        enum varve_status status = varve_fail(error, VARVE_OVERLOADED, NULL, "%" PRIu64 " appends of %" PRIu64
                                              " bytes wait already", store->queue.count, store->queue.bytes);
        if (error != NULL)
            error->retry_after_ms = RETRY_AFTER_MS;
        return status;
    }
    return VARVE_OK;
}

static enum varve_status enqueue(struct varve_append *append, varve_append_done done, void *user, bool wake,
                                 struct varve_error *error)
{
    struct varve_store *store = append->store;
    enum varve_status status = varve_store_fault(store, error);

    if (status != VARVE_OK)
        return status;
    append->done = done;
    append->user = user;
    pthread_mutex_lock(&store->queue_lock);
    status = refuse_submission(store, append, error);
    if (status == VARVE_OK) {
        push(&store->queue, append);
        if (wake)
            wake_committer(store);
    }
    pthread_mutex_unlock(&store->queue_lock);
    return status;
}

enum varve_status varve_append_submit(struct varve_append *append, varve_append_done done, void *user,
                                      struct varve_error *error)
{
    return enqueue(append, done, user, true, error);
}

enum varve_status varve_append_queue(struct varve_append *append, varve_append_done done, void *user,
                                     struct varve_error *error)
{
    return enqueue(append, done, user, false, error);
}

void varve_store_wake(struct varve_store *store)
{
    pthread_mutex_lock(&store->queue_lock);
    if (store->queue.first != NULL || settler_needs_step(store))
        wake_committer(store);
    pthread_mutex_unlock(&store->queue_lock);
}

bool varve_store_commit(struct varve_store *store)
{
    bool mine = pthread_mutex_trylock(&store->commit_lock) == 0;

    if (mine) {
        run_group(store);
        pthread_mutex_unlock(&store->commit_lock);
    }
    varve_store_wake(store); /* For what did not fit the group, or came meanwhile. */
    return mine;
}

uint64_t varve_store_last_group_us(struct varve_store *store)
{
    return store_counter(&store->counters.last_group_us);
}

/* ---- waiting ---- */

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool done;
};

static void on_done(struct varve_append *append, void *user)
{
    struct waiter *waiter = user;

    pthread_mutex_lock(&waiter->lock);
    waiter->done = true;
    pthread_cond_signal(&waiter->wake);
    pthread_mutex_unlock(&waiter->lock);
}

enum varve_status varve_append_wait(struct varve_append *append, struct varve_error *error)
{
    struct varve_store *store = append->store;
    struct waiter waiter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false };
    enum varve_status status = enqueue(append, on_done, &waiter, false, error);

    if (status != VARVE_OK)
        return status;
    varve_store_commit(store);
    pthread_mutex_lock(&waiter.lock);
    while (!waiter.done)
        pthread_cond_wait(&waiter.wake, &waiter.lock);
    pthread_mutex_unlock(&waiter.lock);
    pthread_mutex_destroy(&waiter.lock);
    pthread_cond_destroy(&waiter.wake);
    if (append->outcome.status != VARVE_OK && error != NULL)
        *error = append->outcome.error;
    return append->outcome.status;
}
