/* test_client_state.c - transactions, sagas and checkpoints of the C client against a real server, which also stops,
 * dies and comes back: all of a transaction or nothing, once. */
#include "served.h"

#include "support/random.h"
#include "varve/state.h"
#include "varve/uuid.h"

#include <stdlib.h>

#define ROUNDS 30
#define PER_ROUND 30
#define WORKS 400

static const char *const options[] = { "--stop-timeout", "100ms", "--settle-events", "300", NULL };
static const struct varve_view group = { "billing", 7 }, name = { "shipping", 8 }, order = { "order", 5 },
                               one = { "1", 1 };
static uint64_t seed = 20261121;

static int begin(void **state)
{
    static struct served served;
    const char *text = getenv("VARVE_SEED");

    seed = text != NULL ? strtoull(text, NULL, 10) : seed;
    printf("seed %llu (VARVE_SEED)\n", (unsigned long long)seed);
    served_begin(&served, options);
    *state = &served;
    return 0;
}

static int end(void **state)
{
    served_end(*state);
    return 0;
}

static void restart(struct served *served)
{
    if (random_below(&seed, 2) == 0)
        assert_int_equal(varved_process_stop(&served->varved), 0);
    else
        varved_process_kill(&served->varved);
    assert_true(varved_process_start(&served->varved, options));
}

static void must(enum varve_status status, const struct varve_error *error)
{
    if (status != VARVE_OK)
        fail_msg("%s: %s", varve_status_name(error->status), error->message);
}

static struct varve_saga_change transition(enum varve_saga_action action, const char *id, int64_t expected,
                                           const char *step)
{
    struct varve_saga_change change;

    varve_saga_change_init(&change);
    change.action = action;
    change.type = order;
    change.id = varve_view_str(id);
    change.expected = expected;
    change.step = varve_view_str(step);
    return change;
}

/* ---- what is in one ---------------------------------------------------------------------------------------------- */

static void test_all_parts_of_a_transaction(void **state)
{
    struct served *served = *state;
    const struct varve_append_stream streams[] = { { varve_view_str("order-1"), VARVE_EXPECTED_NO_STREAM },
                                                   { varve_view_str("order-9"), VARVE_EXPECTED_NO_STREAM } };
    const uint32_t stream_of[] = { 0, 0 };
    struct varve_event events[] = { served_event("order.placed", 1, 0), served_event("order.paid", 1, 1) };
    struct varve_saga_change change = transition(VARVE_SAGA_BEGIN, "1", VARVE_EXPECTED_NO_STREAM, "reserve");
    struct varve_checkpoint checkpoint = { .name = name, .position = 0, .expected = VARVE_EXPECTED_NO_STREAM };
    struct varve_transact_request request = { .appends = { streams, 2, events, stream_of, 2 }, .sagas = &change,
                                              .saga_count = 1, .checkpoints = &checkpoint, .checkpoint_count = 1 };
    struct varve_transact_outcome outcome;
    struct varve_error error;

    assert_int_equal(varve_transact_fill_ids(NULL, 0, &change, 1, &checkpoint, 1), VARVE_OK);
    for (int again = 0; again <= 1; again++) {
        must(varve_client_transact(served->client, &request, &outcome, &error), &error);
        assert_int_equal(outcome.replayed, again);
        assert_int_equal(outcome.results[0].last_version, 1);
        assert_int_equal(outcome.results[1].first_version, -1);
        assert_int_equal(outcome.sagas[0].version, 0);
        assert_int_equal(outcome.sagas[0].position, 3);
        assert_int_equal(outcome.checkpoints[0].version, 0);
        assert_int_equal(outcome.checkpoints[0].position, 4);
    }
}

