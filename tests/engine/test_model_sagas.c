/* test_model_sagas.c - transactions and sagas against a naive model of them: random operations on many small stores,
 * with repetitions, groups, settles, frozen layers, reopening and crashes in between; everything that can be asked
 * about sagas is compared. */
#include "engine/settle_parts.h"
#include "engine/store_parts.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/random.h"
#include "support/records.h"
#include "support/saga_real.h"
#include "support/store_fixture.h"

#include <pthread.h>
#include <stdlib.h>

enum { STORES = 60, STEPS = 260, HISTORY = 48, BURST = 6 };

struct drive {
    struct store_fixture f;
    struct saga_model model;
    uint64_t seed, next_id;
    int64_t now_us;
    bool may_freeze, frozen;
    struct saga_model_request history[HISTORY];
    unsigned history_count;
    uint64_t done, refused, replayed; /* for the summary */
};

static uint64_t below(struct drive *d, uint64_t bound)
{
    return random_below(&d->seed, bound);
}

static bool one_in(struct drive *d, uint64_t bound)
{
    return below(d, bound) == 0;
}

/* ---- random requests ---- */

static uint64_t content_of(const struct saga_model_change *change)
{
    uint64_t deadline = change->deadline_us == VARVE_TIME_NONE ? 0 : (uint64_t)change->deadline_us + 1;
    uint64_t says = (((uint64_t)change->action * 8 + change->step) * 8 + change->error) * 2 + change->has_state;

    return ((says * 64 + change->state) * 4096 + deadline) * 16 + change->correlation;
}

static void make_change(struct drive *d, struct saga_model_item *item)
{
    const struct saga_model_saga *saga = &d->model.sagas[item->number - SAGA_MODEL_STREAMS];
    struct saga_model_change *change = &item->change;
    static const enum varve_saga_action likely[SAGA_MODEL_ARCHIVED + 1] = {
        [VARVE_SAGA_RUNNING] = VARVE_SAGA_STEP, [VARVE_SAGA_COMPENSATING] = VARVE_SAGA_COMPENSATE,
        [VARVE_SAGA_TIMED_OUT] = VARVE_SAGA_STEP, [VARVE_SAGA_COMPLETED] = VARVE_SAGA_ARCHIVE,
        [VARVE_SAGA_FAILED] = VARVE_SAGA_ARCHIVE, [SAGA_MODEL_NONE] = VARVE_SAGA_BEGIN,
        [SAGA_MODEL_ARCHIVED] = VARVE_SAGA_BEGIN,
    };

    change->action = one_in(d, 5) ? (enum varve_saga_action)below(d, VARVE_SAGA_ACTIONS) : likely[saga->status];
    if (change->action == VARVE_SAGA_STEP && one_in(d, 3))
        change->action = one_in(d, 2) ? VARVE_SAGA_COMPLETE : VARVE_SAGA_TIME_OUT;
    if (change->action == VARVE_SAGA_COMPENSATE && one_in(d, 3))
        change->action = VARVE_SAGA_FAIL;
    bool steps_on = change->action == VARVE_SAGA_BEGIN || change->action == VARVE_SAGA_STEP ||
                    change->action == VARVE_SAGA_COMPENSATE;
    if (steps_on) {
        change->step = (unsigned)below(d, SAGA_REAL_STEPS);
        if (change->step == 0 && change->action != VARVE_SAGA_BEGIN)
            change->step = 1;
    }
    change->deadline_us = steps_on && one_in(d, 2) ? (int64_t)below(d, 60) * 10 : VARVE_TIME_NONE;
    if (change->action == VARVE_SAGA_COMPENSATE || change->action == VARVE_SAGA_FAIL)
        change->error = (unsigned)below(d, SAGA_REAL_ERRORS);
    if (change->action != VARVE_SAGA_ARCHIVE && change->action != VARVE_SAGA_TIME_OUT && one_in(d, 2)) {
        change->has_state = true;
        change->state = (unsigned)below(d, 50);
    }
    change->correlation = (unsigned)below(d, 4);
    item->expected = saga->version;
    if (one_in(d, 8) || saga->version < 0)
        item->expected = one_in(d, 2) ? VARVE_EXPECTED_STREAM_EXISTS : (int64_t)below(d, 9);
    if (change->action == VARVE_SAGA_BEGIN)
        item->expected = VARVE_EXPECTED_NO_STREAM; /* As it is told, whatever was said. */
    item->event_count = 1;
    item->events[0].content = content_of(change);
}

