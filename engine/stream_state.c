/* stream_state.c - what follows from a stream's state: what it is compared with, and what of it may be shown. */
#include "stream_state.h"

void stream_state_init(struct stream_state *state)
{
    *state = (struct stream_state){ .version = -1 };
}

void stream_state_add(struct stream_state *state, uint64_t position, int64_t recorded_at_us)
{
    state->version++;
    state->last_position = position;
    state->updated_at_us = recorded_at_us;
    if (state->version == 0)
        state->created_at_us = recorded_at_us;
    state->flags &= ~(uint32_t)STREAM_DELETED; /* Back to life; truncate_before goes on hiding what was before. */
}

bool stream_state_is_deleted(const struct stream_state *state)
{
    return (state->flags & STREAM_DELETED) != 0 && state->truncate_before > (uint64_t)state->version;
}

int64_t stream_state_actual(const struct stream_state *state)
{
    return stream_state_is_deleted(state) ? -1 : state->version;
}

uint64_t stream_state_first_visible(const struct stream_state *state)
{
    uint64_t count = (uint64_t)(state->version + 1), first = state->truncate_before;

    if ((state->flags & STREAM_TOMBSTONED) != 0 || first > count)
        return count;
    if (state->max_count != 0 && state->max_count < count && count - state->max_count > first)
        first = count - state->max_count;
    return first;
}

/* Recorded within max_age_us. Clocks are other people's: no sum here may overflow. */
static bool is_young(const struct stream_state *state, int64_t recorded_at_us, int64_t now_us)
{
    int64_t age_us;

    if (state->max_age_us <= 0 || recorded_at_us >= now_us)
        return true;
    return !__builtin_sub_overflow(now_us, recorded_at_us, &age_us) && age_us <= state->max_age_us;
}

bool stream_state_shows(const struct stream_state *state, uint64_t version, int64_t recorded_at_us, int64_t now_us)
{
    return (state->flags & STREAM_TOMBSTONED) == 0 && version >= stream_state_first_visible(state) &&
           is_young(state, recorded_at_us, now_us);
}

void stream_state_to_info(const struct stream_state *state, struct varve_stream_info *ret_info)
{
    *ret_info = (struct varve_stream_info){
        .version = state->version,
        .first_version = stream_state_first_visible(state),
        .last_position = state->last_position,
        .created_at_us = state->created_at_us,
        .updated_at_us = state->updated_at_us,
        .truncate_before = state->truncate_before,
        .max_count = state->max_count,
        .max_age_us = state->max_age_us,
        .deleted = stream_state_is_deleted(state),
        .tombstoned = (state->flags & STREAM_TOMBSTONED) != 0,
    };
}
