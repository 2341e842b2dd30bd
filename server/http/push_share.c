/* push_share.c - see push_share.h. */
#include "push_share.h"

static int64_t bounded(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* In parts of a microsecond: turns of the loop that are shorter than one must count, too. */
static void save(struct push_share *share, uint64_t elapsed_us, uint64_t spent_us)
{
    const int64_t whole = PUSH_PART_OF_TIME;
    int64_t elapsed = bounded((int64_t)elapsed_us, 0, (PUSH_TURN_US + PUSH_MOST_OWED_US) * whole);
    int64_t spent = bounded((int64_t)spent_us, 0, 2 * (PUSH_TURN_US + PUSH_MOST_OWED_US));

    share->saved = bounded(share->saved + elapsed - spent * whole, -PUSH_MOST_OWED_US * whole, PUSH_TURN_US * whole);
}

static int64_t turn_of(struct push_share *share, uint64_t now_us, uint64_t requests)
{
    if (requests == share->requests)
        return bounded((int64_t)((now_us - share->asked_us) / PUSH_QUIET_PER_TURN), PUSH_LEAST_TURN_US, PUSH_TURN_US);
    share->requests = requests;
    share->asked_us = now_us;
    int64_t saved_us = share->saved / PUSH_PART_OF_TIME;
    if (saved_us >= PUSH_LEAST_TURN_US)
        return saved_us;
    return now_us - share->worked_us >= PUSH_MOST_WAIT_US ? PUSH_LEAST_TURN_US : 0;
}

uint64_t push_share_take(struct push_share *share, uint64_t now_us, uint64_t requests, uint64_t spent_us)
{
    save(share, now_us - share->looked_us, spent_us);
    share->looked_us = now_us;
    int64_t turn_us = turn_of(share, now_us, requests);
    if (turn_us > 0)
        share->worked_us = now_us;
    return (uint64_t)turn_us;
}
