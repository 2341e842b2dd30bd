/* push_share.c - see push_share.h. */
#include "push_share.h"

enum { TENTHS = 10 };

const struct push_grant push_grant_few = { .tenths = 5, .least_us = 100, .quiet_per_turn = 2 };
const struct push_grant push_grant_many = { .tenths = 2, .least_us = 50, .quiet_per_turn = 4 };

static int64_t bounded(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

/* Few in one turn of the loop may be many all the same: it may have been a short one. */
static const struct push_grant *grant_of(struct push_share *share, uint64_t now_us, uint64_t requests)
{
    uint64_t elapsed_us = now_us - share->while_us;

    if (elapsed_us >= PUSH_WHILE_US) {
        share->many = (requests - share->while_requests) * 1000 >= PUSH_MANY_PER_MS * elapsed_us;
        share->while_us = now_us;
        share->while_requests = requests;
    }
    return share->many ? &push_grant_many : &push_grant_few;
}

static void save(struct push_share *share, uint64_t elapsed_us, unsigned tenths, uint64_t spent_us)
{
    const int64_t most = TENTHS * (PUSH_TURN_US + PUSH_MOST_OWED_US); /* More than this is all the same. */
    int64_t elapsed = bounded((int64_t)elapsed_us, 0, most), spent = bounded((int64_t)spent_us, 0, most);

    share->saved = bounded(share->saved + elapsed * tenths - TENTHS * spent, -TENTHS * PUSH_MOST_OWED_US,
                           TENTHS * PUSH_TURN_US);
}

static int64_t turn_of(struct push_share *share, const struct push_grant *grant, uint64_t now_us, uint64_t requests)
{
    if (requests == share->requests)
        return bounded((int64_t)((now_us - share->asked_us) / grant->quiet_per_turn), grant->least_us, PUSH_TURN_US);
    share->requests = requests;
    share->asked_us = now_us;
    int64_t saved_us = share->saved / TENTHS;
    if (saved_us >= grant->least_us)
        return saved_us;
    return now_us - share->worked_us >= PUSH_MOST_WAIT_US ? grant->least_us : 0;
}

uint64_t push_share_take(struct push_share *share, uint64_t now_us, uint64_t requests, uint64_t spent_us)
{
    const struct push_grant *grant = grant_of(share, now_us, requests);

    save(share, now_us - share->looked_us, grant->tenths, spent_us);
    share->looked_us = now_us;
    int64_t turn_us = turn_of(share, grant, now_us, requests);
    if (turn_us > 0)
        share->worked_us = now_us;
    return (uint64_t)turn_us;
}
