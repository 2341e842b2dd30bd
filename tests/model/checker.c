/* checker.c - see checker.h. Breadth first, so that what is found wrong is told by the fewest moves. */
#include "checker.h"

#include "varve/wire.h"
#include "visited.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { DEPARTED = 1, NEVER_THERE = 99 }; /* epochs; packed_to() gives members those in between */

enum move {
    FEED, DELIVER, ACK, RETRY, RETRY_AT_ONCE, PARK, SKIP, STOP, EXTEND, TIME, MUCH_TIME, JOIN, LEAVE, DURABLE, CONFIRM,
    CHECKPOINT, REPLAY, RESUME, CRASH, CRASH_STOPPED, HOLD, STORED, SETTLE, MOVES
};
static const struct {
    const char *name;
    int choices; /* members, positions or 1 */
} moves[] = {
    [FEED] = { "feed", 1 }, [DELIVER] = { "deliver to member", PACKED_MEMBERS }, [ACK] = { "ack", PACKED_EVENTS },
    [RETRY] = { "nack{retry}", PACKED_EVENTS }, [RETRY_AT_ONCE] = { "nack{retry at once}", PACKED_EVENTS },
    [PARK] = { "nack{park}", PACKED_EVENTS }, [SKIP] = { "nack{skip}", PACKED_EVENTS },
    [STOP] = { "nack{stop}", PACKED_EVENTS }, [EXTEND] = { "extend", PACKED_EVENTS },
    [TIME] = { "the next deadline passes", 1 }, [MUCH_TIME] = { "all deadlines pass", 1 }, [JOIN] = { "join", 1 },
    [LEAVE] = { "member leaves", PACKED_MEMBERS }, [DURABLE] = { "durable", PACKED_EVENTS },
    [CONFIRM] = { "confirmed", PACKED_EVENTS }, [CHECKPOINT] = { "checkpoint durable", 1 },
    [REPLAY] = { "replay", PACKED_EVENTS }, [RESUME] = { "resume", 1 }, [CRASH] = { "crash", 1 },
    [CRASH_STOPPED] = { "crash, found stopped", 1 }, [HOLD] = { "hold", PACKED_EVENTS },
    [STORED] = { "transaction stored", PACKED_EVENTS }, [SETTLE] = { "settle", PACKED_EVENTS },
};

struct checker {
    struct group_world world;
    struct visited visited;
    uint64_t moves;
    uint32_t at, how;  /* the state and the move that are tried now */
};
static struct checker *checking; /* for telling how the state was reached */

static uint32_t coded(enum move move, int choice)
{
    return (uint32_t)move << 8 | (uint32_t)choice;
}

static void tell_move(uint32_t how)
{
    fprintf(stderr, "  %s", moves[how >> 8].name);
    if (moves[how >> 8].choices > 1)
        fprintf(stderr, " %u", how & 255);
    fprintf(stderr, "\n");
}

static void tell_way(const struct visited *visited, uint32_t at)
{
    if (at == 0)
        return;
    tell_way(visited, visited->states[at].from);
    tell_move(visited->states[at].how);
}

static void on_abort(int signal_number)
{
    fprintf(stderr, "reached by:\n");
    tell_way(&checking->visited, checking->at);
    tell_move(checking->how);
}

/* ---- which moves there are ---- */

static uint64_t epoch_of(int member)
{
    return DEPARTED + (uint64_t)member;
}

/* Those that have nothing are alike: the first of them stands for all. */
static bool is_worth_trying(const struct group_model *model, const struct packed *packed, int member)
{
    return member <= packed->members &&
           (member == 1 || model_in_flight(model, epoch_of(member)) > 0 ||
            model_in_flight(model, epoch_of(member - 1)) > 0);
}

static bool event_can(const struct model_event *event, const struct packed *packed, enum move move)
{
    switch (move) {
    case STOP:
        return event->state == MODEL_OUT && packed->stops > 0;
    case DURABLE:
        return event->state == MODEL_SETTLING && !event->durable;
    case CONFIRM:
        return event->state == MODEL_SETTLING && event->durable;
    case HOLD:
        return event->state == MODEL_OUT && packed->holds > 0;
    case STORED:
        return model_is_held(event) && !event->stored;
    case SETTLE:
        return model_is_held(event);
    case REPLAY:
        return event->state == MODEL_ABSENT && event->parked == MODEL_PARKED && packed->replays > 0;
    default:
        return event->state == MODEL_OUT;
    }
}

static bool is_possible(struct group_world *world, const struct packed *packed, enum move move, int choice)
{
    struct group_model *model = &world->model;

    switch (move) {
    case FEED:
        return !world_is_fed(world);
    case DELIVER:
    case LEAVE:
        return is_worth_trying(model, packed, choice);
    case TIME:
    case MUCH_TIME:
        return model_next_due(model) != UINT64_MAX;
    case JOIN:
        return packed->members < PACKED_MEMBERS;
    case CHECKPOINT:
        return model_checkpoint(model) > model->durable_checkpoint;
    case RESUME:
        return model->stopped;
    case CRASH:
        return packed->crashes > 0;
    case CRASH_STOPPED:
        return packed->crashes > 0 && model->stopped;
    default:
        return event_can(model_event(model, (uint64_t)choice), packed, move);
    }
}

/* ---- making them ---- */

static void deliver(struct group_world *world, uint64_t epoch)
{
    world_set_ready(world, epoch, true);
    world_step(world);
    world_set_ready(world, epoch, false);
}

