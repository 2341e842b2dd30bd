/* test_outbox_memory_property.c - any life of a memory, with starts, crashes and faults of the disk at any point: it is
 * what was said to be done, and after the next start it is the same. */
#include "memory_fixture.h"

#include "support/check.h"
#include "support/effort.h"
#include "support/random.h"

#include <errno.h>
#include <stdlib.h>

enum { STREAMS = 5, POSITIONS = 60, TOPICS = 3, LIVES = 30, STEPS = 60, FAULTY_LIVES = 60, MOST = 8 };
enum what { PUBLISH, PARK, ATTEMPT, RETRY, DISCARD, PAUSE, RESET, PARTITIONS, REPLAY, REPLAYED, WHATS };

/* What was said, as plainly as can be. */
struct model {
    bool aside[STREAMS][POSITIONS + 1];
    uint64_t blocked_from[STREAMS];
    uint64_t position, generation, replay, replays;
    bool paused;
    int32_t partitions[TOPICS];
};
struct step {
    enum what what;
    struct varve_dead_letter letters[STREAMS];
    struct outbox_waiting waiting[MOST];
    size_t letter_count, waiting_count, stream, topic;
    uint64_t position, generation;
    int32_t partitions;
    bool paused;
};
static const char *const names[STREAMS] = { "order-1", "order-10", "\xc3\xa4pfel-\"3\"", "x", "order-2" };
static const char *const topics[TOPICS] = { "orders", "audit", "payments" };

/* ---- the model ---- */

static size_t count_of(const struct model *model, size_t stream)
{
    size_t count = 0;

    for (size_t position = 1; position <= POSITIONS; position++)
        count += model->aside[stream][position];
    return count;
}

static size_t index_of(struct varve_view stream)
{
    size_t i = 0;

    while (!varve_view_equal(stream, varve_view_str(names[i])))
        i++;
    return i;
}

static void unblock(struct model *model, size_t stream)
{
    for (uint64_t position = model->blocked_from[stream]; position <= POSITIONS; position++)
        if (model->aside[stream][position])
            return;
    model->blocked_from[stream] = 0;
}

static void model_park(struct model *model, const struct step *step)
{
    for (size_t i = 0; i < step->letter_count; i++) {
        const struct varve_dead_letter *letter = &step->letters[i];
        size_t stream = index_of(letter->stream);
        uint64_t *blocked_from = &model->blocked_from[stream];

        model->aside[stream][letter->position] = true;
        if (!letter->skipped && (*blocked_from == 0 || letter->position < *blocked_from))
            *blocked_from = letter->position;
    }
    for (size_t i = 0; i < step->waiting_count; i++)
        model->aside[index_of(step->waiting[i].stream)][step->waiting[i].position] = true;
}

static void model_do(struct model *model, const struct step *step)
{
    switch (step->what) {
    case PUBLISH:
        model->position = step->position;
        model->generation = step->generation;
        break;
    case PARK: model_park(model, step); break;
    case RETRY:
        for (size_t position = 1; position <= step->position; position++)
            model->aside[step->stream][position] = false;
        unblock(model, step->stream);
        break;
    case DISCARD:
        model->aside[step->stream][step->position] = false;
        unblock(model, step->stream);
        break;
    case PAUSE: model->paused = step->paused; break;
    case RESET:
        model->position = step->position;
        model->generation = step->generation;
        break;
    case PARTITIONS: model->partitions[step->topic] = step->partitions; break;
    case REPLAY: model->replay = ++model->replays; break;
    case REPLAYED: model->replay = 0; break;
    case ATTEMPT: case WHATS: break;
    }
}

/* NULL: they agree; else where they do not. */
static const char *difference(const struct outbox_memory *memory, const struct model *model)
{
    for (size_t stream = 0; stream < STREAMS; stream++) {
        struct varve_view name = varve_view_str(names[stream]);

        for (uint64_t position = 1; position <= POSITIONS; position++)
            if (outbox_dead_has(memory->dead, name, position) != model->aside[stream][position])
                return names[stream];
        if (outbox_dead_blocks(memory->dead, name) != (model->blocked_from[stream] != 0))
            return "blocks";
    }
    for (size_t topic = 0; topic < TOPICS; topic++)
        if (outbox_memory_partitions(memory, topics[topic]) != model->partitions[topic])
            return topics[topic];
    if (memory->paused != model->paused)
        return "paused";
    if (memory->replay.number != model->replay || memory->replays != model->replays)
        return "replay";
    return memory->position == model->position && memory->generation == model->generation ? NULL : "position";
}

