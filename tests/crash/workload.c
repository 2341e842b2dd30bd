/* workload.c - a life for the recorder: appends in bursts, alone and over several streams, some of them transactions
 * with a saga's transition and a checkpoint, and deletions of streams.
 * Each acknowledgement is marked in the trace from inside the callback, so that it stands where it was given.
 *
 *   workload DIRECTORY SEED FIRST_NUMBER COUNT */
#include "tests/crash/common.h"
#include "tests/crash/plan_saga.h"
#include "tests/support/random.h"

#include <pthread.h>
#include <stdlib.h>

#define BURST 6u

/* Of the recorder; without it (run by hand) nothing is marked. */
extern void crash_recorder_mark(const void *data, size_t size) __attribute__((weak));

static struct {
    pthread_mutex_t lock;
    pthread_cond_t done;
    unsigned under_way;
} flight = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };

/* What the appends that were sent will have made of the saga in each place. */
static struct {
    uint32_t generation;
    int status;
    int64_t version;
    bool has_deadline;
} sagas[PLAN_SAGAS];

struct sent {
    struct plan_append plan;
    struct varve_append *append;
};

static void mark(const struct plan_mark *said)
{
    if (crash_recorder_mark != NULL)
        crash_recorder_mark(said, sizeof(*said));
}

static void mark_results(const struct sent *sent, const struct varve_append_outcome *outcome, struct plan_mark *said)
{
    const uint32_t streams = sent->plan.stream_count;

    for (size_t i = 0; i < outcome->stream_count; i++) {
        const struct varve_append_result *result = &outcome->results[i];
        *(i < streams ? &said->first_versions[i] : i == streams ? &said->saga_version : &said->checkpoint_version) =
            result->first_version;
        if (result->first_position < said->first_position)
            said->first_position = result->first_position;
    }
}

static void on_done(struct varve_append *append, void *user)
{
    const struct sent *sent = user;
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    struct plan_mark said = { .number = sent->plan.number, .first_position = UINT64_MAX };

    if (outcome->status != VARVE_OK)
        die("append %u: %s", sent->plan.number, outcome->error.message);
    mark_results(sent, outcome, &said);
    mark(&said);
    pthread_mutex_lock(&flight.lock);
    flight.under_way--;
    pthread_cond_signal(&flight.done);
    pthread_mutex_unlock(&flight.lock);
}

/* ---- sagas ---- */

static void load_saga(struct varve_store *store, uint32_t saga)
{
    struct varve_stream_info info;
    struct plan_saga_name name;
    struct varve_saga *found;
    uint32_t next = 0;

    for (plan_saga_name(saga, next, &name); varve_stream_info(store, varve_view_str(name.stream), &info, NULL) ==
         VARVE_OK; plan_saga_name(saga, ++next, &name))
        ;
    sagas[saga].generation = next;
    sagas[saga].status = PLAN_NOT_BEGUN;
    sagas[saga].version = -1;
    if (next == 0)
        return;
    plan_saga_name(saga, next - 1, &name);
    enum varve_status status = varve_saga_get(store, varve_view_str(name.type), varve_view_str(name.id), &found, NULL);
    if (status == VARVE_SAGA_NOT_FOUND)
        return; /* It was archived. */
    if (status != VARVE_OK)
        die("saga %s: %s", name.stream, varve_status_name(status));
    sagas[saga].generation = next - 1;
    sagas[saga].status = (int)found->status;
    sagas[saga].version = found->version;
    sagas[saga].has_deadline = found->deadline_us != VARVE_TIME_NONE;
    free(found);
}

/* Appends of one thread are committed in turn, so the next transition may be decided before this one is. */
static void choose_change(uint64_t seed, const struct plan_append *plan, uint64_t *random, struct plan_change *ret)
{
    uint32_t saga = plan->saga;
    enum varve_saga_action action = plan_choose_action(sagas[saga].status, sagas[saga].has_deadline, random);

    plan_change(seed, plan->number, plan->event_count, saga, sagas[saga].generation, action, sagas[saga].version, ret);
    sagas[saga].status = plan_next_status(sagas[saga].status, action);
    sagas[saga].version++;
    sagas[saga].has_deadline = ret->change.deadline_us != VARVE_TIME_NONE;
    if (sagas[saga].status == PLAN_ARCHIVED) {
        sagas[saga].generation++;
        sagas[saga].status = PLAN_NOT_BEGUN;
        sagas[saga].version = -1;
    }
}

static enum varve_status create(struct varve_store *store, uint64_t seed, uint64_t *random,
                                const struct varve_append_request *request, struct sent *sent,
                                struct varve_error *error)
{
    static struct plan_change change;
    const struct plan_append *plan = &sent->plan;
    char stream[32], data[32];
    struct varve_append_stream system_stream = { .expected = VARVE_EXPECTED_ANY };
    struct varve_event moved = { .type = varve_view_str(PLAN_CHECKPOINT_TYPE), .time_us = VARVE_TIME_NONE,
                                 .id = plan_id(plan->number, plan->event_count + 1) };
    struct varve_transact transact = { .appends = *request, .sagas = &change.change, .saga_count = 1 };

