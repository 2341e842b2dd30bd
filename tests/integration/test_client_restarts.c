/* test_client_restarts.c - the C client while its server stops, dies and comes back: nothing lost, nothing twice. */
#include "served.h"

#include "support/random.h"

#include <stdlib.h>

#define ROUNDS 50
#define PER_ROUND 40

/* A stop does not wait long for us, who do not take our replies while we wait for it. */
static const char *const small_segments[] = { "--segment-size", "2MiB", "--max-event-bytes", "64KiB",
                                              "--max-append-bytes", "256KiB", "--settle-events", "300",
                                              "--stop-timeout", "100ms", NULL };
static uint64_t seed = 20240917;

static int begin(void **state)
{
    static struct served served;
    const char *text = getenv("VARVE_SEED");

    seed = text != NULL ? strtoull(text, NULL, 10) : seed;
    printf("seed %llu (VARVE_SEED)\n", (unsigned long long)seed);
    served_begin(&served, small_segments);
    *state = &served;
    return 0;
}

static int end(void **state)
{
    served_end(*state);
    return 0;
}

/* Half of the restarts are asked for, the others are not. */
static void restart(struct served *served)
{
    if (random_below(&seed, 2) == 0)
        assert_int_equal(varved_process_stop(&served->varved), 0);
    else
        varved_process_kill(&served->varved);
    assert_true(varved_process_start(&served->varved, small_segments));
}

struct tally {
    unsigned done, replayed;
    int64_t next_version;
};

static void on_done(void *user, const struct varve_append_outcome *outcome)
{
    struct tally *tally = user;

    if (outcome->status != VARVE_OK)
        fail_msg("append %u: %s: %s", tally->done, varve_status_name(outcome->status), outcome->error.message);
    assert_int_equal(outcome->results[0].first_version, tally->next_version);
    tally->next_version++;
    tally->done++;
    tally->replayed += outcome->replayed;
}

/* Appends to one stream with expected versions, all in flight together, and the server goes away among them. */
static void append_round(struct served *served, struct tally *tally, unsigned round)
{
    unsigned when = (unsigned)random_below(&seed, PER_ROUND * 2);

    for (unsigned i = 0; i < PER_ROUND; i++) {
        uint32_t number = round * PER_ROUND + i;
        struct varve_event event = served_event("t", 1, number);
        struct varve_append_stream target = { varve_view_str("s-1"), (int64_t)number - 1 };
        struct varve_error error;

        if (i == when)
            restart(served);
        if (i % 8 == 7)
            assert_int_equal(varve_client_poll(served->client, 0, NULL), VARVE_OK);
        if (varve_client_submit(served->client, &(struct varve_append_request){ &target, 1, &event, NULL, 1 }, on_done,
                                tally, &error) != VARVE_OK)
            fail_msg("submit %u: %s", number, error.message);
    }
    if (when >= PER_ROUND)
        restart(served);
    assert_int_equal(varve_client_drain(served->client, NULL), VARVE_OK);
}

/* Reads the stream one way and lets the server go away at a random event of it. */
static void read_round(struct served *served, uint64_t count, bool backwards)
{
    uint64_t when = random_below(&seed, count), seen = 0;
    const struct varve_event *event = NULL;
    struct varve_read read;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_str("s-1");
    read.backwards = backwards;
    assert_int_equal(varve_client_read_open(served->client, &read, NULL), VARVE_OK);
    for (bool more = true; more;) {
        struct varve_error error;

        if (seen == when)
            restart(served);
        if (varve_client_read_next(served->client, &event, &error) != VARVE_OK)
            fail_msg("event %llu: %s", (unsigned long long)seen, error.message);
        more = event != NULL;
        if (more)
            assert_int_equal(event->version, backwards ? count - 1 - seen : seen);
        seen += more;
    }
    varve_client_read_close(served->client);
    assert_int_equal(seen, count);
}

static void test_appends_and_reads_over_fifty_restarts(void **state)
{
    struct served *served = *state;
    struct tally tally = { .next_version = 0 };
    struct varve_client_options options;

    varve_client_options_init(&options);
    options.read_credit_bytes = 4096; /* So that a restart finds much of a read not yet sent. */
    varve_client_free(served->client);
    assert_int_equal(varve_client_create(served->varved.url, &options, &served->client, NULL), VARVE_OK);
    for (unsigned round = 0; round < ROUNDS; round++) {
        append_round(served, &tally, round);
        assert_int_equal(tally.done, (round + 1) * PER_ROUND);
        if (round % 2 == 1)
            read_round(served, tally.done, round % 4 == 3);
    }
    printf("%u of %u appends were answered from the past\n", tally.replayed, tally.done);
}

static void test_without_ids_a_loss_is_told(void **state)
{
    struct served *served = *state;
    struct varve_event event = served_event("t", 2, 0);
    struct varve_append_stream target = { varve_view_str("n-1"), VARVE_EXPECTED_ANY };
    const struct varve_append_request request = { &target, 1, &event, NULL, 1 };

    memset(&event.id, 0, sizeof(event.id));
    assert_int_equal(varve_client_append(served->client, &request, NULL, NULL), VARVE_OK);
    varved_process_kill(&served->varved);
    assert_int_equal(varve_client_append(served->client, &request, NULL, NULL), VARVE_UNREACHABLE);
    assert_true(varved_process_start(&served->varved, small_segments));
    assert_int_equal(varve_client_append(served->client, &request, NULL, NULL), VARVE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_appends_and_reads_over_fifty_restarts, begin, end),
        cmocka_unit_test_setup_teardown(test_without_ids_a_loss_is_told, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
