/* outbox_wait.c - an outbox that waits: for events, orders, or a time; librdkafka's callbacks are served meanwhile, and
 * what nobody waits for is written down. */
#include "outbox_parts.h"

enum {
    SERVE_US = 200000,       /* librdkafka's callbacks, when nothing else happens */
    LONG_US = 100000,        /* a wait that is none between two transactions */
    LOOK_US = 1000000,       /* at the age of the oldest event, likewise */
    STOP_GRACE_US = 2000000, /* a transaction under way may take so long when the outbox is to stop */
};

static bool wanted(const struct outbox *outbox)
{
    return atomic_load(&outbox->has_errands) || (atomic_load(&outbox->stopping) && !outbox->state.stopping);
}

static bool has_news(const struct outbox *outbox, bool for_events)
{
    return wanted(outbox) || (for_events && atomic_load(&outbox->head) > outbox->state.position);
}

static void sleep_until(struct outbox *outbox, int64_t until_us, bool for_events)
{
    const struct timespec until = { .tv_sec = until_us / 1000000, .tv_nsec = until_us % 1000000 * 1000 };

    pthread_mutex_lock(&outbox->lock);
    atomic_store(&outbox->asleep, for_events);
    if (!has_news(outbox, for_events))
        pthread_cond_timedwait(&outbox->woken, &outbox->lock, &until);
    atomic_store(&outbox->asleep, false);
    pthread_mutex_unlock(&outbox->lock);
}

/* When nothing is to be sent: what can be done now, and when the next of it falls due. True: a checkpoint is due, which
 * is the business of a whole step. */
static bool keep_house(struct outbox *outbox, int64_t now_us, int64_t *due_us)
{
    if (outbox_checkpoint_is_due(outbox, now_us, due_us))
        return true;
    if (outbox_hint_is_due(outbox, now_us, due_us))
        outbox_hint(outbox);
    return false;
}

static void serve(struct outbox *outbox, struct outbox_report *report)
{
    if (outbox->kafka == NULL)
        return;
    outbox_kafka_serve(outbox->kafka);
    report->is_suspect = outbox_kafka_is_suspect(outbox->kafka);
}

void outbox_wait(struct outbox *outbox, const struct outbox_todo *todo, struct outbox_report *report)
{
    while (!report->is_suspect && !has_news(outbox, todo->for_events)) {
        int64_t now_us = outbox_now_us(), due_us = now_us + (outbox->kafka != NULL ? SERVE_US : LOOK_US);
        if (now_us >= todo->until_us)
            break;
        if (todo->for_events && keep_house(outbox, now_us, &due_us)) {
            report->step = outbox->step = OUTBOX_STEP_PUBLISH; /* No order interrupts a transaction. */
            outbox_publish(outbox, 0, report);
            return;
        }
        if (!todo->for_events && todo->until_us - now_us > LONG_US)
            outbox_learn_age(outbox);
        outbox_retry_due(outbox, now_us);
        if (outbox->retries.count > 0 && !outbox->state.jobs)
            break;
        sleep_until(outbox, due_us < todo->until_us ? due_us : todo->until_us, todo->for_events);
        serve(outbox, report);
    }
    report->result = OUTBOX_DONE;
}

bool outbox_is_interrupted(void *user)
{
    struct outbox *outbox = user;
    bool is_transaction = outbox->step == OUTBOX_STEP_PUBLISH || outbox->step == OUTBOX_STEP_JOB ||
                          outbox->step == OUTBOX_STEP_CLAIM || outbox->step == OUTBOX_STEP_SET_ASIDE;

    if (outbox->ordering)
        return atomic_load(&outbox->stopping);
    if (!is_transaction)
        return atomic_load(&outbox->stopping) || atomic_load(&outbox->has_errands);
    return atomic_load(&outbox->stopping) && outbox_now_us() - atomic_load(&outbox->stop_us) > STOP_GRACE_US;
}
