/* group_state_events.c - the events that a group machine holds; see group_state_parts.h. */
#include "group_state_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 64 };

/* realloc() of a table; what lies in it is kept when there is no memory. */
static bool grow_table(void *table, size_t element, uint32_t capacity)
{
    void *old, *grown;

    memcpy(&old, table, sizeof(old));
    grown = realloc(old, element * capacity);
    if (grown == NULL)
        return false;
    memcpy(table, &grown, sizeof(grown));
    return true;
}

static void link_position(struct group_state *state, uint32_t index)
{
    uint32_t *bucket = &state->position_buckets[group_keys_bucket(state, state->events[index].position)];

    state->events[index].next_in_bucket = *bucket;
    *bucket = index;
}

static void unlink_position(struct group_state *state, uint32_t index)
{
    uint32_t *at = &state->position_buckets[group_keys_bucket(state, state->events[index].position)];

    while (*at != index)
        at = &state->events[*at].next_in_bucket;
    *at = state->events[index].next_in_bucket;
}

/* After growing: the new slots are free, and there are more buckets. Called when none is free. */
static void take_up(struct group_state *state, uint32_t old)
{
    memset(state->position_buckets, 0xff, state->capacity * sizeof(*state->position_buckets));
    memset(state->key_buckets, 0xff, state->capacity * sizeof(*state->key_buckets));
    for (uint32_t i = 0; i < old; i++)
        if (state->events[i].state != GROUP_EVENT_DONE)
            link_position(state, i);
    for (uint32_t i = 0; i < old; i++)
        if (state->keys[i].first != GROUP_NONE)
            group_keys_link(state, i);
    for (uint32_t i = old; i < state->capacity; i++) {
        state->events[i] = (struct group_event){ .state = GROUP_EVENT_FREE };
        state->keys[i] = (struct group_key){ .first = GROUP_NONE, .last = GROUP_NONE };
        group_list_append(&state->free_events, state->event_links, i);
        group_list_append(&state->free_keys, state->key_links, i);
    }
}

static bool grow(struct group_state *state)
{
    uint32_t capacity = state->capacity == 0 ? FIRST_CAPACITY : 2 * state->capacity;

    if (!grow_table(&state->events, sizeof(*state->events), capacity) ||
        !grow_table(&state->log_links, sizeof(*state->log_links), capacity) ||
        !grow_table(&state->event_links, sizeof(*state->event_links), capacity) ||
        !grow_table(&state->keys, sizeof(*state->keys), capacity) ||
        !grow_table(&state->key_links, sizeof(*state->key_links), capacity) ||
        !grow_table(&state->position_buckets, sizeof(*state->position_buckets), capacity) ||
        !grow_table(&state->key_buckets, sizeof(*state->key_buckets), capacity) ||
        !group_heap_reserve(&state->deadlines, capacity))
        return false;
    uint32_t old = state->capacity;
    state->capacity = capacity;
    take_up(state, old);
    return true;
}

uint32_t group_events_add(struct group_state *state, uint64_t position, uint64_t key, void *owners, bool replay)
{
    if (state->free_events.count == 0 && !grow(state))
        return GROUP_NONE;
    uint32_t index = state->free_events.first;
    group_list_remove(&state->free_events, state->event_links, index);
    state->events[index] = (struct group_event){
        .position = position, .key_hash = key, .owners = owners, .state = GROUP_EVENT_WAITING, .replay = replay,
    };
    link_position(state, index);
    if (replay)
        state->replaying++;
    else
        group_list_append(&state->log, state->log_links, index);
    group_keys_append(state, index);
    return index;
}

uint32_t group_events_find(const struct group_state *state, uint64_t position)
{
    if (state->capacity == 0)
        return GROUP_NONE;
    uint32_t index = state->position_buckets[group_keys_bucket(state, position)];
    while (index != GROUP_NONE && state->events[index].position != position)
        index = state->events[index].next_in_bucket;
    return index;
}

void group_events_finish(struct group_state *state, uint32_t index)
{
    struct group_event *event = &state->events[index];

    group_keys_remove_first(state, index);
    unlink_position(state, index);
    if (event->replay) {
        state->replaying--;
    } else {
        group_list_remove(&state->log, state->log_links, index);
        group_events_note_finished(state, event->position);
    }
    event->state = GROUP_EVENT_DONE;
    group_list_append(&state->to_do, state->event_links, index);
}

void *group_events_release(struct group_state *state, uint32_t index)
{
    struct group_event *event = &state->events[index];
    void *owners = event->owners;

    assert(event->state == GROUP_EVENT_DONE);
    group_list_remove(&state->to_do, state->event_links, index);
    free(event->error);
    state->reason_bytes -= event->error_size;
    *event = (struct group_event){ .state = GROUP_EVENT_FREE };
    group_list_append(&state->free_events, state->event_links, index);
    return owners;
}

bool group_events_keep_error(struct group_state *state, uint32_t index, struct varve_view error)
{
    struct group_event *event = &state->events[index];
    char *copy = error.size == 0 ? NULL : malloc(error.size);

    if (error.size > 0 && copy == NULL)
        return false;
    if (error.size > 0)
        memcpy(copy, error.data, error.size);
    free(event->error);
    state->reason_bytes += error.size;
    state->reason_bytes -= event->error_size;
    event->error = copy;
    event->error_size = (uint32_t)error.size;
    return true;
}

uint64_t group_events_checkpoint(const struct group_state *state)
{
    return state->log.first == GROUP_NONE ? state->looked_at : state->events[state->log.first].position - 1;
}

void group_events_note_finished(struct group_state *state, uint64_t position)
{
    if (position > state->newest_finished)
        state->newest_finished = position;
}

/* What lies between two unfinished events is finished, or none of the group's. */
size_t group_state_get_finished(const struct group_state *state, struct group_range *ret, size_t room)
{
    uint64_t newest = state->newest_finished < state->looked_at ? state->newest_finished : state->looked_at;
    size_t count = 0;

    for (uint32_t i = state->log.first; i != GROUP_NONE && count < room; i = state->log_links[i].next) {
        uint32_t after = state->log_links[i].next;
        uint64_t first = state->events[i].position + 1;
        uint64_t last = after == GROUP_NONE ? newest : state->events[after].position - 1;

        if (first > newest)
            break;
        if (last > newest)
            last = newest;
        if (first <= last)
            ret[count++] = (struct group_range){ first, last };
    }
    return count;
}
