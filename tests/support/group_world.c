/* group_world.c - see group_world.h. */
#include "support/group_world.h"

#include <stddef.h>

void world_begin(struct group_world *world, const struct group_state_limits *limits, const uint64_t *keys,
                 uint32_t count)
{
    *world = (struct group_world){ .state = group_state_create(limits, 0) };
    model_begin(&world->model, limits, keys, count);
}

void world_end(struct group_world *world)
{
    group_state_free(world->state);
}

bool world_is_fed(const struct group_world *world)
{
    return world->model.fed == world->model.event_count;
}

/* What was ever parked is not added again, whatever became of it. */
void world_feed(struct group_world *world)
{
    uint64_t position = world->model.fed + 1;
    const struct model_event *event = model_event(&world->model, position);

    world->model.fed = position;
    if (event->stored && !world->adds_stored_again) { /* Folded at the start from the events of transactions. */
        group_state_note_finished(world->state, position);
        group_state_looked_at(world->state, position);
        return;
    }
    if (event->key == 0 || (event->parked != MODEL_NOT_PARKED && !world->adds_parked_again)) {
        group_state_looked_at(world->state, position);
        return;
    }
    model_add(&world->model, position, false);
    if (!group_state_add(world->state, position, event->key, world))
        model_fail("there is memory", position);
}

void world_replay(struct group_world *world, uint64_t position)
{
    const struct model_event *event = model_event(&world->model, position);
    bool may = event->state == MODEL_ABSENT;

    if (group_state_replay(world->state, position, event->key, world) != may)
        model_fail("what is not held can be replayed, nothing else", position);
    if (may)
        model_add(&world->model, position, true);
}

uint64_t world_join(struct group_world *world)
{
    if (!group_state_join(world->state, ++world->last_epoch, 0))
        model_fail("one more can join", 0);
    model_join(&world->model, world->last_epoch);
    return world->last_epoch;
}

void world_leave(struct group_world *world, uint64_t epoch, bool politely)
{
    bool is_member = model_member(&world->model, epoch) != NULL;

    if (group_state_leave(world->state, epoch, politely) != is_member)
        model_fail("who is a member is known", 0);
    if (is_member)
        model_leave(&world->model, epoch, politely);
}

void world_set_ready(struct group_world *world, uint64_t epoch, bool ready)
{
    group_state_set_ready(world->state, epoch, ready);
    if (model_member(&world->model, epoch) != NULL)
        model_member(&world->model, epoch)->ready = ready;
}

/* Where the machine does not remember, it may say FENCED for NOT_DELIVERED, never the other way round. */
static bool agree(enum varve_status expected, enum varve_status status, uint64_t position)
{
    if (status != expected && !(expected == VARVE_NOT_DELIVERED && status == VARVE_FENCED))
        model_fail("only who has an event can say something about it", position);
    return status == VARVE_OK;
}

void world_ack(struct group_world *world, uint64_t epoch, uint64_t position)
{
    enum varve_status expected = model_hold(&world->model, epoch, position);

    if (agree(expected, group_state_ack(world->state, epoch, position), position))
        model_ack(&world->model, position);
}

void world_nack(struct group_world *world, uint64_t epoch, uint64_t position, enum varve_nack action,
                uint32_t wait_ms)
{
    enum varve_status expected = model_hold(&world->model, epoch, position);
    enum varve_status status = group_state_nack(world->state, epoch, position, action, wait_ms,
                                                varve_view_of(NULL, 0), world->now_ms);

    if (agree(expected, status, position))
        model_nack(&world->model, position, action, wait_ms, world->now_ms);
}

void world_extend(struct group_world *world, uint64_t epoch, uint64_t position, uint32_t by_ms)
{
    enum varve_status expected = model_hold(&world->model, epoch, position);

    if (agree(expected, group_state_extend(world->state, epoch, position, by_ms, world->now_ms), position))
        model_event(&world->model, position)->due_ms = world->now_ms + by_ms;
}

void world_hold(struct group_world *world, uint64_t epoch, uint64_t position)
{
    enum varve_status expected = model_hold(&world->model, epoch, position);
    bool replay = false;

    if (!agree(expected, group_state_hold(world->state, epoch, position, &replay), position))
        return;
    if (replay != model_event(&world->model, position)->replay)
        model_fail("replays are known as such", position);
    model_hold_begin(&world->model, position);
}

void world_stored(struct group_world *world, uint64_t position)
{
    model_stored(&world->model, position);
}

void world_settle(struct group_world *world, uint64_t position)
{
    const struct model_event before = *model_event(&world->model, position);

    model_hold_end(&world->model, position, world->now_ms);
    if (!group_state_settle(world->state, before.holder, position, before.stored, world->now_ms))
        model_fail("what is held can be settled", position);
    world_settle_wrongly(world, before.holder, position, !before.stored);
}

