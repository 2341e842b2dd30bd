/* test_outbox_dead.c - dead letters against a model of plain arrays, case by case, and when memory is short. */
#include "support/check.h"
#include "support/effort.h"
#include "support/fail_alloc.h"
#include "support/random.h"

#include <stdlib.h>

#include "server/outbox/outbox_dead.h"

enum { STREAMS = 12, POSITIONS = 64, LIVES = 400, STEPS = 200 };

static int setup(void **state)
{
    return outbox_dead_create((struct outbox_dead **)state) == VARVE_OK ? 0 : -1;
}

static int teardown(void **state)
{
    outbox_dead_destroy(*state);
    return 0;
}

static struct varve_dead_letter letter_of(const char *stream, uint64_t position)
{
    return (struct varve_dead_letter){
        .stream = varve_view_str(stream), .position = position, .version = position / 2, .retry_count = 3,
        .error_code = varve_view_str("MSG_SIZE_TOO_LARGE"), .last_error = varve_view_str("Broker: too large"),
        .first_attempt_us = (int64_t)position * 10, .last_attempt_us = (int64_t)position * 10 + 5,
    };
}

static void put(struct outbox_dead *dead, const char *stream, uint64_t position, bool skipped, uint64_t log_version)
{
    struct varve_dead_letter letter = letter_of(stream, position);

    letter.skipped = skipped;
    assert_int_equal(outbox_dead_put(dead, &letter, log_version), VARVE_OK);
}

static void add(struct outbox_dead *dead, const char *stream, uint64_t position)
{
    assert_int_equal(outbox_dead_add_waiting(dead, varve_view_str(stream), &position, 1), VARVE_OK);
}

/* "100 110 120" */
static const char *waiting_of(const struct outbox_dead *dead, const char *stream)
{
    static char text[4096];
    uint64_t positions[256];
    size_t count = outbox_dead_waiting(dead, varve_view_str(stream), positions, COUNT_OF(positions)), size = 0;

    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%llu", i == 0 ? "" : " ",
                                 (unsigned long long)positions[i]);
    return text;
}

/* ---- case by case ---- */

static void a_parked_stream_holds_up_what_comes_later(void **state)
{
    struct outbox_dead *dead = *state;
    struct varve_view a = varve_view_str("a");

    assert_false(outbox_dead_blocks(dead, a));
    put(dead, "a", 100, false, 7);
    assert_true(outbox_dead_blocks(dead, a));
    assert_false(outbox_dead_blocks(dead, varve_view_str("aa")));
    assert_false(outbox_dead_blocks(dead, varve_view_of("", 0)));
    add(dead, "a", 110);
    add(dead, "a", 120);
    assert_string_equal(waiting_of(dead, "a"), "100 110 120");
    assert_true(outbox_dead_has(dead, a, 110));
    assert_false(outbox_dead_has(dead, a, 111));
    outbox_dead_delivered(dead, a, 115);
    assert_string_equal(waiting_of(dead, "a"), "120");
    assert_true(outbox_dead_blocks(dead, a));
    outbox_dead_delivered(dead, a, 120);
    assert_false(outbox_dead_blocks(dead, a));
    assert_string_equal(waiting_of(dead, "a"), "");
}

static void a_skipped_event_leaves_a_gap_and_holds_up_nobody(void **state)
{
    struct outbox_dead *dead = *state;
    struct varve_view a = varve_view_str("a");

    put(dead, "a", 100, true, 1);
    assert_false(outbox_dead_blocks(dead, a));
    assert_int_equal(outbox_dead_gap(dead, a), 100);
    put(dead, "a", 105, true, 2);
    assert_int_equal(outbox_dead_gap(dead, a), 105);
    outbox_dead_passed_gap(dead, a, 100); /* The second one was not told. */
    assert_int_equal(outbox_dead_gap(dead, a), 105);
    outbox_dead_passed_gap(dead, a, 105);
    assert_int_equal(outbox_dead_gap(dead, a), 0);
    assert_string_equal(waiting_of(dead, "a"), "100 105");
    put(dead, "a", 110, false, 3); /* The policy is another one since. */
    assert_true(outbox_dead_blocks(dead, a));
    assert_true(outbox_dead_discard(dead, a, 110));
    assert_false(outbox_dead_blocks(dead, a));
    assert_string_equal(waiting_of(dead, "a"), "100 105");
}