static void make_stream(struct drive *d, struct saga_model_item *item)
{
    int64_t version = d->model.versions[item->number];

    switch (below(d, 12)) {
    case 0: item->expected = VARVE_EXPECTED_NO_STREAM; break;
    case 1: item->expected = VARVE_EXPECTED_STREAM_EXISTS; break;
    case 2: item->expected = (int64_t)below(d, (uint64_t)version + 4); break;
    case 3:
    case 4: item->expected = version; break;
    default: item->expected = VARVE_EXPECTED_ANY; break;
    }
    item->event_count = (unsigned)below(d, SAGA_MODEL_EVENTS + 1);
    for (unsigned i = 0; i < item->event_count; i++)
        item->events[i].content = below(d, 500);
}

/* Ids as the engine will give them: those of the server's events follow from the first id given. */
static void derive_ids(struct saga_model_request *request)
{
    uint64_t first = 0, ordinal = 0;

    for (unsigned i = 0; i < request->count; i++)
        for (unsigned k = 0; k < request->items[i].event_count; k++) {
            struct saga_model_event *event = &request->items[i].events[k];
            if (request->items[i].number == SAGA_MODEL_STREAMS - 1)
                event->id = first == 0 ? 0 : first << 8 | ++ordinal;
            else if (first == 0)
                first = event->id;
        }
}

static void add_item(struct drive *d, struct saga_model_request *request, unsigned number)
{
    struct saga_model_item *item = &request->items[request->count];

    for (unsigned i = 0; i < request->count; i++)
        if (request->items[i].number == number)
            return;
    *item = (struct saga_model_item){ .number = number, .change.deadline_us = VARVE_TIME_NONE };
    if (number >= SAGA_MODEL_STREAMS)
        make_change(d, item);
    else
        make_stream(d, item);
    request->count++;
    for (unsigned i = 0; i < item->event_count; i++)
        item->events[i].id = one_in(d, 4) ? 0 : d->next_id++ << 8;
}

/* Seldom one that is finished: soon nothing could be done any more. */
static unsigned pick_saga(struct drive *d)
{
    unsigned number = 0;

    for (int tries = 0; tries < 4; tries++) {
        number = (unsigned)below(d, SAGA_MODEL_SAGAS);
        unsigned status = d->model.sagas[number].status;
        if (status <= VARVE_SAGA_TIMED_OUT || status == SAGA_MODEL_NONE)
            break;
    }
    return SAGA_MODEL_STREAMS + number;
}

static void make_random(struct drive *d, struct saga_model_request *request)
{
    memset(request, 0, sizeof(*request));
    for (uint64_t n = below(d, 3); n > 0; n--)
        add_item(d, request, (unsigned)below(d, SAGA_MODEL_STREAMS - 1));
    for (uint64_t n = below(d, 4); n > 0; n--)
        add_item(d, request, pick_saga(d));
    if (one_in(d, 3))
        add_item(d, request, SAGA_MODEL_STREAMS - 1);
}

/* An earlier request once more, as it was or bent a little. */
static void make_old(struct drive *d, struct saga_model_request *request)
{
    *request = d->history[below(d, d->history_count < HISTORY ? d->history_count : HISTORY)];
    struct saga_model_item *item = &request->items[below(d, request->count)];

    switch (below(d, 8)) {
    case 0:
        if (item->expected >= 0)
            item->expected++;
        break;
    case 1:
        if (item->number < SAGA_MODEL_STREAMS && item->event_count > 0)
            item->events[0].content++;
        break;
    case 2:
        if (item->number >= SAGA_MODEL_STREAMS && item->change.has_state) {
            item->change.state = (item->change.state + 1) % 50;
            item->events[0].content = content_of(&item->change);
        }
        break;
    default:
        break;
    }
}

static void make_request(struct drive *d, struct saga_model_request *request)
{
    uint64_t events = 0;

    while (events == 0) {
        if (d->history_count > 0 && one_in(d, 5))
            make_old(d, request);
        else
            make_random(d, request);
        for (unsigned i = 0; i < request->count; i++)
            events += request->items[i].event_count;
    }
    derive_ids(request);
    d->history[d->history_count++ % HISTORY] = *request;
}

/* ---- comparing outcomes ---- */

