/* packed.c - see packed.h. */
#include "packed.h"

#include "server/group_state_parts.h"

#include <stdlib.h>
#include <string.h>

enum { SMALL_CAPACITY = 8 }; /* a power of two, as all capacities */

static bool is_held(const struct model_event *event)
{
    return event->state != MODEL_ABSENT;
}

static bool is_timed(const struct model_event *event)
{
    return event->state == MODEL_OUT || event->state == MODEL_RETRYING;
}

static bool is_with_member(const struct model_event *event)
{
    return event->state == MODEL_OUT || event->state == MODEL_HELD;
}

/* Members in the order of the first event they have; 1 for the first. */
static uint8_t number_of_holder(const struct group_model *model, int of)
{
    uint64_t seen[PACKED_EVENTS];
    uint8_t count = 0;

    for (int i = 0; i <= of; i++) {
        uint8_t at = 0;
        if (!is_with_member(&model->events[i]))
            continue;
        while (at < count && seen[at] != model->events[i].holder)
            at++;
        if (at == count)
            seen[count++] = model->events[i].holder;
        if (i == of)
            return at + 1;
    }
    return 0;
}

static uint8_t rank_of_deadline(const struct group_model *model, int of)
{
    const struct model_event *event = &model->events[of];
    uint8_t rank = 1;

    if (!is_timed(event))
        return 0;
    for (int i = 0; i < PACKED_EVENTS; i++) {
        const struct model_event *other = &model->events[i];
        rank += is_timed(other) && (other->due_ms < event->due_ms || (other->due_ms == event->due_ms && i < of));
    }
    return rank;
}

static uint8_t place_in_key(const struct group_model *model, int of)
{
    uint8_t place = 0;

    for (int i = 0; i < PACKED_EVENTS; i++)
        place += is_held(&model->events[i]) && model->events[i].key == model->events[of].key &&
                 model->events[i].order < model->events[of].order;
    return place;
}

static void pack_event(const struct group_model *model, int at, struct packed_event *ret)
{
    const struct model_event *event = &model->events[at];

    ret->for_good = (uint8_t)(event->finished | event->parked << 1 | event->stored << 3);
    if (!is_held(event))
        return;
    ret->what = (uint8_t)(event->state | event->replay << 3);
    if (event->state == MODEL_SETTLING)
        ret->what |= (uint8_t)((event->settling - GROUP_PARK) << 4 | event->told << 6 | event->durable << 7);
    ret->who = (uint8_t)(event->attempt | number_of_holder(model, at) << 4);
    ret->when = (uint8_t)(rank_of_deadline(model, at) | place_in_key(model, at) << 4);
}

void packed_from(struct group_world *world, struct packed *ret)
{
    const struct group_model *model = &world->model;
    const struct group_state *state = world->state;

    memset(ret->events, 0, sizeof(ret->events));
    for (int i = 0; i < PACKED_EVENTS; i++)
        pack_event(model, i, &ret->events[i]);
    ret->fed = (uint8_t)model->fed;
    ret->durable_checkpoint = (uint8_t)model->durable_checkpoint;
    ret->members = 0;
    for (int i = 0; i < MODEL_MEMBERS; i++)
        ret->members += model->members[i].epoch != 0;
    ret->stopped = model->stopped;
    ret->first_ready = state->ready_keys.count < 2 ? 0 : (uint8_t)state->keys[state->ready_keys.first].hash;
}

/* ---- and back ---- */

static void unpack_event(const struct packed_event *from, uint64_t first_epoch, struct model_event *event)
{
    *event = (struct model_event){
        .key = event->key, .finished = from->for_good & 1, .parked = (enum model_parked)(from->for_good >> 1 & 3),
        .stored = from->for_good >> 3,
        .state = (enum model_state)(from->what & 7), .replay = from->what >> 3 & 1,
    };
    if (!is_held(event))
        return;
    if (event->state == MODEL_SETTLING)
        event->settling = (enum group_action_kind)(GROUP_PARK + (from->what >> 4 & 3));
    event->told = from->what >> 6 & 1;
    event->durable = from->what >> 7;
    event->attempt = from->who & 15;
    event->holder = from->who >> 4 == 0 ? 0 : first_epoch + (from->who >> 4);
    if (event->state == MODEL_ORPHANED)
        event->holder = first_epoch; /* Somebody, long gone. */
    event->due_ms = from->when & 15;
    event->order = 1 + (from->when >> 4);
}

/* The machine as it was created, with its memory. */
static void empty(struct group_state *state, uint64_t checkpoint)
{
    state->log = state->to_do = state->ready_keys = state->free_events = state->free_keys = GROUP_LIST_EMPTY;
    state->in_flight = state->retrying = state->replaying = state->held = state->member_count = 0;
    state->deadlines.count = state->takers.count = 0;
    state->looked_at = checkpoint;
    state->stopped = state->tell_stop = false;
    memset(state->position_buckets, 0xff, state->capacity * sizeof(*state->position_buckets));
    memset(state->key_buckets, 0xff, state->capacity * sizeof(*state->key_buckets));
    memset(state->deadlines.places, 0, state->capacity * sizeof(*state->deadlines.places));
    for (uint32_t i = 0; i < state->member_capacity; i++) {
        state->members[i].epoch = 0;
        state->takers.places[i] = 0;
    }
    for (uint32_t i = 0; i < state->capacity; i++) {
        free(state->events[i].error);
        state->events[i] = (struct group_event){ .state = GROUP_EVENT_FREE };
        state->keys[i] = (struct group_key){ .first = GROUP_NONE, .last = GROUP_NONE };
        group_list_append(&state->free_events, state->event_links, i);
        group_list_append(&state->free_keys, state->key_links, i);
    }
}

