/* group_model.c - see group_model.h. */
#include "support/group_model.h"

#include "server/group_state_parts.h"
#include "varve/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_fail(const char *promise, uint64_t position)
{
    fprintf(stderr, "broken promise: %s (position %" PRIu64 ")\n", promise, position);
    abort();
}

static void must(bool kept, const char *promise, uint64_t position)
{
    if (!kept)
        model_fail(promise, position);
}

void model_begin(struct group_model *model, const struct group_state_limits *limits, const uint64_t *keys,
                 uint32_t count)
{
    memset(model, 0, sizeof(*model));
    model->limits = *limits;
    model->event_count = count;
    for (uint32_t i = 0; i < count; i++)
        model->events[i].key = keys[i];
}

struct model_event *model_event(struct group_model *model, uint64_t position)
{
    must(position > 0 && position <= model->event_count, "positions are those of the log", position);
    return &model->events[position - 1];
}

struct model_member *model_member(struct group_model *model, uint64_t epoch)
{
    for (int i = 0; i < MODEL_MEMBERS; i++)
        if (epoch != 0 && model->members[i].epoch == epoch)
            return &model->members[i];
    return NULL;
}

uint64_t model_checkpoint(const struct group_model *model)
{
    for (uint32_t i = 0; i < model->event_count; i++)
        if (model->events[i].state != MODEL_ABSENT && !model->events[i].replay)
            return i; /* The position before that of events[i]. */
    return model->fed;
}

bool model_is_held(const struct model_event *event)
{
    return event->state == MODEL_HELD || event->state == MODEL_ORPHANED;
}

static bool is_with_member(const struct model_event *event)
{
    return event->state == MODEL_OUT || event->state == MODEL_HELD;
}

uint32_t model_in_flight(const struct group_model *model, uint64_t epoch)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < model->event_count; i++)
        count += is_with_member(&model->events[i]) && (epoch == 0 || model->events[i].holder == epoch);
    return count;
}

static bool is_timed(const struct model_event *event)
{
    return event->state == MODEL_OUT || event->state == MODEL_RETRYING;
}

uint64_t model_next_due(const struct group_model *model)
{
    uint64_t due = UINT64_MAX;

    for (uint32_t i = 0; i < model->event_count; i++)
        if (is_timed(&model->events[i]) && model->events[i].due_ms < due)
            due = model->events[i].due_ms;
    return due;
}

/* ---- what goes in ---- */

void model_join(struct group_model *model, uint64_t epoch)
{
    int slot = 0;

    while (model->members[slot].epoch != 0)
        slot++;
    must(slot < MODEL_MEMBERS, "the model has a slot", 0);
    model->members[slot] = (struct model_member){ .epoch = epoch };
    for (uint32_t i = 0; i < model->event_count; i++)
        model->events[i].delivered_to &= ~(UINT64_C(1) << slot); /* That was somebody else. */
}

void model_add(struct group_model *model, uint64_t position, bool replay)
{
    struct model_event *event = model_event(model, position);

    event->state = MODEL_WAITING;
    event->replay = replay;
    event->attempt = 0;
    event->holder = event->due_ms = event->delivered_to = 0;
    event->order = ++model->orders;
}

static void leave_machine(struct model_event *event)
{
    event->state = MODEL_ABSENT;
    event->unreleased++;
}

/* It is finished for the first time, perhaps: then everything before it in its key was. */
static void finish(struct group_model *model, uint64_t position)
{
    struct model_event *event = model_event(model, position);

    for (uint64_t earlier = 1; earlier < position && !event->finished; earlier++)
        must(model_event(model, earlier)->key != event->key || model_event(model, earlier)->finished,
             "events of a key are finished in order", position);
    event->finished = true;
}

static void settle(struct group_model *model, uint64_t position, enum group_action_kind what)
{
    struct model_event *event = model_event(model, position);

    event->state = MODEL_SETTLING;
    event->settling = what;
    event->told = event->durable = false;
}

