/* test_model.c - the engine against a naive model of it: random operations on many small stores, all answers compared
 * in full. Limits are so small that settles, block boundaries, recycling and both layers are met all the time. */
#include "support/check.h"
#include "support/effort.h"
#include "support/model_drive.h"
#include "support/random.h"
#include "support/records.h"
#include "varve/record.h"

#include <pthread.h>
#include <stdlib.h>

enum { STORES = 120, STEPS = 220 };

static uint64_t below(struct drive *d, uint64_t bound)
{
    return random_below(&d->seed, bound);
}

static bool one_in(struct drive *d, uint64_t bound)
{
    return below(d, bound) == 0;
}

/* ---- requests ---- */

static int64_t random_expected(struct drive *d, unsigned stream)
{
    int64_t version = d->model.streams[stream].version;

    switch (below(d, 10)) {
    case 0: return VARVE_EXPECTED_NO_STREAM;
    case 1: return VARVE_EXPECTED_STREAM_EXISTS;
    case 2: return (int64_t)below(d, (uint64_t)version + 4);
    case 3:
    case 4:
    case 5: return VARVE_EXPECTED_ANY;
    default: return version; /* Which is no_stream for a new one. */
    }
}

static void add_random_event(struct drive *d, struct model_request *request)
{
    unsigned i = request->event_count++;

    request->events[i].of = (unsigned)below(d, request->stream_count);
    request->events[i].type = (unsigned)below(d, MODEL_TYPES);
    request->events[i].correlation = (unsigned)below(d, MODEL_CORRELATIONS);
    request->events[i].content = below(d, 400);
    request->events[i].id = one_in(d, 4) ? 0 : d->next_id++;
    if (one_in(d, 40) && d->next_id > 1) { /* Some id of before, unless it stands there already. */
        uint64_t id = 1 + below(d, d->next_id - 1);
        for (unsigned k = 0; k < i; k++)
            id = request->events[k].id == id ? 0 : id;
        request->events[i].id = id;
    }
}

static void make_random_request(struct drive *d, struct model_request *request)
{
    memset(request, 0, sizeof(*request));
    unsigned streams = one_in(d, 3) ? 1 + (unsigned)below(d, MODEL_APPEND_STREAMS) : 1;
    unsigned first = (unsigned)below(d, MODEL_STREAMS);
    for (unsigned i = 0; i < streams; i++) {
        unsigned stream = (first + i * 5) % MODEL_STREAMS; /* 5 and 12 have no common part: each is another. */
        request->streams[request->stream_count].stream = stream;
        request->streams[request->stream_count++].expected = random_expected(d, stream);
    }
    unsigned events = one_in(d, 6) ? MODEL_APPEND_EVENTS : 1 + (unsigned)below(d, 4);
    for (unsigned i = 0; i < events; i++)
        add_random_event(d, request);
}

/* An earlier request once more, as it was or bent a little. */
static void make_old_request(struct drive *d, struct model_request *request)
{
    unsigned held = d->history_count < DRIVE_HISTORY ? d->history_count : DRIVE_HISTORY;

    *request = d->history[below(d, held)];
    unsigned stream = (unsigned)below(d, request->stream_count), event = (unsigned)below(d, request->event_count);
    switch (below(d, 8)) {
    case 0:
        request->streams[stream].expected = random_expected(d, request->streams[stream].stream);
        break;
    case 1:
        request->events[event].content++;
        break;
    case 2:
        request->event_count -= request->event_count > 1;
        break;
    case 3:
        if (request->event_count < MODEL_APPEND_EVENTS)
            add_random_event(d, request);
        break;
    case 4:
        request->streams[stream].expected = VARVE_EXPECTED_ANY;
        break;
    default:
        break;
    }
}

static void make_request(struct drive *d, struct model_request *request)
{
    if (d->history_count > 0 && one_in(d, 4))
        make_old_request(d, request);
    else
        make_random_request(d, request);
    d->history[d->history_count++ % DRIVE_HISTORY] = *request;
}

/* ---- operations ---- */

static void expect_append(struct drive *d, const struct model_request *request, struct model_outcome *wanted)
{
    uint64_t before = d->model.count;

    model_append(&d->model, request, d->now_us, wanted);
    d->since_open_events += d->model.count - before;
}

static void append_one(struct drive *d)
{
    struct model_request request;
    struct model_outcome wanted;

    make_request(d, &request);
    struct varve_append *append = drive_make(d, &request);
    expect_append(d, &request, &wanted);
    assert_int_equal(varve_append_wait(append, &d->f.error), wanted.status);
    drive_check_outcome(varve_append_get_outcome(append), &wanted, request.stream_count);
    varve_append_free(append);
}

