/* group_state.c - see group_state.h: the moves of one event and of the group, and what is to be done next. */
#include "group_state_parts.h"
#include "varve/wire.h"

#include <assert.h>
#include <stdlib.h>

struct group_state *group_state_create(const struct group_state_limits *limits, uint64_t checkpoint)
{
    struct group_state *state = calloc(1, sizeof(*state));

    if (state == NULL)
        return NULL;
    state->limits = *limits;
    state->looked_at = checkpoint;
    state->log = state->to_do = state->ready_keys = state->free_events = state->free_keys = GROUP_LIST_EMPTY;
    return state;
}

void group_state_free(struct group_state *state)
{
    if (state == NULL)
        return;
    for (uint32_t i = 0; i < state->capacity; i++)
        free(state->events[i].error);
    free(state->events);
    free(state->log_links);
    free(state->event_links);
    free(state->keys);
    free(state->key_links);
    free(state->position_buckets);
    free(state->key_buckets);
    group_heap_free(&state->deadlines);
    free(state->members);
    free(state->by_epoch);
    group_heap_free(&state->takers);
    free(state);
}

void group_state_set_limits(struct group_state *state, const struct group_state_limits *limits)
{
    state->limits = *limits;
    for (uint32_t i = 0; i < state->member_count; i++)
        group_members_update(state, state->by_epoch[i]);
}

/* ---- events from the log ---- */

uint32_t group_state_room(const struct group_state *state)
{
    return GROUP_STATE_MAX_EVENTS - state->log.count;
}

bool group_state_add(struct group_state *state, uint64_t position, uint64_t key, void *event)
{
    assert(position > state->looked_at && group_state_room(state) > 0);
    assert(group_events_find(state, position) == GROUP_NONE);
    if (group_events_add(state, position, key, event, false) == GROUP_NONE)
        return false;
    state->looked_at = position;
    return true;
}

void group_state_looked_at(struct group_state *state, uint64_t position)
{
    assert(position >= state->looked_at);
    state->looked_at = position;
}

bool group_state_replay(struct group_state *state, uint64_t position, uint64_t key, void *event)
{
    if (state->replaying == GROUP_STATE_MAX_REPLAYS || group_events_find(state, position) != GROUP_NONE)
        return false;
    return group_events_add(state, position, key, event, true) != GROUP_NONE;
}

/* ---- the moves of one event ---- */

static void wait_for_member(struct group_state *state, uint32_t index)
{
    state->events[index].state = GROUP_EVENT_WAITING;
    group_keys_make_ready(state, state->events[index].key, true); /* What was begun before what was not. */
}

static void retry(struct group_state *state, uint32_t index, uint32_t wait_ms, uint64_t now_ms)
{
    if (wait_ms == 0) {
        wait_for_member(state, index);
        return;
    }
    state->events[index].state = GROUP_EVENT_RETRYING;
    state->retrying++;
    group_heap_set(&state->deadlines, index, now_ms + wait_ms, state->events[index].position);
}

/* Its key waits until this is durable: what comes after it is never finished before it. */
static void begin_settling(struct group_state *state, uint32_t index, enum group_action_kind what, const char *reason)
{
    struct group_event *event = &state->events[index];

    event->state = GROUP_EVENT_PARKING;
    event->settling = what;
    event->reason = reason;
    event->told = false;
    group_list_append(&state->to_do, state->event_links, index);
}

static void park(struct group_state *state, uint32_t index, const char *reason)
{
    begin_settling(state, index, state->events[index].replay ? GROUP_REPARK : GROUP_PARK, reason);
}

/* Acked or skipped. */
static void succeed(struct group_state *state, uint32_t index)
{
    if (state->events[index].replay)
        begin_settling(state, index, GROUP_RESOLVE, NULL);
    else
        group_events_finish(state, index);
}

static bool is_used_up(const struct group_state *state, uint32_t index)
{
    return state->events[index].attempt >= state->limits.max_attempts;
}

