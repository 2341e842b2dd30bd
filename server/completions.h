/* completions.h - how work done on other threads (the committer, the readers) comes back to the loop.
 *
 * Any thread pushes; the loop is woken once for however many came together and finishes them in the order pushed. What
 * is pushed embeds a struct completion, so pushing takes no memory and cannot fail. */
#ifndef SERVER_COMPLETIONS_H
#define SERVER_COMPLETIONS_H

#include <pthread.h>
#include <stdbool.h>
#include <uv.h>

struct completion {
    struct completion *next;
    void (*finish)(struct completion *completion); /* on the loop thread; may free what embeds it */
};

struct completions {
    pthread_mutex_t lock;
    struct completion *first, **last;
    bool held; /* the loop will look by itself */
    uv_async_t async;
};

/* A negative libuv error when the loop cannot take one more handle. */
int completions_init(struct completions *completions, uv_loop_t *loop);
/* Forget what was pushed and not finished: whoever pushed it is no more, and the loop has ended. */
void completions_drop(struct completions *completions);
/* No thread may push any more. Closes the handle; run the loop once more before it is closed. */
void completions_end(struct completions *completions);

/* The loop does work of its own whose completions are pushed on its own thread, then finishes all that was pushed
 * meanwhile: nobody need wake it. */
void completions_hold(struct completions *completions);
void completions_finish(struct completions *completions);

void completions_push(struct completions *completions, struct completion *completion);

#endif
