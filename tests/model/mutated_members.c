/* mutated_members.c - server/group_state_members.c, with members that can do more than they may. */
#define group_members_hold real_group_members_hold
#define group_members_limit real_group_members_limit
#include "server/group_state_members.c"
#undef group_members_hold
#undef group_members_limit

#include "mutations.h"

uint32_t group_members_limit(const struct group_state *state, uint32_t member);
enum varve_status group_members_hold(const struct group_state *state, uint64_t epoch, uint64_t position,
                                     uint32_t *ret_index);

/* For group_state_check(), which would notice before anybody else. */
uint32_t group_members_limit(const struct group_state *state, uint32_t member)
{
    return mutation == CONSUMER_LIMIT_IGNORED ? UINT32_MAX : real_group_members_limit(state, member);
}

enum varve_status group_members_hold(const struct group_state *state, uint64_t epoch, uint64_t position,
                                     uint32_t *ret_index)
{
    uint32_t index = group_events_find(state, position);

    if (mutation == LATE_ACK_COUNTS && index != GROUP_NONE && state->events[index].state == GROUP_EVENT_IN_FLIGHT) {
        *ret_index = index;
        return VARVE_OK;
    }
    if (mutation == HELD_CAN_BE_ACKED && index != GROUP_NONE && state->events[index].state == GROUP_EVENT_HELD &&
        state->events[index].epoch == epoch) {
        *ret_index = index;
        return VARVE_OK;
    }
    return real_group_members_hold(state, epoch, position, ret_index);
}