void world_settle_wrongly(struct group_world *world, uint64_t epoch, uint64_t position, bool stored)
{
    if (group_state_settle(world->state, epoch, position, stored, world->now_ms))
        model_fail("a hold is settled once, by who has it", position);
}

void world_durable(struct group_world *world, uint64_t position)
{
    model_durable(&world->model, position);
}

void world_confirm(struct group_world *world, uint64_t position)
{
    model_confirm(&world->model, position);
    if (!group_state_parked(world->state, position))
        model_fail("what was asked for can be confirmed", position);
    if (group_state_parked(world->state, position))
        model_fail("a confirmation is taken once", position);
}

void world_write_checkpoint(struct group_world *world)
{
    if (group_state_checkpoint(world->state) != model_checkpoint(&world->model))
        model_fail("the checkpoint is below what is unfinished", group_state_checkpoint(world->state));
    model_write_checkpoint(&world->model);
}

void world_crash(struct group_world *world, bool stopped)
{
    group_state_free(world->state);
    world->state = group_state_create(&world->model.limits, world->model.durable_checkpoint);
    if (stopped)
        group_state_stop(world->state);
    model_crash(&world->model, stopped);
}

void world_resume(struct group_world *world)
{
    group_state_resume(world->state);
    world->model.stopped = world->model.stop_untold = false;
}

enum group_action_kind world_step(struct group_world *world)
{
    struct group_action action;

    model_time(&world->model, world->now_ms);
    group_state_next_action(world->state, world->now_ms, &action);
    model_judge(&world->model, &action, world->now_ms);
    return action.kind;
}

void world_drain(struct group_world *world)
{
    for (int steps = 0; world_step(world) != GROUP_NOTHING; steps++)
        if (steps > 10 * MODEL_EVENTS)
            model_fail("there is an end of what is to be done", 0);
}

/* What a picture would say is finished above the checkpoint: nothing that is not, and all that was in this life. */
static void check_finished(const struct group_world *world)
{
    struct group_range runs[MODEL_EVENTS];
    size_t count = group_state_get_finished(world->state, runs, MODEL_EVENTS), at = 0;

    for (uint64_t position = group_state_checkpoint(world->state) + 1; position <= world->model.fed; position++) {
        const struct model_event *event = &world->model.events[position - 1];
        bool held = event->state != MODEL_ABSENT && !event->replay;

        while (at < count && runs[at].last < position)
            at++;
        bool told = at < count && runs[at].first <= position;
        if (told && held)
            model_fail("what is not finished is not told so", position);
        if (!told && !held && !event->replay && event->finished && event->delivered_to != 0)
            model_fail("what is finished is told", position);
    }
}

void world_check(struct group_world *world)
{
    group_state_check(world->state);
    check_finished(world);
    model_compare(&world->model, world->state);
}

/* One round of a healthy life: whatever is asked for becomes durable, whatever is out is acked, time passes. */
static void live_well(struct group_world *world)
{
    if (!world_is_fed(world))
        world_feed(world);
    world_drain(world);
    for (uint64_t position = 1; position <= world->model.event_count; position++) {
        const struct model_event *event = model_event(&world->model, position);
        if (event->state == MODEL_OUT)
            world_ack(world, event->holder, position);
        else if (model_is_held(event) && !event->stored && world->now_ms % 2 == 0)
            world_stored(world, position);
        else if (model_is_held(event))
            world_settle(world, position);
        else if (event->state == MODEL_SETTLING && !event->durable)
            world_durable(world, position);
        else if (event->state == MODEL_SETTLING)
            world_confirm(world, position);
    }
    if (model_next_due(&world->model) != UINT64_MAX && model_next_due(&world->model) > world->now_ms)
        world->now_ms = model_next_due(&world->model);
}

void world_finish(struct group_world *world)
{
    bool done = false;

    world_resume(world);
    for (int i = 0; i < MODEL_MEMBERS; i++)
        if (world->model.members[i].epoch != 0)
            world_set_ready(world, world->model.members[i].epoch, true);
    if (world->model.members[0].epoch == 0)
        world_set_ready(world, world_join(world), true);
    for (int rounds = 0; !done; rounds++) {
        live_well(world);
        done = world_is_fed(world);
        for (uint32_t i = 0; i < world->model.event_count; i++)
            done = done && world->model.events[i].state == MODEL_ABSENT;
        if (rounds > 20 * MODEL_EVENTS)
            model_fail("healthy consumers lead to the end", model_checkpoint(&world->model));
    }
    world_drain(world);
    world_write_checkpoint(world);
    if (world->model.durable_checkpoint != world->model.event_count)
        model_fail("in the end the checkpoint is that of the log", world->model.durable_checkpoint);
}
