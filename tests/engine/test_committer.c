/* test_committer.c - the queue and its bounds, groups, order, and what everybody hears when a sync fails. */
#include "engine/committer.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/store_fixture.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

/* ---- appends that are waited for together ---- */

struct batch {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    size_t done;
};

static struct batch new_batch(void)
{
    return (struct batch){ PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0 };
}

static void count_done(struct varve_append *append, void *user)
{
    struct batch *batch = user;

    pthread_mutex_lock(&batch->lock);
    batch->done++;
    pthread_cond_broadcast(&batch->wake);
    pthread_mutex_unlock(&batch->lock);
}

static void free_and_count(struct varve_append *append, void *user)
{
    varve_append_free(append);
    count_done(NULL, user);
}

static void wait_for(struct batch *batch, size_t count)
{
    pthread_mutex_lock(&batch->lock);
    while (batch->done < count)
        pthread_cond_wait(&batch->wake, &batch->lock);
    pthread_mutex_unlock(&batch->lock);
}

static void submit(struct store_fixture *f, struct varve_append *append, struct batch *batch)
{
    if (varve_append_submit(append, count_done, batch, &f->error) != VARVE_OK)
        fail_msg("not taken: %s", f->error.message);
}

/* While it is held nobody commits, so that what is queued meanwhile is a group. */
static void hold(struct store_fixture *f)
{
    pthread_mutex_lock(&f->store->commit_lock);
}

static void let_go(struct store_fixture *f)
{
    pthread_mutex_unlock(&f->store->commit_lock);
}

/* ---- order and groups ---- */

static void one_threads_appends_keep_their_order(void **ignored)
{
    enum { COUNT = 200 };
    struct store_fixture f;
    struct varve_append *appends[COUNT];
    struct batch batch = new_batch();

    fixture_init(&f);
    f.options.group_size_bytes = 1000;
    fixture_open(&f);
    for (int i = 0; i < COUNT; i++) {
        char text[32];
        snprintf(text, sizeof(text), i == 0 ? "s:none=." : "s:%d=.", i - 1);
        appends[i] = fixture_make(&f, text);
        submit(&f, appends[i], &batch);
    }
    wait_for(&batch, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(varve_append_get_outcome(appends[i])->status, VARVE_OK);
        assert_int_equal(varve_append_get_outcome(appends[i])->results[0].first_position, i + 1);
        varve_append_free(appends[i]);
    }
    fixture_free(&f);
}

/* Queue `count` small appends while nobody commits; returns how many groups and syncs they took. */
static void commit_together(struct store_fixture *f, size_t count, uint64_t *ret_groups, unsigned *ret_syncs)
{
    struct batch batch = new_batch();
    struct varve_append *appends[64];

    hold(f);
    uint64_t groups = fixture_stats(f).groups;
    unsigned syncs = atomic_load(&f->fault.syncs);
    for (size_t i = 0; i < count; i++) {
        appends[i] = fixture_make(f, "s:any=.");
        submit(f, appends[i], &batch);
    }
    assert_int_equal(fixture_stats(f).queue_appends, count);
    let_go(f);
    wait_for(&batch, count);
    for (size_t i = 0; i < count; i++)
        varve_append_free(appends[i]);
    hold(f); /* The group has ended. */
    *ret_groups = fixture_stats(f).groups - groups;
    *ret_syncs = atomic_load(&f->fault.syncs) - syncs;
    let_go(f);
    assert_int_equal(fixture_stats(f).queue_appends, 0);
    assert_int_equal(fixture_stats(f).queue_bytes, 0);
}

static void a_group_is_one_sync(void **ignored)
{
    struct store_fixture f;
    uint64_t groups;
    unsigned syncs;

    fixture_init(&f);
    fixture_open(&f);
    commit_together(&f, 1, &groups, &syncs);
    commit_together(&f, 50, &groups, &syncs);
    assert_int_equal(groups, 1);
    assert_int_equal(syncs, 1);
    assert_int_equal(fixture_stats(&f).journal_segments, 1); /* Too little for a spare, which others would sync. */
    fixture_free(&f);
}

