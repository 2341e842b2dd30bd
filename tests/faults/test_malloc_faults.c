/* test_malloc_faults.c - the n-th allocation fails, for every n until none is left to fail, in each thing a store can
 * be asked for: it is refused and nothing of it is stored, or done; nothing crashes, hangs or leaks into what follows.
 *
 * malloc() and its kin are replaced in this program, so that LMDB's and jansson's calls are counted too. */
#include "faults/ledger.h"
#include "support/check.h"
#include "support/effort.h"
#include "support/records.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HANG_S = 120 };

/* ---- the failing allocator ---- */

static atomic_int countdown;      /* allocations until the failing one; 0 = none fails */
static atomic_bool fired;
static atomic_bool all_threads;
static __thread bool armed_here;

/* Sanitizers bring their own allocator, which must not be replaced: with them every question is asked once, and nothing
 * fails. */
#define CAN_FAIL (!TESTS_SANITIZED)
#if CAN_FAIL
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool must_fail(void)
{
    if (!armed_here && !atomic_load(&all_threads))
        return false;
    int left = atomic_load(&countdown);
    while (left > 0 && !atomic_compare_exchange_weak(&countdown, &left, left - 1))
        ;
    if (left != 1)
        return false;
    atomic_store(&fired, true);
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return must_fail() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return must_fail() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    return must_fail() ? NULL : __libc_realloc(memory, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = must_fail() ? NULL : __libc_memalign(alignment, size);

    if (memory == NULL)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return must_fail() ? NULL : __libc_memalign(alignment, size);
}
#endif

static void arm(int nth, bool everywhere)
{
    atomic_store(&fired, false);
    atomic_store(&all_threads, everywhere);
    atomic_store(&countdown, nth);
    armed_here = true;
}

static bool disarm(void)
{
    armed_here = false;
    atomic_store(&countdown, 0);
    atomic_store(&all_threads, false);
    return atomic_load(&fired);
}

/* ---- what is asked ---- */

struct asked {
    struct store_fixture f;
    struct ledger ledger;
    uint64_t last;               /* position before the call */
};

/* A store with settled events and a tail, streams with metadata in both. */
static void setup(struct asked *asked)
{
    memset(&asked->ledger, 0, sizeof(asked->ledger));
    fixture_init(&asked->f);
    asked->f.options.settle_events = 40;
    fixture_open(&asked->f);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ledger_append(&asked->ledger, &asked->f), VARVE_OK);
    fixture_settle(&asked->f);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ledger_append(&asked->ledger, &asked->f), VARVE_OK);
    asked->last = varve_store_last_position(asked->f.store);
}

static enum varve_status read_one(struct store_fixture *f, enum varve_read_kind kind, bool backwards)
{
    static const char *const names[] = { NULL, "shared", "turn", "noted", NULL };
    struct varve_read read = { .kind = kind, .name = varve_view_str(names[kind]), .backwards = backwards,
                               .correlation_id = test_uuid(1000001), .from = VARVE_FROM_EDGE, .since_us = 1,
                               .until_us = INT64_MAX };
    struct varve_reader *reader = NULL;
    struct varve_batch batch = { .end = false };
    enum varve_status status = varve_reader_open(f->store, &read, &reader, &f->error);

    while (status == VARVE_OK && !batch.end)
        status = varve_reader_next(reader, 5000, 0, &batch, &f->error);
    varve_reader_close(reader);
    return status;
}

static enum varve_status ask_append(struct asked *asked)
{
    return ledger_append(&asked->ledger, &asked->f);
}

static enum varve_status ask_change(struct asked *asked)
{
    struct varve_stream_change change = { .kind = VARVE_STREAM_RETENTION, .stream = varve_view_str("turn-1"),
                                          .expected = VARVE_EXPECTED_ANY, .max_count = 100 };
    struct varve_append *append = NULL;
    enum varve_status status = varve_stream_change_create(asked->f.store, &change, &append, &asked->f.error);

