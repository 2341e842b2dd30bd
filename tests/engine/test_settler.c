/* test_settler.c - when events move to the store, what readers see meanwhile, and what a full disk does. */
#include "engine/settler.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/store_fixture.h"
#include "varve/record.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* How many pieces LMDB's writes were sent on in (engine/db_pace.h), and how many of them before its first sync. */
static atomic_int pieces, pieces_at_sync;
enum { NOT_SYNCED = -1 };

int sync_file_range(int fd, off64_t offset, off64_t size, unsigned flags)
{
    atomic_fetch_add(&pieces, 1);
    return 0;
}

/* Called by LMDB alone: the store's own syncs go to its os. */
int fdatasync(int fd)
{
    int expected = NOT_SYNCED;

    atomic_compare_exchange_strong(&pieces_at_sync, &expected, atomic_load(&pieces));
    return 0;
}

/* Wait until it is so; a test that waits in vain fails after a minute. */
#define WAIT_UNTIL(condition)                                  \
    do {                                                       \
        for (int turns = 0; !(condition); turns++) {           \
            if (turns > 60000)                                 \
                fail_msg("waited in vain for %s", #condition); \
            usleep(1000);                                      \
        }                                                      \
    } while (0)

/* ---- when ---- */

static void each_limit_leads_to_a_settle(void **ignored)
{
    static const struct {
        const char *label;
        uint32_t settle_events;
        uint64_t settle_size_bytes;
        uint32_t settle_idle_ms;
        unsigned events; /* appended one by one, of `size` bytes */
        size_t size;
        bool settles;
    } cases[] = {
        { "few events", 100, 64 << 20, 0, 99, 10, false },
        { "many events", 100, 64 << 20, 0, 101, 10, true },
        { "few bytes", 10000, 100000, 0, 9, 10000, false },
        { "many bytes", 10000, 100000, 0, 12, 10000, true },
        { "not idle enough", 10000, 64 << 20, 3600000, 5, 10, false },
        { "idle", 10000, 64 << 20, 1, 5, 10, true },
        { "much journal", 10000, 64 << 20, 0, 520, 10, true }, /* 8 segments of 256 KiB, 4 KiB each */
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        fixture_init(&f);
        f.options.settle_events = cases[i].settle_events;
        f.options.settle_size_bytes = cases[i].settle_size_bytes;
        f.options.settle_idle_ms = cases[i].settle_idle_ms;
        fixture_open(&f);
        fixture_fill(&f, "s", cases[i].events, 1, cases[i].size);
        if (cases[i].settles)
            WAIT_UNTIL(fixture_stats(&f).settles > 0);
        else
            CHECK_CASE(fixture_stats(&f).settles == 0 && fixture_stats(&f).settled_position == 0, cases[i].label);
        fixture_free(&f);
    }
}

static atomic_uint_fast64_t clock_us;

static uint64_t what_the_clock_says(void *self)
{
    return atomic_load(&clock_us);
}

/* Appends that come just too often for the store ever to be idle. */
static void what_waits_for_a_minute_is_settled(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    f.options.settle_idle_ms = 1000;
    f.fault.os.monotonic_us = what_the_clock_says;
    atomic_store(&clock_us, 1000000);
    fixture_open(&f);
    for (int i = 0; i < 70; i++) {
        fixture_fill(&f, "s", 1, 1, 10);
        atomic_fetch_add(&clock_us, 999000);
        if (i == 59)
            assert_int_equal(fixture_stats(&f).settles, 0);
    }
    WAIT_UNTIL(fixture_stats(&f).settled_position >= 60);
    assert_int_equal(fixture_stats(&f).settles, 1);
    fixture_free(&f);
}

static void settling_by_request(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_int_equal(varve_store_settle(f.store), VARVE_OK); /* Of nothing. */
    assert_int_equal(fixture_stats(&f).settles, 0);
    for (unsigned i = 1; i <= 3; i++) {
        fixture_fill(&f, "s", 10, 5, 10);
        fixture_settle(&f);
        assert_int_equal(fixture_stats(&f).settles, i);
        assert_int_equal(fixture_stats(&f).settled_position, 10 * i);
        fixture_settle(&f); /* Nothing new. */
        assert_int_equal(fixture_stats(&f).settles, i);
    }
    fixture_reopen(&f);
    assert_int_equal(fixture_stats(&f).recovered_events, 0);
    assert_int_equal(fixture_stats(&f).settled_position, 30);
    fixture_free(&f);
}

static void *settle_again_and_again(void *argument)
{
    struct store_fixture *f = argument;

    for (int i = 0; i < 20; i++)
        if (varve_store_settle(f->store) != VARVE_OK)
            return f;
    return NULL;
}

static void many_may_ask_at_once(void **ignored)
{
    struct store_fixture f;
    pthread_t threads[3];
    void *failed;

    fixture_init(&f);
    fixture_open(&f);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, settle_again_and_again, &f), 0);
    fixture_fill(&f, "s", TEST_EFFORT(2000), 3, 10);
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
    fixture_settle(&f);
    fixture_free(&f);
}