static void a_group_has_a_size(void **ignored)
{
    static const struct { uint32_t group_size_bytes; uint64_t least, most; } cases[] = {
        { 1, 40, 40 },        /* One append at least, and no second. */
        { 300, 14, 40 },      /* Two or three of about 120 bytes. */
        { 64 << 10, 1, 1 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        uint64_t groups;
        unsigned syncs;
        fixture_init(&f);
        f.options.group_size_bytes = cases[i].group_size_bytes;
        fixture_open(&f);
        commit_together(&f, 40, &groups, &syncs);
        assert_in_range(groups, cases[i].least, cases[i].most);
        assert_int_equal(varve_store_last_position(f.store), 40);
        fixture_free(&f);
    }
}

/* An append that must be compared with its own group goes back, and what stood behind it stays behind it. */
static void a_deferred_append_keeps_its_place(void **ignored)
{
    static const struct { const char *append, *outcome; } members[] = {
        { "s:none=a", "ok s@0-0/1-1" }, { "s:none=a", "again s@0-0/1-1" }, { "s:0=b", "ok s@1-1/2-2" },
        { "s:1=c", "ok s@2-2/3-3" },    { "s:1=c", "again s@2-2/3-3" },    { "s:none=x", "no: s WRONG_EXPECTED_VERSION "
                                                                                         "none/2" },
        { "s:any=b", "again s@1-1/2-2" }, { "s:2=d", "ok s@3-3/4-4" },
    };

    for (uint32_t group_size = 1; group_size <= 64 << 10; group_size += 150 + group_size) {
        struct store_fixture f;
        struct varve_append *appends[COUNT_OF(members)];
        struct batch batch = new_batch();
        fixture_init(&f);
        f.options.group_size_bytes = group_size; /* Some may not even be in the group that one is deferred of. */
        fixture_open(&f);
        hold(&f);
        for (size_t i = 0; i < COUNT_OF(members); i++) {
            appends[i] = fixture_make(&f, members[i].append);
            submit(&f, appends[i], &batch);
        }
        let_go(&f);
        wait_for(&batch, COUNT_OF(members));
        for (size_t i = 0; i < COUNT_OF(members); i++) {
            assert_string_equal(fixture_outcome(appends[i], members[i].append), members[i].outcome);
            varve_append_free(appends[i]);
        }
        fixture_free(&f);
    }
}

/* ---- bounds ---- */

static void a_full_queue_says_so_at_once(void **ignored)
{
    enum { ROOM = 20000 };
    struct store_fixture f;
    struct batch batch = new_batch();
    size_t taken = 0;
    uint64_t bytes = 0;

    fixture_init(&f);
    f.options.queue_size_bytes = ROOM;
    fixture_open(&f);
    hold(&f);
    for (;;) {
        struct varve_append *append = fixture_make(&f, "s:any=..");
        size_t size = varve_append_size_bytes(append);
        enum varve_status status = varve_append_submit(append, free_and_count, &batch, &f.error);
        if (status != VARVE_OK) {
            assert_int_equal(status, VARVE_OVERLOADED);
            assert_true(f.error.retry_after_ms > 0);
            assert_true(bytes + size > ROOM);
            assert_int_equal(varve_append_wait(append, &f.error), VARVE_OVERLOADED);
            varve_append_free(append);
            break;
        }
        taken++;
        bytes += size;
        assert_int_equal(fixture_stats(&f).queue_bytes, bytes);
    }
    let_go(&f);
    wait_for(&batch, taken);
    assert_int_equal(varve_store_last_position(f.store), 2 * taken);
    assert_int_equal(fixture_stats(&f).appends, taken);
    fixture_free(&f);
}

static void one_append_fits_any_queue(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    f.options.queue_size_bytes = 1;
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=.."), "ok s@0-1/1-2");
    fixture_fill(&f, "large", 2, 1, 60000);
    fixture_free(&f);
}

static void a_loop_commits_by_itself(void **ignored)
{
    struct store_fixture f;
    struct batch batch = new_batch();

    fixture_init(&f);
    fixture_open(&f);
    assert_true(varve_store_commit(f.store)); /* Nothing to do is fine. */
    for (int i = 0; i < 10; i++)
        assert_int_equal(varve_append_queue(fixture_make(&f, "s:any=."), free_and_count, &batch, &f.error), VARVE_OK);
    if (varve_store_commit(f.store))
        assert_int_equal(batch.done, 10); /* All were told before it returned. */
    wait_for(&batch, 10);
    assert_int_equal(varve_append_queue(fixture_make(&f, "s:any=."), free_and_count, &batch, &f.error), VARVE_OK);
    varve_store_wake(f.store);
    wait_for(&batch, 11);
    assert_true(varve_store_last_group_us(f.store) < UINT64_MAX);
    fixture_free(&f);
}

static void *try_to_commit(void *argument)
{
    struct store_fixture *f = argument;

    return varve_store_commit(f->store) ? f : NULL;
}

static void somebody_else_commits_already(void **ignored)
{
    struct store_fixture f;
    struct batch batch = new_batch();
    pthread_t thread;
    void *committed;

    fixture_init(&f);
    fixture_open(&f);
    hold(&f);
    assert_int_equal(varve_append_queue(fixture_make(&f, "s:any=."), free_and_count, &batch, &f.error), VARVE_OK);
    assert_int_equal(pthread_create(&thread, NULL, try_to_commit, &f), 0);
    assert_int_equal(pthread_join(thread, &committed), 0);
    assert_null(committed);
    let_go(&f);
    wait_for(&batch, 1);
    fixture_free(&f);
}

/* ---- many threads ---- */

enum { WRITERS = 4, SHARED_STREAMS = 3 };

struct writer {
    struct store_fixture *f;
    unsigned number, appends;
    uint64_t stored; /* events */
    uint64_t conflicts;
};

/* Waits for each append: now and then with an expectation that others spoil. */
static void *write_and_wait(void *argument)
{
    struct writer *w = argument;

    for (unsigned i = 0; i < w->appends; i++) {
        char text[64];
        snprintf(text, sizeof(text), i % 5 == 0 ? "s-%u:%u=." : "s-%u:any=..", i % SHARED_STREAMS, i);
        struct varve_append *append = fixture_make(w->f, text);
        enum varve_status status = varve_append_wait(append, NULL);
        const struct varve_append_outcome *outcome = varve_append_get_outcome(append);
        if (status == VARVE_OK) {
            w->stored += outcome->results[0].last_position - outcome->results[0].first_position + 1;
            if (outcome->results[0].last_version - outcome->results[0].first_version != (i % 5 == 0 ? 0 : 1))
                w->stored = UINT64_MAX / 2;
        } else {
            w->conflicts++;
        }
        varve_append_free(append);
    }
    return NULL;
}

static void writers_do_not_disturb_each_other(void **ignored)
{
    struct store_fixture f;
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    uint64_t stored = 0, conflicts = 0, versions = 0;

    fixture_init(&f);
    f.options.settle_events = 50;
    fixture_open(&f);
    for (unsigned i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){ .f = &f, .number = i, .appends = TEST_EFFORT(400) };
        assert_int_equal(pthread_create(&threads[i], NULL, write_and_wait, &writers[i]), 0);
    }
    for (unsigned i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        stored += writers[i].stored;
        conflicts += writers[i].conflicts;
    }
    assert_int_equal(varve_store_last_position(f.store), stored);
    assert_int_equal(fixture_stats(&f).append_conflicts, conflicts);
    assert_int_equal(fixture_stats(&f).events_appended, stored);
    for (unsigned i = 0; i < SHARED_STREAMS; i++) {
        struct varve_stream_info info;
        char name[16];
        snprintf(name, sizeof(name), "s-%u", i);
        assert_int_equal(varve_stream_info(f.store, varve_view_str(name), &info, &f.error), VARVE_OK);
        versions += (uint64_t)info.version + 1;
    }
    assert_int_equal(versions, stored);
    fixture_free(&f);
}

