/* test_group_model.c - all that can happen to a group of 3 consumers with 4 events of 2 keys; and that the checker that
 * says so would notice if it were not so. */
#include "checker.h"
#include "mutations.h"
#include "support/check.h"
#include "support/effort.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Members that come and go, acks, nacks, timeouts and lost members are bounded by `max_attempts` alone; crashes,
 * replays and stops are counted. */
static const struct checker_setup setups[] = { /* with sanitizers: the first */
    { .label = "two crashes", .keys = { 1, 1, 2, 1 }, .max_in_flight = 2, .consumer_max_in_flight = 2,
      .max_attempts = 2, .crashes = 2 },
    { .label = "one crash, one replay", .keys = { 1, 2, 1, 2 }, .max_in_flight = 2, .consumer_max_in_flight = 2,
      .max_attempts = 2, .crashes = 1, .replays = 1 },
    { .label = "one crash, one stop", .keys = { 1, 2, 1, 2 }, .max_in_flight = 2, .consumer_max_in_flight = 2,
      .max_attempts = 2, .crashes = 1, .stops = 1 },
    { .label = "one replay, one stop", .keys = { 1, 1, 2, 1 }, .max_in_flight = 2, .consumer_max_in_flight = 2,
      .max_attempts = 2, .replays = 1, .stops = 1 },
    { .label = "three attempts, small limits", .keys = { 1, 2, 2, 1 }, .max_in_flight = 2, .consumer_max_in_flight = 1,
      .max_attempts = 3, .crashes = 1 },
    { .label = "one in flight", .keys = { 1, 2, 1, 2 }, .max_in_flight = 1, .consumer_max_in_flight = 1,
      .max_attempts = 2, .crashes = 1, .stops = 1 },
    { .label = "one crash, two events in transactions", .keys = { 1, 1, 2, 1 }, .max_in_flight = 2,
      .consumer_max_in_flight = 2, .max_attempts = 2, .crashes = 1, .holds = 2 },
    { .label = "one replay, one event in a transaction", .keys = { 1, 2, 1, 2 }, .max_in_flight = 2,
      .consumer_max_in_flight = 1, .max_attempts = 2, .replays = 1, .holds = 1 },
    { .label = "one stop, three events in transactions", .keys = { 1, 2, 1, 2 }, .max_in_flight = 2,
      .consumer_max_in_flight = 2, .max_attempts = 1, .stops = 1, .holds = 3 },
};

static void all_interleavings_keep_the_promises(void **unused)
{
    uint64_t states = 0, moves = 0;

    for (size_t i = 0; i < TEST_EFFORT(COUNT_OF(setups)); i++) {
        clock_t began = clock();
        struct checker_report report = checker_explore(&setups[i]);
        print_message("%s, at most %u attempts: %llu states, %llu moves, %.1f s\n", setups[i].label,
                      setups[i].max_attempts, (unsigned long long)report.states, (unsigned long long)report.moves,
                      (double)(clock() - began) / CLOCKS_PER_SEC);
        states += report.states;
        moves += report.moves;
    }
    print_message("%llu states, %llu moves in all\n", (unsigned long long)states, (unsigned long long)moves);
}

/* An owner of the machine may not keep to its part. */
enum owner { GOOD_OWNER, ADDS_PARKED_AGAIN, ADDS_STORED_AGAIN };

/* What a child that explores says before it aborts; "" when it found nothing. */
static void explore_in_child(enum mutation broken, enum owner owner, size_t size, char *ret_said)
{
    struct checker_setup setup = { .label = "all at once", .keys = { 1, 2, 1, 2 }, .max_in_flight = 2,
                                   .consumer_max_in_flight = 1, .max_attempts = 2, .crashes = 1, .replays = 1,
                                   .stops = 1, .holds = 1, .adds_parked_again = owner == ADDS_PARKED_AGAIN,
                                   .adds_stored_again = owner == ADDS_STORED_AGAIN };
    int ends[2], status;
    size_t length = 0;

    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
        dup2(ends[1], STDERR_FILENO);
        mutation = broken;
        checker_explore(&setup);
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
        enum mutation mutation;
        enum owner owner;
    } cases[] = {
        { "the checkpoint ignores what is retried", CHECKPOINT_IGNORES_RETRYING, GOOD_OWNER },
        { "the checkpoint does not wait for parkings", CHECKPOINT_IGNORES_PARKING, GOOD_OWNER },
        { "a replay moves the checkpoint", CHECKPOINT_WAITS_FOR_REPLAYS, GOOD_OWNER },
        { "the ack of a fenced member counts", LATE_ACK_COUNTS, GOOD_OWNER },
        { "a consumer gets more than it may", CONSUMER_LIMIT_IGNORED, GOOD_OWNER },
        { "what a leaver had is lost", NOTHING_RETURNS_FROM_LEAVERS, GOOD_OWNER },
        { "a lost delivery is no attempt", LOST_DELIVERIES_DO_NOT_COUNT, GOOD_OWNER },
        { "a retry goes behind others of its key", RETRY_LETS_ITS_KEY_GO_ON, GOOD_OWNER },
        { "a key goes on before a parking is durable", PARKING_IS_NOT_WAITED_FOR, GOOD_OWNER },
        { "an event is parked twice", PARKING_IS_TOLD_TWICE, GOOD_OWNER },
        { "a stop does not stop", STOP_DOES_NOT_STOP, GOOD_OWNER },
        { "extend does nothing", EXTEND_DOES_NOTHING, GOOD_OWNER },
        { "a replay never comes", REPLAY_IS_FORGOTTEN, GOOD_OWNER },
        { "deadlines never pass", TIMEOUTS_ARE_IGNORED, GOOD_OWNER },
        { "the order within a key is ignored", LATEST_OF_KEY_FIRST, GOOD_OWNER },
        { "the checkpoint ignores what is held", CHECKPOINT_IGNORES_HELD, GOOD_OWNER },
        { "what is held runs late", HELD_RUNS_LATE, GOOD_OWNER },
        { "what is held can be acked", HELD_CAN_BE_ACKED, GOOD_OWNER },
        { "what a leaver held goes to others before the outcome is known", HELD_RETURNS_FROM_LEAVERS, GOOD_OWNER },
        { "what a leaver held is finished whatever the outcome", ORPHANS_ARE_FINISHED, GOOD_OWNER },
        { "what was stored is delivered again", STORED_IS_GIVEN_BACK, GOOD_OWNER },
        { "what was not stored is finished", UNSTORED_IS_FINISHED, GOOD_OWNER },
        { "anybody may settle", ANYBODY_SETTLES, GOOD_OWNER },
        { "what was parked is added again after a crash", MUTATION_NONE, ADDS_PARKED_AGAIN },
        { "what was stored is added again after a crash", MUTATION_NONE, ADDS_STORED_AGAIN },
    };
    char said[8192];

    assert_int_equal(COUNT_OF(cases), MUTATIONS + 1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        explore_in_child(cases[i].mutation, cases[i].owner, sizeof(said), said);
        CHECK_CASE(said[0] != '\0', cases[i].label);
        said[strcspn(said, "\n")] = '\0';
        print_message("%s: %s\n", cases[i].label, said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_interleavings_keep_the_promises), cmocka_unit_test(broken_rules_are_noticed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
