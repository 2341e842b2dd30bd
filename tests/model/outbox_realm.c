/* outbox_realm.c - see outbox_realm.h: Kafka, and the hands' calls. */
#include "outbox_realm.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum broken_rule broken_rule;

void realm_open(struct realm *realm, const struct realm_setup *setup)
{
    memset(realm, 0, sizeof(*realm));
    realm->setup = setup;
    realm->head = setup->head;
    realm->kafka.epoch = 1;
    realm->crashes = setup->crashes;
    realm->failures = setup->failures;
    realm->lost = setup->lost;
    realm->ghosts = setup->ghosts;
    realm->timeouts = setup->timeouts;
    realm->pauses = setup->pauses;
    realm->seconds = setup->seconds;
    realm_start_process(realm, 0);
}

void realm_start_process(struct realm *realm, int which)
{
    struct realm_process *process = &realm->processes[which];
    struct outbox_settings settings = {
        .transactional = true, .max_events = realm->setup->max_events, .far_max_events = realm->setup->max_events,
        .far_behind = 1000, .gap_us = 0, .poison_attempts = realm->setup->poison_attempts, .probe_events = 1,
        .config_attempts = 1000,
    };

    assert(!process->alive);
    memset(process, 0, sizeof(*process));
    process->alive = true;
    process->owner = ++realm->owners;
    process->dead = realm->dead_durable | realm->waiting_durable;
    outbox_state_init(&process->state, &settings, 1);
    outbox_state_start(&process->state, realm->hint_generation, false);
    if (broken_rule == LOOK_BEFORE_THE_FIRST) {
        process->state.rebuild = true;
        process->state.due = OUTBOX_STEP_LOOK;
    }
}

/* ---- Kafka ---- */

static void append_pending(struct realm_kafka *kafka, uint8_t position)
{
    assert(kafka->pending_count < REALM_SEEN);
    kafka->pending[kafka->pending_count++] = position;
}

static void end_open(struct realm_kafka *kafka, bool commit)
{
    for (uint8_t i = 0; commit && i < kafka->pending_count; i++) {
        assert(kafka->visible_count < REALM_SEEN);
        kafka->visible[kafka->visible_count++] = kafka->pending[i];
    }
    if (commit && kafka->has_pending_checkpoint)
        kafka->checkpoint = kafka->pending_checkpoint;
    memset(kafka->pending, 0, sizeof(kafka->pending));
    kafka->pending_count = 0;
    kafka->pending_checkpoint = (struct realm_checkpoint){ 0 };
    kafka->has_pending_checkpoint = kafka->open = false;
}

/* An EndTxn for a transaction that ended already is answered as if it were this one's: it may be a second copy. */
static void end_transaction(struct realm_kafka *kafka, uint8_t epoch)
{
    if (epoch == kafka->epoch && kafka->open)
        end_open(kafka, true);
}

static void take_over(struct realm_kafka *kafka)
{
    end_open(kafka, false);
    kafka->epoch++;
}

bool realm_ghost_comes(struct realm *realm)
{
    uint8_t epoch = realm->kafka.ghost_epoch;

    realm->kafka.ghost_epoch = 0;
    end_transaction(&realm->kafka, epoch);
    return epoch != 0;
}

bool realm_times_out(struct realm *realm)
{
    bool open = realm->kafka.open;

    if (open)
        take_over(&realm->kafka);
    return open;
}

bool realm_grows(struct realm *realm)
{
    if (realm->head >= realm->setup->events)
        return false;
    realm->head++;
    return true;
}

/* ---- a process: what it tells its machine ---- */

static uint64_t bit(uint64_t position)
{
    return UINT64_C(1) << position;
}

static bool is_sent(const struct realm *realm, uint64_t position)
{
    return position > realm->setup->events || realm->setup->streams[position] != 0;
}

static uint8_t stream_of(const struct realm *realm, uint64_t position)
{
    return position > realm->setup->events ? 250 : realm->setup->streams[position];
}