static void check_outcome(struct drive *d, const struct varve_append_outcome *outcome,
                          const struct saga_model_outcome *wanted, unsigned count)
{
    if (outcome->status != wanted->status)
        fail_msg("%s, should be %s: %s", varve_status_name(outcome->status), varve_status_name(wanted->status),
                 outcome->error.message);
    d->done += outcome->status == VARVE_OK && !outcome->replayed;
    d->refused += outcome->status != VARVE_OK;
    d->replayed += outcome->replayed;
    assert_int_equal(outcome->replayed, wanted->replayed);
    if (outcome->status == VARVE_OK) {
        assert_int_equal(outcome->stream_count, count);
        for (unsigned i = 0; i < count; i++)
            assert_memory_equal(&outcome->results[i], &wanted->results[i], sizeof(wanted->results[i]));
        return;
    }
    assert_int_equal(outcome->conflict_count, wanted->conflict_count);
    for (unsigned i = 0; i < wanted->conflict_count; i++) {
        const struct varve_conflict *a = &outcome->conflicts[i], *b = &wanted->conflicts[i];
        if (a->part != b->part || a->stream_index != b->stream_index || a->status != b->status ||
            a->expected != b->expected || a->actual != b->actual)
            fail_msg("conflict %u: part %u[%u] %s %lld/%lld, should be part %u[%u] %s %lld/%lld", i, a->part,
                     a->stream_index, varve_status_name(a->status), (long long)a->expected, (long long)a->actual,
                     b->part, b->stream_index, varve_status_name(b->status), (long long)b->expected,
                     (long long)b->actual);
    }
}

/* ---- comparing sagas ---- */

static void check_saga(struct drive *d, unsigned number, const struct varve_saga *saga, bool with_state)
{
    const struct saga_model_saga *wanted = &d->model.sagas[number];
    struct varve_uuid correlation = { { 0 } };
    struct varve_view type;
    char id[8], state[32];

    if (wanted->correlation != 0)
        correlation = test_uuid(1u << 30 | wanted->correlation);
    saga_real_name(number, &type, id);
    assert_true(varve_view_equal(saga->type, type) && varve_view_equal(saga->id, varve_view_str(id)));
    assert_int_equal(saga->status, wanted->status);
    assert_int_equal(saga->version, wanted->version);
    assert_int_equal(saga->position, wanted->position);
    assert_true(saga->started_at_us == wanted->started_at_us && saga->updated_at_us == wanted->updated_at_us);
    assert_true(saga->completed_at_us == wanted->completed_at_us && saga->failed_at_us == wanted->failed_at_us);
    assert_true(saga->deadline_us == wanted->deadline_us);
    assert_int_equal(saga->step.size, strlen(saga_real_steps[wanted->step]));
    assert_memory_equal(saga->step.data, saga_real_steps[wanted->step], saga->step.size);
    assert_int_equal(saga->error.size, strlen(saga_real_errors[wanted->error]));
    assert_memory_equal(saga->error.data, saga_real_errors[wanted->error], saga->error.size);
    assert_memory_equal(&saga->correlation_id, &correlation, sizeof(correlation));
    assert_int_equal(saga->has_state, with_state && wanted->has_state);
    if (!saga->has_state)
        return;
    snprintf(state, sizeof(state), "{\"state\":%u}", wanted->state);
    assert_true(varve_view_equal(saga->state, varve_view_str(state)));
    assert_int_equal(saga->content_type, VARVE_CONTENT_JSON);
}

static void check_get(struct drive *d, unsigned number)
{
    struct varve_saga *saga;
    struct varve_view type;
    char id[8];

    saga_real_name(number, &type, id);
    enum varve_status status = varve_saga_get(d->f.store, type, varve_view_str(id), &saga, &d->f.error);
    if (d->model.sagas[number].status >= VARVE_SAGA_STATUSES) {
        assert_int_equal(status, VARVE_SAGA_NOT_FOUND);
        return;
    }
    if (status != VARVE_OK)
        fail_msg("saga %u: %s", number, d->f.error.message);
    check_saga(d, number, saga, true);
    free(saga);
}