/* With tables that are small, so that going through them all is quick. */
static struct group_state *create_small(const struct group_state_limits *limits)
{
    struct group_state *state = group_state_create(limits, 0);

    state->capacity = SMALL_CAPACITY;
    state->events = calloc(SMALL_CAPACITY, sizeof(*state->events));
    state->log_links = calloc(SMALL_CAPACITY, sizeof(*state->log_links));
    state->event_links = calloc(SMALL_CAPACITY, sizeof(*state->event_links));
    state->keys = calloc(SMALL_CAPACITY, sizeof(*state->keys));
    state->key_links = calloc(SMALL_CAPACITY, sizeof(*state->key_links));
    state->position_buckets = calloc(SMALL_CAPACITY, sizeof(*state->position_buckets));
    state->key_buckets = calloc(SMALL_CAPACITY, sizeof(*state->key_buckets));
    group_heap_reserve(&state->deadlines, SMALL_CAPACITY);
    return state;
}

static void begin_again(const struct packed *packed, struct group_world *world)
{
    struct group_state *state = world->state;

    if (state->capacity != SMALL_CAPACITY) {
        group_state_free(state);
        world->state = state = create_small(&world->model.limits);
    }
    empty(state, packed->fed);
    state->last_epoch = world->last_epoch;
    for (uint8_t i = 0; i < packed->members; i++) {
        uint64_t epoch = world_join(world);
        uint32_t member = group_members_find(state, epoch);
        state->members[member].lowest = 1; /* It may have had anything. */
        state->members[member].highest = PACKED_EVENTS;
    }
}

static void put_into_machine(struct group_world *world, uint64_t position)
{
    struct group_state *state = world->state;
    const struct model_event *event = model_event(&world->model, position);
    uint32_t index = group_events_add(state, position, event->key, world, event->replay);
    struct group_event *held = &state->events[index];

    held->attempt = event->attempt;
    held->epoch = event->attempt > 0 ? 1 : 0; /* Of somebody, long gone, unless it is out. */
    if (event->state == MODEL_WAITING)
        return;
    group_keys_make_unready(state, held->key);
    if (is_with_member(event)) {
        held->state = event->state == MODEL_OUT ? GROUP_EVENT_IN_FLIGHT : GROUP_EVENT_HELD;
        group_members_give(state, group_members_find(state, event->holder), index);
    } else if (event->state == MODEL_ORPHANED) {
        held->state = GROUP_EVENT_ORPHANED;
    } else if (event->state == MODEL_RETRYING) {
        held->state = GROUP_EVENT_RETRYING;
        state->retrying++;
    } else {
        held->state = GROUP_EVENT_PARKING;
        held->settling = event->settling;
        held->told = event->told;
    }
    state->held += model_is_held(event);
    if (is_timed(event))
        group_heap_set(&state->deadlines, index, event->due_ms, position);
}

/* In the order of each key. */
static void put_all(struct group_world *world)
{
    for (uint64_t order = 1; order <= PACKED_EVENTS; order++)
        for (uint64_t position = 1; position <= PACKED_EVENTS; position++) {
            const struct model_event *event = model_event(&world->model, position);
            if (is_held(event) && event->order == order)
                put_into_machine(world, position);
        }
}

/* The list of the log in its order, which need not be that of the keys. */
static void sort_log(struct group_world *world)
{
    struct group_state *state = world->state;

    state->log = GROUP_LIST_EMPTY;
    for (uint64_t position = 1; position <= PACKED_EVENTS; position++) {
        uint32_t index = group_events_find(state, position);
        if (index != GROUP_NONE && !state->events[index].replay)
            group_list_append(&state->log, state->log_links, index);
    }
}

void packed_to(const struct packed *packed, struct group_world *world)
{
    struct group_state *state;

    memset(world->model.members, 0, sizeof(world->model.members));
    world->now_ms = 0;
    world->last_epoch = 1;
    begin_again(packed, world);
    state = world->state;
    world->model.fed = packed->fed;
    world->model.orders = PACKED_EVENTS;
    world->model.durable_checkpoint = packed->durable_checkpoint;
    world->model.stopped = state->stopped = packed->stopped;
    world->model.stop_untold = false;
    for (int i = 0; i < PACKED_EVENTS; i++)
        unpack_event(&packed->events[i], 1, &world->model.events[i]);
    put_all(world);
    sort_log(world);
    if (packed->first_ready != 0 && state->keys[state->ready_keys.first].hash != packed->first_ready) {
        uint32_t key = state->ready_keys.first;
        group_list_remove(&state->ready_keys, state->key_links, key);
        group_list_append(&state->ready_keys, state->key_links, key);
    }
}