static void test_every_part_that_failed_is_named(void **state)
{
    struct served *served = *state;
    const struct varve_append_stream streams[] = { { varve_view_str("order-2"), VARVE_EXPECTED_ANY },
                                                   { varve_view_str("order-1"), 17 } };
    const uint32_t stream_of[] = { 0 };
    struct varve_event event = served_event("order.placed", 2, 0);
    struct varve_saga_change changes[] = { transition(VARVE_SAGA_STEP, "1", 5, "charge"),
                                           transition(VARVE_SAGA_BEGIN, "2", VARVE_EXPECTED_NO_STREAM, "reserve"),
                                           transition(VARVE_SAGA_STEP, "gone", 0, "charge") };
    struct varve_checkpoint checkpoint = { .name = name, .position = 1, .expected = 7 };
    struct varve_transact_request request = { .appends = { streams, 2, &event, stream_of, 1 }, .sagas = changes,
                                              .saga_count = 3, .checkpoints = &checkpoint, .checkpoint_count = 1 };
    struct varve_transact_outcome outcome;
    struct varve_stream_info info;
    struct varve_saga saga;

    assert_true(varve_client_transact(served->client, &request, &outcome, NULL) != VARVE_OK);
    assert_int_equal(outcome.conflict_count, 4);
    for (size_t i = 0; i < 4; i++) {
        const struct varve_conflict *conflict = &outcome.conflicts[i];

        if (conflict->part == VARVE_PART_STREAM)
            assert_true(conflict->stream_index == 1 && conflict->actual == 1);
        else if (conflict->part == VARVE_PART_SYSTEM)
            assert_true(conflict->stream_index == 0 && conflict->actual == 0 && conflict->expected == 7);
        else
            assert_int_equal(conflict->status, conflict->stream_index == 0 ? VARVE_SAGA_CONFLICT
                                                                           : VARVE_SAGA_NOT_FOUND);
    }
    assert_int_equal(varve_client_stream_info(served->client, streams[0].stream, &info, NULL), VARVE_STREAM_NOT_FOUND);
    assert_int_equal(varve_client_saga_get(served->client, order, varve_view_str("2"), &saga, NULL),
                     VARVE_SAGA_NOT_FOUND);
}

static void test_a_checkpoint_alone(void **state)
{
    struct served *served = *state;
    struct varve_checkpoint checkpoint = { .name = name };
    struct varve_transact_request request = { .checkpoints = &checkpoint, .checkpoint_count = 1 };
    struct varve_transact_outcome outcome;
    struct varve_error error;
    uint64_t position = 77;
    int64_t version;

    must(varve_client_checkpoint(served->client, varve_view_str("nobody"), &position, &version, &error), &error);
    assert_int_equal(position, 0);
    assert_int_equal(version, VARVE_EXPECTED_NO_STREAM);
    must(varve_client_checkpoint(served->client, name, &position, &version, &error), &error);
    assert_int_equal(position, 0);
    assert_int_equal(version, 0);
    checkpoint.position = 3;
    checkpoint.expected = version;
    must(varve_client_transact(served->client, &request, &outcome, &error), &error);
    assert_int_equal(varve_client_transact(served->client, &request, &outcome, &error), VARVE_WRONG_EXPECTED_VERSION);
    assert_int_equal(outcome.conflicts[0].actual, 1);
    must(varve_client_checkpoint(served->client, name, &position, &version, &error), &error);
    assert_int_equal(position, 3);
    assert_int_equal(version, 1);
}

/* ---- sagas ------------------------------------------------------------------------------------------------------- */

static void test_the_life_of_a_saga(void **state)
{
    struct served *served = *state;
    struct varve_saga_change change = transition(VARVE_SAGA_STEP, "1", 0, "charge");
    struct varve_saga_counts counts;
    struct varve_saga_query query;
    struct varve_saga_list list;
    struct varve_error error;
    struct varve_saga saga;
    uint64_t position;
    int64_t version;

    change.has_state = true;
    change.state = varve_view_str("{\"total\":99}");
    must(varve_client_saga_change(served->client, &change, &version, &position, &error), &error);
    assert_int_equal(version, 1);
    assert_int_equal(varve_client_saga_change(served->client, &change, &version, NULL, &error), VARVE_SAGA_CONFLICT);
    assert_int_equal(version, 1);
    must(varve_client_saga_get(served->client, order, one, &saga, &error), &error);
    assert_true(varve_view_equal(saga.state, change.state) && varve_view_equal(saga.step, change.step));
    assert_int_equal(saga.status, VARVE_SAGA_RUNNING);
    assert_int_equal(saga.position, position);
    varve_saga_query_init(&query);
    query.type = order;
    must(varve_client_saga_list(served->client, &query, &list, &error), &error);
    assert_true(list.count == 1 && list.end && !list.sagas[0].has_state);
    change = transition(VARVE_SAGA_COMPLETE, "1", version, "");
    must(varve_client_saga_change(served->client, &change, &version, NULL, &error), &error);
    must(varve_client_saga_counts(served->client, &counts, &error), &error);
    assert_int_equal(counts.count, 1);
    assert_int_equal(counts.types[0].by_status[VARVE_SAGA_COMPLETED], 1);
    change.action = VARVE_SAGA_STEP;
    change.expected = version;
    change.step = varve_view_str("again");
    assert_int_equal(varve_client_saga_change(served->client, &change, &version, NULL, &error), VARVE_SAGA_FINISHED);
}