static void park(struct group_model *model, uint64_t position)
{
    settle(model, position, model_event(model, position)->replay ? GROUP_REPARK : GROUP_PARK);
}

void model_ack(struct group_model *model, uint64_t position)
{
    struct model_event *event = model_event(model, position);

    if (event->replay) {
        settle(model, position, GROUP_RESOLVE);
        return;
    }
    finish(model, position);
    leave_machine(event);
}

static uint32_t backoff_ms(const struct group_model *model, uint32_t attempt)
{
    uint32_t wait_ms = 0;

    for (uint32_t i = 0; i < model->limits.backoff_count && i < attempt; i++)
        wait_ms = model->limits.backoff_ms[i];
    return wait_ms;
}

/* An attempt failed: again after a while, unless it was the last. */
static void fail(struct group_model *model, uint64_t position, uint32_t wait_ms, uint64_t now_ms)
{
    struct model_event *event = model_event(model, position);

    if (event->attempt >= model->limits.max_attempts) {
        park(model, position);
        return;
    }
    event->state = wait_ms == 0 ? MODEL_WAITING : MODEL_RETRYING;
    event->due_ms = now_ms + wait_ms;
}

void model_nack(struct group_model *model, uint64_t position, enum varve_nack action, uint32_t wait_ms, uint64_t now_ms)
{
    struct model_event *event = model_event(model, position);

    if (action == VARVE_NACK_SKIP) {
        model_ack(model, position);
    } else if (action == VARVE_NACK_PARK) {
        park(model, position);
    } else if (action == VARVE_NACK_RETRY) {
        fail(model, position, wait_ms == VARVE_RETRY_BACKOFF ? backoff_ms(model, event->attempt) : wait_ms, now_ms);
    } else {
        model->stop_untold = model->stop_untold || !model->stopped;
        model->stopped = true;
        event->state = MODEL_WAITING;
        event->attempt--;
    }
}

void model_leave(struct group_model *model, uint64_t epoch, bool politely)
{
    for (uint64_t position = 1; position <= model->event_count; position++) {
        struct model_event *event = model_event(model, position);
        if (!is_with_member(event) || event->holder != epoch)
            continue;
        if (event->state == MODEL_HELD) {
            event->state = MODEL_ORPHANED;
            event->attempt -= politely;
            continue;
        }
        if (!politely) {
            fail(model, position, 0, 0);
            continue;
        }
        event->state = MODEL_WAITING;
        event->attempt--;
    }
    model_member(model, epoch)->epoch = 0;
}

enum varve_status model_hold(struct group_model *model, uint64_t epoch, uint64_t position)
{
    struct model_member *member = model_member(model, epoch);

    if (member == NULL)
        return VARVE_FENCED;
    const struct model_event *event = model_event(model, position);
    if (event->state == MODEL_OUT && event->holder == epoch)
        return VARVE_OK;
    return event->delivered_to & UINT64_C(1) << (member - model->members) ? VARVE_FENCED : VARVE_NOT_DELIVERED;
}

void model_hold_begin(struct group_model *model, uint64_t position)
{
    struct model_event *event = model_event(model, position);

    must(!event->stored, "what a transaction acked does not come again", position);
    event->state = MODEL_HELD;
}

void model_stored(struct group_model *model, uint64_t position)
{
    struct model_event *event = model_event(model, position);

    must(model_is_held(event) && !event->stored, "what is stored was held", position);
    event->stored = true;
    if (event->replay)
        event->parked = MODEL_RESOLVED;
    else
        finish(model, position);
}

void model_hold_end(struct group_model *model, uint64_t position, uint64_t now_ms)
{
    struct model_event *event = model_event(model, position);

    must(model_is_held(event), "what is settled was held", position);
    if (event->stored) {
        event->stored = !event->replay;
        leave_machine(event);
    } else if (event->state == MODEL_ORPHANED) {
        fail(model, position, 0, 0);
    } else {
        event->state = MODEL_OUT;
        event->due_ms = now_ms + model->limits.ack_timeout_ms;
    }
}