    if (status == VARVE_OK)
        status = varve_append_wait(append, &asked->f.error);
    varve_append_free(append);
    return status;
}

static enum varve_status ask_replay(struct asked *asked)
{
    struct ledger one = { .count = 0 };

    return ledger_append(&one, &asked->f); /* Number 0 again. */
}

static enum varve_status ask_reads(struct asked *asked)
{
    enum varve_status status = VARVE_OK;

    for (int kind = VARVE_READ_ALL; kind <= VARVE_READ_CORRELATION && status == VARVE_OK; kind++)
        for (int backwards = 0; backwards < 2 && status == VARVE_OK; backwards++)
            status = read_one(&asked->f, (enum varve_read_kind)kind, backwards);
    return status;
}

static enum varve_status ask_lookups(struct asked *asked)
{
    struct varve_uuid ids[2] = { test_uuid(1), test_uuid(999) };
    struct varve_stream_info info;
    struct varve_stats stats;
    uint8_t *record = NULL;
    uint64_t positions[2];
    uint32_t size;
    enum varve_status status = varve_store_find(asked->f.store, ids, 2, positions, &asked->f.error);

    if (status == VARVE_OK)
        status = varve_store_get(asked->f.store, 2, &record, &size, &asked->f.error);
    free(record);
    if (status == VARVE_OK)
        status = varve_stream_info(asked->f.store, varve_view_str("shared"), &info, &asked->f.error);
    varve_store_stats(asked->f.store, &stats);
    return status;
}

static enum varve_status ask_list(struct asked *asked)
{
    struct varve_stream_list list;
    enum varve_status status = varve_store_list_streams(asked->f.store, varve_view_str(""), varve_view_str(""), 100,
                                                        true, &list, &asked->f.error);

    if (status == VARVE_OK)
        varve_stream_list_free(&list);
    return status;
}

static enum varve_status ask_settle(struct asked *asked)
{
    return varve_store_settle(asked->f.store);
}

/* The store as after a crash: a part of it settled, the rest in the journal only. */
static void setup_crashed(struct asked *asked)
{
    struct asked original;

    setup(&original);
    *asked = original;
    fixture_copy(&original.f, &asked->f);
    fixture_free(&original.f);
}

static const struct question {
    const char *label;
    enum varve_status (*ask)(struct asked *asked);
    bool everywhere; /* allocations of all threads fail, and many appends are made, so that the store's own work too */
} questions[] = {
    { "append", ask_append, false },   { "change of a stream", ask_change, false },
    { "replay", ask_replay, false },   { "reads", ask_reads, false },
    { "look-ups", ask_lookups, false }, { "list of streams", ask_list, false },
    { "settle", ask_settle, true },
};

static bool is_outcome_of_little_memory(enum varve_status status)
{
    return status == VARVE_OK || status == VARVE_NO_MEMORY;
}

/* A store that failed can only be closed; what it acknowledged is in the directory. */
static void check_afterwards(struct asked *asked, const char *label, int nth)
{
    if (asked->f.store != NULL)
        (void)varve_store_settle(asked->f.store); /* What failed in the background has come out then. */
    if (asked->f.store != NULL && varve_store_fault(asked->f.store, &asked->f.error) != VARVE_OK) {
        if (!is_outcome_of_little_memory(asked->f.error.status))
            fail_msg("%s, allocation %d: the store's fault is %s", label, nth, asked->f.error.message);
        assert_int_equal(varve_store_close(asked->f.store), VARVE_NO_MEMORY);
        asked->f.store = NULL;
    }
    if (asked->f.store == NULL)
        fixture_open(&asked->f);
    for (int again = 0; again < 2; again++) {
        struct varve_stats stats = fixture_stats(&asked->f);
        if (stats.system_stream_count == 0 && !ledger_holds(&asked->ledger, &asked->f))
            fail_msg("%s, allocation %d: %s", label, nth, asked->ledger.violation);
        assert_in_range(stats.last_position, asked->last, asked->last + 100);
        for (size_t i = 0; i < asked->ledger.count; i++)
            asked->ledger.entries[i].fate = UNKNOWN; /* The second time all are there. */
        fixture_reopen(&asked->f);
    }
}

