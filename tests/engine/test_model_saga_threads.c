/* test_model_saga_threads.c - sagas listed, looked at and counted while others change them and the settler runs: what
 * stays as it is comes once in every list, what was acknowledged is seen, and counts add up at any moment. */
#include "support/check.h"
#include "support/effort.h"
#include "support/random.h"
#include "support/transact_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WRITERS = 2, READERS = 3, STEADY = 60, MOVERS = 8 /* of each writer */ };

struct stage {
    struct store_fixture f;
    atomic_bool stop;
    _Atomic int64_t versions[WRITERS * MOVERS]; /* of movers, as some writer was told */
    _Atomic(const char *) wrong;                /* the first thing that was */
};
struct player {
    struct stage *stage;
    unsigned number;
    uint64_t seed, done;
};

static void is_wrong(struct stage *stage, const char *what)
{
    const char *nothing = NULL;

    atomic_compare_exchange_strong(&stage->wrong, &nothing, what);
    atomic_store(&stage->stop, true);
}

/* ---- writers ---- */

/* Two movers at once: one goes on, the other is compensated; deadlines come and go. Their number stays. */
static void move_two(struct player *p)
{
    unsigned first = p->number * MOVERS, a = first + (unsigned)random_below(&p->seed, MOVERS);
    unsigned b = first + (a - first + 1) % MOVERS;
    char text[160];
    long long at = atomic_load(&p->stage->versions[a]), bt = atomic_load(&p->stage->versions[b]);

    snprintf(text, sizeof(text), "*move-%u:step:%lld/on!%llu *move-%u:compensate:%lld/back=S s:any=.", a, at,
             (unsigned long long)random_below(&p->seed, 1000), b, bt);
    struct varve_append *append = transact_make(&p->stage->f, text);
    if (varve_append_wait(append, NULL) != VARVE_OK)
        is_wrong(p->stage, "a transition of one's own saga is refused");
    varve_append_free(append);
    atomic_store(&p->stage->versions[a], at + 1);
    atomic_store(&p->stage->versions[b], bt + 1);
}

static void *write_sagas(void *argument)
{
    struct player *p = argument;

    for (uint64_t i = 0; i < p->done && !atomic_load(&p->stage->stop); i++)
        move_two(p);
    return NULL;
}

/* ---- readers ---- */

static unsigned number_of(const struct varve_saga *saga)
{
    char text[16] = "";

    memcpy(text, saga->id.data, saga->id.size < 15 ? saga->id.size : 15);
    return (unsigned)atoi(text);
}

static bool is_after(enum varve_saga_order order, const struct varve_saga *a, const struct varve_saga *b)
{
    if (order == VARVE_SAGA_BY_DEADLINE)
        return a->deadline_us < b->deadline_us || (a->deadline_us == b->deadline_us && a->position < b->position);
    int types = memcmp(a->type.data, b->type.data, 4); /* "move", "still" */
    if (types != 0)
        return types < 0;
    return a->status < b->status || (a->status == b->status && a->position < b->position);
}

static void look_at_page(struct player *p, const struct varve_saga_query *query, const struct varve_saga_list *list,
                         unsigned seen[STEADY])
{
    for (size_t i = 0; i < list->count; i++) {
        const struct varve_saga *saga = &list->sagas[i];
        if (i > 0 && !is_after(query->order, &list->sagas[i - 1], saga))
            is_wrong(p->stage, "a list is out of order");
        if (saga->type.data[0] == 's')
            seen[number_of(saga)]++;
        if (query->order == VARVE_SAGA_BY_DEADLINE && saga->deadline_us == VARVE_TIME_NONE)
            is_wrong(p->stage, "a saga without a deadline is listed by it");
        if (query->include_state && saga->has_state && saga->state.size != 1)
            is_wrong(p->stage, "a state is not what it was");
    }
}

