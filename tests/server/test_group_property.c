/* test_group_property.c - random lives of a consumer group, step by step against the naive model. */
#include "support/check.h"
#include "support/effort.h"
#include "support/group_world.h"
#include "support/random.h"
#include "varve/wire.h"

#include <signal.h>

enum { LIVES = 6000, STEPS = 400 };

static uint64_t this_life;

static void say_which_life(int signal_number)
{
    fprintf(stderr, "in the life of seed %llu\n", (unsigned long long)this_life);
}

static struct group_state_limits random_limits(uint64_t *random)
{
    struct group_state_limits limits = {
        .max_in_flight = 1 + (uint32_t)random_below(random, 8),
        .consumer_max_in_flight = 1 + (uint32_t)random_below(random, 4),
        .ack_timeout_ms = 1 + (uint32_t)random_below(random, 50),
        .max_attempts = 1 + (uint32_t)random_below(random, 4),
        .backoff_count = (uint32_t)random_below(random, 3),
    };

    for (uint32_t i = 0; i < limits.backoff_count; i++)
        limits.backoff_ms[i] = (uint32_t)random_below(random, 40);
    return limits;
}

static uint64_t random_position(struct group_world *world, uint64_t *random)
{
    return 1 + random_below(random, world->model.event_count);
}

/* Mostly who is there; now and then who was, or never will be. */
static uint64_t random_epoch(struct group_world *world, uint64_t *random)
{
    return random_below(random, 10) == 0 ? random_below(random, world->last_epoch + 3)
                                         : world->model.members[random_below(random, MODEL_MEMBERS)].epoch;
}

/* An event that is out, with its holder; else any, with anybody. */
static uint64_t pick_delivered(struct group_world *world, uint64_t *random, uint64_t *ret_epoch)
{
    uint64_t position = random_position(world, random);

    for (uint32_t i = 0; i < world->model.event_count && random_below(random, 20) > 0; i++) {
        position = 1 + position % world->model.event_count;
        if (model_event(&world->model, position)->state == MODEL_OUT)
            break;
    }
    *ret_epoch = random_below(random, 10) == 0 ? random_epoch(world, random)
                                               : model_event(&world->model, position)->holder;
    return position;
}

static void one_consumer_acts(struct group_world *world, uint64_t *random)
{
    uint64_t epoch, position = pick_delivered(world, random, &epoch);

    switch (random_below(random, 12)) {
    case 10:
    case 11:
        world_hold(world, epoch, position);
        break;
    case 0:
    case 1:
        world_nack(world, epoch, position, VARVE_NACK_RETRY,
                   random_below(random, 2) == 0 ? VARVE_RETRY_BACKOFF : (uint32_t)random_below(random, 30));
        break;
    case 2:
        world_nack(world, epoch, position, (enum varve_nack)random_below(random, VARVE_NACK_STOP + 1), 0);
        break;
    case 3:
        world_extend(world, epoch, position, 1 + (uint32_t)random_below(random, 60));
        break;
    default:
        world_ack(world, epoch, position);
        break;
    }
}

static void members_change(struct group_world *world, uint64_t *random)
{
    uint32_t members = 0;

    for (int i = 0; i < MODEL_MEMBERS; i++)
        members += world->model.members[i].epoch != 0;
    if (random_below(random, 3) == 0)
        world_leave(world, random_epoch(world, random), random_below(random, 2) == 0);
    else if (random_below(random, 2) == 0 && members < MODEL_MEMBERS)
        world_set_ready(world, world_join(world), true);
    else
        world_set_ready(world, random_epoch(world, random), random_below(random, 3) > 0);
}

/* What was asked for becomes durable, and the machine hears of it, in any order. */
static void the_log_answers(struct group_world *world, uint64_t *random)
{
    for (uint64_t position = 1; position <= world->model.event_count; position++) {
        const struct model_event *event = model_event(&world->model, position);
        if (event->state != MODEL_SETTLING || !event->told || random_below(random, 2) == 0)
            continue;
        if (event->durable)
            world_confirm(world, position);
        else
            world_durable(world, position);
    }
}

/* Transactions are stored or not, and their outcomes heard, in any order. */
static void transactions_end(struct group_world *world, uint64_t *random)
{
    for (uint64_t position = 1; position <= world->model.event_count; position++) {
        const struct model_event *event = model_event(&world->model, position);
        if (!model_is_held(event))
            world_settle_wrongly(world, event->holder, position, random_below(random, 2) == 0);
        if (!model_is_held(event) || random_below(random, 2) == 0)
            continue;
        if (!event->stored && random_below(random, 3) > 0)
            world_stored(world, position);
        if (random_below(random, 3) > 0)
            world_settle(world, position);
    }
}

static void somebody_replays(struct group_world *world, uint64_t *random)
{
    for (uint64_t position = 1; position <= world->model.event_count; position++)
        if (model_event(&world->model, position)->parked == MODEL_PARKED && random_below(random, 3) == 0)
            world_replay(world, position);
}

static void the_server_acts(struct group_world *world, uint64_t *random)
{
    switch (random_below(random, 13)) {
    case 12:
        transactions_end(world, random);
        break;
    case 0:
        if (random_below(random, 8) == 0)
            world_crash(world, world->model.stopped && random_below(random, 2) == 0);
        break;
    case 1:
        world_resume(world);
        break;
    case 2:
        somebody_replays(world, random);
        break;
    case 3:
    case 4:
        world_write_checkpoint(world);
        break;
    case 5:
    case 6:
        the_log_answers(world, random);
        break;
    case 7:
    case 8:
        world->now_ms += random_below(random, 40);
        break;
    default:
        if (!world_is_fed(world))
            world_feed(world);
        break;
    }
}

static void live(uint64_t seed)
{
    this_life = seed;
    struct group_world world;
    struct group_state_limits limits = random_limits(&seed);
    uint64_t keys[MODEL_EVENTS], key_count = 1 + random_below(&seed, 6);

    for (int i = 0; i < MODEL_EVENTS; i++)
        keys[i] = random_below(&seed, key_count + 1); /* 0: not of this group. */
    world_begin(&world, &limits, keys, 1 + (uint32_t)random_below(&seed, MODEL_EVENTS));
    for (int step = 0; step < STEPS; step++) {
        uint64_t what = random_below(&seed, 8);
        if (what < 3)
            one_consumer_acts(&world, &seed);
        else if (what < 4)
            members_change(&world, &seed);
        else
            the_server_acts(&world, &seed);
        if (random_below(&seed, 4) > 0)
            world_drain(&world);
        else
            world_step(&world);
        world_check(&world);
    }
    world_finish(&world);
    world_end(&world);
}

static void random_lives_keep_the_promises(void **unused)
{
    uint64_t seed = test_seed(1);

    signal(SIGABRT, say_which_life); /* And then the process ends. */
    for (uint64_t i = 0; i < TEST_EFFORT(LIVES); i++)
        live(seed + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(random_lives_keep_the_promises) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