static void a_gap_outlives_what_was_discarded_but_not_what_was_delivered(void **state)
{
    struct outbox_dead *dead = *state;
    struct varve_view a = varve_view_str("a"), b = varve_view_str("b");
    struct outbox_dead_counts counts;
    struct varve_dead_letter *found;

    put(dead, "a", 100, true, 1);
    put(dead, "b", 101, true, 2);
    assert_true(outbox_dead_discard(dead, a, 100));
    outbox_dead_delivered(dead, b, 101);
    assert_int_equal(outbox_dead_gap(dead, a), 100);
    assert_int_equal(outbox_dead_gap(dead, b), 0);
    outbox_dead_count(dead, &counts);
    assert_int_equal(counts.streams, 0);
    assert_false(outbox_dead_find(dead, a, &found));
    outbox_dead_passed_gap(dead, a, 100);
    assert_int_equal(outbox_dead_gap(dead, a), 0);
}

static void a_discarded_event_lets_the_ones_behind_it_wait(void **state)
{
    struct outbox_dead *dead = *state;
    struct varve_view a = varve_view_str("a");
    char stream[VARVE_MAX_SYSTEM_STREAM_NAME + 1];

    put(dead, "a", 100, false, 1);
    put(dead, "b", 101, false, 2);
    add(dead, "a", 110);
    add(dead, "a", 120);
    assert_true(outbox_dead_stream_of(dead, 110, stream));
    assert_string_equal(stream, "a");
    assert_false(outbox_dead_stream_of(dead, 99, stream));
    assert_true(outbox_dead_discard(dead, a, 110)); /* One that waits can be given up, too. */
    assert_string_equal(waiting_of(dead, "a"), "100 120");
    assert_true(outbox_dead_discard(dead, a, 100));
    assert_false(outbox_dead_discard(dead, a, 100));
    assert_false(outbox_dead_discard(dead, a, 101)); /* It is of another stream. */
    assert_string_equal(waiting_of(dead, "a"), "120");
    assert_true(outbox_dead_blocks(dead, varve_view_str("a")));
    assert_true(outbox_dead_discard(dead, a, 120));
    assert_false(outbox_dead_blocks(dead, varve_view_str("a")));
    assert_string_equal(waiting_of(dead, "b"), "101");
}

static void a_letter_tells_of_the_first_that_waits(void **state)
{
    struct outbox_dead *dead = *state;
    struct varve_view a = varve_view_str("a");
    struct varve_dead_letter *found, again = letter_of("a", 100);

    put(dead, "a", 100, false, 1);
    add(dead, "a", 110);
    assert_true(outbox_dead_find(dead, a, &found));
    assert_true(varve_view_equal(found->stream, a) && varve_view_equal(found->error_code, again.error_code) &&
                varve_view_equal(found->last_error, again.last_error));
    assert_true(found->position == 100 && found->version == 50 && found->waiting == 2 && !found->skipped);
    assert_true(found->retry_count == 3 && found->first_attempt_us == 1000 && found->last_attempt_us == 1005);
    free(found);

    again.retry_count = 4;
    again.first_attempt_us = again.last_attempt_us = 9999;
    again.last_error = varve_view_str("another reason");
    outbox_dead_attempted(dead, &again);
    assert_true(outbox_dead_find(dead, a, &found));
    assert_true(found->retry_count == 4 && found->first_attempt_us == 1000 && found->last_attempt_us == 9999);
    assert_true(varve_view_equal(found->last_error, again.last_error));
    free(found);

    outbox_dead_delivered(dead, a, 100);
    assert_true(outbox_dead_find(dead, a, &found));
    assert_true(found->position == 110 && found->version == UINT64_MAX && found->waiting == 1);
    assert_true(found->retry_count == 0 && found->error_code.size == 0 && found->last_attempt_us == 0);
    free(found);
    outbox_dead_set_version(dead, a, 100, 1); /* It is not the first any more. */
    outbox_dead_set_version(dead, a, 110, 55);
    assert_true(outbox_dead_find(dead, a, &found));
    assert_true(found->version == 55 && found->retry_count == 0);
    free(found);
}

