/* workload.c - a life for the recorder: appends in bursts, alone and over several streams, and deletions of streams.
 * Each acknowledgement is marked in the trace from inside the callback, so that it stands where it was given.
 *
 *   workload DIRECTORY SEED FIRST_NUMBER COUNT */
#include "tests/crash/common.h"
#include "tests/crash/plan.h"
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

struct sent {
    struct plan_append plan;
    struct varve_append *append;
};

static void mark(const struct plan_mark *said)
{
    if (crash_recorder_mark != NULL)
        crash_recorder_mark(said, sizeof(*said));
}

static void on_done(struct varve_append *append, void *user)
{
    const struct sent *sent = user;
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    struct plan_mark said = { .number = sent->plan.number, .first_position = UINT64_MAX };

    if (outcome->status != VARVE_OK)
        die("append %u: %s", sent->plan.number, outcome->error.message);
    for (size_t i = 0; i < outcome->stream_count; i++) {
        said.first_versions[i] = outcome->results[i].first_version;
        if (outcome->results[i].first_position < said.first_position)
            said.first_position = outcome->results[i].first_position;
    }
    mark(&said);
    pthread_mutex_lock(&flight.lock);
    flight.under_way--;
    pthread_cond_signal(&flight.done);
    pthread_mutex_unlock(&flight.lock);
}

static void send(struct varve_store *store, uint64_t seed, uint32_t number, struct sent *sent)
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
    if (varve_append_create(store, &request, &sent->append, &error) != VARVE_OK ||
        varve_append_submit(sent->append, on_done, sent, &error) != VARVE_OK)
        die("append %u: %s", number, error.message);
}

static void send_burst(struct varve_store *store, uint64_t seed, uint32_t number, unsigned count)
{
    struct sent sent[BURST];

    for (unsigned i = 0; i < count; i++)
        send(store, seed, number + i, &sent[i]);
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
    while (number < end) {
        unsigned count = 1 + (unsigned)random_below(&random, BURST);
        send_burst(store, seed, number, count);
        number += count;
        if (random_below(&random, 12) == 0)
            delete_stream(store, (uint32_t)random_below(&random, PLAN_STREAMS));
    }
    if (varve_store_close(store) != VARVE_OK)
        die("close failed");
    return 0;
}