/* Settled journal is used again: it does not grow with the store. */
static void the_journal_stays_small(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    for (int round = 0; round < 30; round++) {
        fixture_fill(&f, "s", 50, 1, 3000);
        fixture_settle(&f);
    }
    assert_in_range(fixture_stats(&f).journal_segments, 1, 8);
    assert_int_equal(fixture_stats(&f).journal_bytes, fixture_stats(&f).journal_segments * (256u << 10));
    fixture_reopen(&f);
    assert_int_equal(varve_store_last_position(f.store), 1500);
    fixture_free(&f);
}

/* A layer of nearly 100 events, 5 MiB, goes to the disk in pieces; unless the next layer is full by then, too. */
static void it_hurries_when_appends_outrun_it(void **ignored)
{
    enum { EVENTS = 100, SIZE = 60000 };
    static const struct { const char *label; unsigned meanwhile; bool paced; } cases[] = {
        { "nothing came meanwhile", 0, true }, { "less than a layer", EVENTS - 10, true },
        { "a layer and more", EVENTS + 10, false },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct store_fixture f;
        fixture_init(&f);
        f.options.settle_events = EVENTS;
        f.options.settle_size_bytes = 64 << 20;
        f.options.segment_size_bytes = 4 << 20;
        fixture_open(&f);
        atomic_store(&f.fault.free_bytes, 15 << 20); /* The journal has enough; the settler asks for 26 MiB. */
        fixture_fill(&f, "s", EVENTS - 10, 1, SIZE);
        assert_int_equal(varve_store_settle(f.store), VARVE_DISK_FULL);
        fixture_fill(&f, "s", cases[i].meanwhile, 1, SIZE);
        atomic_store(&pieces, 0);
        atomic_store(&pieces_at_sync, NOT_SYNCED);
        atomic_store(&f.fault.free_bytes, -1);
        WAIT_UNTIL(atomic_load(&pieces_at_sync) != NOT_SYNCED);
        CHECK_CASE((atomic_load(&pieces_at_sync) > 0) == cases[i].paced, cases[i].label);
        fixture_free(&f);
    }
}

/* ---- readers meanwhile ---- */

struct reading {
    struct store_fixture *f;
    enum varve_read_kind kind;
    const char *name;
    bool backwards;
    atomic_bool *stop;
    const char *wrong; /* what was seen that must not be */
    uint64_t reads;
};

/* Reads from end to end while events are appended and settled: what is found must be without a gap. */
static void *read_all_the_time(void *argument)
{
    struct reading *r = argument;
    struct varve_read read;

    varve_read_init(&read);
    read.kind = r->kind;
    read.name = varve_view_str(r->name);
    read.backwards = r->backwards;
    while (!atomic_load(r->stop) && r->wrong == NULL) {
        struct varve_reader *reader = NULL;
        struct varve_batch batch = { .end = false };
        uint64_t visible = varve_store_last_position(r->f->store), next = 0, count = 0;
        if (visible == 0 || varve_reader_open(r->f->store, &read, &reader, NULL) != VARVE_OK)
            continue;
        while (!batch.end && r->wrong == NULL) {
            if (varve_reader_next(reader, 4096, 100, &batch, NULL) != VARVE_OK) {
                r->wrong = "a read failed";
                break;
            }
            for (uint32_t i = 0; i < batch.count; i++, count++) {
                uint64_t ordinal = r->kind == VARVE_READ_STREAM ? varve_record_version(batch.records[i]) + 1
                                                                : varve_record_position(batch.records[i]);
                if (next != 0 && ordinal != next)
                    r->wrong = "an event was skipped or came twice";
                if (next == 0 && !r->backwards && ordinal != 1)
                    r->wrong = "the first was not the first";
                next = r->backwards ? ordinal - 1 : ordinal + 1;
            }
        }
        if (r->backwards && next != 0)
            r->wrong = "the last was not the first";
        if (r->kind != VARVE_READ_STREAM && count < visible)
            r->wrong = "less than was visible";
        varve_reader_close(reader);
        r->reads++;
    }
    return NULL;
}