static void what_is_told_twice_is_there_once(void **state)
{
    struct outbox_dead *dead = *state;
    const uint64_t more[] = { 110, 120, 130 };
    struct outbox_dead_counts counts;

    for (int round = 0; round < 2; round++) {
        put(dead, "a", 100, false, 5 + (uint64_t)round);
        assert_int_equal(outbox_dead_add_waiting(dead, varve_view_str("a"), more, COUNT_OF(more)), VARVE_OK);
        assert_int_equal(outbox_dead_add_waiting(dead, varve_view_str("a"), more, 2), VARVE_OK);
        assert_string_equal(waiting_of(dead, "a"), "100 110 120 130");
    }
    outbox_dead_count(dead, &counts);
    assert_true(counts.streams == 1 && counts.positions == 4 && counts.first_position == 100 && counts.fold_from == 5);
}

static void events_without_their_letter_are_not_looked_at(void **state)
{
    struct outbox_dead *dead = *state;
    struct varve_dead_letter letter = letter_of("a", 100);
    struct outbox_dead_counts counts;

    add(dead, "a", 110);
    outbox_dead_attempted(dead, &letter);
    outbox_dead_delivered(dead, letter.stream, 200);
    outbox_dead_passed_gap(dead, letter.stream, UINT64_MAX);
    outbox_dead_set_version(dead, letter.stream, 100, 1);
    assert_false(outbox_dead_discard(dead, letter.stream, 110));
    outbox_dead_count(dead, &counts);
    assert_true(counts.streams == 0 && counts.positions == 0 && counts.first_position == 0 &&
                counts.fold_from == UINT64_MAX);
}

/* ---- against a model ---- */

struct model {
    bool set_aside[STREAMS][POSITIONS + 1];
    uint64_t blocked_from[STREAMS], gap[STREAMS], log_version[STREAMS], told_of[STREAMS], attempts[STREAMS];
};

static size_t model_count(const struct model *model, size_t stream)
{
    size_t count = 0;

    for (size_t position = 1; position <= POSITIONS; position++)
        count += model->set_aside[stream][position];
    return count;
}

static uint64_t model_first(const struct model *model, size_t stream)
{
    for (uint64_t position = 1; position <= POSITIONS; position++)
        if (model->set_aside[stream][position])
            return position;
    return 0;
}

static void model_tidy(struct model *model, size_t stream)
{
    bool blocks = false;

    for (uint64_t position = 1; position <= POSITIONS; position++)
        blocks |= model->set_aside[stream][position] && position >= model->blocked_from[stream];
    if (!blocks)
        model->blocked_from[stream] = 0;
    if (model_count(model, stream) == 0 && model->gap[stream] == 0)
        model->told_of[stream] = 0;
}

static void name_of(size_t stream, char ret[16])
{
    snprintf(ret, 16, "s%.*s-%u", (int)(stream % 4), "xyz", (unsigned)stream / 4);
}