static void check_list(struct drive *d, const struct saga_model_query *asked, uint32_t limit, bool with_state)
{
    unsigned wanted[SAGA_MODEL_SAGAS], count = saga_model_list(&d->model, asked, wanted), seen = 0;
    struct varve_saga_query query = {
        .order = asked->order, .type = varve_view_str(asked->type < 0 ? "" : saga_real_types[asked->type]),
        .statuses = asked->statuses, .step = varve_view_str(saga_real_steps[asked->step]),
        .updated_before_us = asked->updated_before_us, .deadline_before_us = asked->deadline_before_us,
        .limit = limit, .include_state = with_state,
    };
    uint8_t after[VARVE_SAGA_MAX_CURSOR];
    bool end = false;

    for (unsigned pages = 0; !end; pages++) {
        struct varve_saga_list *list;
        assert_in_range(pages, 0, SAGA_MODEL_SAGAS + 1);
        if (varve_saga_list(d->f.store, &query, &list, &d->f.error) != VARVE_OK)
            fail_msg("cannot list: %s", d->f.error.message);
        assert_in_range(list->count, 0, limit);
        for (size_t i = 0; i < list->count; i++) {
            assert_in_range(seen, 0, (int)count - 1);
            check_saga(d, wanted[seen++], &list->sagas[i], with_state);
        }
        end = list->end;
        memcpy(after, list->next, list->next_size);
        query.after = varve_view_of((const char *)after, list->next_size);
        free(list);
    }
    assert_int_equal(seen, count);
}

static void check_random_list(struct drive *d)
{
    struct saga_model_query query = {
        .order = (enum varve_saga_order)below(d, 2), .type = (int)below(d, SAGA_MODEL_TYPES + 2) - 1,
        .statuses = one_in(d, 2) ? 0 : (unsigned)below(d, 32), .step = one_in(d, 3) ? (unsigned)below(d, 4) : 0,
        .updated_before_us = VARVE_TIME_NONE, .deadline_before_us = VARVE_TIME_NONE,
    };

    query.type = query.type >= SAGA_MODEL_TYPES ? -1 : query.type;
    if (one_in(d, 3))
        query.updated_before_us = d->now_us - (int64_t)below(d, 500);
    if (one_in(d, 3))
        query.deadline_before_us = (int64_t)below(d, 600);
    check_list(d, &query, 1 + (uint32_t)below(d, one_in(d, 2) ? 3 : 30), one_in(d, 3));
}

static void check_counts(struct drive *d)
{
    struct varve_saga_counts *counts;
    size_t at = 0;

    assert_int_equal(varve_saga_counts(d->f.store, &counts, &d->f.error), VARVE_OK);
    for (unsigned type = 0; type < SAGA_MODEL_TYPES; type++) {
        uint64_t by_status[VARVE_SAGA_STATUSES] = { 0 };
        if (!d->model.had_type[type])
            continue;
        for (unsigned id = 0; id < SAGA_MODEL_IDS; id++) {
            unsigned status = d->model.sagas[type * SAGA_MODEL_IDS + id].status;
            if (status < VARVE_SAGA_STATUSES)
                by_status[status]++;
        }
        assert_in_range(at, 0, (int)counts->count - 1);
        assert_true(varve_view_equal(counts->types[at].type, varve_view_str(saga_real_types[type])));
        assert_memory_equal(counts->types[at].by_status, by_status, sizeof(by_status));
        at++;
    }
    assert_int_equal(counts->count, at);
    free(counts);
}

static void check_all(struct drive *d)
{
    for (unsigned i = 0; i < SAGA_MODEL_SAGAS; i++)
        check_get(d, i);
    for (int order = 0; order < 2; order++) {
        struct saga_model_query all = { .order = (enum varve_saga_order)order, .type = -1,
                                        .updated_before_us = VARVE_TIME_NONE, .deadline_before_us = VARVE_TIME_NONE };
        check_list(d, &all, 100, true);
        check_list(d, &all, 1, false);
    }
    check_counts(d);
    assert_int_equal(varve_store_last_position(d->f.store), d->model.count);
}

/* ---- steps ---- */

