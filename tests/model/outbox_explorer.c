/* outbox_explorer.c - see outbox_explorer.h. Depth first; of the states that were seen, 16 bytes of hash are kept. */
#include "outbox_explorer.h"

#include "support/random.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum move_kind { GO, CRASH, PAUSE, SECOND, GHOST, TIMEOUT, GROW, MOVE_KINDS };
struct move {
    enum move_kind kind;
    int which;
    enum realm_outcome outcome;
};
enum { MAX_DEPTH = 4000, MAX_MOVES = REALM_PROCESSES * (REALM_OUTCOMES + 3) + 3 };

static struct explorer {
    XXH128_hash_t *seen;         /* open addressing; zero: free */
    size_t room, count;
    uint64_t moves;
    struct move path[MAX_DEPTH];
    enum outbox_step steps[MAX_DEPTH];
    unsigned depth;
    bool settling;
    uint64_t seed;
} explorer;

/* ---- telling how it came to that ---- */

static const char *const step_names[] = { "WAIT", "LOOK", "INIT", "RECOVER", "CLAIM", "PUBLISH", "SET_ASIDE", "JOB",
                                          "RELEASE" };
static const char *const outcome_names[] = { "", " fails", ": its answer is lost", ", and a copy is on its way",
                                             " is on its way, given up" };
static const char *const kind_names[] = { "", "crashes", "is paused or resumed", "starts beside the other",
                                          "the late request comes", "the transaction times out", "an event comes" };

static void on_abort(int signal_number)
{
    fprintf(stderr, "seed %llu; reached by:\n", (unsigned long long)explorer.seed);
    for (unsigned i = 0; i < explorer.depth && i < MAX_DEPTH; i++) {
        const struct move *move = &explorer.path[i];
        if (move->kind == GO)
            fprintf(stderr, "  %d: %s%s\n", move->which, step_names[explorer.steps[i]], outcome_names[move->outcome]);
        else if (move->kind < GHOST)
            fprintf(stderr, "  %d %s\n", move->which, kind_names[move->kind]);
        else
            fprintf(stderr, "  %s\n", kind_names[move->kind]);
    }
    if (explorer.settling)
        fprintf(stderr, "  and then without faults\n");
}

/* ---- states seen ---- */

/* Times, chances and words make no difference, and of epochs only whether they are the newest: equal states become
 * equal bytes. */
static XXH128_hash_t hash_of(const struct realm *realm)
{
    struct realm plain = *realm;
    struct realm_kafka *kafka = &plain.kafka;

    kafka->ghost_epoch = kafka->ghost_epoch == kafka->epoch;
    for (int i = 0; i < REALM_PROCESSES; i++) {
        struct outbox_state *state = &plain.processes[i].state;
        bool has_reason = state->reason[0] != '\0';
        plain.processes[i].epoch = plain.processes[i].epoch == kafka->epoch;
        memset(state->reason, 0, sizeof(state->reason));
        state->reason[0] = has_reason;
        state->random = state->failures > 0;
        state->failures = 0;
        state->until_us = state->last_commit_us = state->job_until_us = 0;
        state->job_turn = false;
    }
    kafka->epoch = 0;
    return XXH3_128bits(&plain, sizeof(plain));
}

static bool is_free(const XXH128_hash_t *slot)
{
    return slot->low64 == 0 && slot->high64 == 0;
}

static bool put(XXH128_hash_t *table, size_t room, XXH128_hash_t hash)
{
    size_t at = hash.low64 & (room - 1);

    while (!is_free(&table[at]) && !XXH128_isEqual(table[at], hash))
        at = (at + 1) & (room - 1);
    bool is_new = is_free(&table[at]);
    table[at] = hash;
    return is_new;
}

static void grow(void)
{
    size_t room = explorer.room == 0 ? 1 << 16 : explorer.room * 2;
    XXH128_hash_t *table = calloc(room, sizeof(*table));

    assert(table != NULL);
    for (size_t i = 0; i < explorer.room; i++)
        if (!is_free(&explorer.seen[i]))
            put(table, room, explorer.seen[i]);
    free(explorer.seen);
    explorer.seen = table;
    explorer.room = room;
}

static bool is_new(const struct realm *realm)
{
    if (explorer.count * 2 >= explorer.room)
        grow();
    bool added = put(explorer.seen, explorer.room, hash_of(realm));
    explorer.count += added;
    return added;
}

