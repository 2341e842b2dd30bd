/* completions.c - the list that leads from other threads back to the loop. */
#include "completions.h"

static struct completion *take_all(struct completions *completions)
{
    pthread_mutex_lock(&completions->lock);
    struct completion *all = completions->first;
    completions->first = NULL;
    completions->last = &completions->first;
    completions->held = false;
    pthread_mutex_unlock(&completions->lock);
    return all;
}

void completions_finish(struct completions *completions)
{
    for (struct completion *one = take_all(completions); one != NULL;) {
        struct completion *next = one->next; /* finish() may free `one`. */

        one->finish(one);
        one = next;
    }
}

static void on_wake(uv_async_t *async)
{
    completions_finish(async->data);
}

void completions_hold(struct completions *completions)
{
    pthread_mutex_lock(&completions->lock);
    completions->held = true;
    pthread_mutex_unlock(&completions->lock);
}

int completions_init(struct completions *completions, uv_loop_t *loop)
{
    pthread_mutex_init(&completions->lock, NULL);
    completions->first = NULL;
    completions->held = false;
    completions->last = &completions->first;
    completions->async.data = completions;
    return uv_async_init(loop, &completions->async, on_wake);
}

void completions_drop(struct completions *completions)
{
    take_all(completions);
}

void completions_end(struct completions *completions)
{
    uv_close((uv_handle_t *)&completions->async, NULL);
    pthread_mutex_destroy(&completions->lock);
}

void completions_push(struct completions *completions, struct completion *completion)
{
    completion->next = NULL;
    pthread_mutex_lock(&completions->lock);
    bool wake = completions->first == NULL && !completions->held;
    *completions->last = completion;
    completions->last = &completion->next;
    pthread_mutex_unlock(&completions->lock);
    if (wake)
        uv_async_send(&completions->async); /* Whoever finds the list not empty knows that the loop was woken. */
}