static bool is_blocked(const struct realm *realm, const struct realm_process *process, uint64_t position)
{
    for (uint64_t before = 1; before < position; before++)
        if ((process->dead & bit(before)) && stream_of(realm, before) == stream_of(realm, position))
            return broken_rule != STREAMS_GO_ON;
    return (process->dead & bit(position)) != 0;
}

static void tell(struct realm *realm, struct realm_process *process, struct outbox_report report)
{
    struct outbox_state *state = &process->state;

    process->busy = false;
    report.step = process->todo.step;
    report.events = report.step == OUTBOX_STEP_PUBLISH ? process->batch_count : 0;
    report.last_sent = report.events > 0 ? process->batch[process->batch_count - 1] : 0;
    if (broken_rule == NO_REFRESH)
        report.is_suspect = false;
    if (broken_rule == ANY_FOREIGN_CLAIM_COUNTS && report.is_foreign && state->rebuild)
        report.generation = state->seen_generation + 1;
    if (broken_rule == FENCED_IS_SUPERSEDED && report.result == OUTBOX_FENCED)
        report.halt = VARVE_HALT_SUPERSEDED;
    if (broken_rule == FENCED_IS_IGNORED && report.is_foreign)
        report.generation = state->seen_generation;
    if (broken_rule == MEMORY_IS_TRUSTED && report.step == OUTBOX_STEP_RECOVER && state->rebuild)
        report.position = state->position;
    if (broken_rule == ENVIRONMENT_IS_POISON && report.result == OUTBOX_AGAIN && report.events > 0) {
        report.result = OUTBOX_REFUSED;
        report.fault.is_poison = true;
    }
    if (report.result != OUTBOX_DONE)
        memcpy(report.fault.code, "CODE", sizeof("CODE"));
    outbox_state_report(state, 0, realm->head, &report);
    memset(process->batch, 0, sizeof(process->batch));
    process->batch_count = process->batch_position = process->call = 0;
    process->todo = (struct outbox_todo){ 0 };
}

static void tell_result(struct realm *realm, struct realm_process *process, enum outbox_result result)
{
    tell(realm, process, (struct outbox_report){ .result = result });
}

/* ---- its calls, one by one ---- */

static void look(struct realm *realm, struct realm_process *process)
{
    const struct realm_checkpoint *found = &realm->kafka.checkpoint;

    tell(realm, process, (struct outbox_report){ .position = found->position, .generation = found->generation,
                                                 .is_foreign = found->owner != 0 && found->owner != process->owner });
}

static void init(struct realm *realm, struct realm_process *process)
{
    take_over(&realm->kafka);
    process->epoch = realm->kafka.epoch;
    tell_result(realm, process, OUTBOX_DONE);
}

static void produce_checkpoint(struct realm *realm, const struct realm_process *process, uint64_t position,
                               uint64_t generation)
{
    realm->kafka.has_pending_checkpoint = true;
    realm->kafka.pending_checkpoint = (struct realm_checkpoint){ .position = (uint8_t)position,
                                                                 .generation = (uint8_t)generation,
                                                                 .owner = process->owner };
}

/* What comes behind an event that was set aside is remembered before the transaction that passes it. */
static void gather(struct realm *realm, struct realm_process *process)
{
    uint64_t waiting = 0, position = process->state.position;

    while (position < realm->head && process->batch_count < process->todo.max_events) {
        position++;
        if (!is_sent(realm, position))
            continue;
        if (is_blocked(realm, process, position))
            waiting |= bit(position);
        else
            process->batch[process->batch_count++] = (uint8_t)position;
    }
    process->batch_position = (uint8_t)position;
    process->dead |= waiting;
    waiting &= ~realm->dead_durable;
    if (broken_rule != WAITING_IN_MEMORY_ONLY)
        realm->waiting_durable |= waiting;
}

static void produce(struct realm *realm, struct realm_process *process, uint8_t position)
{
    if (position <= realm->setup->events && realm->setup->poison[position]) {
        if (broken_rule == POISON_IS_DROPPED)
            return;
        end_open(&realm->kafka, false);
        tell(realm, process, (struct outbox_report){ .result = OUTBOX_REFUSED, .fault = { .is_poison = true } });
        return;
    }
    append_pending(&realm->kafka, position);
}