static void test_claims_and_a_deadline(void **state)
{
    struct served *served = *state;
    struct varve_saga_change change = transition(VARVE_SAGA_BEGIN, "late", VARVE_EXPECTED_NO_STREAM, "wait");
    struct varve_saga_claim claim = { .type = order, .worker = varve_view_str("w1"), .lease_ms = 60000, .limit = 10 };
    const struct varve_saga *sagas;
    struct varve_error error;
    int64_t now_us;
    size_t count;

    must(varve_client_saga_claim(served->client, &claim, &sagas, &count, &error), &error);
    assert_int_equal(count, 0);
    must(varve_client_ping(served->client, &now_us, NULL, &error), &error);
    change.deadline_us = now_us + 1000;
    must(varve_client_saga_change(served->client, &change, NULL, NULL, &error), &error);
    claim.statuses = 1u << VARVE_SAGA_TIMED_OUT;
    claim.wait_ms = 30000;
    must(varve_client_saga_claim(served->client, &claim, &sagas, &count, &error), &error); /* Waits for the deadline. */
    assert_int_equal(count, 1);
    assert_true(varve_view_equal(sagas[0].id, varve_view_str("late")) && sagas[0].status == VARVE_SAGA_TIMED_OUT);
    claim.wait_ms = 0;
    must(varve_client_saga_claim(served->client, &claim, &sagas, &count, &error), &error); /* It is leased. */
    assert_int_equal(count, 0);
    change = transition(VARVE_SAGA_FAIL, "late", 1, "");
    must(varve_client_saga_change(served->client, &change, NULL, NULL, &error), &error);
}

/* ---- over restarts ----------------------------------------------------------------------------------------------- */

struct tally {
    int64_t done, replayed;
};

static void on_done(void *user, const struct varve_transact_outcome *outcome)
{
    struct tally *tally = user;

    if (outcome->status != VARVE_OK)
        fail_msg("transaction %lld: %s: %s", (long long)tally->done, varve_status_name(outcome->status),
                 outcome->error.message);
    assert_int_equal(outcome->results[0].first_version, tally->done);
    assert_int_equal(outcome->sagas[0].version, tally->done + 1);
    assert_int_equal(outcome->checkpoints[0].version, tally->done);
    tally->done++;
    tally->replayed += outcome->replayed;
}

/* One event, one step and one move, each from the version before. */
static void submit(struct served *served, struct tally *tally, uint32_t number)
{
    struct varve_event event = served_event("t", 7, number);
    struct varve_append_stream stream = { varve_view_str("s-1"), (int64_t)number - 1 };
    struct varve_saga_change change = transition(VARVE_SAGA_STEP, "long", number, "on");
    struct varve_checkpoint checkpoint = { .name = varve_view_str("long"), .position = 1,
                                           .expected = (int64_t)number - 1 };
    struct varve_error error;

    assert_int_equal(varve_transact_fill_ids(&event, 1, &change, 1, &checkpoint, 1), VARVE_OK);
    must(varve_client_submit_transact(served->client,
                                      &(struct varve_transact_request){ .appends = { &stream, 1, &event, NULL, 1 },
                                                                        .sagas = &change, .saga_count = 1,
                                                                        .checkpoints = &checkpoint,
                                                                        .checkpoint_count = 1 },
                                      on_done, tally, &error), &error);
}

static void test_pipelined_over_restarts(void **state)
{
    struct served *served = *state;
    struct varve_saga_change change = transition(VARVE_SAGA_BEGIN, "long", VARVE_EXPECTED_NO_STREAM, "on");
    struct tally tally = { .done = 0 };
    struct varve_error error;

    must(varve_client_saga_change(served->client, &change, NULL, NULL, &error), &error);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint32_t when = (uint32_t)random_below(&seed, PER_ROUND * 2);

        for (uint32_t i = 0; i < PER_ROUND; i++) {
            if (i == when)
                restart(served);
            submit(served, &tally, round * PER_ROUND + i);
        }
        if (when >= PER_ROUND)
            restart(served);
        must(varve_client_drain(served->client, &error), &error);
    }
    assert_int_equal(tally.done, ROUNDS * PER_ROUND);
    printf("%lld of %d were replayed\n", (long long)tally.replayed, ROUNDS * PER_ROUND);
}

