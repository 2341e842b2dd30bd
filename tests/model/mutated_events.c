/* mutated_events.c - server/group_state_events.c, with a checkpoint that can be wrong. */
#define group_events_checkpoint real_group_events_checkpoint
#include "server/group_state_events.c"
#undef group_events_checkpoint

#include "mutations.h"

enum mutation mutation;

uint64_t group_events_checkpoint(const struct group_state *state);

/* The lowest unfinished event of the log, but for those in this state. */
static uint64_t below_all_but(const struct group_state *state, enum group_event_state ignored)
{
    for (uint32_t i = state->log.first; i != GROUP_NONE; i = state->log_links[i].next)
        if (state->events[i].state != ignored)
            return state->events[i].position - 1;
    return state->looked_at;
}

static uint64_t below_replays(const struct group_state *state)
{
    uint64_t checkpoint = real_group_events_checkpoint(state);

    for (uint32_t i = 0; i < state->capacity; i++)
        if (state->events[i].replay && state->events[i].position <= checkpoint)
            checkpoint = state->events[i].position - 1;
    return checkpoint;
}

uint64_t group_events_checkpoint(const struct group_state *state)
{
    switch (mutation) {
    case CHECKPOINT_IGNORES_RETRYING:
        return below_all_but(state, GROUP_EVENT_RETRYING);
    case CHECKPOINT_IGNORES_PARKING:
        return below_all_but(state, GROUP_EVENT_PARKING);
    case CHECKPOINT_IGNORES_HELD:
        return below_all_but(state, GROUP_EVENT_HELD);
    case CHECKPOINT_WAITS_FOR_REPLAYS:
        return below_replays(state);
    default:
        return real_group_events_checkpoint(state);
    }
}