/* The first call gathers, the second begins, then one for each event, one for the checkpoint, and the last commits. */
static void publish(struct realm *realm, struct realm_process *process)
{
    uint8_t call = process->call++, count = process->batch_count;

    if (call == 0) {
        gather(realm, process);
        if (process->batch_count == 0)
            tell(realm, process, (struct outbox_report){ .position = process->batch_position });
    } else if (call == 1) {
        realm->kafka.open = true;
        if (broken_rule == CHECKPOINT_FIRST)
            produce_checkpoint(realm, process, process->batch_position, process->state.generation);
        if (broken_rule == CHECKPOINT_FIRST)
            end_open(&realm->kafka, true);
        realm->kafka.open = true;
    } else if (call < 2 + count) {
        produce(realm, process, process->batch[call - 2]);
    } else {
        if (broken_rule == CHECKPOINT_APART)
            end_open(&realm->kafka, true);
        realm->kafka.open = realm->kafka.open || broken_rule == CHECKPOINT_APART;
        produce_checkpoint(realm, process, process->batch_position, process->state.generation);
    }
}

static void claim(struct realm *realm, struct realm_process *process)
{
    process->call++;
    realm->kafka.open = true;
    if (broken_rule != NO_CLAIM)
        produce_checkpoint(realm, process, process->state.position, process->state.seen_generation + 1);
}

static void set_aside(struct realm *realm, struct realm_process *process)
{
    uint64_t position = process->todo.position;

    process->dead |= bit(position);
    if (broken_rule != DEAD_LETTERS_IN_MEMORY_ONLY)
        realm->dead_durable |= bit(position);
    tell(realm, process, (struct outbox_report){ .position = position });
}

static void commit(struct realm *realm, struct realm_process *process, enum realm_outcome outcome)
{
    struct outbox_report report = { .position = process->batch_position, .committed = true,
                                    .generation = process->state.seen_generation + 1,
                                    .is_suspect = outcome == HAS_A_GHOST };
    bool unknown = outcome != GOES_WELL && outcome != HAS_A_GHOST;

    if (outcome == HAS_A_GHOST || outcome == IS_LATE)
        realm->kafka.ghost_epoch = process->epoch;
    if (outcome == GOES_WELL || outcome == ANSWER_LOST || outcome == HAS_A_GHOST)
        end_transaction(&realm->kafka, process->epoch);
    if (unknown && broken_rule == UNKNOWN_IS_TRIED_AGAIN && process->todo.step == OUTBOX_STEP_PUBLISH) {
        report.position = process->state.position;
        end_open(&realm->kafka, false);
    } else if (unknown && broken_rule != UNKNOWN_IS_DONE) {
        tell_result(realm, process, OUTBOX_AGAIN);
        return;
    }
    if (process->todo.step == OUTBOX_STEP_CLAIM && realm->setup->at_once)
        realm->hint_generation = (uint8_t)report.generation;
    tell(realm, process, report);
}

/* ---- a call ---- */

static struct outbox_todo todo_of(const struct realm *realm, const struct realm_process *process)
{
    return process->busy ? process->todo : outbox_state_next(&process->state, 0, realm->head);
}

static bool is_gathering(const struct realm_process *process, enum outbox_step step)
{
    return step == OUTBOX_STEP_PUBLISH && process->call == 0;
}

static bool is_local(const struct realm_process *process, enum outbox_step step)
{
    return step == OUTBOX_STEP_SET_ASIDE || step == OUTBOX_STEP_WAIT || step == OUTBOX_STEP_RELEASE ||
           is_gathering(process, step);
}

static bool is_commit(const struct realm_process *process, enum outbox_step step)
{
    return (step == OUTBOX_STEP_CLAIM && process->call == 1) ||
           (step == OUTBOX_STEP_PUBLISH && process->call == 3 + process->batch_count);
}