/* ---- moves ---- */

static unsigned list_moves(const struct realm *realm, struct move *ret)
{
    bool both = realm->processes[0].alive && realm->processes[1].alive;
    unsigned count = 0;

    for (int i = 0; i < REALM_PROCESSES; i++) {
        for (int outcome = 0; outcome < REALM_OUTCOMES; outcome++)
            if (realm_can_go(realm, i, (enum realm_outcome)outcome))
                ret[count++] = (struct move){ .kind = GO, .which = i, .outcome = (enum realm_outcome)outcome };
        if (realm_can_crash(realm, i))
            ret[count++] = (struct move){ .kind = CRASH, .which = i };
        if (realm->processes[i].alive && (realm->pauses > 0 || realm->processes[i].state.paused))
            ret[count++] = (struct move){ .kind = PAUSE, .which = i };
        if (!both && !realm->processes[i].alive && realm->seconds > 0)
            ret[count++] = (struct move){ .kind = SECOND, .which = i };
    }
    if (realm->kafka.ghost_epoch != 0)
        ret[count++] = (struct move){ .kind = GHOST };
    if (realm->kafka.open && realm->timeouts > 0)
        ret[count++] = (struct move){ .kind = TIMEOUT };
    if (realm->head < realm->setup->events)
        ret[count++] = (struct move){ .kind = GROW };
    return count;
}

static void make(struct realm *realm, const struct move *move)
{
    struct realm_process *process = &realm->processes[move->which];

    assert(explorer.depth < MAX_DEPTH);
    explorer.path[explorer.depth] = *move;
    if (move->kind == GO)
        explorer.steps[explorer.depth] =
            process->busy ? process->todo.step : outbox_state_next(&process->state, 0, realm->head).step;
    explorer.depth++;
    explorer.moves++;
    switch (move->kind) {
    case GO: realm_go(realm, move->which, move->outcome); break;
    case CRASH: realm_crash_process(realm, move->which); break;
    case SECOND: realm->seconds--; realm_start_process(realm, move->which); break;
    case GHOST: realm_ghost_comes(realm); break;
    case TIMEOUT: realm->timeouts--; realm_times_out(realm); break;
    case GROW: realm_grows(realm); break;
    default:
        realm->pauses -= !process->state.paused;
        realm_pause_or_resume(realm, move->which);
        break;
    }
    realm_judge(realm);
}

static void settle(const struct realm *realm)
{
    struct realm end = *realm;

    explorer.settling = true;
    realm_settle(&end);
    explorer.settling = false;
}

static void visit(const struct realm *realm)
{
    struct move moves[MAX_MOVES];

    if (!is_new(realm))
        return;
    settle(realm);
    unsigned count = list_moves(realm, moves);
    for (unsigned i = 0; i < count; i++) {
        struct realm next = *realm;
        make(&next, &moves[i]);
        visit(&next);
        explorer.depth--;
    }
}

static void begin(uint64_t seed)
{
    memset(&explorer, 0, sizeof(explorer));
    explorer.seed = seed;
    signal(SIGABRT, on_abort); /* And then the process ends. */
}

struct explored outbox_explore(const struct realm_setup *setup)
{
    struct realm realm;

    begin(0);
    realm_open(&realm, setup);
    visit(&realm);
    free(explorer.seen);
    signal(SIGABRT, SIG_DFL);
    return (struct explored){ .states = explorer.count, .moves = explorer.moves };
}

uint64_t outbox_wander(const struct realm_setup *setup, uint64_t seed, unsigned most)
{
    struct move moves[MAX_MOVES];
    struct realm realm;
    uint64_t random = seed;

    begin(seed);
    realm_open(&realm, setup);
    for (unsigned i = 0; i < most; i++) {
        unsigned count = list_moves(&realm, moves), chosen;
        if (count == 0)
            break;
        /* Mostly what goes well, or a life would be over before it began. */
        chosen = (unsigned)(random_next(&random) % count);
        if (moves[chosen].kind != GO || moves[chosen].outcome != GOES_WELL)
            chosen = random_next(&random) % 8 == 0 ? chosen : (unsigned)(random_next(&random) % count);
        make(&realm, &moves[chosen]);
    }
    settle(&realm);
    signal(SIGABRT, SIG_DFL);
    return explorer.moves;
}