static void compare_stream(const struct outbox_dead *dead, const struct model *model, size_t stream)
{
    uint64_t positions[POSITIONS], first = model_first(model, stream);
    struct varve_dead_letter *found;
    char name[16];

    name_of(stream, name);
    struct varve_view view = varve_view_str(name);
    size_t count = outbox_dead_waiting(dead, view, positions, POSITIONS), next = 0;
    assert_int_equal(count, model_count(model, stream));
    for (uint64_t position = 1; position <= POSITIONS; position++) {
        assert_int_equal(outbox_dead_has(dead, view, position), model->set_aside[stream][position]);
        if (model->set_aside[stream][position])
            assert_int_equal(positions[next++], position);
    }
    assert_int_equal(outbox_dead_blocks(dead, view), model->blocked_from[stream] != 0);
    assert_int_equal(outbox_dead_gap(dead, view), model->gap[stream]);
    assert_int_equal(outbox_dead_find(dead, view, &found), count > 0);
    if (count == 0)
        return;
    assert_true(found->position == first && found->waiting == count);
    assert_int_equal(found->skipped, model->blocked_from[stream] == 0);
    assert_int_equal(found->retry_count, model->told_of[stream] == first ? model->attempts[stream] : 0);
    free(found);
}

static void compare(const struct outbox_dead *dead, const struct model *model)
{
    struct outbox_dead_counts counts, expected = { .fold_from = UINT64_MAX };

    for (size_t stream = 0; stream < STREAMS; stream++) {
        uint64_t first = model_first(model, stream);

        compare_stream(dead, model, stream);
        if (first == 0)
            continue;
        expected.streams++;
        expected.positions += model_count(model, stream);
        if (expected.first_position == 0 || first < expected.first_position)
            expected.first_position = first;
        if (model->log_version[stream] < expected.fold_from)
            expected.fold_from = model->log_version[stream];
    }
    outbox_dead_count(dead, &counts);
    assert_memory_equal(&counts, &expected, sizeof(counts));
}

static void step_put(struct outbox_dead *dead, struct model *model, size_t stream, uint64_t *seed, uint64_t version)
{
    char name[16];

    name_of(stream, name);
    struct varve_dead_letter letter = letter_of(name, 1 + random_below(seed, POSITIONS));
    letter.skipped = random_below(seed, 3) == 0;
    letter.retry_count = (uint32_t)random_below(seed, 100) + 1;
    assert_int_equal(outbox_dead_put(dead, &letter, version), VARVE_OK);
    if (model_count(model, stream) == 0)
        model->log_version[stream] = version;
    model->set_aside[stream][letter.position] = true;
    if (model_first(model, stream) == letter.position) {
        model->told_of[stream] = letter.position;
        model->attempts[stream] = letter.retry_count;
    }
    if (letter.skipped && letter.position > model->gap[stream])
        model->gap[stream] = letter.position;
    if (!letter.skipped && (model->blocked_from[stream] == 0 || letter.position < model->blocked_from[stream]))
        model->blocked_from[stream] = letter.position;
}

static void step_add(struct outbox_dead *dead, struct model *model, size_t stream, uint64_t *seed)
{
    uint64_t positions[20];
    size_t count = random_below(seed, COUNT_OF(positions) + 1);
    bool known = model_count(model, stream) > 0;
    char name[16];

    name_of(stream, name);
    for (size_t i = 0; i < count; i++) {
        positions[i] = 1 + random_below(seed, POSITIONS);
        if (known)
            model->set_aside[stream][positions[i]] = true;
    }
    assert_int_equal(outbox_dead_add_waiting(dead, varve_view_str(name), positions, count), VARVE_OK);
}

static void step_deliver(struct outbox_dead *dead, struct model *model, size_t stream, uint64_t *seed)
{
    uint64_t through = random_below(seed, 10) == 0 ? UINT64_MAX : random_below(seed, POSITIONS + 1);
    char name[16];

    name_of(stream, name);
    outbox_dead_delivered(dead, varve_view_str(name), through);
    for (uint64_t position = 1; position <= POSITIONS && position <= through; position++)
        model->set_aside[stream][position] = false;
    if (model->gap[stream] <= through)
        model->gap[stream] = 0;
    model_tidy(model, stream);
}