static void check_same(const struct outbox_memory *memory, const struct model *model)
{
    const char *different = difference(memory, model);

    if (different != NULL)
        fail_msg("memory and model differ: %s", different);
}

/* ---- steps ---- */

static void choose_park(const struct model *model, struct step *step, uint64_t *seed)
{
    size_t letters = random_below(seed, 3);
    bool blocks[STREAMS];

    for (size_t stream = 0; stream < STREAMS; stream++)
        blocks[stream] = model->blocked_from[stream] != 0;
    for (size_t i = 0; i < letters; i++) {
        size_t stream = random_below(seed, STREAMS);
        struct varve_dead_letter *letter = &step->letters[step->letter_count++];

        *letter = memory_letter(names[stream], 1 + random_below(seed, POSITIONS));
        letter->skipped = !blocks[stream] && random_below(seed, 3) == 0;
        letter->version = letter->position - 1; /* As the log has it: see begin(). */
        letter->retry_count = (uint32_t)random_below(seed, 5);
        blocks[stream] |= !letter->skipped;
    }
    for (size_t i = 0; i < MOST; i++) {
        size_t stream = random_below(seed, STREAMS);

        if (blocks[stream])
            step->waiting[step->waiting_count++] = (struct outbox_waiting){ varve_view_str(names[stream]),
                                                                            1 + random_below(seed, POSITIONS) };
    }
}

static uint64_t some_aside(const struct model *model, size_t stream, uint64_t *seed)
{
    uint64_t position = 1 + random_below(seed, POSITIONS);

    while (!model->aside[stream][position])
        position = position % POSITIONS + 1;
    return position;
}

static struct step choose(const struct model *model, uint64_t *seed)
{
    struct step step = {
        .what = (enum what)random_below(seed, WHATS), .stream = random_below(seed, STREAMS),
        .topic = random_below(seed, TOPICS), .position = 1 + random_below(seed, POSITIONS),
        .generation = model->generation + random_below(seed, 2), .paused = random_below(seed, 2) == 0,
        .partitions = 1 + (int32_t)random_below(seed, 4),
    };

    if (step.what == REPLAYED && model->replay == 0)
        step.what = REPLAY;
    if (step.what == DISCARD && count_of(model, step.stream) == 0)
        step.what = PARK;
    if (step.what == DISCARD)
        step.position = some_aside(model, step.stream, seed);
    if (step.what == PARK)
        choose_park(model, &step, seed);
    return step;
}

static enum varve_status do_step(struct memory_fixture *f, const struct step *step)
{
    struct outbox_memory *memory = &f->memory;
    struct outbox_replay replay = { .number = memory->replays + 1, .from = step->position, .until = POSITIONS };
    struct varve_dead_letter letter = memory_letter(names[step->stream], step->position);
    struct varve_view reason = varve_view_str(step->paused ? "a reason" : NULL);

    switch (step->what) {
    case PUBLISH: return outbox_memory_publish(memory, step->position, step->generation, &f->error);
    case PARK:
        return outbox_memory_park(memory, step->letters, step->letter_count, step->waiting, step->waiting_count,
                                  &f->error);
    case ATTEMPT:
        letter.version = step->position - 1;
        letter.retry_count = 10 + (uint32_t)step->position;
        letter.last_attempt_us = 1234567;
        return outbox_memory_attempted(memory, &letter, &f->error);
    case RETRY: return outbox_memory_retried(memory, letter.stream, step->position, &f->error);
    case DISCARD: return outbox_memory_discard(memory, letter.stream, step->position, reason, &f->error);
    case PAUSE: return outbox_memory_pause(memory, step->paused, reason, &f->error);
    case RESET: return outbox_memory_reset(memory, step->position, step->generation, reason, &f->error);
    case PARTITIONS:
        return outbox_memory_set_partitions(
            memory, &(struct outbox_topic_count){ topics[step->topic], step->partitions }, 1, &f->error);
    case REPLAY: return outbox_memory_replay(memory, &replay, reason, &f->error);
    case REPLAYED: return outbox_memory_replayed(memory, step->position, &f->error);
    case WHATS: break;
    }
    return VARVE_INTERNAL;
}

