/* group_state_check.c - the rules of a group machine, and that its tables agree with each other, as asserts. */
#include "group_state_parts.h"

#include <assert.h>

static bool is_unfinished(const struct group_event *event)
{
    return event->state != GROUP_EVENT_FREE && event->state != GROUP_EVENT_DONE;
}

static bool is_with_member(const struct group_event *event)
{
    return event->state == GROUP_EVENT_IN_FLIGHT || event->state == GROUP_EVENT_HELD;
}

static void check_event(const struct group_state *state, uint32_t index)
{
    const struct group_event *event = &state->events[index];
    const struct group_key *key = &state->keys[event->key];
    bool timed = event->state == GROUP_EVENT_IN_FLIGHT || event->state == GROUP_EVENT_RETRYING;

    assert(timed == group_heap_has(&state->deadlines, index));
    if (!is_unfinished(event))
        return;
    assert(group_events_find(state, event->position) == index); /* Held once. */
    assert(key->hash == event->key_hash);
    assert(event->state == GROUP_EVENT_WAITING || key->first == index); /* One of a key at a time, the first. */
    assert(!is_with_member(event) || group_members_find(state, event->epoch) != GROUP_NONE);
    assert(event->state != GROUP_EVENT_ORPHANED || group_members_find(state, event->epoch) == GROUP_NONE);
    assert(event->state != GROUP_EVENT_PARKING || event->replay == (event->settling != GROUP_PARK));
    assert(event->attempt == 0 || event->epoch != 0);
}

/* The checkpoint is below each unfinished event; replays have nothing to do with it. */
static void check_log(const struct group_state *state)
{
    uint32_t count = 0;
    uint64_t before = group_state_checkpoint(state);

    for (uint32_t i = state->log.first; i != GROUP_NONE; i = state->log_links[i].next, count++) {
        assert(is_unfinished(&state->events[i]) && !state->events[i].replay);
        assert(state->events[i].position > before);
        before = state->events[i].position;
    }
    assert(before <= state->looked_at && count == state->log.count && count <= GROUP_STATE_MAX_EVENTS);
}

static void check_counts(const struct group_state *state)
{
    uint32_t log = 0, replays = 0, retrying = 0, in_flight = 0, waiting_first = 0, done = 0, free_slots = 0, untold = 0;
    uint32_t held = 0, orphaned = 0;

    for (uint32_t i = 0; i < state->capacity; i++) {
        const struct group_event *event = &state->events[i];
        check_event(state, i);
        log += is_unfinished(event) && !event->replay;
        replays += is_unfinished(event) && event->replay;
        retrying += event->state == GROUP_EVENT_RETRYING;
        in_flight += is_with_member(event);
        held += event->state == GROUP_EVENT_HELD;
        orphaned += event->state == GROUP_EVENT_ORPHANED;
        waiting_first += event->state == GROUP_EVENT_WAITING && state->keys[event->key].first == i;
        done += event->state == GROUP_EVENT_DONE;
        untold += event->state == GROUP_EVENT_PARKING && !event->told;
        free_slots += event->state == GROUP_EVENT_FREE;
    }
    assert(log == state->log.count && replays == state->replaying && replays <= GROUP_STATE_MAX_REPLAYS);
    assert(retrying == state->retrying && in_flight == state->in_flight);
    assert(held + orphaned == state->held && in_flight - held + retrying == state->deadlines.count);
    assert(waiting_first == state->ready_keys.count && done + untold == state->to_do.count);
    assert(free_slots == state->free_events.count);
}

/* The events of each key in one chain: what is of the log in its order, replays wherever they came in. */
static void check_keys(const struct group_state *state)
{
    uint32_t chained = 0, used = 0;

    for (uint32_t k = 0; k < state->capacity; k++) {
        const struct group_key *key = &state->keys[k];
        uint64_t before = 0;
        used += key->first != GROUP_NONE;
        assert(key->first == GROUP_NONE || group_keys_find(state, key->hash) == k);
        assert(key->ready == (key->first != GROUP_NONE && state->events[key->first].state == GROUP_EVENT_WAITING));
        for (uint32_t i = key->first; i != GROUP_NONE; i = state->events[i].next_in_key, chained++) {
            assert(is_unfinished(&state->events[i]) && state->events[i].key == k);
            assert(state->events[i].next_in_key != GROUP_NONE || key->last == i);
            if (state->events[i].replay)
                continue;
            assert(state->events[i].position > before);
            before = state->events[i].position;
        }
    }
    assert(chained == state->log.count + state->replaying && used + state->free_keys.count == state->capacity);
}

/* A limit that was lowered is kept from the next delivery on; so only a member that can take events is judged by it. */
static void check_member(const struct group_state *state, uint32_t member)
{
    const struct group_member *m = &state->members[member];
    uint32_t count = 0;
    bool takes = m->ready && m->in_flight.count < group_members_limit(state, member);

    for (uint32_t i = m->in_flight.first; i != GROUP_NONE; i = state->event_links[i].next, count++) {
        assert(is_with_member(&state->events[i]) && state->events[i].epoch == m->epoch);
        assert(state->events[i].position >= m->lowest && state->events[i].position <= m->highest);
    }
    assert(count == m->in_flight.count);
    assert(takes == group_heap_has(&state->takers, member));
}

static void check_members(const struct group_state *state)
{
    uint32_t in_flight = 0;
    uint64_t before = 0;

    assert(state->member_count <= VARVE_MAX_CONSUMERS);
    for (uint32_t i = 0; i < state->member_count; i++) {
        const struct group_member *m = &state->members[state->by_epoch[i]];
        assert(m->epoch > before && m->epoch <= state->last_epoch);
        before = m->epoch;
        in_flight += m->in_flight.count;
        check_member(state, state->by_epoch[i]);
    }
    assert(in_flight == state->in_flight);
}

static void check_reasons(const struct group_state *state)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < state->capacity; i++)
        bytes += state->events[i].error_size;
    assert(bytes == state->reason_bytes);
}

void group_state_check(const struct group_state *state)
{
    check_log(state);
    check_counts(state);
    check_keys(state);
    check_members(state);
    assert(!state->tell_stop || state->stopped);
    check_reasons(state);
}