struct counter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    unsigned done;
};

static void count_done(struct varve_append *append, void *user)
{
    struct counter *counter = user;

    pthread_mutex_lock(&counter->lock);
    counter->done++;
    pthread_cond_signal(&counter->wake);
    pthread_mutex_unlock(&counter->lock);
}

/* Many at once, so that groups of several appends arise; they must come out as one after the other. */
static void append_burst(struct drive *d)
{
    struct counter counter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
    struct model_request requests[DRIVE_BURST];
    struct varve_append *appends[DRIVE_BURST];
    unsigned count = 2 + (unsigned)below(d, DRIVE_BURST - 1);

    for (unsigned i = 0; i < count; i++) {
        if (i > 0 && one_in(d, 3))
            requests[i] = requests[i - 1]; /* The very same in one group. */
        else
            make_request(d, &requests[i]);
        appends[i] = drive_make(d, &requests[i]);
    }
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(varve_append_submit(appends[i], count_done, &counter, &d->f.error), VARVE_OK);
    pthread_mutex_lock(&counter.lock);
    while (counter.done < count)
        pthread_cond_wait(&counter.wake, &counter.lock);
    pthread_mutex_unlock(&counter.lock);
    for (unsigned i = 0; i < count; i++) {
        struct model_outcome wanted;
        expect_append(d, &requests[i], &wanted);
        drive_check_outcome(varve_append_get_outcome(appends[i]), &wanted, requests[i].stream_count);
        varve_append_free(appends[i]);
    }
}

static void change_stream(struct drive *d)
{
    unsigned stream = (unsigned)below(d, MODEL_STREAMS);
    struct varve_stream_change change = { .kind = (enum varve_stream_change_kind)below(d, 3),
                                          .stream = varve_view_str(d->model.names[stream]),
                                          .expected = one_in(d, 2) ? VARVE_EXPECTED_ANY : random_expected(d, stream) };
    struct varve_append *append = NULL;
    struct model_outcome wanted;
    uint64_t before = d->model.count;

    if (one_in(d, 12))
        change.kind = VARVE_STREAM_TOMBSTONE;
    change.truncate_before = below(d, (uint64_t)(d->model.streams[stream].version + 3));
    change.max_count = one_in(d, 2) ? 0 : 1 + below(d, 6);
    change.max_age_us = one_in(d, 2) ? 0 : 1 + (int64_t)below(d, 2000);
    model_change(&d->model, stream, &change, d->now_us, &wanted);
    d->since_open_events += d->model.count - before;
    assert_int_equal(varve_stream_change_create(d->f.store, &change, &append, &d->f.error), VARVE_OK);
    assert_int_equal(varve_append_wait(append, &d->f.error), wanted.status);
    drive_check_outcome(varve_append_get_outcome(append), &wanted, 1);
    varve_append_free(append);
}

static int64_t random_time(struct drive *d)
{
    if (one_in(d, 3) || d->model.count == 0)
        return VARVE_TIME_NONE;
    return d->model.events[below(d, d->model.count)].recorded_at_us + (int64_t)below(d, 3) - 1;
}

static void read_something(struct drive *d)
{
    static const unsigned keys[] = { 1, MODEL_ALL_STREAMS, MODEL_ALL_STREAMS, MODEL_TYPES + 1, MODEL_CORRELATIONS - 1 };
    enum varve_read_kind kind = (enum varve_read_kind)below(d, 5);
    struct model_read read = { .kind = kind, .key = (unsigned)below(d, keys[kind]), .backwards = one_in(d, 2),
                               .include_system = one_in(d, 2), .from = VARVE_FROM_EDGE, .since_us = VARVE_TIME_NONE,
                               .until_us = VARVE_TIME_NONE };

    if (kind == VARVE_READ_CORRELATION)
        read.key++;
    else if (kind == VARVE_READ_STREAM && one_in(d, 2))
        read.key %= MODEL_STREAMS;
    if (one_in(d, 2))
        read.from = below(d, (kind == VARVE_READ_STREAM ? d->model.count / 8 : d->model.count) + 3);
    if (one_in(d, 2))
        read.limit = 1 + below(d, 20);
    if (one_in(d, 3)) {
        read.since_us = random_time(d);
        read.until_us = random_time(d);
    }
    drive_check_read(d, &read);
}