void model_time(struct group_model *model, uint64_t now_ms)
{
    for (uint64_t position = 1; position <= model->event_count; position++) {
        struct model_event *event = model_event(model, position);
        if (event->state == MODEL_OUT && event->due_ms <= now_ms)
            fail(model, position, backoff_ms(model, event->attempt), now_ms);
        if (event->state == MODEL_RETRYING && event->due_ms <= now_ms)
            event->state = MODEL_WAITING;
    }
}

void model_durable(struct group_model *model, uint64_t position)
{
    struct model_event *event = model_event(model, position);

    must(event->state == MODEL_SETTLING && event->told && !event->durable, "what is durable was asked for", position);
    if (event->settling == GROUP_PARK) {
        must(event->parked == MODEL_NOT_PARKED, "an event is parked at most once", position);
        finish(model, position);
    } else {
        must(event->parked == MODEL_PARKED, "a replay is of a parked event", position);
    }
    event->parked = event->settling == GROUP_RESOLVE ? MODEL_RESOLVED : MODEL_PARKED;
    event->durable = true;
}

void model_confirm(struct group_model *model, uint64_t position)
{
    struct model_event *event = model_event(model, position);

    must(event->state == MODEL_SETTLING && event->durable, "what is confirmed is durable", position);
    leave_machine(event);
}

void model_write_checkpoint(struct group_model *model)
{
    uint64_t checkpoint = model_checkpoint(model);

    must(checkpoint >= model->durable_checkpoint, "the checkpoint never goes back", checkpoint);
    for (uint64_t position = 1; position <= checkpoint; position++)
        must(model_event(model, position)->key == 0 || model_event(model, position)->finished,
             "the checkpoint passes nothing unfinished", position);
    model->durable_checkpoint = checkpoint;
}

void model_crash(struct group_model *model, bool stopped)
{
    for (uint32_t i = 0; i < model->event_count; i++) {
        const struct model_event *event = &model->events[i];
        model->events[i] = (struct model_event){ .key = event->key, .finished = event->finished,
                                                 .stored = event->stored && !event->replay,
                                                 .parked = event->parked };
    }
    memset(model->members, 0, sizeof(model->members));
    model->fed = model->durable_checkpoint;
    model->stopped = stopped;
    model->stop_untold = false;
}

/* ---- what comes out ---- */

/* Nothing of its key stands before it. */
static bool is_first_of_key(struct group_model *model, uint64_t position)
{
    const struct model_event *event = model_event(model, position);

    for (uint32_t i = 0; i < model->event_count; i++)
        if (model->events[i].state != MODEL_ABSENT && model->events[i].key == event->key &&
            model->events[i].order < event->order)
            return false;
    return true;
}

static bool can_take(const struct group_model *model, const struct model_member *member)
{
    return member->epoch != 0 && member->ready &&
           model_in_flight(model, member->epoch) < model->limits.consumer_max_in_flight;
}

/* Something could be delivered. */
static bool is_work_left(struct group_model *model)
{
    bool event = false, member = false;

    for (uint64_t position = 1; position <= model->event_count; position++)
        event = event || (model_event(model, position)->state == MODEL_WAITING && is_first_of_key(model, position));
    for (int i = 0; i < MODEL_MEMBERS; i++)
        member = member || can_take(model, &model->members[i]);
    return event && member && !model->stopped && model_in_flight(model, 0) < model->limits.max_in_flight;
}