    if (plan->saga == PLAN_SAGAS)
        return varve_append_create(store, request, &sent->append, error);
    choose_change(seed, plan, random, &change);
    if (plan->checkpoint < PLAN_CHECKPOINTS) {
        plan_checkpoint(plan->checkpoint, plan->number, stream, data);
        system_stream.stream = varve_view_str(stream);
        moved.data = varve_view_str(data);
        transact.system = (struct varve_append_request){ &system_stream, 1, &moved, NULL, 1 };
    }
    return varve_transact_create(store, &transact, &sent->append, error);
}

/* ---- bursts ---- */

static void send(struct varve_store *store, uint64_t seed, uint64_t *random, uint32_t number, struct sent *sent)
{
    static struct plan_event events[PLAN_MAX_EVENTS];
    struct varve_event list[PLAN_MAX_EVENTS];
    struct varve_append_stream streams[3];
    char names[3][16];
    struct varve_error error;

    plan_append(seed, number, &sent->plan);
    for (uint32_t i = 0; i < sent->plan.stream_count; i++) {
        plan_stream_name(sent->plan.streams[i], names[i]);
        streams[i] = (struct varve_append_stream){ varve_view_str(names[i]), VARVE_EXPECTED_ANY };
    }
    for (uint32_t i = 0; i < sent->plan.event_count; i++) {
        plan_event(seed, &sent->plan, i, &events[i]);
        list[i] = events[i].event;
    }
    struct varve_append_request request = { streams, sent->plan.stream_count, list, sent->plan.stream_of,
                                            sent->plan.event_count };
    pthread_mutex_lock(&flight.lock);
    flight.under_way++;
    pthread_mutex_unlock(&flight.lock);
    if (create(store, seed, random, &request, sent, &error) != VARVE_OK ||
        varve_append_submit(sent->append, on_done, sent, &error) != VARVE_OK)
        die("append %u: %s", number, error.message);
}

static void send_burst(struct varve_store *store, uint64_t seed, uint64_t *random, uint32_t number, unsigned count)
{
    struct sent sent[BURST];

    for (unsigned i = 0; i < count; i++)
        send(store, seed, random, number + i, &sent[i]);
    pthread_mutex_lock(&flight.lock);
    while (flight.under_way > 0)
        pthread_cond_wait(&flight.done, &flight.lock);
    pthread_mutex_unlock(&flight.lock);
    for (unsigned i = 0; i < count; i++)
        varve_append_free(sent[i].append);
}

/* A stream that was never written to cannot be deleted; that is no fault. */
static void delete_stream(struct varve_store *store, uint32_t stream)
{
    char name[16];
    struct varve_append *append;
    struct varve_error error;

    plan_stream_name(stream, name);
    struct varve_stream_change change = { .kind = VARVE_STREAM_DELETE, .stream = varve_view_str(name),
                                          .expected = VARVE_EXPECTED_ANY };
    if (varve_stream_change_create(store, &change, &append, &error) != VARVE_OK)
        die("delete %s: %s", name, error.message);
    enum varve_status status = varve_append_wait(append, &error);
    if (status == VARVE_OK) {
        const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
        mark(&(struct plan_mark){ .number = PLAN_DELETE, .stream = stream,
                                  .first_position = outcome->results[0].first_position });
    } else if (status != VARVE_STREAM_NOT_FOUND && status != VARVE_WRONG_EXPECTED_VERSION)
        die("delete %s: %s", name, error.message);
    varve_append_free(append);
}

int main(int argc, char **argv)
{
    struct varve_options options;
    struct varve_store *store;
    struct varve_error error;

    if (argc != 5)
        die("usage: workload DIRECTORY SEED FIRST_NUMBER COUNT");
    uint64_t seed = strtoull(argv[2], NULL, 10);
    uint32_t number = (uint32_t)strtoul(argv[3], NULL, 10), end = number + (uint32_t)strtoul(argv[4], NULL, 10);
    uint64_t random = seed + number;

    plan_options(&options);
    if (varve_store_open(argv[1], &options, &store, &error) != VARVE_OK)
        die("open: %s", error.message);
    for (uint32_t saga = 0; saga < PLAN_SAGAS; saga++)
        load_saga(store, saga);
    while (number < end) {
        unsigned count = 1 + (unsigned)random_below(&random, BURST);
        send_burst(store, seed, &random, number, count);
        number += count;
        if (random_below(&random, 12) == 0)
            delete_stream(store, (uint32_t)random_below(&random, PLAN_STREAMS));
    }
    if (varve_store_close(store) != VARVE_OK)
        die("close failed");
    return 0;
}