static void say_about(struct group_world *world, uint64_t epoch, uint64_t position, enum move move)
{
    static const enum varve_nack nacks[] = { [RETRY] = VARVE_NACK_RETRY, [RETRY_AT_ONCE] = VARVE_NACK_RETRY,
                                             [PARK] = VARVE_NACK_PARK, [SKIP] = VARVE_NACK_SKIP,
                                             [STOP] = VARVE_NACK_STOP };

    if (move == ACK)
        world_ack(world, epoch, position);
    else if (move == EXTEND)
        world_extend(world, epoch, position, PACKED_BEGUN_MS);
    else
        world_nack(world, epoch, position, nacks[move], move == RETRY ? VARVE_RETRY_BACKOFF : 0);
}

static void make(struct group_world *world, struct packed *left, enum move move, int choice)
{
    uint64_t position = (uint64_t)choice;

    switch (move) {
    case FEED: world_feed(world); break;
    case DELIVER: deliver(world, epoch_of(choice)); break;
    case TIME: world->now_ms = model_next_due(&world->model); break;
    case MUCH_TIME: world->now_ms = PACKED_EVENTS; break;
    case JOIN: world_join(world); break;
    case LEAVE: world_leave(world, epoch_of(choice), false); break;
    case DURABLE: world_durable(world, position); break;
    case CONFIRM: world_confirm(world, position); break;
    case CHECKPOINT: world_write_checkpoint(world); break;
    case REPLAY: world_replay(world, position); left->replays--; break;
    case RESUME: world_resume(world); break;
    case HOLD: world_hold(world, model_event(&world->model, position)->holder, position); left->holds--; break;
    case STORED: world_stored(world, position); break;
    case SETTLE: world_settle(world, position); break;
    case CRASH: world_crash(world, false); left->crashes--; break;
    case CRASH_STOPPED: world_crash(world, true); left->crashes--; break;
    default:
        left->stops -= move == STOP;
        say_about(world, model_event(&world->model, position)->holder, position, move);
        break;
    }
    world_drain(world); /* Nobody is ready: what is to be told, but no delivery. */
}

static void try_move(struct checker *checker, const struct packed *from, enum move move, int choice)
{
    struct visited_state next = { .from = checker->at, .how = coded(move, choice), .packed = *from };

    checker->how = next.how;
    packed_to(from, &checker->world);
    make(&checker->world, &next.packed, move, choice);
    world_check(&checker->world);
    packed_from(&checker->world, &next.packed);
    visited_add(&checker->visited, &next);
    checker->moves++;
}

/* ---- what must hold in a state ---- */

/* Whoever has nothing to say about an event is refused, and nothing changes. */
static void refuse_strangers(struct group_world *world, const struct packed *packed)
{
    const uint64_t epochs[] = { DEPARTED, epoch_of(1), epoch_of(2), epoch_of(3), NEVER_THERE };
    struct packed after = *packed;

    for (uint64_t position = 1; position <= PACKED_EVENTS; position++)
        for (size_t i = 0; i < sizeof(epochs) / sizeof(epochs[0]); i++) {
            const struct model_event *event = model_event(&world->model, position);
            if (!model_is_held(event) || event->holder != epochs[i])
                world_settle_wrongly(world, epochs[i], position, i % 2 == 0);
            if (event->state == MODEL_OUT && event->holder == epochs[i])
                continue;
            world_hold(world, epochs[i], position);
            say_about(world, epochs[i], position, ACK);
            say_about(world, epochs[i], position, PARK);
            say_about(world, epochs[i], position, EXTEND);
            say_about(world, epochs[i], position, STOP);
        }
    packed_from(world, &after);
    if (memcmp(&after, packed, sizeof(after)) != 0)
        model_fail("strangers change nothing", 0);
    world_check(world);
}

static void visit(struct checker *checker, const struct packed *packed)
{
    struct group_world *world = &checker->world;
    bool possible[MOVES][PACKED_EVENTS + 1];
    struct packed again = *packed;

    packed_to(packed, world);
    packed_from(world, &again);
    if (memcmp(&again, packed, sizeof(again)) != 0)
        model_fail("a state is what its bytes say", 0);
    for (int move = 0; move < MOVES; move++)
        for (int choice = 1; choice <= moves[move].choices; choice++)
            possible[move][choice] = is_possible(world, packed, (enum move)move, choice);
    refuse_strangers(world, packed);
    world_finish(world);
    for (int move = 0; move < MOVES; move++)
        for (int choice = 1; choice <= moves[move].choices; choice++)
            if (possible[move][choice])
                try_move(checker, packed, (enum move)move, choice);
}

struct checker_report checker_explore(const struct checker_setup *setup)
{
    struct checker checker = { 0 };
    struct group_state_limits limits = {
        .max_in_flight = setup->max_in_flight, .consumer_max_in_flight = setup->consumer_max_in_flight,
        .ack_timeout_ms = PACKED_BEGUN_MS, .max_attempts = setup->max_attempts, .backoff_count = 1,
        .backoff_ms = { PACKED_BEGUN_MS },
    };
    struct visited_state first = { .packed = { .crashes = setup->crashes, .replays = setup->replays,
                                               .stops = setup->stops, .holds = setup->holds } };

    checking = &checker;
    signal(SIGABRT, on_abort); /* And then the process ends. */
    world_begin(&checker.world, &limits, setup->keys, PACKED_EVENTS);
    checker.world.adds_parked_again = setup->adds_parked_again;
    checker.world.adds_stored_again = setup->adds_stored_again;
    visited_begin(&checker.visited);
    visited_add(&checker.visited, &first);
    for (; checker.at < checker.visited.count; checker.at++) {
        const struct packed packed = checker.visited.states[checker.at].packed;
        checker.how = coded(FEED, 1);
        visit(&checker, &packed);
    }
    struct checker_report report = { .states = checker.visited.count, .moves = checker.moves };
    visited_end(&checker.visited);
    world_end(&checker.world);
    signal(SIGABRT, SIG_DFL);
    return report;
}