static void step_discard(struct outbox_dead *dead, struct model *model, size_t stream, uint64_t *seed)
{
    uint64_t position = 1 + random_below(seed, POSITIONS);
    bool expected = model->set_aside[stream][position];
    char name[16];

    name_of(stream, name);
    assert_int_equal(outbox_dead_discard(dead, varve_view_str(name), position), expected);
    model->set_aside[stream][position] = false;
    if (expected)
        model_tidy(model, stream);
}

static void step_rest(struct outbox_dead *dead, struct model *model, size_t stream, uint64_t *seed)
{
    char name[16];

    name_of(stream, name);
    struct varve_dead_letter letter = letter_of(name, 1 + random_below(seed, POSITIONS));
    switch (random_below(seed, 3)) {
    case 0:
        outbox_dead_passed_gap(dead, letter.stream, UINT64_MAX);
        model->gap[stream] = 0;
        model_tidy(model, stream);
        break;
    case 1:
        letter.retry_count = 1000;
        outbox_dead_attempted(dead, &letter);
        if (model_first(model, stream) == letter.position) {
            model->told_of[stream] = letter.position;
            model->attempts[stream] = 1000;
        }
        break;
    default:
        assert_int_equal(outbox_dead_reserve(dead, letter.stream, random_below(seed, 50)), VARVE_OK);
        if (random_below(seed, 2) == 0)
            outbox_dead_unreserve(dead);
        break;
    }
}

static void live(uint64_t seed)
{
    struct model *model = calloc(1, sizeof(*model));
    struct outbox_dead *dead;

    assert_non_null(model);
    assert_int_equal(outbox_dead_create(&dead), VARVE_OK);
    for (uint64_t step = 0; step < STEPS; step++) {
        size_t stream = random_below(&seed, STREAMS);

        switch (random_below(&seed, 6)) {
        case 0: case 1: step_put(dead, model, stream, &seed, step); break;
        case 2: step_add(dead, model, stream, &seed); break;
        case 3: step_deliver(dead, model, stream, &seed); break;
        case 4: step_discard(dead, model, stream, &seed); break;
        default: step_rest(dead, model, stream, &seed); break;
        }
        if (step % 10 == 0)
            compare(dead, model);
    }
    compare(dead, model);
    outbox_dead_destroy(dead);
    free(model);
}

static void any_life_agrees_with_the_model(void **state)
{
    uint64_t seed = test_seed(4711);

    for (int i = 0; i < TEST_EFFORT(LIVES); i++)
        live(random_next(&seed));
}

/* ---- bounds ---- */

static void a_million_positions_of_ten_thousand_streams(void **state)
{
    enum { MANY_STREAMS = 10000, EACH = 100 };
    struct outbox_dead *dead = *state;
    struct outbox_dead_counts counts;
    char name[32];

    for (uint64_t i = 0; i < MANY_STREAMS; i++) {
        snprintf(name, sizeof(name), "order-%llu", (unsigned long long)(i * 7919 % MANY_STREAMS));
        put(dead, name, 1 + i, false, i);
    }
    for (uint64_t each = 1; each < EACH; each++) {
        for (uint64_t i = 0; i < MANY_STREAMS; i++) {
            snprintf(name, sizeof(name), "order-%llu", (unsigned long long)i);
            add(dead, name, each * MANY_STREAMS + 1 + i);
        }
    }
    outbox_dead_count(dead, &counts);
    assert_true(counts.streams == MANY_STREAMS && counts.positions == MANY_STREAMS * EACH);
    assert_int_equal(counts.first_position, 1);
    for (uint64_t i = 0; i < MANY_STREAMS; i++) {
        snprintf(name, sizeof(name), "order-%llu", (unsigned long long)i);
        outbox_dead_delivered(dead, varve_view_str(name), UINT64_MAX);
    }
    outbox_dead_count(dead, &counts);
    assert_true(counts.streams == 0 && counts.fold_from == UINT64_MAX);
}

