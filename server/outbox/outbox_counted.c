/* outbox_counted.c - what an outbox has published, and what failed, told to whoever counts for the metrics.
 *
 * A transaction has many events of few types, so they are gathered first: whoever counts takes a lock. */
#include "outbox_parts.h"

enum { GATHERED = 16 };

struct gathered {
    struct varve_view type, source;
    uint64_t events;
};

static void hand_over(const struct outbox *outbox, const struct gathered *all, size_t count)
{
    for (size_t i = 0; i < count; i++)
        outbox->counting.published(outbox->counting.user, all[i].type, all[i].source, all[i].events);
}

static size_t place_of(const struct gathered *all, size_t count, const struct outbox_message *message)
{
    size_t i = 0;

    while (i < count && !(varve_view_equal(all[i].type, message->type) &&
                          varve_view_equal(all[i].source, message->source)))
        i++;
    return i;
}

void outbox_counted_published(struct outbox *outbox, const struct outbox_message *messages, size_t count)
{
    struct gathered all[GATHERED];
    size_t used = 0;

    if (outbox->counting.published == NULL)
        return;
    for (size_t i = 0; i < count; i++) {
        if (messages[i].type.data == NULL)
            continue;
        size_t place = place_of(all, used, &messages[i]);
        if (place == GATHERED) {
            hand_over(outbox, all, used);
            place = used = 0;
        }
        if (place == used)
            all[used++] = (struct gathered){ messages[i].type, messages[i].source, 0 };
        all[place].events++;
    }
    hand_over(outbox, all, used);
}

void outbox_counted_failed(struct outbox *outbox, const char *code, uint64_t events)
{
    if (outbox->counting.failed != NULL)
        outbox->counting.failed(outbox->counting.user, outbox->config->name, code[0] == '\0' ? "unknown" : code,
                                events);
}

/* Without a transaction, what waited for one has failed: else nothing would be heard of the longest outages, in which
 * no attempt comes that far. */
static uint64_t events_of_attempt(const struct outbox *outbox, const struct outbox_report *report)
{
    uint64_t head = atomic_load(&outbox->head), position = outbox->state.position;

    if (report->events > 0 || report->step == OUTBOX_STEP_JOB)
        return report->events;
    if (position < outbox->committed)
        position = outbox->committed;
    uint64_t waiting = head > position ? head - position : 0;
    return waiting < outbox->config->max_events ? waiting : outbox->config->max_events;
}

void outbox_counted_attempt(struct outbox *outbox, const struct outbox_report *report)
{
    outbox_counted_failed(outbox, report->fault.code, events_of_attempt(outbox, report));
}
