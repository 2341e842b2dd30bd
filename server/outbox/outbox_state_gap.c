/* outbox_state_gap.c - how long to wait between a commit and the next begin.
 *
 * Kafka answers a commit before it has written the markers. A transaction that begins too early is told
 * CONCURRENT_TRANSACTIONS when it adds its first partition, and librdkafka then waits 20 ms: that shows in its first
 * acknowledgement. So the gap grows at once when that is late, and shrinks slowly while it never is: by a share of
 * itself, for a machine that was overloaded for a moment must not wait 20 ms for minutes after. */
#include "outbox_state_parts.h"

enum {
    LATE_US = 15000,        /* more than this above what is usual: the coordinator was not ready */
    MORE_US = 1000, LESS_US = 250, /* at least, */
    LESS_SHARE = 8,         /* and this part of it */
    CLEAN_ENOUGH = 100,     /* transactions, to try a smaller gap */
    BASELINE_SHARE = 64,    /* of a later acknowledgement that goes into what is usual: clusters get slower, too */
};

int64_t outbox_state_first_gap(const struct outbox_settings *settings)
{
    if (!settings->transactional)
        return 0;
    return settings->gap_us >= 0 ? settings->gap_us : OUTBOX_GAP_START_US;
}

static bool is_late(struct outbox_state *state, int64_t first_ack_us)
{
    int64_t usual = state->ack_baseline_us;

    if (usual == 0 || first_ack_us < usual) {
        state->ack_baseline_us = first_ack_us;
        return false;
    }
    state->ack_baseline_us += (first_ack_us - usual) / BASELINE_SHARE;
    return first_ack_us - usual > LATE_US;
}

static void shrink(struct outbox_state *state)
{
    int64_t less = state->gap_us / LESS_SHARE > LESS_US ? state->gap_us / LESS_SHARE : LESS_US;

    state->gap_us = state->gap_us - less < OUTBOX_GAP_MIN_US ? OUTBOX_GAP_MIN_US : state->gap_us - less;
}

void outbox_state_tune_gap(struct outbox_state *state, int64_t first_ack_us)
{
    if (!state->settings.transactional || state->settings.gap_us >= 0 || first_ack_us <= 0)
        return;
    if (is_late(state, first_ack_us)) {
        state->gap_us = state->gap_us + MORE_US > OUTBOX_GAP_MAX_US ? OUTBOX_GAP_MAX_US : state->gap_us + MORE_US;
        state->clean = 0;
    } else if (++state->clean == CLEAN_ENOUGH) {
        shrink(state);
        state->clean = 0;
    }
}