static void transact_one(struct drive *d)
{
    struct saga_model_request request;
    struct saga_model_outcome wanted;

    make_request(d, &request);
    struct varve_append *append = saga_real_make(&d->f, &request);
    saga_model_transact(&d->model, &request, d->now_us, &wanted);
    varve_append_wait(append, &d->f.error);
    check_outcome(d, varve_append_get_outcome(append), &wanted, request.count);
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

/* Several in one group, each of which may change what another has changed just before. */
static void transact_many(struct drive *d)
{
    struct counter counter = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
    struct saga_model_request requests[BURST];
    struct saga_model_outcome wanted[BURST];
    struct varve_append *appends[BURST];

    for (unsigned i = 0; i < BURST; i++) {
        make_request(d, &requests[i]);
        saga_model_transact(&d->model, &requests[i], d->now_us, &wanted[i]);
        appends[i] = saga_real_make(&d->f, &requests[i]);
    }
    for (unsigned i = 0; i < BURST; i++)
        assert_int_equal(varve_append_queue(appends[i], count_done, &counter, &d->f.error), VARVE_OK);
    varve_store_commit(d->f.store);
    pthread_mutex_lock(&counter.lock);
    while (counter.done < BURST)
        pthread_cond_wait(&counter.wake, &counter.lock);
    pthread_mutex_unlock(&counter.lock);
    for (unsigned i = 0; i < BURST; i++) {
        check_outcome(d, varve_append_get_outcome(appends[i]), &wanted[i], requests[i].count);
        varve_append_free(appends[i]);
    }
}

static void thaw(struct drive *d)
{
    if (d->frozen)
        fixture_thaw(&d->f);
    d->frozen = false;
}

/* A part of the frozen layer, in small transactions, as if the settler were amid its work. */
static void settle_a_part(struct drive *d)
{
    if (!d->frozen) /* Then the layer is the committer's, which may be about to drop it. */
        return;
    const struct tail_layer *frozen = tail_frozen(d->f.store->tail);
    if (frozen == NULL)
        return;
    uint32_t slice = 1 + (uint32_t)below(d, 5), until = (uint32_t)below(d, tail_layer_count(frozen) + 1);
    assert_int_equal(settle_slices(d->f.store->db, frozen, slice, until, &d->f.error), VARVE_OK);
}

static void disturb(struct drive *d)
{
    switch (below(d, 8)) {
    case 0:
        thaw(d);
        fixture_reopen(&d->f);
        break;
    case 1:
        thaw(d);
        fixture_settle(&d->f);
        fixture_crash(&d->f);
        break;
    case 2:
        if (d->may_freeze && !d->frozen)
            fixture_freeze(&d->f);
        d->frozen = d->may_freeze; /* Thawing takes its time, so not for nothing. */
        break;
    case 3:
    case 4:
        settle_a_part(d);
        break;
    default:
        if (!d->frozen)
            fixture_settle(&d->f);
        break;
    }
    check_all(d);
}

static void step(struct drive *d)
{
    d->now_us += (int64_t)below(d, 40) - 5;
    atomic_store(&d->f.now_us, d->now_us);
    if (one_in(d, 20))
        disturb(d);
    else if (one_in(d, 8))
        transact_many(d);
    else
        transact_one(d);
    check_get(d, (unsigned)below(d, SAGA_MODEL_SAGAS));
    check_counts(d);
    check_random_list(d);
    if (one_in(d, 15))
        check_all(d);
}

static void run_store(uint64_t seed, uint64_t *totals)
{
    struct drive *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    d->seed = seed;
    d->next_id = 1;
    d->now_us = 1000;
    saga_model_init(&d->model);
    fixture_init(&d->f);
    d->may_freeze = one_in(d, 2);
    d->f.options.segment_size_bytes = 1u << 20;
    if (!d->may_freeze) { /* Small layers instead, which must be settled. */
        d->f.options.settle_events = 3 + (uint32_t)below(d, 60);
        d->f.options.settle_size_bytes = one_in(d, 2) ? 4096 + below(d, 20000) : 1u << 20;
    }
    fixture_open(&d->f);
    for (unsigned i = 0; i < STEPS; i++)
        step(d);
    thaw(d);
    fixture_reopen(&d->f);
    check_all(d);
    totals[0] += d->done;
    totals[1] += d->refused;
    totals[2] += d->replayed;
    fixture_free(&d->f);
    saga_model_free(&d->model);
    free(d);
}

static void sagas_behave_as_their_model(void **ignored)
{
    uint64_t seed = test_seed(4), totals[3] = { 0 };

    for (uint64_t i = 0; i < TEST_EFFORT(STORES); i++) {
        print_message("store %llu: VARVE_TEST_SEED=%llu\n", (unsigned long long)i, (unsigned long long)(seed + i));
        run_store(seed + i, totals);
    }
    print_message("%llu done, %llu refused, %llu replayed\n", (unsigned long long)totals[0],
                  (unsigned long long)totals[1], (unsigned long long)totals[2]);
    assert_true(totals[0] > 0 && totals[1] > 0 && totals[2] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sagas_behave_as_their_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
