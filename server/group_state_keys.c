/* group_state_keys.c - events of one key, first come, first served; see group_state_parts.h. */
#include "group_state_parts.h"

#include <assert.h>

uint32_t group_keys_bucket(const struct group_state *state, uint64_t hash)
{
    return (uint32_t)(hash * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (state->capacity - 1);
}

uint32_t group_keys_find(const struct group_state *state, uint64_t hash)
{
    if (state->capacity == 0)
        return GROUP_NONE;
    uint32_t key = state->key_buckets[group_keys_bucket(state, hash)];
    while (key != GROUP_NONE && state->keys[key].hash != hash)
        key = state->keys[key].next_in_bucket;
    return key;
}

void group_keys_link(struct group_state *state, uint32_t key)
{
    uint32_t *bucket = &state->key_buckets[group_keys_bucket(state, state->keys[key].hash)];

    state->keys[key].next_in_bucket = *bucket;
    *bucket = key;
}

static void unlink_key(struct group_state *state, uint32_t key)
{
    uint32_t *at = &state->key_buckets[group_keys_bucket(state, state->keys[key].hash)];

    while (*at != key)
        at = &state->keys[*at].next_in_bucket;
    *at = state->keys[key].next_in_bucket;
}

/* There are as many keys as events, so one is free. */
static uint32_t take_key(struct group_state *state, uint64_t hash)
{
    uint32_t key = state->free_keys.first;

    group_list_remove(&state->free_keys, state->key_links, key);
    state->keys[key] = (struct group_key){ .hash = hash, .first = GROUP_NONE, .last = GROUP_NONE };
    group_keys_link(state, key);
    return key;
}

void group_keys_append(struct group_state *state, uint32_t index)
{
    struct group_event *event = &state->events[index];
    uint32_t key = group_keys_find(state, event->key_hash);

    if (key == GROUP_NONE)
        key = take_key(state, event->key_hash);
    event->key = key;
    event->next_in_key = GROUP_NONE;
    struct group_key *k = &state->keys[key];
    if (k->first == GROUP_NONE) {
        k->first = k->last = index;
        group_keys_make_ready(state, key, false);
    } else {
        state->events[k->last].next_in_key = index;
        k->last = index;
    }
}

void group_keys_remove_first(struct group_state *state, uint32_t index)
{
    uint32_t key = state->events[index].key;
    struct group_key *k = &state->keys[key];

    assert(k->first == index);
    group_keys_make_unready(state, key);
    k->first = state->events[index].next_in_key;
    if (k->first != GROUP_NONE) {
        group_keys_make_ready(state, key, false);
        return;
    }
    unlink_key(state, key);
    group_list_append(&state->free_keys, state->key_links, key);
}

void group_keys_make_ready(struct group_state *state, uint32_t key, bool before_others)
{
    assert(!state->keys[key].ready);
    state->keys[key].ready = true;
    if (before_others)
        group_list_prepend(&state->ready_keys, state->key_links, key);
    else
        group_list_append(&state->ready_keys, state->key_links, key);
}

void group_keys_make_unready(struct group_state *state, uint32_t key)
{
    if (!state->keys[key].ready)
        return;
    state->keys[key].ready = false;
    group_list_remove(&state->ready_keys, state->key_links, key);
}