static int sweep(const struct question *question)
{
    bool did_fire = true;
    int nth;

    for (nth = 1; did_fire; nth++) {
        struct asked asked;
        alarm(HANG_S);
        setup(&asked);
        arm(nth, question->everywhere);
        enum varve_status status = question->ask(&asked);
        did_fire = disarm();
        if (!is_outcome_of_little_memory(status))
            fail_msg("%s, allocation %d: gives %s (%s)", question->label, nth, varve_status_name(status),
                     asked.f.error.message);
        if (!did_fire)
            assert_int_equal(status, VARVE_OK);
        check_afterwards(&asked, question->label, nth);
        fixture_free(&asked.f);
    }
    alarm(0);
    return nth - 1;
}

static void every_question_survives(void **ignored)
{
    for (size_t i = 0; i < COUNT_OF(questions); i++)
        print_message("%s: %d allocations\n", questions[i].label, sweep(&questions[i]) - 1);
}

/* Opening: a new store; one with a tail in its journal. Then the same call must succeed. */
static void opening_survives(void **ignored)
{
    for (int existing = 0; existing < 2; existing++) {
        bool did_fire = true;
        int nth;
        for (nth = 1; did_fire; nth++) {
            struct asked asked;
            alarm(HANG_S);
            if (existing) {
                setup_crashed(&asked);
            } else {
                memset(&asked.ledger, 0, sizeof(asked.ledger));
                fixture_init(&asked.f);
                asked.last = 0;
            }
            arm(nth, true);
            enum varve_status status = fixture_try_open(&asked.f);
            did_fire = disarm();
            if (!is_outcome_of_little_memory(status))
                fail_msg("opening, allocation %d: gives %s (%s)", nth, varve_status_name(status),
                         asked.f.error.message);
            check_afterwards(&asked, existing ? "opening" : "making", nth);
            fixture_free(&asked.f);
        }
        print_message("%s a store: %d allocations\n", existing ? "opening" : "making", nth - 2);
        assert_true(nth > 10 || !CAN_FAIL);
    }
    alarm(0);
}

/* All threads at work, and any allocation of theirs fails. */
static void a_busy_store_survives(void **ignored)
{
    bool did_fire = true;
    int nth;

    for (nth = 1; did_fire; nth++) {
        struct asked asked;
        alarm(HANG_S);
        setup(&asked);
        arm(nth, true);
        for (int i = 0; i < 30; i++) {
            enum varve_status status = ledger_append(&asked.ledger, &asked.f);
            assert_true(is_outcome_of_little_memory(status));
        }
        did_fire = disarm();
        check_afterwards(&asked, "busy", nth);
        fixture_free(&asked.f);
    }
    alarm(0);
    print_message("a busy store: %d allocations\n", nth - 2);
}

/* The sweep must see an allocation fail at all. */
static void failing_allocations_are_seen(void **ignored)
{
    struct asked asked;

    if (!CAN_FAIL) {
        print_message("skipped: a sanitizer's allocator cannot be made to fail\n");
        skip();
    }
    setup(&asked);
    arm(1, false);
    assert_int_equal(ask_append(&asked), VARVE_NO_MEMORY);
    assert_true(disarm());
    asked.ledger.entries[asked.ledger.count - 1].fate = ACKNOWLEDGED; /* As if it had been told so. */
    assert_false(ledger_holds(&asked.ledger, &asked.f));
    fixture_free(&asked.f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_allocations_are_seen),
        cmocka_unit_test(every_question_survives),
        cmocka_unit_test(opening_survives),
        cmocka_unit_test(a_busy_store_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