/* ---- a consumer's ------------------------------------------------------------------------------------------------ */

static void create_group(struct served *served)
{
    struct varve_view categories[] = { varve_view_str("work") };
    const struct varve_filter filter = { .categories = categories, .category_count = 1 };
    struct varve_group_settings settings;
    struct varve_error error;

    varve_group_settings_init(&settings);
    settings.filter = &filter;
    settings.max_attempts = 1000; /* Restarts count as attempts. */
    settings.backoff_count = 0;
    must(varve_client_group_create(served->client, group, &settings, 0, NULL, &error), &error);
}

/* The effect of one event, with its ack. Its outcome may stay unknown: then the event comes again, or it does not. */
static void bill(struct varve_consumer *consumer, const struct varve_event *event)
{
    struct varve_append_stream stream = { varve_view_str("invoice-1"), VARVE_EXPECTED_ANY };
    struct varve_event invoice = { .type = varve_view_str("invoice.sent"), .time_us = VARVE_TIME_NONE,
                                   .data = varve_view_str("{}"), .causation_id = event->id };
    const struct varve_transact_request request = { .appends = { &stream, 1, &invoice, NULL, 1 } };
    uint64_t position = event->position;
    struct varve_error error;

    enum varve_status status = varve_consumer_transact(consumer, &request, &position, 1, NULL, &error);
    if (status != VARVE_FENCED && !varve_status_retryable(status))
        must(status, &error);
}

/* How many invoices there are; each must be for an event of its own. */
static uint32_t count_invoices(struct served *served)
{
    static bool seen[WORKS];
    const struct varve_event *event = NULL;
    struct varve_read read;
    uint32_t count = 0;

    memset(seen, 0, sizeof(seen));
    varve_read_init(&read);
    read.kind = VARVE_READ_CATEGORY;
    read.name = varve_view_str("invoice");
    assert_int_equal(varve_client_read_open(served->client, &read, NULL), VARVE_OK);
    while (varve_client_read_next(served->client, &event, NULL) == VARVE_OK && event != NULL) {
        uint32_t number = 0;

        while (number < WORKS) { /* Whose is it? */
            const struct varve_event cause = served_event("work.todo", 9, number);

            if (varve_uuid_equal(&cause.id, &event->causation_id))
                break;
            number++;
        }
        assert_true(number < WORKS && !seen[number]);
        seen[number] = true;
        count++;
    }
    varve_client_read_close(served->client);
    return count;
}

static void test_each_work_has_one_effect_over_restarts(void **state)
{
    struct served *served = *state;
    struct varve_consumer *consumers[2];
    struct varve_work work;
    struct varve_error error;

    create_group(served);
    for (uint32_t i = 0; i < WORKS; i++) {
        const struct varve_event todo = served_event("work.todo", 9, i);
        char stream[32];

        snprintf(stream, sizeof(stream), "work-%u", i % 7);
        served_append(served, stream, VARVE_EXPECTED_ANY, &todo);
    }
    must(varve_consumer_open(served->varved.url, NULL, group, varve_view_str("a"), 20, false, &consumers[0], &error),
         &error);
    must(varve_consumer_open(served->varved.url, NULL, group, varve_view_str("b"), 20, false, &consumers[1], &error),
         &error);
    for (uint32_t turn = 0; turn % 50 != 49 || count_invoices(served) < WORKS; turn++) {
        if (turn < 10 * WORKS && random_below(&seed, 40) == 0)
            restart(served);
        enum varve_status status = varve_consumer_next(consumers[turn % 2], 5, &work, &error);
        if (status == VARVE_OK)
            bill(consumers[turn % 2], work.event);
        else if (!varve_status_retryable(status))
            must(status, &error);
    }
    varve_consumer_close(consumers[0]);
    varve_consumer_close(consumers[1]);
    assert_int_equal(count_invoices(served), WORKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_parts_of_a_transaction),
        cmocka_unit_test(test_every_part_that_failed_is_named),
        cmocka_unit_test(test_a_checkpoint_alone),
        cmocka_unit_test(test_the_life_of_a_saga),
        cmocka_unit_test(test_claims_and_a_deadline),
        cmocka_unit_test(test_pipelined_over_restarts),
        cmocka_unit_test(test_each_work_has_one_effect_over_restarts),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