/* ---- growth ---- */

struct growth {
    atomic_uint calls;
    _Atomic uint64_t last;
    atomic_bool went_back;
};

static void note_growth(void *user, uint64_t last_position)
{
    struct growth *growth = user;

    atomic_fetch_add(&growth->calls, 1);
    if (last_position <= atomic_exchange(&growth->last, last_position))
        atomic_store(&growth->went_back, true);
}

static void growth_is_told(void **ignored)
{
    struct store_fixture f;
    struct growth growth = { 0 };

    fixture_init(&f);
    fixture_open(&f);
    varve_store_on_growth(f.store, note_growth, &growth);
    for (unsigned i = 1; i <= 20; i++) {
        assert_true(strncmp(fixture_append(&f, "s:any=.."), "ok", 2) == 0);
        hold(&f); /* It may be told just after the append's own outcome. */
        let_go(&f);
        assert_int_equal(atomic_load(&growth.last), 2 * i);
        assert_int_equal(atomic_load(&growth.calls), i);
    }
    assert_string_equal(fixture_append(&f, "s:none=."), "no: s WRONG_EXPECTED_VERSION none/39");
    assert_int_equal(atomic_load(&growth.calls), 20); /* Nothing grew. */
    assert_false(atomic_load(&growth.went_back));
    varve_store_on_growth(f.store, NULL, NULL);
    assert_true(strncmp(fixture_append(&f, "s:any=."), "ok", 2) == 0);
    hold(&f);
    let_go(&f);
    assert_int_equal(atomic_load(&growth.calls), 20);
    fixture_free(&f);
}