static void judge_delivery(struct group_model *model, const struct group_action *action, uint64_t now_ms)
{
    struct model_event *event = model_event(model, action->position);
    struct model_member *member = model_member(model, action->epoch);

    must(!model->stopped, "a stopped group delivers nothing", action->position);
    must(event->state == MODEL_WAITING, "what is delivered was waiting", action->position);
    must(!event->stored, "what a transaction acked does not come again", action->position);
    must(is_first_of_key(model, action->position), "events of a key go one at a time in order", action->position);
    must(member != NULL && can_take(model, member), "only who can take an event gets one", action->position);
    must(model_in_flight(model, 0) < model->limits.max_in_flight, "the group keeps its limit", action->position);
    for (int i = 0; i < MODEL_MEMBERS; i++)
        must(!can_take(model, &model->members[i]) ||
             model_in_flight(model, model->members[i].epoch) >= model_in_flight(model, action->epoch),
             "the fewest in flight come first", action->position);
    event->state = MODEL_OUT;
    event->holder = action->epoch;
    event->delivered_to |= UINT64_C(1) << (member - model->members);
    event->due_ms = now_ms + model->limits.ack_timeout_ms;
    must(++event->attempt == action->attempt, "a delivery is an attempt", action->position);
    must(event->attempt <= model->limits.max_attempts, "attempts have an end", action->position);
}

void model_judge(struct group_model *model, const struct group_action *action, uint64_t now_ms)
{
    struct model_event *event;

    switch (action->kind) {
    case GROUP_NOTHING:
        must(!is_work_left(model), "what can be delivered is", 0);
        must(!model->stop_untold, "a stop is told", 0);
        for (uint32_t i = 0; i < model->event_count; i++) {
            must(model->events[i].state != MODEL_SETTLING || model->events[i].told, "a parking is told", i + 1);
            must(model->events[i].unreleased == 0, "what is finished is released", i + 1);
        }
        break;
    case GROUP_DELIVER:
        judge_delivery(model, action, now_ms);
        break;
    case GROUP_PARK:
    case GROUP_REPARK:
    case GROUP_RESOLVE:
        event = model_event(model, action->position);
        must(event->state == MODEL_SETTLING && !event->told && event->settling == action->kind,
             "what is to be made durable is told once", action->position);
        event->told = true;
        break;
    case GROUP_RELEASE:
        event = model_event(model, action->position);
        must(event->unreleased-- > 0, "what is finished is released once", action->position);
        break;
    case GROUP_STOP:
        must(model->stop_untold, "a stop is told once", action->position);
        model->stop_untold = false;
        break;
    }
}

static void compare_event(const struct model_event *event, const struct group_state *state, uint64_t position)
{
    static const enum group_event_state meant[] = {
        [MODEL_WAITING] = GROUP_EVENT_WAITING, [MODEL_OUT] = GROUP_EVENT_IN_FLIGHT,
        [MODEL_RETRYING] = GROUP_EVENT_RETRYING, [MODEL_SETTLING] = GROUP_EVENT_PARKING,
        [MODEL_HELD] = GROUP_EVENT_HELD, [MODEL_ORPHANED] = GROUP_EVENT_ORPHANED,
    };
    uint32_t index = group_events_find(state, position);

    must((index == GROUP_NONE) == (event->state == MODEL_ABSENT), "what is unfinished is held", position);
    if (index == GROUP_NONE)
        return;
    const struct group_event *held = &state->events[index];
    must(held->state == meant[event->state], "events are in the state they must be in", position);
    must(held->attempt == event->attempt, "attempts are counted", position);
    must((event->state != MODEL_OUT && !model_is_held(event)) || held->epoch == event->holder,
         "events are with whom they must be", position);
    must(!is_timed(event) ||
         state->deadlines.entries[state->deadlines.places[index] - 1].rank == event->due_ms,
         "deadlines are kept", position);
}

void model_compare(struct group_model *model, const struct group_state *state)
{
    for (uint64_t position = 1; position <= model->event_count; position++)
        compare_event(model_event(model, position), state, position);
    must(group_state_checkpoint(state) == model_checkpoint(model), "the checkpoint is below what is unfinished",
         group_state_checkpoint(state));
    must(group_state_is_stopped(state) == model->stopped, "a group stops when it must", 0);
    must(group_state_next_due_ms(state) == model_next_due(model), "the next deadline is known", 0);
}
