/* test_store_stats.c - what an open store says of itself: its figures, its histograms, how far settling lags. */
#include "engine/store_parts.h"
#include "support/check.h"
#include "support/store_fixture.h"
#include "varve/uuid.h"

#include <pthread.h>
#include <stdatomic.h>

static void the_figures_add_up(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    atomic_store(&f.now_us, 4711);
    fixture_open(&f);
    struct varve_stats empty = fixture_stats(&f);
    assert_int_equal(empty.created_at_us, 4711);
    assert_int_equal(empty.last_position, 0);
    assert_false(varve_uuid_is_nil(&empty.database_id));
    assert_true(empty.memory_bound_bytes > f.options.settle_size_bytes);
    assert_true(empty.journal_segments >= 1 && empty.store_bytes > 0 && empty.disk_free_bytes > 0);

    assert_string_equal(fixture_append(&f, "a:none=ab b:none=c"), "ok a@0-1/1-2 b@0-0/3-3");
    assert_string_equal(fixture_append(&f, "a:none=ab b:none=c"), "again a@0-1/1-2 b@0-0/3-3");
    assert_string_equal(fixture_append(&f, "a:none=."), "no: a WRONG_EXPECTED_VERSION none/1");
    fixture_change(&f, VARVE_STREAM_TRUNCATE, "a", 1);
    struct varve_stats stats = fixture_stats(&f);
    assert_int_equal(stats.last_position, 4);
    assert_int_equal(stats.last_position, varve_store_last_position(f.store));
    assert_int_equal(stats.stream_count, 2);
    assert_int_equal(stats.system_stream_count, 1);
    assert_int_equal(stats.appends, 2);
    assert_int_equal(stats.append_replays, 1);
    assert_int_equal(stats.append_conflicts, 1);
    assert_int_equal(stats.events_appended, 4);
    assert_int_equal(stats.groups, 2);
    assert_int_equal(stats.tail_events, 4);
    assert_true(stats.tail_bytes > 0);
    assert_int_equal(stats.settled_position, 0);
    fixture_settle(&f);
    stats = fixture_stats(&f);
    assert_int_equal(stats.settled_position, 4);
    assert_int_equal(stats.settles, 1);
    fixture_reopen(&f);
    stats = fixture_stats(&f);
    assert_int_equal(stats.last_position, 4);
    assert_int_equal(stats.stream_count, 2);
    assert_int_equal(stats.system_stream_count, 1);
    assert_int_equal(stats.appends + stats.append_replays + stats.append_conflicts + stats.groups, 0);
    assert_int_equal(stats.created_at_us, 4711);
    assert_memory_equal(&stats.database_id, &empty.database_id, sizeof(empty.database_id));
    fixture_free(&f);
}

static void the_histograms_have_every_group_and_every_settling(void **ignored)
{
    struct store_fixture f;
    struct varve_store_histograms histograms;

    fixture_init(&f);
    fixture_open(&f);
    fixture_append(&f, "a:none=abc");
    fixture_append(&f, "a:2=d");
    fixture_append(&f, "a:0=e"); /* Refused: no group. */
    varve_store_histograms(f.store, &histograms);
    assert_int_equal(histograms.commit_us.count, 2);
    assert_int_equal(histograms.sync_us.count, 2);
    assert_true(histograms.sync_us.sum <= histograms.commit_us.sum);
    assert_int_equal(histograms.group_events.count, 2);
    assert_int_equal(histograms.group_events.sum, 4);
    assert_int_equal(histograms.group_events.max, 3);
    assert_int_equal(histograms.settle_us.count, 0);
    fixture_settle(&f);
    varve_store_histograms(f.store, &histograms);
    assert_int_equal(histograms.settle_us.count, 1);
    assert_int_equal(histograms.settle_us.sum, fixture_stats(&f).settle_us);
    fixture_free(&f);
}

#define DAY_US (UINT64_C(86400) * 1000000)
static _Atomic uint64_t days_passed;

static uint64_t days_later_us(void *self)
{
    return varve_os_default()->monotonic_us(varve_os_default()->self) + atomic_load(&days_passed) * DAY_US;
}

static uint64_t settle_lag_days(const struct store_fixture *f)
{
    return varve_store_settle_lag_us(f->store) / DAY_US;
}