static void list_all(struct player *p)
{
    struct varve_saga_query query;
    unsigned seen[STEADY] = { 0 };
    uint8_t after[VARVE_SAGA_MAX_CURSOR];
    struct varve_saga_list *list;

    varve_saga_query_init(&query);
    query.order = (enum varve_saga_order)random_below(&p->seed, 2);
    query.limit = 1 + (uint32_t)random_below(&p->seed, 40);
    query.include_state = random_below(&p->seed, 2);
    for (bool end = false; !end; free(list)) {
        if (varve_saga_list(p->stage->f.store, &query, &list, NULL) != VARVE_OK) {
            is_wrong(p->stage, "a list failed");
            return;
        }
        look_at_page(p, &query, list, seen);
        end = list->end;
        memcpy(after, list->next, list->next_size);
        query.after = varve_view_of((const char *)after, list->next_size);
    }
    for (unsigned i = 0; i < STEADY; i++)
        if (seen[i] != (query.order == VARVE_SAGA_BY_CHANGE || i % 2 == 0))
            is_wrong(p->stage, "a saga that stays was skipped or came twice");
}

static void look_at_one(struct player *p)
{
    unsigned number = (unsigned)random_below(&p->seed, WRITERS * MOVERS);
    int64_t told = atomic_load(&p->stage->versions[number]);
    struct varve_saga *saga;
    char id[16];

    snprintf(id, sizeof(id), "%u", number);
    if (varve_saga_get(p->stage->f.store, varve_view_str("move"), varve_view_str(id), &saga, NULL) != VARVE_OK) {
        is_wrong(p->stage, "a saga is not found");
        return;
    }
    if (saga->version < told)
        is_wrong(p->stage, "an acknowledged transition is not seen");
    free(saga);
}

static void add_up(struct player *p)
{
    struct varve_saga_counts *counts;
    uint64_t sums[2] = { 0 };

    if (varve_saga_counts(p->stage->f.store, &counts, NULL) != VARVE_OK)
        return;
    for (size_t i = 0; i < counts->count; i++)
        for (int k = 0; k < VARVE_SAGA_STATUSES; k++)
            sums[i] += counts->types[i].by_status[k];
    if (counts->count != 2 || sums[0] != WRITERS * MOVERS || sums[1] != STEADY)
        is_wrong(p->stage, "counts do not add up");
    free(counts);
}

static void *read_sagas(void *argument)
{
    struct player *p = argument;

    for (; !atomic_load(&p->stage->stop); p->done++) {
        list_all(p);
        look_at_one(p);
        add_up(p);
    }
    return NULL;
}

/* ---- all together ---- */

/* Steady ones: every other has a deadline; some are finished. */
static void begin_all(struct stage *stage)
{
    char text[64];

    for (unsigned i = 0; i < STEADY; i++) {
        snprintf(text, sizeof(text), i % 2 == 0 ? "*still-%u:begin!500" : "*still-%u:begin=S", i);
        assert_memory_equal(transact(&stage->f, text), "ok ", 3);
        snprintf(text, sizeof(text), "*still-%u:complete", i);
        if (i % 6 == 1)
            assert_memory_equal(transact(&stage->f, text), "ok ", 3);
    }
    for (unsigned i = 0; i < WRITERS * MOVERS; i++) {
        snprintf(text, sizeof(text), "*move-%u:begin=S", i);
        assert_memory_equal(transact(&stage->f, text), "ok ", 3);
    }
}

static void everybody_sees_sagas_whole(void **ignored)
{
    static struct stage stage;
    struct player writers[WRITERS], readers[READERS];
    pthread_t threads[WRITERS + READERS];
    uint64_t seed = test_seed(5), looks = 0;

    fixture_init(&stage.f);
    stage.f.options.settle_events = 90;
    fixture_open(&stage.f);
    begin_all(&stage);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct player){ &stage, i, seed + 100 + i, 0 };
        assert_int_equal(pthread_create(&threads[WRITERS + i], NULL, read_sagas, &readers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct player){ &stage, i, seed + i, TEST_EFFORT(1500) };
        assert_int_equal(pthread_create(&threads[i], NULL, write_sagas, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&stage.stop, true);
    for (unsigned i = 0; i < READERS; i++) {
        pthread_join(threads[WRITERS + i], NULL);
        looks += readers[i].done;
    }
    if (atomic_load(&stage.wrong) != NULL)
        fail_msg("%s", atomic_load(&stage.wrong));
    assert_true(fixture_stats(&stage.f).settles > 2);
    print_message("%llu looks, %llu settles\n", (unsigned long long)looks,
                  (unsigned long long)fixture_stats(&stage.f).settles);
    fixture_free(&stage.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_sees_sagas_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