/* ---- memory that cannot be had ---- */

static void without_memory_nothing_changes(void **state)
{
    struct outbox_dead *dead = *state;
    const uint64_t more[] = { 110, 120, 130, 140 };
    char name[16];

    if (!FAIL_ALLOC_WORKS)
        skip();
    for (unsigned i = 0; i < 40; i++) {
        bool fired = true;

        snprintf(name, sizeof(name), "s-%u", i);
        for (unsigned nth = 1; fired; nth++) {
            struct varve_dead_letter letter = letter_of(name, 100);

            fail_alloc_arm(nth);
            enum varve_status status = outbox_dead_put(dead, &letter, 1);
            fired = fail_alloc_disarm();
            assert_true(status == (outbox_dead_has(dead, letter.stream, 100) ? VARVE_OK : VARVE_NO_MEMORY));
            assert_true(fired || status == VARVE_OK);
        }
        fired = true;
        for (unsigned nth = 1; fired; nth++) {
            fail_alloc_arm(nth);
            enum varve_status status = outbox_dead_add_waiting(dead, varve_view_str(name), more, COUNT_OF(more));
            fired = fail_alloc_disarm();
            assert_string_equal(waiting_of(dead, name), status == VARVE_OK ? "100 110 120 130 140" : "100");
        }
    }
}

static void what_was_reserved_needs_no_memory(void **state)
{
    struct outbox_dead *dead = *state;
    const uint64_t more[] = { 110, 120, 130, 140, 150, 160, 170, 180 };

    if (!FAIL_ALLOC_WORKS)
        skip();
    put(dead, "b", 90, false, 1);
    assert_int_equal(outbox_dead_reserve(dead, varve_view_str("a"), 1), VARVE_OK);
    assert_int_equal(outbox_dead_reserve(dead, varve_view_str("a"), COUNT_OF(more)), VARVE_OK);
    assert_int_equal(outbox_dead_reserve(dead, varve_view_str("c"), 1), VARVE_OK);
    assert_int_equal(outbox_dead_reserve(dead, varve_view_str("b"), COUNT_OF(more)), VARVE_OK);
    assert_false(outbox_dead_blocks(dead, varve_view_str("a")));
    struct varve_dead_letter letter = letter_of("a", 100);
    fail_alloc_arm(1); /* Only the texts are not there then. */
    assert_int_equal(outbox_dead_put(dead, &letter, 2), VARVE_OK);
    assert_true(fail_alloc_disarm());
    fail_alloc_arm(1);
    assert_int_equal(outbox_dead_add_waiting(dead, letter.stream, more, COUNT_OF(more)), VARVE_OK);
    assert_int_equal(outbox_dead_add_waiting(dead, varve_view_str("b"), more, COUNT_OF(more)), VARVE_OK);
    assert_false(fail_alloc_disarm());
    outbox_dead_unreserve(dead);
    assert_string_equal(waiting_of(dead, "a"), "100 110 120 130 140 150 160 170 180");
    assert_string_equal(waiting_of(dead, "b"), "90 110 120 130 140 150 160 170 180");
    assert_false(outbox_dead_blocks(dead, varve_view_str("c")));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_parked_stream_holds_up_what_comes_later),
        TEST(a_skipped_event_leaves_a_gap_and_holds_up_nobody),
        TEST(a_gap_outlives_what_was_discarded_but_not_what_was_delivered),
        TEST(a_discarded_event_lets_the_ones_behind_it_wait),
        TEST(a_letter_tells_of_the_first_that_waits),
        TEST(what_is_told_twice_is_there_once),
        TEST(events_without_their_letter_are_not_looked_at),
        cmocka_unit_test(any_life_agrees_with_the_model),
        TEST(a_million_positions_of_ten_thousand_streams),
        TEST(without_memory_nothing_changes),
        TEST(what_was_reserved_needs_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