bool realm_is_idle(const struct realm *realm, int which)
{
    struct outbox_todo todo = todo_of(realm, &realm->processes[which]);

    return todo.step == OUTBOX_STEP_WAIT && todo.until_us == INT64_MAX;
}

bool realm_can_go(const struct realm *realm, int which, enum realm_outcome outcome)
{
    const struct realm_process *process = &realm->processes[which];

    if (!process->alive || realm_is_idle(realm, which))
        return false;
    enum outbox_step step = todo_of(realm, process).step;
    bool can_fail = step != OUTBOX_STEP_WAIT && step != OUTBOX_STEP_RELEASE && !is_gathering(process, step);
    bool commits = is_commit(process, step) && process->epoch == realm->kafka.epoch;
    switch (outcome) {
    case FAILS:
        return realm->failures > 0 && can_fail;
    case ANSWER_LOST:
        return realm->lost > 0 && (step == OUTBOX_STEP_INIT || commits);
    case HAS_A_GHOST:
    case IS_LATE:
        return realm->ghosts > 0 && commits && realm->kafka.ghost_epoch != realm->kafka.epoch;
    default:
        return true;
    }
}

static void go_well(struct realm *realm, struct realm_process *process)
{
    switch (process->todo.step) {
    case OUTBOX_STEP_INIT: init(realm, process); break;
    case OUTBOX_STEP_LOOK:
    case OUTBOX_STEP_RECOVER: look(realm, process); break;
    case OUTBOX_STEP_CLAIM: claim(realm, process); break;
    case OUTBOX_STEP_PUBLISH: publish(realm, process); break;
    case OUTBOX_STEP_SET_ASIDE: set_aside(realm, process); break;
    default:
        if (process->todo.step == OUTBOX_STEP_RELEASE)
            process->epoch = 0;
        tell_result(realm, process, OUTBOX_DONE);
        break;
    }
}

void realm_go(struct realm *realm, int which, enum realm_outcome outcome)
{
    struct realm_process *process = &realm->processes[which];

    process->todo = todo_of(realm, process);
    process->busy = true;
    enum outbox_step step = process->todo.step;
    bool reads = step == OUTBOX_STEP_LOOK || step == OUTBOX_STEP_RECOVER, takes_over = step == OUTBOX_STEP_INIT;
    realm->failures -= outcome == FAILS;
    realm->lost -= outcome == ANSWER_LOST;
    realm->ghosts -= outcome == HAS_A_GHOST || outcome == IS_LATE;
    if (takes_over && outcome == ANSWER_LOST)
        take_over(&realm->kafka);
    if (!is_local(process, step) && !reads && !takes_over && process->epoch != realm->kafka.epoch)
        tell_result(realm, process, OUTBOX_FENCED);
    else if (is_commit(process, step))
        commit(realm, process, outcome);
    else if (outcome == GOES_WELL)
        go_well(realm, process);
    else
        tell_result(realm, process, OUTBOX_AGAIN);
}

bool realm_can_crash(const struct realm *realm, int which)
{
    return realm->processes[which].alive && realm->crashes > 0;
}

void realm_crash_process(struct realm *realm, int which)
{
    realm->crashes--;
    memset(&realm->processes[which], 0, sizeof(realm->processes[which]));
    if (!realm->processes[1 - which].alive)
        realm_start_process(realm, which);
}

void realm_pause_or_resume(struct realm *realm, int which)
{
    struct outbox_state *state = &realm->processes[which].state;

    if (state->paused)
        outbox_state_resume(state);
    else
        outbox_state_pause(state);
}

/* ---- what must hold ---- */

static void fail(const char *what, unsigned position)
{
    fprintf(stderr, "broken: %s (event %u)\n", what, position);
    abort();
}

static bool is_behind_dead(const struct realm *realm, uint64_t position)
{
    for (uint64_t before = 1; before < position; before++)
        if ((realm->dead_durable & bit(before)) && stream_of(realm, before) == stream_of(realm, position))
            return true;
    return false;
}