static void the_settle_lag_is_the_age_of_the_oldest_unsettled_event(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    f.fault.os.monotonic_us = days_later_us;
    atomic_store(&f.now_us, 1000);
    fixture_open(&f);
    assert_int_equal(varve_store_settle_lag_us(f.store), 0);
    fixture_append(&f, "a:none=a");
    assert_int_equal(settle_lag_days(&f), 0);
    atomic_fetch_add(&days_passed, 5);
    atomic_store(&f.now_us, INT64_C(9000000000000)); /* The wall's clock is set meanwhile. */
    fixture_append(&f, "a:0=b");
    assert_int_equal(settle_lag_days(&f), 5);
    fixture_freeze(&f);
    atomic_store(&f.now_us, 1000);
    atomic_fetch_add(&days_passed, 2);
    fixture_append(&f, "a:1=c");
    assert_int_equal(settle_lag_days(&f), 7);
    fixture_thaw(&f);
    assert_int_equal(varve_store_settle_lag_us(f.store), 0);
    fixture_append(&f, "a:2=d");
    atomic_fetch_add(&days_passed, 3);
    assert_int_equal(settle_lag_days(&f), 3);
    fixture_free(&f);
}

static void what_was_recovered_has_its_age_by_the_wall(void **ignored)
{
    struct store_fixture f, copy;

    fixture_init(&f);
    atomic_store(&f.now_us, 1000);
    fixture_open(&f);
    fixture_append(&f, "a:none=a");
    fixture_copy(&f, &copy); /* As a crash would leave it. */
    atomic_store(&copy.now_us, (int64_t)(1000 + 4 * DAY_US));
    fixture_open(&copy);
    assert_int_equal(settle_lag_days(&copy), 4);
    fixture_settle(&copy);
    assert_int_equal(varve_store_settle_lag_us(copy.store), 0);
    fixture_free(&copy);
    fixture_free(&f);
}

static void what_is_in_memory_begins_behind_what_is_settled(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_int_equal(varve_store_first_in_memory(f.store), 1); /* Nothing is: it would be the first. */
    fixture_fill(&f, "s", 10, 2, 10);
    assert_int_equal(varve_store_first_in_memory(f.store), 1);
    fixture_freeze(&f);
    assert_int_equal(varve_store_first_in_memory(f.store), 1);
    fixture_fill(&f, "s", 5, 5, 10);
    fixture_thaw(&f);
    assert_int_equal(varve_store_first_in_memory(f.store), 16);
    fixture_fill(&f, "s", 4, 2, 10);
    assert_int_equal(varve_store_first_in_memory(f.store), 16);
    fixture_reopen(&f);
    assert_int_equal(varve_store_first_in_memory(f.store), 20);
    fixture_free(&f);
}

struct looking {
    struct store_fixture *f;
    atomic_bool end, crossed;
};

static void *look_all_the_time(void *user)
{
    struct looking *looking = user;
    struct varve_stats stats;

    while (!atomic_load(&looking->end)) {
        varve_store_stats(looking->f->store, &stats);
        if (stats.settled_position > stats.last_position)
            atomic_store(&looking->crossed, true);
    }
    return NULL;
}

/* Who takes one from the other gets no huge number, whatever happens between the looks at them. */
static void never_more_is_settled_than_there_is(void **ignored)
{
    struct store_fixture f;
    struct looking looking = { .f = &f };
    pthread_t thread;

    fixture_init(&f);
    fixture_open(&f);
    assert_int_equal(pthread_create(&thread, NULL, look_all_the_time, &looking), 0);
    for (unsigned i = 0; i < 200; i++) {
        fixture_fill(&f, "s", 1, 1, 10);
        fixture_settle(&f);
    }
    atomic_store(&looking.end, true);
    pthread_join(thread, NULL);
    assert_false(atomic_load(&looking.crossed));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_figures_add_up),
        cmocka_unit_test(the_histograms_have_every_group_and_every_settling),
        cmocka_unit_test(the_settle_lag_is_the_age_of_the_oldest_unsettled_event),
        cmocka_unit_test(what_was_recovered_has_its_age_by_the_wall),
        cmocka_unit_test(what_is_in_memory_begins_behind_what_is_settled),
        cmocka_unit_test(never_more_is_settled_than_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