/* The log has events of others, too: what a dead letter's version is looked up in. */
static struct memory_fixture *begin(void)
{
    struct memory_fixture *f = NULL;

    memory_setup((void **)&f);
    fixture_fill(&f->store, names[0], POSITIONS, POSITIONS, 3);
    return f;
}

static void live(uint64_t seed)
{
    struct memory_fixture *f = begin();
    struct model model = { .position = 0 };

    for (int i = 0; i < STEPS; i++) {
        struct step step = choose(&model, &seed);

        assert_int_equal(do_step(f, &step), VARVE_OK);
        model_do(&model, &step);
        check_same(&f->memory, &model);
        if (random_below(&seed, 5) == 0)
            memory_check_reopened(f);
        if (random_below(&seed, 30) == 0)
            memory_crash(f);
        if (random_below(&seed, 20) == 0)
            fixture_settle(&f->store);
        check_same(&f->memory, &model);
    }
    memory_check_reopened(f);
    memory_teardown((void **)&f);
}

static void any_life_is_the_same_after_a_start(void **state)
{
    uint64_t seed = test_seed(815);

    for (int i = 0; i < TEST_EFFORT(LIVES); i++)
        live(random_next(&seed));
}

/* ---- faults ---- */

static unsigned survived[2]; /* by whether the step happened */

/* After a fault of the disk the step happened or it did not, wholly. The process is about to end; the next one finds
 * out. */
static void survive(struct memory_fixture *f, struct model *model, const struct step *step)
{
    struct model with = *model;

    check_same(&f->memory, model); /* What nobody knows is not in memory. */
    model_do(&with, step);
    memory_crash(f);
    bool happened = difference(&f->memory, model) != NULL;
    if (happened) {
        check_same(&f->memory, &with);
        *model = with;
    }
    survived[happened]++;
    memory_check_reopened(f);
}

static void faulty_live(uint64_t seed)
{
    static const int errors[] = { ENOSPC, EIO };
    struct memory_fixture *f = begin();
    struct model model = { .position = 0 };

    for (int i = 0; i < STEPS; i++) {
        struct step step = choose(&model, &seed);
        bool armed = random_below(&seed, 8) == 0;

        if (armed) {
            atomic_store(&f->store.fault.tear, random_below(&seed, 2) == 0);
            fault_os_arm(&f->store.fault, 1 + (unsigned)random_below(&seed, 3), errors[random_below(&seed, 2)],
                         random_below(&seed, 2) == 0);
        }
        enum varve_status status = do_step(f, &step);
        bool fired = atomic_load(&f->store.fault.fired);
        assert_true(status == VARVE_OK || (armed && fired));
        if (status == VARVE_OK) {
            model_do(&model, &step);
            check_same(&f->memory, &model);
        } else {
            survive(f, &model, &step);
        }
        fault_os_arm(&f->store.fault, 0, 0, false);
        if (armed && status == VARVE_OK && varve_store_fault(f->store.store, NULL) != VARVE_OK) {
            memory_crash(f); /* It hit something else that is written. */
            check_same(&f->memory, &model);
        }
    }
    memory_check_reopened(f);
    memory_teardown((void **)&f);
}

static void a_fault_of_the_disk_loses_and_invents_nothing(void **state)
{
    uint64_t seed = test_seed(816);

    for (int i = 0; i < TEST_EFFORT(FAULTY_LIVES); i++)
        faulty_live(random_next(&seed));
    print_message("%u steps failed and did not happen, %u did\n", survived[0], survived[1]);
    assert_true(survived[0] > 0 && survived[1] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_life_is_the_same_after_a_start),
        cmocka_unit_test(a_fault_of_the_disk_loses_and_invents_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