void realm_judge(const struct realm *realm)
{
    const struct realm_kafka *kafka = &realm->kafka;
    uint64_t seen = 0, aside = realm->dead_durable | realm->waiting_durable;
    uint8_t last[256] = { 0 };

    for (uint8_t i = 0; i < kafka->visible_count; i++) {
        uint8_t position = kafka->visible[i], stream = stream_of(realm, position);
        if (seen & bit(position))
            fail("consumers see it twice", position);
        if (position < last[stream])
            fail("consumers see its stream out of order", position);
        if (position > kafka->checkpoint.position)
            fail("visible, but not behind the checkpoint", position);
        if (aside & bit(position))
            fail("set aside, and yet published", position);
        if (is_behind_dead(realm, position))
            fail("published before an earlier one of its stream that was set aside", position);
        seen |= bit(position);
        last[stream] = position;
    }
    for (uint8_t position = 1; position <= kafka->checkpoint.position; position++)
        if (is_sent(realm, position) && !((seen | aside) & bit(position)))
            fail("behind the checkpoint, but neither published nor set aside", position);
    for (int i = 0; i < REALM_PROCESSES; i++)
        if (realm->processes[i].alive && realm->processes[i].owner == kafka->checkpoint.owner &&
            realm->processes[i].state.halt == VARVE_HALT_SUPERSEDED)
            fail("it gave way, though nobody has claimed since", 0);
    for (uint8_t position = 1; position <= realm->setup->events; position++)
        if ((realm->dead_durable & bit(position)) && !realm->setup->poison[position])
            fail("set aside, though Kafka would have taken it", position);
}

static unsigned run_well(struct realm *realm)
{
    bool busy = true;
    unsigned calls = 0;

    while (busy) {
        busy = false;
        for (int i = 0; i < REALM_PROCESSES; i++) {
            if (!realm_can_go(realm, i, GOES_WELL))
                continue;
            realm_go(realm, i, GOES_WELL);
            realm_judge(realm);
            busy = true;
            if (++calls > 400 + 100u * realm->setup->events)
                fail("it goes on for ever", 0);
        }
    }
    return calls;
}

/* The rule is to halt when superseded, and not otherwise; whoever published last is who goes on. */
static void judge_processes(const struct realm *realm)
{
    unsigned going = 0, alive = 0;

    for (int i = 0; i < REALM_PROCESSES; i++) {
        const struct realm_process *process = &realm->processes[i];
        alive += process->alive;
        going += process->alive && process->state.phase == VARVE_OUTBOX_RUN;
        if (process->alive && process->state.phase != VARVE_OUTBOX_RUN && process->state.halt != VARVE_HALT_SUPERSEDED)
            fail("it neither runs nor has given way", (unsigned)i);
    }
    if (going != 1)
        fail(going == 0 ? "nobody goes on" : "two go on", alive);
}

/* An operator's part: who gave way to a process that is gone is started anew. */
static void start_somebody(struct realm *realm)
{
    for (int i = 0; i < REALM_PROCESSES; i++)
        if (realm->processes[i].alive && realm->processes[i].state.phase != VARVE_OUTBOX_HALTED)
            return;
    memset(&realm->processes[0], 0, sizeof(realm->processes[0]));
    realm_start_process(realm, 0);
}

void realm_settle(struct realm *realm)
{
    realm->kafka.ghost_epoch = 0;
    for (int i = 0; i < REALM_PROCESSES; i++)
        if (realm->processes[i].alive && realm->processes[i].state.paused)
            outbox_state_resume(&realm->processes[i].state);
    start_somebody(realm);
    while (realm_grows(realm))
        ;
    run_well(realm);
    realm->head++; /* Who does not know yet that it was superseded finds out when it has something to do. */
    run_well(realm);
    start_somebody(realm);
    run_well(realm);
    judge_processes(realm);
    if (realm->kafka.checkpoint.position != realm->head)
        fail("not everything was published", realm->kafka.checkpoint.position);
}