static uint32_t backoff_ms(const struct group_state *state, uint32_t index)
{
    uint32_t nth = state->events[index].attempt - 1, count = state->limits.backoff_count;

    return count == 0 ? 0 : state->limits.backoff_ms[nth < count ? nth : count - 1];
}

static void take_back(struct group_state *state, uint32_t index)
{
    group_heap_remove(&state->deadlines, index);
    group_members_take_back(state, index);
}

static void time_out(struct group_state *state, uint32_t index, uint64_t now_ms)
{
    take_back(state, index);
    if (is_used_up(state, index))
        park(state, index, "timeout");
    else
        retry(state, index, backoff_ms(state, index), now_ms);
}

static void lose(struct group_state *state, uint32_t index, bool politely)
{
    struct group_event *event = &state->events[index];

    take_back(state, index);
    if (politely)
        event->attempt--;
    if (event->state == GROUP_EVENT_HELD)
        event->state = GROUP_EVENT_ORPHANED;
    else if (is_used_up(state, index) && !politely)
        park(state, index, "consumer_lost");
    else
        wait_for_member(state, index);
}

/* Nobody judged the event: the delivery that ended so is no attempt. */
static void stop(struct group_state *state, uint32_t index)
{
    if (!state->stopped) {
        state->stopped = state->tell_stop = true;
        state->stopped_by = state->events[index].epoch;
        state->stopped_at = state->events[index].position;
    }
    state->events[index].attempt--;
    wait_for_member(state, index);
}

/* ---- members ---- */

bool group_state_join(struct group_state *state, uint64_t epoch, uint32_t max_in_flight)
{
    return state->member_count < VARVE_MAX_CONSUMERS && group_members_add(state, epoch, max_in_flight) != GROUP_NONE;
}

bool group_state_leave(struct group_state *state, uint64_t epoch, bool politely)
{
    uint32_t member = group_members_find(state, epoch);

    if (member == GROUP_NONE)
        return false;
    /* The last first: each goes before all others, so in the end they stand in the order they were delivered in. */
    while (state->members[member].in_flight.count > 0)
        lose(state, state->members[member].in_flight.last, politely);
    group_members_remove(state, member);
    return true;
}

void group_state_set_ready(struct group_state *state, uint64_t epoch, bool ready)
{
    uint32_t member = group_members_find(state, epoch);

    if (member == GROUP_NONE)
        return;
    state->members[member].ready = ready;
    group_members_update(state, member);
}

uint32_t group_state_member_in_flight(const struct group_state *state, uint64_t epoch)
{
    uint32_t member = group_members_find(state, epoch);

    return member == GROUP_NONE ? 0 : state->members[member].in_flight.count;
}

void *group_state_event(const struct group_state *state, uint64_t position)
{
    uint32_t index = group_events_find(state, position);

    return index == GROUP_NONE ? NULL : state->events[index].owners;
}

enum varve_status group_state_ack(struct group_state *state, uint64_t epoch, uint64_t position)
{
    uint32_t index;
    enum varve_status status = group_members_hold(state, epoch, position, &index);

    if (status != VARVE_OK)
        return status;
    take_back(state, index);
    state->acked++;
    succeed(state, index);
    return VARVE_OK;
}

static void carry_out_nack(struct group_state *state, uint32_t index, enum varve_nack action, uint32_t wait_ms,
                           uint64_t now_ms)
{
    switch (action) {
    case VARVE_NACK_RETRY:
        if (is_used_up(state, index))
            park(state, index, "max_attempts");
        else
            retry(state, index, wait_ms == VARVE_RETRY_BACKOFF ? backoff_ms(state, index) : wait_ms, now_ms);
        break;
    case VARVE_NACK_PARK:
        park(state, index, "nack");
        break;
    case VARVE_NACK_SKIP:
        succeed(state, index);
        break;
    case VARVE_NACK_STOP:
        stop(state, index);
        break;
    }
}

