/* group_state_members.c - the members of a group machine and what is with them; see group_state_parts.h. */
#include "group_state_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4 };

/* The place in by_epoch of the first member whose epoch is not less. */
static uint32_t lower_bound(const struct group_state *state, uint64_t epoch)
{
    uint32_t low = 0, high = state->member_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->members[state->by_epoch[middle]].epoch < epoch)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t group_members_find(const struct group_state *state, uint64_t epoch)
{
    uint32_t at = lower_bound(state, epoch);

    if (at == state->member_count || state->members[state->by_epoch[at]].epoch != epoch)
        return GROUP_NONE;
    return state->by_epoch[at];
}

static bool grow(struct group_state *state)
{
    uint32_t capacity = state->member_capacity == 0 ? FIRST_CAPACITY : 2 * state->member_capacity;

    if (!group_heap_reserve(&state->takers, capacity))
        return false;
    struct group_member *members = realloc(state->members, capacity * sizeof(*members));
    if (members == NULL)
        return false;
    memset(members + state->member_capacity, 0, (capacity - state->member_capacity) * sizeof(*members));
    state->members = members;
    uint32_t *by_epoch = realloc(state->by_epoch, capacity * sizeof(*by_epoch));
    if (by_epoch == NULL)
        return false;
    state->by_epoch = by_epoch;
    state->member_capacity = capacity;
    return true;
}

uint32_t group_members_add(struct group_state *state, uint64_t epoch, uint32_t max_in_flight)
{
    uint32_t member = 0;

    assert(epoch > state->last_epoch);
    if (state->member_count == state->member_capacity && !grow(state))
        return GROUP_NONE;
    while (state->members[member].epoch != 0)
        member++;
    state->members[member] = (struct group_member){
        .epoch = epoch, .lowest = UINT64_MAX, .turn = ++state->turn, .in_flight = GROUP_LIST_EMPTY,
        .own_max_in_flight = max_in_flight,
    };
    state->by_epoch[state->member_count++] = member;
    state->last_epoch = epoch;
    return member;
}

void group_members_remove(struct group_state *state, uint32_t member)
{
    uint32_t at = lower_bound(state, state->members[member].epoch);

    assert(state->members[member].in_flight.count == 0);
    state->member_count--;
    memmove(state->by_epoch + at, state->by_epoch + at + 1, (state->member_count - at) * sizeof(*state->by_epoch));
    group_heap_remove(&state->takers, member);
    state->members[member].epoch = 0;
}

uint32_t group_members_limit(const struct group_state *state, uint32_t member)
{
    uint32_t own = state->members[member].own_max_in_flight, all = state->limits.consumer_max_in_flight;

    return own == 0 || own > all ? all : own;
}

void group_members_update(struct group_state *state, uint32_t member)
{
    struct group_member *m = &state->members[member];

    if (m->ready && m->in_flight.count < group_members_limit(state, member))
        group_heap_set(&state->takers, member, m->in_flight.count, m->turn);
    else
        group_heap_remove(&state->takers, member);
}

uint32_t group_members_next(const struct group_state *state)
{
    return state->takers.count == 0 ? GROUP_NONE : state->takers.entries[0].item;
}

void group_members_give(struct group_state *state, uint32_t member, uint32_t index)
{
    struct group_member *m = &state->members[member];
    struct group_event *event = &state->events[index];

    group_list_append(&m->in_flight, state->event_links, index);
    if (event->position < m->lowest)
        m->lowest = event->position;
    if (event->position > m->highest)
        m->highest = event->position;
    m->turn = ++state->turn;
    event->epoch = m->epoch;
    state->in_flight++;
    group_members_update(state, member);
}

void group_members_take_back(struct group_state *state, uint32_t index)
{
    uint32_t member = group_members_find(state, state->events[index].epoch);

    group_list_remove(&state->members[member].in_flight, state->event_links, index);
    state->in_flight--;
    group_members_update(state, member);
}

/* Whether a position that is with it no more ever was is not kept for every position; so a position between two that
 * it got counts as one that it got. */
enum varve_status group_members_hold(const struct group_state *state, uint64_t epoch, uint64_t position,
                                     uint32_t *ret_index)
{
    uint32_t member = group_members_find(state, epoch), index = group_events_find(state, position);

    if (member == GROUP_NONE)
        return VARVE_FENCED;
    const struct group_event *event = index == GROUP_NONE ? NULL : &state->events[index];
    if (event != NULL && event->state == GROUP_EVENT_IN_FLIGHT && event->epoch == epoch) {
        *ret_index = index;
        return VARVE_OK;
    }
    const struct group_member *m = &state->members[member];
    bool was_never_with_anybody = event != NULL && event->epoch == 0;
    return was_never_with_anybody || position < m->lowest || position > m->highest ? VARVE_NOT_DELIVERED
                                                                                   : VARVE_FENCED;
}
