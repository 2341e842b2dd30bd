/* test_outbox_model.c - all that can happen to small outboxes: crashes at any edge, answers that are lost, requests
 * that come late, a second process; chance for larger ones; and that the checks would notice if a rule were broken. */
#include "outbox_explorer.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/random.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct realm_setup setups[] = {
    { .label = "crashes and lost answers", .events = 3, .head = 2, .streams = { 0, 1, 2, 1 }, .max_events = 2,
      .poison_attempts = 2, .crashes = 2, .lost = 1, .failures = 1 },
    { .label = "a late request", .events = 3, .head = 3, .streams = { 0, 1, 0, 1 }, .max_events = 1,
      .poison_attempts = 2, .ghosts = 2, .crashes = 1 },
    { .label = "a second process", .events = 2, .head = 2, .streams = { 0, 1, 1 }, .max_events = 1,
      .poison_attempts = 2, .seconds = 1, .lost = 1, .at_once = true },
    { .label = "a second process, late requests", .events = 2, .head = 2, .streams = { 0, 1, 1 }, .max_events = 2,
      .poison_attempts = 2, .seconds = 1, .ghosts = 1 },
    { .label = "a second process, timeouts", .events = 2, .head = 2, .streams = { 0, 1, 1 }, .max_events = 2,
      .poison_attempts = 2, .seconds = 1, .timeouts = 1 },
    { .label = "poison", .events = 4, .head = 4, .streams = { 0, 1, 2, 1, 2 }, .poison = { [2] = true },
      .max_events = 4, .poison_attempts = 2, .crashes = 2, .failures = 2 },
    { .label = "poison and a second process", .events = 3, .head = 3, .streams = { 0, 1, 1, 2 },
      .poison = { [1] = true }, .max_events = 3, .poison_attempts = 1, .seconds = 1, .lost = 1 },
    { .label = "a second process, and nearly all of it", .events = 2, .head = 2, .streams = { 0, 1, 1 },
      .max_events = 2, .poison_attempts = 1, .seconds = 1, .ghosts = 1, .lost = 1, .crashes = 1 },
    { .label = "one process, and all of it", .events = 4, .head = 3, .streams = { 0, 1, 0, 2, 1 },
      .poison = { [3] = true }, .max_events = 3, .poison_attempts = 2, .ghosts = 1, .lost = 1, .crashes = 2,
      .timeouts = 1, .failures = 1 },
    { .label = "orders", .events = 2, .head = 1, .streams = { 0, 1, 1 }, .max_events = 2, .poison_attempts = 2,
      .pauses = 2, .crashes = 1, .lost = 1, .timeouts = 1 },
};

static void nothing_is_lost_doubled_or_out_of_order(void **unused)
{
    for (size_t i = 0; i < TEST_EFFORT(COUNT_OF(setups)); i++) {
        clock_t began = clock();
        struct explored explored = outbox_explore(&setups[i]);
        print_message("%s: %llu states, %llu moves, %.1f s\n", setups[i].label, (unsigned long long)explored.states,
                      (unsigned long long)explored.moves, (double)(clock() - began) / CLOCKS_PER_SEC);
    }
}

static struct realm_setup by_chance(uint64_t seed)
{
    struct realm_setup setup = { .label = "by chance", .events = REALM_EVENTS, .head = 5, .poison_attempts = 2,
                                 .crashes = 20, .failures = 30, .lost = 20, .ghosts = 20, .timeouts = 5, .pauses = 5,
                                 .seconds = 10 };
    uint64_t random = seed;

    setup.max_events = (uint32_t)(1 + random_next(&random) % 12);
    setup.at_once = random_next(&random) % 2;
    for (int i = 1; i <= REALM_EVENTS; i++) {
        setup.streams[i] = (uint8_t)(random_next(&random) % 6);
        setup.poison[i] = setup.streams[i] != 0 && random_next(&random) % 12 == 0;
    }
    return setup;
}

static void nor_in_larger_realms_by_chance(void **unused)
{
    uint64_t first = test_seed((uint64_t)time(NULL)), moves = 0;
    unsigned rounds = TEST_EFFORT(2000);

    for (unsigned i = 0; i < rounds; i++) {
        struct realm_setup setup = by_chance(first + i);
        moves += outbox_wander(&setup, first + i, 1500);
    }
    print_message("%u realms, %llu moves\n", rounds, (unsigned long long)moves);
}

/* ---- the checks themselves ---- */

static void explore_in_child(enum broken_rule rule, size_t size, char *ret_said)
{
    int ends[2], status;
    size_t length = 0;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        dup2(ends[1], STDERR_FILENO);
        broken_rule = rule;
        for (size_t i = 0; i < COUNT_OF(setups); i++)
            outbox_explore(&setups[i]);
        _exit(0);
    }
    close(ends[1]);
    for (ssize_t got = 1; got > 0; length += (size_t)got)
        if ((got = read(ends[0], ret_said + length, size - 1 - length)) < 0)
            got = 0;
    ret_said[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(length > 0 ? WIFSIGNALED(status) : status == 0);
}

static void broken_rules_are_noticed(void **unused)
{
    static const struct {
        const char *label;
        enum broken_rule rule;
    } cases[] = {
        { "no new epoch after a doubtful commit", NO_REFRESH },
        { "claims are not written", NO_CLAIM },
        { "any foreign claim counts", ANY_FOREIGN_CLAIM_COUNTS },
        { "the first instance looks, too", LOOK_BEFORE_THE_FIRST },
        { "the checkpoint has a transaction of its own, behind", CHECKPOINT_APART },
        { "the checkpoint has a transaction of its own, before", CHECKPOINT_FIRST },
        { "an unknown outcome is taken for success", UNKNOWN_IS_DONE },
        { "an unknown outcome is tried again at once", UNKNOWN_IS_TRIED_AGAIN },
        { "the position in memory is trusted", MEMORY_IS_TRUSTED },
        { "who is fenced gives way", FENCED_IS_SUPERSEDED },
        { "who is fenced never gives way", FENCED_IS_IGNORED },
        { "failures of the environment are attempts", ENVIRONMENT_IS_POISON },
        { "dead letters are not durable", DEAD_LETTERS_IN_MEMORY_ONLY },
        { "what waits behind them is not durable", WAITING_IN_MEMORY_ONLY },
        { "a stream goes on behind a dead letter", STREAMS_GO_ON },
        { "poison is dropped", POISON_IS_DROPPED },
    };
    char said[8192];

    assert_int_equal(COUNT_OF(cases), BROKEN_RULES - 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        explore_in_child(cases[i].rule, sizeof(said), said);
        CHECK_CASE(said[0] != '\0', cases[i].label);
        said[strcspn(said, "\n")] = '\0';
        print_message("%s: %s\n", cases[i].label, said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_doubled_or_out_of_order),
        cmocka_unit_test(nor_in_larger_realms_by_chance),
        cmocka_unit_test(broken_rules_are_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