static void find_ids(struct drive *d)
{
    uint64_t numbers[4], positions[4];
    struct varve_uuid ids[4];

    for (int i = 0; i < 4; i++) {
        numbers[i] = 1 + below(d, d->next_id + 2);
        ids[i] = test_uuid(numbers[i]);
    }
    enum varve_status status = varve_store_find(d->f.store, ids, 4, positions, &d->f.error);
    if ((d->f.options.indexes & VARVE_INDEX_ID) == 0) {
        assert_int_equal(status, VARVE_INDEX_NOT_KEPT);
        return;
    }
    assert_int_equal(status, VARVE_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(positions[i] != 0, model_has_id(&d->model, numbers[i]));
        if (positions[i] != 0)
            assert_int_equal(d->model.events[positions[i] - 1].id, numbers[i]);
    }
}

static void get_one(struct drive *d)
{
    uint64_t position = below(d, d->model.count + 3);
    uint8_t *record = NULL;
    uint32_t size;
    enum varve_status status = varve_store_get(d->f.store, position, &record, &size, &d->f.error);

    assert_int_equal(status, position == 0 || position > d->model.count ? VARVE_EVENT_NOT_FOUND : VARVE_OK);
    if (status == VARVE_OK)
        drive_check_record(d, position, record, size);
    free(record);
}

static void list_some(struct drive *d)
{
    static const char *const prefixes[] = { "", "", "a", "a-1", "b", "$", "$$a", "zz" },
                      *const afters[] = { "", "", "a", "a-1", "b-2", "$$a-1", "~~" };

    drive_check_list(d, varve_view_str(prefixes[below(d, COUNT_OF(prefixes))]),
                     varve_view_str(afters[below(d, COUNT_OF(afters))]), 1 + (unsigned)below(d, 8), one_in(d, 2));
}

static void count_anew(struct drive *d)
{
    d->since_open_events = d->model.appends = d->model.conflicts = d->model.replays = 0;
}

static void reopen(struct drive *d)
{
    fixture_reopen(&d->f);
    count_anew(d);
}

/* Go on with a copy of the directory, as if the process had been killed. */
static void crash(struct drive *d)
{
    uint64_t tail = fixture_stats(&d->f).tail_events;
    bool settler_sleeps = d->f.options.settle_idle_ms == 0 && d->f.options.settle_size_bytes > 1 << 20 &&
                          tail < d->f.options.settle_events && tail < 150; /* Nor is much journal in use by so few. */

    if (!settler_sleeps)
        fixture_settle(&d->f);
    fixture_crash(&d->f);
    if (settler_sleeps)
        assert_int_equal(fixture_stats(&d->f).recovered_events, tail);
    count_anew(d);
}

/* Look at store, frozen layer and active layer together. */
static void freeze_for_a_while(struct drive *d)
{
    if (d->f.options.settle_events < 100 || d->f.options.settle_size_bytes < 1 << 20 ||
        fixture_stats(&d->f).tail_events == 0)
        return; /* The active layer would be full too soon. */
    fixture_freeze(&d->f);
    for (int i = 0; i < 4; i++) {
        append_one(d);
        read_something(d);
        list_some(d);
        find_ids(d);
    }
    drive_check_all(d);
    fixture_thaw(&d->f);
}

static void step(struct drive *d)
{
    d->now_us += one_in(d, 20) ? -(int64_t)below(d, 500) : (int64_t)below(d, 100);
    atomic_store(&d->f.now_us, d->now_us);
    switch (below(d, 40)) {
    case 0: fixture_settle(&d->f); break;
    case 1: reopen(d); break;
    case 2: crash(d); break;
    case 3:
    case 4:
    case 5: change_stream(d); break;
    case 6: append_burst(d); break;
    case 7: find_ids(d); break;
    case 8: get_one(d); break;
    case 9: list_some(d); break;
    case 10: drive_check_info(d, (unsigned)below(d, MODEL_ALL_STREAMS)); break;
    case 11: drive_check_stats(d); break;
    case 12:
        if (one_in(d, 8))
            freeze_for_a_while(d);
        break;
    default:
        if (one_in(d, 3))
            read_something(d);
        else
            append_one(d);
    }
}

static void the_engine_does_what_the_model_says(void **ignored)
{
    uint64_t seed = test_seed(20240501), reads = 0, records = 0, events = 0;

    for (uint64_t i = 0; i < TEST_EFFORT(STORES); i++) {
        static struct drive d;
        drive_init(&d, seed + i);
        for (int at = 0; at < STEPS; at++)
            step(&d);
        drive_check_all(&d);
        reopen(&d);
        drive_check_all(&d);
        reads += d.reads;
        records += d.records;
        events += d.model.count;
        drive_free(&d);
    }
    print_message("%llu events, %llu reads, %llu records compared\n", (unsigned long long)events,
                  (unsigned long long)reads, (unsigned long long)records);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_engine_does_what_the_model_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
