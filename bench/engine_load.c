/* engine_load.c - see engine_load.h. Streams are chosen at random, uniformly: the placement that is hardest on
 * indexes. */
#include "engine_load.h"

#include "random.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct slot {
    struct engine_load *run;
    struct varve_append *append;
    uint64_t began_ns;
    struct slot *next_free;
};

struct engine_load {
    struct varve_store *store;
    struct load load;
    int64_t *versions;           /* of each stream, as far as submitted */
    struct varve_event *events;
    char *data;
    struct slot *slots, *free_slots;
    uint32_t used_slots;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    struct histogram histogram;
    uint64_t random;
};

struct varve_store *bench_store_open(const char *path)
{
    struct varve_options options;
    struct varve_store *store;
    struct varve_error error;

    varve_options_init(&options);
    if (varve_store_open(path, &options, &store, &error) != VARVE_OK)
        die("cannot open %s: %s", path, error.message);
    return store;
}

size_t bench_stream_name(char text[32], uint32_t stream)
{
    return (size_t)snprintf(text, 32, "order-%u", stream);
}

struct engine_load *engine_load_create(struct varve_store *store, const struct load *load)
{
    struct engine_load *run = calloc(1, sizeof(*run));

    if (run == NULL)
        die("no memory");
    run->store = store;
    run->load = *load;
    run->random = 88172645463325252ull;
    run->versions = malloc(load->streams * sizeof(*run->versions));
    run->events = calloc(load->events_per_append, sizeof(*run->events));
    run->data = malloc(load->data_bytes);
    run->slots = calloc(load->in_flight, sizeof(*run->slots));
    if (run->versions == NULL || run->events == NULL || run->data == NULL || run->slots == NULL)
        die("no memory");
    memset(run->data, 'v', load->data_bytes);
    for (uint32_t i = 0; i < load->streams; i++)
        run->versions[i] = INT64_MIN; /* Not yet asked. */
    for (uint32_t i = 0; i < load->events_per_append; i++)
        run->events[i] = (struct varve_event){
            .type = varve_view_str("order.placed"), .time_us = VARVE_TIME_NONE, .schema_version = 1,
            .content_type = VARVE_CONTENT_OCTET_STREAM, .data = { run->data, load->data_bytes },
        };
    for (uint32_t i = 0; i < load->in_flight; i++) {
        run->slots[i] = (struct slot){ .run = run, .next_free = run->free_slots };
        run->free_slots = &run->slots[i];
    }
    pthread_mutex_init(&run->lock, NULL);
    pthread_cond_init(&run->freed, NULL);
    return run;
}

void engine_load_free(struct engine_load *run)
{
    free(run->versions);
    free(run->events);
    free(run->data);
    free(run->slots);
    pthread_mutex_destroy(&run->lock);
    pthread_cond_destroy(&run->freed);
    free(run);
}

static uint32_t next_stream(struct engine_load *run)
{
    return (uint32_t)((random_next(&run->random) >> 16) % run->load.streams);
}

/* A store that was filled before knows better than we do. */
static int64_t version_of(struct engine_load *run, uint32_t stream, struct varve_view name)
{
    struct varve_stream_info info;

    if (run->versions[stream] == INT64_MIN)
        run->versions[stream] = varve_stream_info(run->store, name, &info, NULL) == VARVE_OK ? info.version : -1;
    return run->versions[stream];
}

static struct varve_append *next_append(struct engine_load *run)
{
    char name[32];
    uint32_t stream = next_stream(run);
    struct varve_view view = { name, bench_stream_name(name, stream) };
    struct varve_append_stream target = { view, version_of(run, stream, view) };
    struct varve_append_request request = { &target, 1, run->events, NULL, run->load.events_per_append };
    struct varve_append *append;
    struct varve_error error;

    if (varve_append_create(run->store, &request, &append, &error) != VARVE_OK)
        die("append refused: %s", error.message);
    run->versions[stream] += run->load.events_per_append;
    return append;
}

static void check(const struct varve_append *append)
{
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);

    if (outcome->status != VARVE_OK)
        die("append failed: %s", outcome->error.message);
}

static void on_done(struct varve_append *append, void *user)
{
    struct slot *slot = user;
    struct engine_load *run = slot->run;

    check(append);
    varve_append_free(append);
    pthread_mutex_lock(&run->lock);
    histogram_add(&run->histogram, now_ns() - slot->began_ns);
    slot->next_free = run->free_slots;
    run->free_slots = slot;
    run->used_slots--;
    pthread_cond_signal(&run->freed);
    pthread_mutex_unlock(&run->lock);
}

static struct slot *take_slot(struct engine_load *run)
{
    pthread_mutex_lock(&run->lock);
    while (run->free_slots == NULL)
        pthread_cond_wait(&run->freed, &run->lock);
    struct slot *slot = run->free_slots;
    run->free_slots = slot->next_free;
    run->used_slots++;
    pthread_mutex_unlock(&run->lock);
    return slot;
}

static void append_in_window(struct engine_load *run)
{
    struct slot *slot = take_slot(run);
    struct varve_append *append = next_append(run);
    struct varve_error error;

    slot->began_ns = now_ns();
    if (varve_append_submit(append, on_done, slot, &error) != VARVE_OK)
        die("append refused: %s", error.message);
}

static void append_and_wait(struct engine_load *run)
{
    struct varve_append *append = next_append(run);
    uint64_t began = now_ns();

    varve_append_wait(append, NULL);
    histogram_add(&run->histogram, now_ns() - began);
    check(append);
    varve_append_free(append);
}

static void wait_for_all(struct engine_load *run)
{
    pthread_mutex_lock(&run->lock);
    while (run->used_slots > 0)
        pthread_cond_wait(&run->freed, &run->lock);
    pthread_mutex_unlock(&run->lock);
}

void engine_load_run(struct engine_load *run, uint32_t seconds, uint64_t events, struct measurement *ret)
{
    uint64_t began = now_ns(), ends = seconds == 0 ? UINT64_MAX : began + seconds * 1000000000ull, count = 0;

    histogram_reset(&run->histogram);
    while (now_ns() < ends && (events == 0 || count < events)) {
        if (run->load.in_flight == 1)
            append_and_wait(run);
        else
            append_in_window(run);
        count += run->load.events_per_append;
    }
    wait_for_all(run);
    measure_histogram(&run->histogram, count, now_ns() - began, ret);
}