/* ---- faults ---- */

static void a_failed_sync_ends_all_promises(void **ignored)
{
    for (unsigned nth = 1; nth <= 2; nth++) { /* the write, the sync */
        struct store_fixture f, copy;
        struct batch batch = new_batch();
        struct varve_append *appends[3];
        fixture_init(&f);
        fixture_open(&f);
        assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
        hold(&f); /* Other threads have nothing to do: so little needs no spare segment. */
        appends[0] = fixture_make(&f, "s:0=b");
        appends[1] = fixture_make(&f, "s:none=a"); /* A replay needs no sync. */
        appends[2] = fixture_make(&f, "s:7=x");    /* Nor does a conflict. */
        fault_os_arm(&f.fault, nth, EIO, false);
        for (int i = 0; i < 3; i++)
            submit(&f, appends[i], &batch);
        let_go(&f);
        wait_for(&batch, 3);
        assert_true(atomic_load(&f.fault.fired));
        assert_string_equal(fixture_outcome(appends[0], "s:0=b"), "IO");
        for (int i = 0; i < 3; i++)
            varve_append_free(appends[i]);
        assert_int_equal(varve_store_fault(f.store, &f.error), VARVE_IO);
        assert_true(f.error.message[0] != '\0');
        assert_string_equal(fixture_append(&f, "s:any=."), "IO"); /* Nothing is taken any more, */
        assert_int_equal(varve_store_settle(f.store), VARVE_IO);
        assert_string_equal(fixture_read_all(&f), "s@0");         /* what was visible stays so. */
        fixture_copy(&f, &copy);
        assert_int_equal(varve_store_close(f.store), VARVE_IO);
        f.store = NULL;
        fixture_open(&copy);
        const char *found = fixture_read_all(&copy);
        assert_true(strcmp(found, "s@0") == 0 || strcmp(found, "s@0 s@1") == 0); /* Its fate was unknown. */
        fixture_free(&copy);
        fixture_free(&f);
    }
}

static void *close_it(void *argument)
{
    struct store_fixture *f = argument;

    assert_int_equal(varve_store_close(f->store), VARVE_OK);
    return NULL;
}

static void a_closing_store_takes_nothing_more(void **ignored)
{
    struct store_fixture f;
    struct batch batch = new_batch();
    pthread_t thread;
    size_t taken = 0;
    enum varve_status status = VARVE_OK;

    fixture_init(&f);
    fixture_open(&f);
    hold(&f); /* Close waits for the group under way. */
    assert_int_equal(pthread_create(&thread, NULL, close_it, &f), 0);
    while (status == VARVE_OK) {
        struct varve_append *append = fixture_make(&f, "s:any=.");
        status = varve_append_submit(append, free_and_count, &batch, &f.error);
        if (status == VARVE_OK)
            taken++;
        else
            varve_append_free(append);
        if (status == VARVE_OVERLOADED)
            status = VARVE_OK;
        sched_yield();
    }
    assert_int_equal(status, VARVE_NOT_READY);
    let_go(&f);
    pthread_join(thread, NULL);
    assert_int_equal(batch.done, taken); /* What was taken was committed and told. */
    f.store = NULL;
    fixture_open(&f);
    assert_int_equal(varve_store_last_position(f.store), taken);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_threads_appends_keep_their_order),
        cmocka_unit_test(a_group_is_one_sync),
        cmocka_unit_test(a_group_has_a_size),
        cmocka_unit_test(a_deferred_append_keeps_its_place),
        cmocka_unit_test(a_full_queue_says_so_at_once),
        cmocka_unit_test(one_append_fits_any_queue),
        cmocka_unit_test(a_loop_commits_by_itself),
        cmocka_unit_test(somebody_else_commits_already),
        cmocka_unit_test(writers_do_not_disturb_each_other),
        cmocka_unit_test(growth_is_told),
        cmocka_unit_test(a_failed_sync_ends_all_promises),
        cmocka_unit_test(a_closing_store_takes_nothing_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
