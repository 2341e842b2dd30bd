/* mutated_state.c - server/group_state.c, with moves that can go wrong. */
#define group_state_leave real_group_state_leave
#define group_state_nack real_group_state_nack
#define group_state_extend real_group_state_extend
#define group_state_replay real_group_state_replay
#define group_state_next_action real_group_state_next_action
#define group_state_set_ready real_group_state_set_ready
#define group_state_hold real_group_state_hold
#define group_state_settle real_group_state_settle
#include "server/group_state.c"
#undef group_state_leave
#undef group_state_nack
#undef group_state_extend
#undef group_state_replay
#undef group_state_next_action
#undef group_state_set_ready
#undef group_state_hold
#undef group_state_settle

#include "mutations.h"

bool group_state_leave(struct group_state *state, uint64_t epoch, bool politely);
enum varve_status group_state_nack(struct group_state *state, uint64_t epoch, uint64_t position, enum varve_nack action,
                                   uint32_t wait_ms, struct varve_view reason, uint64_t now_ms);
enum varve_status group_state_extend(struct group_state *state, uint64_t epoch, uint64_t position, uint32_t by_ms,
                                     uint64_t now_ms);
bool group_state_replay(struct group_state *state, uint64_t position, uint64_t key, void *event);
void group_state_next_action(struct group_state *state, uint64_t now_ms, struct group_action *ret);
void group_state_set_ready(struct group_state *state, uint64_t epoch, bool ready);
enum varve_status group_state_hold(struct group_state *state, uint64_t epoch, uint64_t position, bool *ret_replay);
bool group_state_settle(struct group_state *state, uint64_t epoch, uint64_t position, bool stored, uint64_t now_ms);

/* Whoever is ready is ready for more than it may have. */
void group_state_set_ready(struct group_state *state, uint64_t epoch, bool ready)
{
    uint32_t member = group_members_find(state, epoch);

    real_group_state_set_ready(state, epoch, ready);
    if (mutation == CONSUMER_LIMIT_IGNORED && ready)
        group_heap_set(&state->takers, member, state->members[member].in_flight.count, state->members[member].turn);
}

bool group_state_leave(struct group_state *state, uint64_t epoch, bool politely)
{
    uint32_t member = group_members_find(state, epoch);

    while (mutation == NOTHING_RETURNS_FROM_LEAVERS && member != GROUP_NONE &&
           state->members[member].in_flight.count > 0) {
        uint32_t index = state->members[member].in_flight.first;
        take_back(state, index);
        group_events_finish(state, index);
    }
    for (uint32_t i = 0; mutation == HELD_RETURNS_FROM_LEAVERS && i < state->capacity; i++)
        if (state->events[i].state == GROUP_EVENT_HELD && state->events[i].epoch == epoch)
            real_group_state_settle(state, epoch, state->events[i].position, false, 0);
    for (uint32_t i = member == GROUP_NONE ? GROUP_NONE : state->members[member].in_flight.first;
         mutation == LOST_DELIVERIES_DO_NOT_COUNT && i != GROUP_NONE; i = state->event_links[i].next)
        state->events[i].attempt--;
    return real_group_state_leave(state, epoch, politely);
}

/* The first of its key goes behind the others of it. */
static void go_last(struct group_state *state, uint32_t index)
{
    struct group_key *key = &state->keys[state->events[index].key];

    if (key->first == key->last)
        return;
    key->first = state->events[index].next_in_key;
    state->events[key->last].next_in_key = index;
    state->events[index].next_in_key = GROUP_NONE;
    key->last = index;
}

enum varve_status group_state_nack(struct group_state *state, uint64_t epoch, uint64_t position, enum varve_nack action,
                                   uint32_t wait_ms, struct varve_view reason, uint64_t now_ms)
{
    enum varve_status status = real_group_state_nack(state, epoch, position, action, wait_ms, reason, now_ms);
    uint32_t index = group_events_find(state, position);

    if (status == VARVE_OK && mutation == STOP_DOES_NOT_STOP && action == VARVE_NACK_STOP)
        state->stopped = false;
    if (status == VARVE_OK && mutation == RETRY_LETS_ITS_KEY_GO_ON && index != GROUP_NONE &&
        state->events[index].state == GROUP_EVENT_WAITING)
        go_last(state, index);
    return status;
}

enum varve_status group_state_extend(struct group_state *state, uint64_t epoch, uint64_t position, uint32_t by_ms,
                                     uint64_t now_ms)
{
    if (mutation == EXTEND_DOES_NOTHING) {
        uint32_t index;
        return group_members_hold(state, epoch, position, &index);
    }
    return real_group_state_extend(state, epoch, position, by_ms, now_ms);
}

bool group_state_replay(struct group_state *state, uint64_t position, uint64_t key, void *event)
{
    return mutation == REPLAY_IS_FORGOTTEN || real_group_state_replay(state, position, key, event);
}

void group_state_next_action(struct group_state *state, uint64_t now_ms, struct group_action *ret)
{
    uint32_t key = state->ready_keys.first;

    if (mutation == LATEST_OF_KEY_FIRST && key != GROUP_NONE && state->keys[key].first != state->keys[key].last)
        go_last(state, state->keys[key].first);
    real_group_state_next_action(state, mutation == TIMEOUTS_ARE_IGNORED ? 0 : now_ms, ret);
    if (ret->kind != GROUP_PARK)
        return;
    uint32_t index = group_events_find(state, ret->position);
    if (mutation == PARKING_IS_NOT_WAITED_FOR)
        group_events_finish(state, index);
    if (mutation == PARKING_IS_TOLD_TWICE)
        group_list_append(&state->to_do, state->event_links, index);
}

enum varve_status group_state_hold(struct group_state *state, uint64_t epoch, uint64_t position, bool *ret_replay)
{
    enum varve_status status = real_group_state_hold(state, epoch, position, ret_replay);

    if (status == VARVE_OK && mutation == HELD_RUNS_LATE)
        group_heap_set(&state->deadlines, group_events_find(state, position), 1, position);
    return status;
}

bool group_state_settle(struct group_state *state, uint64_t epoch, uint64_t position, bool stored, uint64_t now_ms)
{
    uint32_t index = group_events_find(state, position);

    if (index != GROUP_NONE && mutation == ORPHANS_ARE_FINISHED)
        stored = stored || state->events[index].state == GROUP_EVENT_ORPHANED;
    if (index != GROUP_NONE && mutation == ANYBODY_SETTLES)
        epoch = state->events[index].epoch;
    return real_group_state_settle(state, epoch, position, mutation == UNSTORED_IS_FINISHED ||
                                   (stored && mutation != STORED_IS_GIVEN_BACK), now_ms);
}