enum varve_status group_state_nack(struct group_state *state, uint64_t epoch, uint64_t position, enum varve_nack action,
                                   uint32_t wait_ms, struct varve_view reason, uint64_t now_ms)
{
    uint32_t index;
    enum varve_status status = group_members_hold(state, epoch, position, &index);

    assert(action <= VARVE_NACK_STOP && reason.size <= VARVE_MAX_REASON);
    if (status != VARVE_OK)
        return status;
    if (!group_events_keep_error(state, index, reason))
        return VARVE_NO_MEMORY;
    take_back(state, index);
    carry_out_nack(state, index, action, wait_ms, now_ms);
    return VARVE_OK;
}

enum varve_status group_state_extend(struct group_state *state, uint64_t epoch, uint64_t position, uint32_t by_ms,
                                     uint64_t now_ms)
{
    uint32_t index;
    enum varve_status status = group_members_hold(state, epoch, position, &index);

    if (status == VARVE_OK)
        group_heap_set(&state->deadlines, index, now_ms + by_ms, position);
    return status;
}

/* ---- transactions ---- */

enum varve_status group_state_hold(struct group_state *state, uint64_t epoch, uint64_t position, bool *ret_replay)
{
    uint32_t index;
    enum varve_status status = group_members_hold(state, epoch, position, &index);

    if (status != VARVE_OK)
        return status;
    group_heap_remove(&state->deadlines, index);
    state->events[index].state = GROUP_EVENT_HELD;
    state->held++;
    *ret_replay = state->events[index].replay;
    return VARVE_OK;
}

static void give_back(struct group_state *state, uint32_t index, uint64_t now_ms)
{
    struct group_event *event = &state->events[index];

    if (event->state == GROUP_EVENT_HELD) {
        event->state = GROUP_EVENT_IN_FLIGHT;
        group_heap_set(&state->deadlines, index, now_ms + state->limits.ack_timeout_ms, event->position);
    } else if (is_used_up(state, index)) {
        park(state, index, "consumer_lost");
    } else {
        wait_for_member(state, index);
    }
}

bool group_state_settle(struct group_state *state, uint64_t epoch, uint64_t position, bool stored, uint64_t now_ms)
{
    uint32_t index = group_events_find(state, position);
    const struct group_event *event = index == GROUP_NONE ? NULL : &state->events[index];

    if (event == NULL || event->epoch != epoch ||
        (event->state != GROUP_EVENT_HELD && event->state != GROUP_EVENT_ORPHANED))
        return false;
    state->held--;
    if (!stored) {
        give_back(state, index, now_ms);
        return true;
    }
    if (event->state == GROUP_EVENT_HELD)
        group_members_take_back(state, index);
    state->acked++;
    group_events_finish(state, index);
    return true;
}

/* ---- what is to be done ---- */

static void describe(const struct group_state *state, uint32_t index, enum group_action_kind kind,
                     struct group_action *ret)
{
    const struct group_event *event = &state->events[index];

    *ret = (struct group_action){
        .kind = kind, .position = event->position, .epoch = event->epoch, .attempt = event->attempt,
        .event = event->owners, .reason = event->reason, .first_attempt_ms = event->first_attempt_ms,
        .last_error = varve_view_of(event->error, event->error_size),
    };
}

static void let_time_pass(struct group_state *state, uint64_t now_ms)
{
    while (state->deadlines.count > 0 && state->deadlines.entries[0].rank <= now_ms) {
        uint32_t index = state->deadlines.entries[0].item;

        if (state->events[index].state == GROUP_EVENT_IN_FLIGHT) {
            time_out(state, index, now_ms);
            continue;
        }
        group_heap_remove(&state->deadlines, index);
        state->retrying--;
        wait_for_member(state, index);
    }
}

