/* test_model_threads.c - many writers and readers at once, while settles happen: positions are dense and in order for
 * everybody, versions of a stream too, and an acknowledged append is visible to whoever reads after it. */
#include "support/check.h"
#include "support/effort.h"
#include "support/random.h"
#include "support/store_fixture.h"
#include "varve/record.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { WRITERS = 3, READERS = 3, STREAMS = 6 };

struct stage {
    struct store_fixture f;
    atomic_bool stop;
    _Atomic uint64_t acknowledged;      /* highest position that some writer was told */
    _Atomic int64_t versions[STREAMS];  /* highest version that some writer was told; -1 = none */
    _Atomic(const char *) wrong;        /* the first thing that was */
};
struct player {
    struct stage *stage;
    uint64_t seed, done;
};

static void is_wrong(struct stage *stage, const char *what)
{
    const char *nothing = NULL;

    atomic_compare_exchange_strong(&stage->wrong, &nothing, what);
    atomic_store(&stage->stop, true);
}

static void raise_to(_Atomic uint64_t *mark, uint64_t to)
{
    uint64_t now = atomic_load(mark);

    while (now < to && !atomic_compare_exchange_weak(mark, &now, to))
        ;
}

static void raise_version(_Atomic int64_t *mark, int64_t to)
{
    int64_t now = atomic_load(mark);

    while (now < to && !atomic_compare_exchange_weak(mark, &now, to))
        ;
}

/* ---- writers ---- */

/* One to three events for one or two streams; sometimes with the version last seen, which another may have passed. */
static void append_something(struct player *p)
{
    struct stage *stage = p->stage;
    unsigned a = (unsigned)random_below(&p->seed, STREAMS), b = (a + 1) % STREAMS;
    char text[96];

    if (random_below(&p->seed, 3) == 0)
        snprintf(text, sizeof(text), "s-%u:any=.. s-%u:any=.", a, b);
    else if (random_below(&p->seed, 2) == 0 && atomic_load(&stage->versions[a]) >= 0)
        snprintf(text, sizeof(text), "s-%u:%lld=.", a, (long long)atomic_load(&stage->versions[a]));
    else
        snprintf(text, sizeof(text), "s-%u:any=...", a);
    struct varve_append *append = fixture_make(&stage->f, text);
    enum varve_status status = varve_append_wait(append, NULL);
    const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
    if (status == VARVE_OK) {
        uint64_t last = outcome->results[outcome->stream_count - 1].last_position;
        raise_to(&stage->acknowledged, last);
        raise_version(&stage->versions[a], outcome->results[0].last_version);
        if (varve_store_last_position(stage->f.store) < last)
            is_wrong(stage, "an acknowledged append is not visible");
    } else if (status != VARVE_WRONG_EXPECTED_VERSION) {
        is_wrong(stage, varve_status_name(status));
    }
    varve_append_free(append);
}

static void *write_events(void *argument)
{
    struct player *p = argument;

    for (uint64_t i = 0; i < p->done && !atomic_load(&p->stage->stop); i++)
        append_something(p);
    return NULL;
}

/* ---- readers ---- */

/* Read all from `*from` to the end; positions must follow each other. Returns how many there were. */
static uint64_t follow_all(struct player *p, uint64_t *from)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;
    uint64_t seen = 0;

    varve_read_init(&read);
    read.from = *from;
    if (varve_reader_open(p->stage->f.store, &read, &reader, NULL) != VARVE_OK)
        return 0;
    while (!batch.end) {
        if (varve_reader_next(reader, 1 + random_below(&p->seed, 8192), 0, &batch, NULL) != VARVE_OK) {
            is_wrong(p->stage, "a read failed");
            break;
        }
        for (uint32_t i = 0; i < batch.count; i++, seen++)
            if (varve_record_position(batch.records[i]) != (*from)++)
                is_wrong(p->stage, "a position was skipped or came twice");
    }
    varve_reader_close(reader);
    return seen;
}