static void reads_are_complete_while_settling(void **ignored)
{
    enum { READERS = 5 };
    struct store_fixture f;
    atomic_bool stop = false;
    struct reading readings[READERS] = {
        { .kind = VARVE_READ_ALL }, { .kind = VARVE_READ_ALL, .backwards = true },
        { .kind = VARVE_READ_STREAM, .name = "s" }, { .kind = VARVE_READ_CATEGORY, .name = "s", .backwards = true },
        { .kind = VARVE_READ_TYPE, .name = "filling" },
    };
    pthread_t threads[READERS];

    fixture_init(&f);
    f.options.settle_events = 40;
    fixture_open(&f);
    for (int i = 0; i < READERS; i++) {
        readings[i].f = &f;
        readings[i].stop = &stop;
        assert_int_equal(pthread_create(&threads[i], NULL, read_all_the_time, &readings[i]), 0);
    }
    for (unsigned i = 0; i < TEST_EFFORT(400); i++)
        fixture_fill(&f, "s", 10, 1 + i % 4, 10 + i % 200);
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        if (readings[i].wrong != NULL)
            fail_msg("reader %d: %s", i, readings[i].wrong);
    }
    assert_true(fixture_stats(&f).settles > 1);
    fixture_free(&f);
}

/* ---- a full disk ---- */

/* Less than a settle needs, more than appends need. */
static void little_space_stops_settling_not_reading(void **ignored)
{
    struct store_fixture f;
    const char *outcome = "ok";
    unsigned appended = 0;

    fixture_init(&f);
    f.options.settle_events = 20;
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    atomic_store(&f.fault.free_bytes, 4 << 20); /* The reserve is 1 MiB; a settle asks for 16 MiB and more. */
    assert_int_equal(varve_store_settle(f.store), VARVE_DISK_FULL);
    assert_true(fixture_stats(&f).disk_full);
    for (; strncmp(outcome, "ok", 2) == 0; appended++) /* Both layers fill up, */
        outcome = fixture_append(&f, "s:any=.");
    assert_string_equal(outcome, "DISK_FULL"); /* then no more is taken, */
    assert_in_range(appended, 2 * 20, 6 * 20);
    assert_int_equal(varve_store_fault(f.store, NULL), VARVE_OK); /* which is no fault. */
    assert_int_equal(varve_store_last_position(f.store), appended);
    assert_true(strncmp(fixture_read_stream(&f, "s"), "s@0 s@1", 7) == 0);
    assert_string_equal(fixture_append(&f, "s:none=a"), "DISK_FULL");

    atomic_store(&f.fault.free_bytes, -1); /* Space returns, and with it everything. */
    WAIT_UNTIL(strncmp(fixture_append(&f, "s:any=."), "ok", 2) == 0);
    WAIT_UNTIL(varve_store_settle(f.store) == VARVE_OK);
    assert_int_equal(fixture_stats(&f).tail_events, 0);
    assert_false(fixture_stats(&f).disk_full);
    fixture_free(&f);
}

static void closing_without_space_loses_nothing(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=abc"), "ok s@0-2/1-3");
    atomic_store(&f.fault.free_bytes, 4 << 20);
    assert_int_equal(varve_store_close(f.store), VARVE_OK);
    f.store = NULL;
    fixture_open(&f);
    assert_int_equal(fixture_stats(&f).recovered_events, 3);
    assert_string_equal(fixture_read_all(&f), "s@0 s@1 s@2");
    atomic_store(&f.fault.free_bytes, -1);
    fixture_settle(&f);
    fixture_free(&f);
}

/* Below the reserve nothing is accepted, and nothing but space is needed to go on. */
static void below_the_reserve_appends_wait(void **ignored)
{
    struct store_fixture f;

    fixture_init(&f);
    fixture_open(&f);
    assert_string_equal(fixture_append(&f, "s:none=a"), "ok s@0-0/1-1");
    atomic_store(&f.fault.free_bytes, (1 << 20) - 1);
    WAIT_UNTIL(fixture_stats(&f).disk_full);
    uint64_t last = varve_store_last_position(f.store);
    assert_int_equal(last, 1); /* Nothing was tried yet: the journal's file has room. */
    assert_string_equal(fixture_append(&f, "s:any=."), "DISK_FULL");
    assert_non_null(strstr(f.error.message, f.path));
    assert_int_equal(fixture_stats(&f).disk_free_bytes, (1 << 20) - 1);
    assert_string_equal(fixture_read_all(&f), "s@0");
    atomic_store(&f.fault.free_bytes, 4 << 20); /* The reserve, and room for a journal file or two. */
    WAIT_UNTIL(strncmp(fixture_append(&f, "s:any=."), "ok", 2) == 0);
    assert_int_equal(varve_store_last_position(f.store), last + 1);
    atomic_store(&f.fault.free_bytes, -1);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_limit_leads_to_a_settle),
        cmocka_unit_test(what_waits_for_a_minute_is_settled),
        cmocka_unit_test(settling_by_request),
        cmocka_unit_test(many_may_ask_at_once),
        cmocka_unit_test(the_journal_stays_small),
        cmocka_unit_test(it_hurries_when_appends_outrun_it),
        cmocka_unit_test(reads_are_complete_while_settling),
        cmocka_unit_test(little_space_stops_settling_not_reading),
        cmocka_unit_test(closing_without_space_loses_nothing),
        cmocka_unit_test(below_the_reserve_appends_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