static bool tell_stop(struct group_state *state, struct group_action *ret)
{
    if (!state->tell_stop)
        return false;
    state->tell_stop = false;
    describe(state, group_events_find(state, state->stopped_at), GROUP_STOP, ret);
    ret->epoch = state->stopped_by;
    return true;
}

static bool tell_to_do(struct group_state *state, struct group_action *ret)
{
    uint32_t index = state->to_do.first;

    if (index == GROUP_NONE)
        return false;
    struct group_event *event = &state->events[index];
    if (event->state == GROUP_EVENT_PARKING) {
        describe(state, index, event->settling, ret);
        event->told = true;
        group_list_remove(&state->to_do, state->event_links, index);
        return true;
    }
    describe(state, index, GROUP_RELEASE, ret);
    ret->last_error = varve_view_of(NULL, 0);
    ret->event = group_events_release(state, index);
    return true;
}

static void deliver(struct group_state *state, uint32_t index, uint32_t member, uint64_t now_ms,
                    struct group_action *ret)
{
    struct group_event *event = &state->events[index];

    event->state = GROUP_EVENT_IN_FLIGHT;
    if (++event->attempt == 1)
        event->first_attempt_ms = now_ms;
    else
        state->redelivered++;
    group_keys_make_unready(state, event->key);
    group_members_give(state, member, index);
    group_heap_set(&state->deadlines, index, now_ms + state->limits.ack_timeout_ms, event->position);
    describe(state, index, GROUP_DELIVER, ret);
}

static bool tell_delivery(struct group_state *state, uint64_t now_ms, struct group_action *ret)
{
    uint32_t member = group_members_next(state);

    if (state->stopped || state->ready_keys.count == 0 || member == GROUP_NONE ||
        state->in_flight >= state->limits.max_in_flight)
        return false;
    uint32_t index = state->keys[state->ready_keys.first].first;
    if (is_used_up(state, index)) { /* max_attempts was lowered meanwhile. */
        group_keys_make_unready(state, state->events[index].key);
        park(state, index, "max_attempts");
        return tell_to_do(state, ret);
    }
    deliver(state, index, member, now_ms, ret);
    return true;
}

void group_state_next_action(struct group_state *state, uint64_t now_ms, struct group_action *ret)
{
    let_time_pass(state, now_ms);
    if (tell_stop(state, ret) || tell_to_do(state, ret) || tell_delivery(state, now_ms, ret))
        return;
    *ret = (struct group_action){ .kind = GROUP_NOTHING };
}

uint64_t group_state_next_due_ms(const struct group_state *state)
{
    return state->deadlines.count == 0 ? UINT64_MAX : state->deadlines.entries[0].rank;
}

bool group_state_parked(struct group_state *state, uint64_t position)
{
    uint32_t index = group_events_find(state, position);

    if (index == GROUP_NONE || state->events[index].state != GROUP_EVENT_PARKING || !state->events[index].told)
        return false;
    group_events_finish(state, index);
    return true;
}

void group_state_stop(struct group_state *state)
{
    state->stopped = true;
}

void group_state_resume(struct group_state *state)
{
    state->stopped = state->tell_stop = false;
}

bool group_state_is_stopped(const struct group_state *state)
{
    return state->stopped;
}

uint64_t group_state_checkpoint(const struct group_state *state)
{
    return group_events_checkpoint(state);
}

uint64_t group_state_position(const struct group_state *state)
{
    return state->looked_at;
}

void group_state_note_finished(struct group_state *state, uint64_t position)
{
    group_events_note_finished(state, position);
}

void group_state_get_figures(const struct group_state *state, struct group_state_figures *ret)
{
    *ret = (struct group_state_figures){
        .events = state->log.count + state->replaying, .in_flight = state->in_flight, .retrying = state->retrying,
        .replaying = state->replaying, .held = state->held, .acked = state->acked, .redelivered = state->redelivered,
        .reason_bytes = state->reason_bytes,
    };
}