/* A stream from its beginning or its end: versions must follow each other, and reach what was acknowledged. */
static void read_stream(struct player *p, unsigned stream)
{
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    struct varve_read read;
    char name[16];
    int64_t told = atomic_load(&p->stage->versions[stream]), highest = -1, next = 0;
    bool first = true;

    varve_read_init(&read);
    read.kind = VARVE_READ_STREAM;
    read.name = varve_view_of(name, (size_t)snprintf(name, sizeof(name), "s-%u", stream));
    read.backwards = random_below(&p->seed, 2);
    if (varve_reader_open(p->stage->f.store, &read, &reader, NULL) != VARVE_OK) {
        if (told >= 0)
            is_wrong(p->stage, "a stream that was appended to is not found");
        return;
    }
    while (!batch.end && varve_reader_next(reader, 2048, 0, &batch, NULL) == VARVE_OK)
        for (uint32_t i = 0; i < batch.count; i++) {
            int64_t version = (int64_t)varve_record_version(batch.records[i]);
            if (first ? !read.backwards && version != 0 : version != next)
                is_wrong(p->stage, "a version was skipped or came twice");
            first = false;
            next = read.backwards ? version - 1 : version + 1;
            highest = version > highest ? version : highest;
        }
    if (read.backwards && !first && next != -1)
        is_wrong(p->stage, "a stream read backwards did not reach its first event");
    if (highest < told)
        is_wrong(p->stage, "an acknowledged event of a stream was not read");
    varve_reader_close(reader);
}

static void *read_events(void *argument)
{
    struct player *p = argument;
    uint64_t from = 1;

    while (!atomic_load(&p->stage->stop)) {
        uint64_t told = atomic_load(&p->stage->acknowledged);
        p->done += follow_all(p, &from);
        if (from <= told)
            is_wrong(p->stage, "an acknowledged position was not read");
        read_stream(p, (unsigned)random_below(&p->seed, STREAMS));
        if (random_below(&p->seed, 50) == 0)
            from = 1; /* From the beginning once more. */
    }
    return NULL;
}

static void everybody_sees_one_order(void **ignored)
{
    static struct stage stage;
    struct player writers[WRITERS], readers[READERS];
    pthread_t threads[WRITERS + READERS];
    uint64_t seed = test_seed(77), from = 1;

    fixture_init(&stage.f);
    stage.f.options.settle_events = 60;
    fixture_open(&stage.f);
    for (unsigned i = 0; i < STREAMS; i++)
        atomic_store(&stage.versions[i], -1);
    for (unsigned i = 0; i < READERS; i++) {
        readers[i] = (struct player){ &stage, seed + 100 + i, 0 };
        assert_int_equal(pthread_create(&threads[WRITERS + i], NULL, read_events, &readers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct player){ &stage, seed + i, TEST_EFFORT(1500) };
        assert_int_equal(pthread_create(&threads[i], NULL, write_events, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    atomic_store(&stage.stop, true);
    for (unsigned i = 0; i < READERS; i++)
        pthread_join(threads[WRITERS + i], NULL);
    if (atomic_load(&stage.wrong) != NULL)
        fail_msg("%s", atomic_load(&stage.wrong));
    struct player last = { &stage, seed, 0 };
    assert_int_equal(follow_all(&last, &from), atomic_load(&stage.acknowledged));
    assert_true(fixture_stats(&stage.f).settles > 2);
    print_message("%llu events, %llu settles\n", (unsigned long long)from - 1,
                  (unsigned long long)fixture_stats(&stage.f).settles);
    fixture_settle(&stage.f);
    assert_true(strncmp(fixture_append(&stage.f, "s-0:any=."), "ok", 2) == 0);
    fixture_crash(&stage.f);
    from = 1;
    assert_int_equal(follow_all(&last, &from), atomic_load(&stage.acknowledged) + 1);
    fixture_free(&stage.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_sees_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
